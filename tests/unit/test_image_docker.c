/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "image_parts.h"
#include "imagecheck.h"
#include "imagemaker.h"

static void plain_archive_opens(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;
	size_t len;

	(void)state;
	imagemaker_docker(&maker, "busybox:1", "linux", "amd64", 2);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_int_equal(peel_image_kind(image), PEEL_IMAGE_DOCKER_ARCHIVE);
	assert_int_equal(peel_image_codec(image), PEEL_CODEC_NONE);
	assert_string_equal(peel_image_reference(image), maker.path);
	assert_string_equal(peel_image_platform(image), "linux/amd64");
	assert_string_equal(peel_image_env_path(image), "/bin:/x");
	assert_string_equal(peel_image_manifest_digest(image), "");
	assert_true(digest_valid(peel_image_config_digest(image)));
	assert_int_equal(*peel_image_config(image, &len), '{');
	assert_int_equal(peel_image_layer_count(image), 2);
	imagecheck_layer(image, 0, 0);
	imagecheck_layer(image, 1, 1);
	assert_string_equal(peel_image_layer(image, 1)->digest,
		peel_image_layer(image, 1)->diff_id);
	assert_string_equal(peel_image_layer(image, 1)->instruction, "RUN 1");
	assert_int_equal(peel_image_history_count(image), 3);
	assert_int_equal(peel_image_history(image, 0)->layer, -1);
	assert_int_equal(peel_image_history(image, 2)->layer, 1);
	assert_int_equal(peel_image_candidate_count(image), 1);
	assert_string_equal(peel_image_candidate(image, 0)->tags, "busybox:1");
	assert_true(peel_image_candidate(image, 0)->chosen);
	assert_int_equal(peel_image_finding_count(image), 0);
	assert_null(image_points(image));
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void compressed_archives_open(void **state)
{
	static const enum peel_codec codecs[] = {PEEL_CODEC_NONE, PEEL_CODEC_GZIP, PEEL_CODEC_ZSTD};

	(void)state;
	for (enum imagemaker_codec codec = IMAGEMAKER_GZIP; codec <= IMAGEMAKER_ZSTD; codec++) {
		struct imagemaker maker = {0};
		struct peel_image *image;

		imagemaker_docker(&maker, "busybox:1", "linux", "amd64", 2);
		image = imagecheck_open(imagemaker_write_tar(&maker, codec));
		assert_int_equal(peel_image_codec(image), codecs[codec]);
		assert_non_null(image_points(image));
		imagecheck_layer(image, 0, 0);
		imagecheck_layer(image, 1, 1);
		peel_image_close(image);
		imagemaker_finish(&maker);
	}
}

static void compressed_layers_are_told_by_content(void **state)
{
	struct imagemaker maker = {0};
	struct imagemaker_file *file;
	struct peel_image *image;
	char *packed;

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 2);
	file = imagemaker_find(&maker, "1/layer.tar");
	packed = imagemaker_compress(IMAGEMAKER_GZIP, file->bytes, file->len, &file->len);
	free(file->bytes);
	file->bytes = packed;
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_int_equal(peel_image_layer(image, 0)->codec, PEEL_CODEC_NONE);
	assert_int_equal(peel_image_layer(image, 1)->codec, PEEL_CODEC_GZIP);
	assert_string_equal(peel_image_layer(image, 1)->digest, "");
	peel_image_close(image);
	imagemaker_finish(&maker);
}

/* Change an archive of two layers and see what becomes of it. */
struct change_case {
	const char *what;
	/*
	 * File that is replaced by text, or by a link where text begins with '>'; NULL text:
	 * removed.
	 */
	const char *path;
	const char *text;
	int code;
	const char *message;
};

static const struct change_case change_cases[] = {
	{"link to another layer", "1/layer.tar", ">../0/layer.tar", 0, NULL},
	{"link by the root", "1/layer.tar", ">./../0/layer.tar", 0, NULL},
	{"link to the host", "1/layer.tar", ">/etc/passwd", PEEL_EFORMAT, "layer 1"},
	{"link out of the archive", "1/layer.tar", ">../../0/layer.tar", PEEL_EFORMAT, "leads out"},
	{"link to itself", "1/layer.tar", ">layer.tar", PEEL_EFORMAT, "more than one link"},
	{"config links to the host", "config-amd64.json", ">/etc/hostname", PEEL_EFORMAT,
		"leads out"},
	{"config is missing", "config-amd64.json", NULL, PEEL_ENOENT, "config-amd64.json"},
	{"config is no JSON", "config-amd64.json", "nonsense", PEEL_EFORMAT, "config-amd64.json"},
	{"config is an array", "config-amd64.json", "[]", PEEL_EFORMAT, "no JSON object"},
	{"config has another type", "config-amd64.json",
		"{\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}", PEEL_EFORMAT, "rootfs.type"},
	{"config has no diff IDs", "config-amd64.json",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", PEEL_EFORMAT, "0 diff IDs"},
	{"diff ID is a path", "config-amd64.json",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../x\",\"b\"]}}",
		PEEL_EFORMAT, "no digest"},
	{"config holds a key twice", "config-amd64.json", "{\"os\":\"a\",\"OS\":\"b\"}",
		PEEL_EAMBIGUOUS, "twice"},
	{"manifest is null", "manifest.json", "null", PEEL_ENOENT, "no image"},
	{"manifest is empty", "manifest.json", "[]", PEEL_ENOENT, "no image"},
	{"manifest is an object", "manifest.json", "{}", PEEL_EFORMAT, "no array"},
	{"manifest holds a number", "manifest.json", "[1]", PEEL_EFORMAT, "no object"},
	{"manifest names nothing", "manifest.json", "[{}]", PEEL_EFORMAT, "no configuration"},
	{"manifest has a tail", "manifest.json", "[]x", PEEL_EFORMAT, "manifest.json"},
	{"manifest leads out", "manifest.json",
		"[{\"Config\":\"config-amd64.json\",\"Layers\":[\"../a\",\"b\"]}]", PEEL_EFORMAT,
		"not inside"},
	{"manifest holds a number for a layer", "manifest.json",
		"[{\"Config\":\"config-amd64.json\",\"Layers\":[1,2]}]", PEEL_EFORMAT,
		"not inside"},
	{"manifest has one layer", "manifest.json",
		"[{\"Config\":\"config-amd64.json\",\"Layers\":[\"0/layer.tar\"]}]", PEEL_EFORMAT,
		"2 diff IDs in the configuration, but 1 layers"},
	{"keys in other case", "manifest.json",
		"[{\"CONFIG\":\"config-amd64.json\",\"layers\":[\"0/layer.tar\",\"0/layer.tar\"]}]",
		0, NULL},
	{"layer is a folder's name", "manifest.json",
		"[{\"Config\":\"config-amd64.json\",\"Layers\":[\"/\",\"0/layer.tar\"]}]",
		PEEL_EFORMAT, "not inside"},
};

static void changed_archives_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(change_cases); i++) {
		const struct change_case *change = &change_cases[i];
		struct imagemaker maker = {0};
		struct imagemaker_file *file;

		imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
		file = imagemaker_find(&maker, change->path);
		free(file->bytes);
		file->bytes = strdup(change->text ? change->text : "");
		file->len = strlen(file->bytes);
		if (!change->text) {
			strcpy(file->path, "gone");
		} else if (change->text[0] == '>') {
			file->link = strdup(change->text + 1);
			file->len = 0;
		}
		imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
		if (change->code == 0) {
			struct peel_image *image = imagecheck_open(maker.path);

			imagecheck_layer(image, 0, 0);
			imagecheck_layer(image, 1, 0);
			peel_image_close(image);
		} else {
			imagecheck_refused(maker.path, change->code, change->message);
			imagecheck_refused(maker.path, change->code, maker.path);
		}
		imagemaker_finish(&maker);
	}
}

static void missing_layer_is_no_failure(void **state)
{
	struct imagemaker maker = {0};
	struct peel_error err = {0};
	struct source *source = NULL;
	struct peel_image *image;

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 2);
	strcpy(imagemaker_find(&maker, "1/layer.tar")->path, "gone");
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	imagecheck_layer(image, 0, 0);
	assert_int_equal(peel_image_layer(image, 1)->state, PEEL_LAYER_MISSING);
	assert_true(peel_image_layer(image, 1)->state_reason[0]);
	assert_true(imagecheck_finding(image, "missing-layer"));
	assert_null(image_layer_blob(image, 1));
	assert_int_equal(image_layer_source(image, 1, &source, &err), PEEL_ENOENT);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void duplicate_members_are_ambiguous_unless_equal(void **state)
{
	struct imagemaker maker = {0};
	struct imagemaker_file *file;
	struct peel_image *image;

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 1);
	file = imagemaker_find(&maker, "0/layer.tar");
	imagemaker_file(&maker, "0/layer.tar", file->bytes, file->len);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_true(imagecheck_finding(image, "duplicate-member"));
	peel_image_close(image);
	maker.files[maker.count - 1].bytes[0] = 'x';
	imagecheck_refused(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), PEEL_EAMBIGUOUS,
		"0/layer.tar\" twice");
	maker.count--;
	free(maker.files[maker.count].path);
	free(maker.files[maker.count].bytes);
	/* A document may not come twice even with the same bytes. */
	imagemaker_file(&maker, "./manifest.json", imagemaker_find(&maker, "manifest.json")->bytes,
		0);
	imagecheck_refused(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), PEEL_EAMBIGUOUS,
		"manifest.json\" twice");
	imagemaker_finish(&maker);
}

/* Two images of one file. */
static void make_two(struct imagemaker *maker)
{
	char *first;
	char *second;

	imagemaker_docker(maker, "one", "linux", "amd64", 1);
	first = strdup(imagemaker_find(maker, "manifest.json")->bytes);
	strcpy(imagemaker_find(maker, "manifest.json")->path, "old");
	imagemaker_docker(maker, "me/two:2", "linux", "arm64", 2);
	second = imagemaker_find(maker, "manifest.json")->bytes;
	first[strlen(first) - 1] = '\0';
	strcpy(imagemaker_find(maker, "manifest.json")->path, "older");
	imagemaker_print(maker, "manifest.json", "%s,%s", first, second + 1);
	free(first);
}

static void several_images_are_never_guessed(void **state)
{
	static const struct {
		const char *selector;
		const char *platform;
		int code;
		int layers;
	} cases[] = {
		{"", NULL, PEEL_EAMBIGUOUS, 0},
		{":one", NULL, 0, 1},
		{":docker.io/library/one:latest", NULL, 0, 1},
		{":me/two:2", NULL, 0, 2},
		{":two:2", NULL, PEEL_ENOENT, 0},
		{":@0", NULL, 0, 1},
		{":@1", NULL, 0, 2},
		{":@2", NULL, PEEL_ENOENT, 0},
		{"", "linux/arm64/v8", 0, 2},
		{"", "linux/riscv64", PEEL_ENOENT, 0},
		{":one", "linux/arm64", PEEL_ENOENT, 0},
		{"", "nonsense", PEEL_EUSAGE, 0},
	};
	struct imagemaker maker = {0};

	(void)state;
	make_two(&maker);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	imagecheck_refused(maker.path, PEEL_EAMBIGUOUS, "@0 one linux/amd64 sha256:");
	imagecheck_refused(maker.path, PEEL_EAMBIGUOUS, "@1 me/two:2 linux/arm64 sha256:");
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_image_options options = {.platform = cases[i].platform};
		struct peel_image *image = NULL;
		char reference[256];

		snprintf(reference, sizeof(reference), "docker-archive:%s%s", maker.path,
			cases[i].selector);
		assert_int_equal(peel_image_open(reference, &options, &image, NULL), cases[i].code);
		if (image) {
			assert_int_equal(peel_image_layer_count(image), cases[i].layers);
			assert_int_equal(peel_image_candidate_count(image), 2);
		}
		peel_image_close(image);
	}
	imagemaker_finish(&maker);
}

/* A manifest.json in a root filesystem: rootfs: says that it is none of an archive. */
/*
 * A cut file is never silently whole: an error, or a layer that is not OK, or nothing but the
 * padding is gone.
 */
/* Open over a source that fails its n-th read. @return the code. */
/* libcrypto keeps a little for the thread once a first call has failed. */
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_archives_are_judged),
		cmocka_unit_test(compressed_archives_open),
		cmocka_unit_test(compressed_layers_are_told_by_content),
		cmocka_unit_test(duplicate_members_are_ambiguous_unless_equal),
		cmocka_unit_test(missing_layer_is_no_failure),
		cmocka_unit_test(plain_archive_opens),
		cmocka_unit_test(several_images_are_never_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
