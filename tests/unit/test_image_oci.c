/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <peel/image.h>

#include "imagecheck.h"
#include "image_priv.h"
#include "imagemaker.h"
#include "source.h"
#include "util.h"

#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define LAYER "application/vnd.oci.image.layer.v1.tar"

/* A descriptor. @return the caller frees. */
static char *describe(const char *type, const char *digest, long size, const char *more)
{
	char *text;

	assert_true(asprintf(&text, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%ld%s}", type,
			    digest, size, more) > 0);
	return text;
}

/* Put an index with these descriptors into a blob. @return its descriptor, the caller frees. */
static void layouts_open_as_folder_and_archive(void **state)
{
	(void)state;
	for (int folder = 0; folder < 2; folder++) {
		struct imagemaker maker = {0};
		struct peel_image *image;

		imagemaker_oci(&maker, "v1", "linux", "arm64", 2);
		image = imagecheck_open(folder ? imagemaker_write_folder(&maker)
					       : imagemaker_write_tar(&maker, IMAGEMAKER_GZIP));
		assert_int_equal(peel_image_kind(image),
			folder ? PEEL_IMAGE_OCI_LAYOUT : PEEL_IMAGE_OCI_ARCHIVE);
		assert_true(digest_valid(peel_image_manifest_digest(image)));
		assert_string_equal(peel_image_platform(image), "linux/arm64");
		imagecheck_layer(image, 0, 0);
		imagecheck_layer(image, 1, 1);
		assert_string_equal(peel_image_layer(image, 0)->media_type, LAYER);
		assert_int_equal(peel_image_finding_count(image), 0);
		assert_true((image_layer_blob(image, 0)->file != NULL) == folder);
		assert_true((image_layout_fd(image) >= 0) == folder);
		peel_image_close(image);
		imagemaker_finish(&maker);
	}
}

/* blobs/sha256/X -> ../../rootfs.tar, as docker-library/busybox has it. */
static void blobs_may_be_links_that_stay_inside(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	for (size_t i = 0, count = maker.count; i < count; i++) {
		char *path = maker.files[i].path;
		char moved[32];
		char target[64];

		if (strncmp(path, "blobs/", 6) == 0) {
			snprintf(moved, sizeof(moved), "moved/%zu", i);
			snprintf(target, sizeof(target), "../.././%s", moved);
			maker.files[i].path = strdup(moved);
			imagemaker_link(&maker, path, target);
			free(path);
		}
	}
	image = imagecheck_open(imagemaker_write_folder(&maker));
	imagecheck_layer(image, 0, 0);
	assert_int_equal(strncmp(image_layer_blob(image, 0)->file, "moved/", 6), 0);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

/* Replace the blob of layer 0 by a link. */
static void link_layer(struct imagemaker *maker, const char *target)
{
	imagemaker_oci(maker, "v1", "linux", "arm64", 1);
	/* Configuration, layer, manifest. */
	maker->files[1].link = strdup(target);
	imagemaker_write_folder(maker);
}

static void links_that_lead_out_are_not_followed(void **state)
{
	static const char *const targets[] = {
		"/etc/hostname",
		"../../../x",
		"../../../../../../../../../etc/hostname",
		"../../a/../../b",
		".",
	};

	(void)state;
	for (size_t i = 0; i < countof(targets); i++) {
		struct imagemaker maker = {0};
		struct source *source = NULL;
		struct peel_image *image;

		link_layer(&maker, targets[i]);
		image = imagecheck_open(maker.path);
		assert_int_equal(peel_image_layer(image, 0)->state, PEEL_LAYER_MISSING);
		assert_true(imagecheck_finding(image, "missing-layer"));
		assert_true(image_layer_source(image, 0, &source, NULL) < 0);
		peel_image_close(image);
		imagemaker_finish(&maker);
	}
}

static void manifest_must_not_be_a_link_out(void **state)
{
	struct imagemaker maker = {0};

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	maker.files[2].link = strdup("/etc/hostname");
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EFORMAT, "leads out");
	imagemaker_finish(&maker);
}

/* Build one layer's descriptor by hand around good blobs. */
static void make_with_layer(struct imagemaker *maker, const char *type, const char *digest,
	long size)
{
	cleanup_free char *config = imagemaker_config("linux", "amd64", 1);
	cleanup_free char *manifest = NULL;
	cleanup_free char *layer = NULL;
	cleanup_free char *descriptor = NULL;
	char config_digest[DIGEST_TEXT_SIZE];
	char layer_digest[DIGEST_TEXT_SIZE];
	char manifest_digest[DIGEST_TEXT_SIZE];
	cleanup_free char *bytes = NULL;
	size_t len;

	bytes = imagemaker_layer("l0", &len);
	imagemaker_blob(maker, config, 0, config_digest);
	imagemaker_blob(maker, bytes, len, layer_digest);
	layer = describe(type, digest ? digest : layer_digest, size ? size : (long)len, "");
	assert_true(asprintf(&manifest,
			    "{\"config\":{\"digest\":\"%s\",\"size\":%zu},\"layers\":[%s]}",
			    config_digest, strlen(config), layer) > 0);
	imagemaker_blob(maker, manifest, 0, manifest_digest);
	descriptor = describe(MANIFEST, manifest_digest, (long)strlen(manifest), "");
	imagemaker_index(maker, descriptor);
	imagemaker_write_folder(maker);
}

static void layer_descriptors_are_judged(void **state)
{
	static const char missing[] =
		"sha256:0000000000000000000000000000000000000000000000000000000000000000";
	static const struct {
		const char *type, *digest;
		long size;
		int code;
		enum peel_layer_state state;
		/* Finding, or part of the message. */
		const char *said;
	} cases[] = {
		{LAYER, NULL, 0, 0, PEEL_LAYER_OK, NULL},
		{"application/vnd.docker.image.rootfs.diff.tar", NULL, 0, 0, PEEL_LAYER_OK, NULL},
		{LAYER "+gzip", NULL, 0, 0, PEEL_LAYER_OK, "mediatype-mismatch"},
		{LAYER "+zstd", NULL, 0, 0, PEEL_LAYER_OK, "mediatype-mismatch"},
		{LAYER, NULL, 7, 0, PEEL_LAYER_BROKEN, "size-mismatch"},
		{LAYER, NULL, 70000, 0, PEEL_LAYER_BROKEN, "size-mismatch"},
		{LAYER, NULL, -1, PEEL_EFORMAT, 0, "negative"},
		{LAYER "+gzip+encrypted", NULL, 0, 0, PEEL_LAYER_UNSUPPORTED, "encrypted-layer"},
		{"application/x-squashfs", NULL, 0, 0, PEEL_LAYER_UNSUPPORTED, "unsupported-layer"},
		{LAYER, missing, 0, 0, PEEL_LAYER_MISSING, "missing-layer"},
		{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", missing, 0, 0,
			PEEL_LAYER_MISSING, "foreign-layer"},
		{LAYER, "sha256:../../../etc/passwd", 0, PEEL_EFORMAT, 0, "no digest"},
		{LAYER, "", 0, PEEL_EFORMAT, 0, "no digest"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct imagemaker maker = {0};
		struct peel_image *image;

		make_with_layer(&maker, cases[i].type, cases[i].digest, cases[i].size);
		if (cases[i].code < 0) {
			imagecheck_refused(maker.path, cases[i].code, cases[i].said);
			imagemaker_finish(&maker);
			continue;
		}
		image = imagecheck_open(maker.path);
		assert_int_equal(peel_image_layer(image, 0)->state, cases[i].state);
		assert_true(!peel_image_layer(image, 0)->state_reason[0] ==
			(cases[i].state == PEEL_LAYER_OK));
		assert_int_equal(peel_image_finding_count(image), cases[i].said ? 1 : 0);
		assert_true(!cases[i].said || imagecheck_finding(image, cases[i].said));
		peel_image_close(image);
		imagemaker_finish(&maker);
	}
}

/* A plain layer with another diff ID than its digest: one of the two must be wrong. */
static void plain_layer_must_have_its_diff_id(void **state)
{
	struct imagemaker maker = {0};
	struct imagemaker_file *config;
	struct peel_image *image;
	char claimed[DIGEST_TEXT_SIZE];
	cleanup_free char *name = NULL;

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 1);
	config = imagemaker_find(&maker, "config-amd64.json");
	memcpy(claimed, strstr(config->bytes, "sha256:"), 71);
	claimed[71] = '\0';
	assert_true(asprintf(&name, "blobs/sha256/%s", claimed + 7) > 0);
	imagemaker_link(&maker, name, "../../0/layer.tar");
	strcpy(imagemaker_find(&maker, "manifest.json")->path, "old.json");
	imagemaker_print(&maker, "manifest.json",
		"[{\"Config\":\"config-amd64.json\",\"Layers\":[\"%s\"]}]", name);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_string_equal(peel_image_layer(image, 0)->digest, claimed);
	imagecheck_layer(image, 0, 0);
	peel_image_close(image);
	memcpy(strstr(config->bytes, "sha256:") + 7, "0000", 4);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_int_equal(peel_image_layer(image, 0)->state, PEEL_LAYER_BROKEN);
	assert_true(imagecheck_finding(image, "digest-mismatch"));
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void other_compressions_are_unsupported(void **state)
{
	static const char xz[] = "\xfd"
				 "7zXZ\0 and so on";
	struct imagemaker maker = {0};
	struct peel_image *image;

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	memcpy(maker.files[1].bytes, xz, sizeof(xz));
	image = imagecheck_open(imagemaker_write_folder(&maker));
	assert_int_equal(peel_image_layer(image, 0)->state, PEEL_LAYER_UNSUPPORTED);
	assert_non_null(strstr(peel_image_layer(image, 0)->state_reason, "xz"));
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void documents_must_have_their_digest_and_size(void **state)
{
	struct imagemaker maker = {0};

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	maker.files[2].bytes[1] = ' ';
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EDIGEST, "has the digest");
	maker.files[2].len--;
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EDIGEST, "its descriptor says");
	imagemaker_finish(&maker);
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	maker.files[0].bytes[1] = ' ';
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EDIGEST, "configuration");
	maker.files[0].path[20] = 'x';
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_ENOENT, "configuration");
	imagemaker_finish(&maker);
}

static void layout_file_is_wanted(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "arm64", 1);
	strcpy(imagemaker_find(&maker, "oci-layout")->path, "x");
	image = imagecheck_open(imagemaker_write_folder(&maker));
	assert_true(imagecheck_finding(image, "missing-oci-layout"));
	peel_image_close(image);
	strcpy(imagemaker_find(&maker, "index.json")->path, "y");
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EFORMAT, "index.json");
	imagemaker_finish(&maker);
}

/* manifest.json beside an OCI layout. @param layer the name of the docker half's only layer. */
/* `docker save IMAGE-ID` writes an index.json that lists nothing. */
static void identity_of_a_layout_sees_every_blob(void **state)
{
	struct imagemaker maker = {0};
	cleanup_free char *before = NULL;
	cleanup_free char *again = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *blob = NULL;
	uint64_t age;

	(void)state;
	imagemaker_oci(&maker, "v1", "linux", "amd64", 1);
	imagemaker_write_folder(&maker);
	assert_int_equal(image_identity(maker.path, NULL, &before, &age, NULL), 0);
	assert_int_equal(image_identity(maker.path, NULL, &again, &age, NULL), 0);
	assert_string_equal(before, again);
	assert_true(asprintf(&blob, "%s/%s", maker.path, maker.files[1].path) > 0);
	assert_int_equal(truncate(blob, 5), 0);
	assert_int_equal(image_identity(maker.path, NULL, &after, &age, NULL), 0);
	assert_string_not_equal(before, after);
	imagemaker_finish(&maker);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_may_be_links_that_stay_inside),
		cmocka_unit_test(documents_must_have_their_digest_and_size),
		cmocka_unit_test(identity_of_a_layout_sees_every_blob),
		cmocka_unit_test(layer_descriptors_are_judged),
		cmocka_unit_test(layout_file_is_wanted),
		cmocka_unit_test(layouts_open_as_folder_and_archive),
		cmocka_unit_test(links_that_lead_out_are_not_followed),
		cmocka_unit_test(manifest_must_not_be_a_link_out),
		cmocka_unit_test(other_compressions_are_unsupported),
		cmocka_unit_test(plain_layer_must_have_its_diff_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
