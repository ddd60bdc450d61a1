/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peel/image.h>

#include "imagecheck.h"
#include "imagemaker.h"
#include "util.h"

#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define INDEX "application/vnd.oci.image.index.v1+json"

static char *describe(const char *type, const char *digest, long size, const char *more)
{
	char *text;

	assert_true(asprintf(&text, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%ld%s}", type,
			    digest, size, more) > 0);
	return text;
}

static char *nest(struct imagemaker *maker, const char *descriptors)
{
	cleanup_free char *text = NULL;
	char digest[DIGEST_TEXT_SIZE];

	assert_true(asprintf(&text, "{\"schemaVersion\":2,\"manifests\":[%s]}", descriptors) > 0);
	imagemaker_blob(maker, text, 0, digest);
	return describe(INDEX, digest, (long)strlen(text), "");
}

static void indexes_nest_and_attestations_are_listed(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image_options options = {.platform = "linux/arm64"};
	struct peel_image *image = NULL;
	char digests[3][DIGEST_TEXT_SIZE];
	cleanup_free char *list = NULL;
	cleanup_free char *inner = NULL;
	cleanup_free char *outer = NULL;
	size_t sizes[3];

	(void)state;
	sizes[0] = imagemaker_manifest(&maker, "linux", "amd64", 1, digests[0]);
	sizes[1] = imagemaker_manifest(&maker, "linux", "arm64", 2, digests[1]);
	sizes[2] = imagemaker_manifest(&maker, "unknown", "unknown", 1, digests[2]);
	assert_true(
		asprintf(&list,
			"{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,"
			"\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
			"{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":%zu},"
			"{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,"
			"\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"},"
			"\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}}",
			digests[0], sizes[0], digests[1], sizes[1], digests[2], sizes[2]) > 0);
	inner = nest(&maker, list);
	outer = nest(&maker, inner);
	imagemaker_index(&maker, outer);
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EAMBIGUOUS, "linux/arm64 sha256:");
	assert_int_equal(peel_image_open(maker.path, &options, &image, NULL), 0);
	assert_string_equal(peel_image_manifest_digest(image), digests[1]);
	assert_int_equal(peel_image_layer_count(image), 2);
	assert_int_equal(peel_image_candidate_count(image), 3);
	assert_false(peel_image_candidate(image, 0)->artifact);
	assert_true(peel_image_candidate(image, 1)->chosen);
	assert_true(peel_image_candidate(image, 2)->artifact);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void images_that_are_not_there_need_no_choice(void **state)
{
	static const char gone[] =
		"sha256:1111111111111111111111111111111111111111111111111111111111111111";
	struct imagemaker maker = {0};
	struct peel_image_options options = {.platform = "linux/s390x"};
	cleanup_free char *list = NULL;
	char digest[DIGEST_TEXT_SIZE];
	struct peel_image *image = NULL;
	size_t size;

	(void)state;
	size = imagemaker_manifest(&maker, "linux", "amd64", 1, digest);
	assert_true(asprintf(&list,
			    "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":5,"
			    "\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"}},"
			    "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":%zu}",
			    gone, digest, size) > 0);
	imagemaker_index(&maker, list);
	image = imagecheck_open(imagemaker_write_folder(&maker));
	assert_string_equal(peel_image_manifest_digest(image), digest);
	peel_image_close(image);
	assert_int_equal(peel_image_open(maker.path, &options, &image, NULL), PEEL_ENOENT);
	imagemaker_finish(&maker);
}

static void deep_and_repeated_indexes_end(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;
	cleanup_free char *descriptor = NULL;
	char digest[DIGEST_TEXT_SIZE];
	size_t size;

	(void)state;
	size = imagemaker_manifest(&maker, "linux", "amd64", 1, digest);
	descriptor = describe(MANIFEST, digest, (long)size, "");
	for (int level = 0; level < 7; level++) {
		cleanup_free char *twice = NULL;
		char *next;

		/* Each index lists the one below twice: 128 ways to the image. */
		assert_true(asprintf(&twice, "%s,%s", descriptor, descriptor) > 0);
		next = nest(&maker, twice);
		free(descriptor);
		descriptor = next;
	}
	imagemaker_index(&maker, descriptor);
	image = imagecheck_open(imagemaker_write_folder(&maker));
	assert_true(imagecheck_finding(image, "repeated-index"));
	assert_int_equal(peel_image_candidate_count(image), 2);
	peel_image_close(image);
	/* Nine levels with index.json. */
	strcpy(imagemaker_find(&maker, "index.json")->path, "old.json");
	for (int level = 0; level < 2; level++) {
		char *next = nest(&maker, descriptor);

		free(descriptor);
		descriptor = next;
	}
	imagemaker_print(&maker, "index.json", "{\"manifests\":[%s]}", descriptor);
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_ELIMIT, "nested deeper");
	imagemaker_finish(&maker);
}

static void index_documents_are_judged(void **state)
{
	static const struct {
		const char *index;
		int code;
		const char *message;
	} cases[] = {
		{"nonsense", PEEL_EFORMAT, "index.json"},
		{"[]", PEEL_EFORMAT, "no index"},
		{"{}", PEEL_ENOENT, "no image"},
		{"{\"manifests\":null}", PEEL_ENOENT, "no image"},
		{"{\"manifests\":[1]}", PEEL_EFORMAT, "no object"},
		{"{\"manifests\":[],\"layers\":[]}", PEEL_EFORMAT, "no index"},
		{"{\"manifests\":[],\"Manifests\":[]}", PEEL_EAMBIGUOUS, "twice"},
		{"{\"manifests\":[{\"mediaType\":\"" MANIFEST "\",\"digest\":\"sha256:x\"}]}",
			PEEL_EFORMAT, "no digest"},
		{"{\"manifests\":[{\"mediaType\":\"" MANIFEST "\"}]}", PEEL_EFORMAT, "no digest"},
		{"{\"manifests\":[{\"mediaType\":\"text/plain\"}]}", PEEL_ENOENT, "only artifacts"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct imagemaker maker = {0};

		imagemaker_file(&maker, "index.json", cases[i].index, 0);
		imagemaker_file(&maker, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 0);
		imagecheck_refused(imagemaker_write_folder(&maker), cases[i].code,
			cases[i].message);
		imagecheck_refused(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), cases[i].code,
			cases[i].message);
		imagemaker_finish(&maker);
	}
}

static void manifest_and_index_at_once_is_ambiguous(void **state)
{
	static const char both[] = "{\"layers\":[],\"manifests\":[]}";
	struct imagemaker maker = {0};
	cleanup_free char *descriptor = NULL;
	char digest[DIGEST_TEXT_SIZE];

	(void)state;
	imagemaker_blob(&maker, both, 0, digest);
	descriptor = describe(MANIFEST, digest, sizeof(both) - 1, "");
	imagemaker_index(&maker, descriptor);
	imagecheck_refused(imagemaker_write_folder(&maker), PEEL_EAMBIGUOUS, "at once");
	imagemaker_finish(&maker);
}

static void make_hybrid(struct imagemaker *maker, const char *layer)
{
	imagemaker_oci(maker, "v1", "linux", "amd64", 1);
	imagemaker_print(maker, "manifest.json",
		"[{\"Config\":\"%s\",\"RepoTags\":[\"a:b\"],\"Layers\":[\"%s\"]}]",
		maker->files[0].path, layer ? layer : maker->files[1].path);
}

static void hybrids_open_where_both_halves_agree(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;
	cleanup_free char *other = NULL;
	char reference[256];
	size_t len;

	(void)state;
	make_hybrid(&maker, NULL);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	assert_int_equal(peel_image_kind(image), PEEL_IMAGE_DOCKER_ARCHIVE);
	assert_true(digest_valid(peel_image_manifest_digest(image)));
	imagecheck_layer(image, 0, 0);
	assert_int_equal(peel_image_candidate_count(image), 1);
	peel_image_close(image);
	imagemaker_finish(&maker);

	/* The same configuration, other bytes for the layer. */
	make_hybrid(&maker, "other.tar");
	other = imagemaker_layer("l1", &len);
	imagemaker_file(&maker, "other.tar", other, len);
	imagecheck_refused(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), PEEL_EAMBIGUOUS,
		"docker-archive:PATH");
	snprintf(reference, sizeof(reference), "docker-archive:%s", maker.path);
	image = imagecheck_open(reference);
	imagecheck_layer(image, 0, 1);
	peel_image_close(image);
	snprintf(reference, sizeof(reference), "oci-archive:%s:v1", maker.path);
	image = imagecheck_open(reference);
	assert_int_equal(peel_image_kind(image), PEEL_IMAGE_OCI_ARCHIVE);
	imagecheck_layer(image, 0, 0);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void empty_half_of_a_hybrid_says_nothing(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 1);
	imagemaker_index(&maker, "");
	imagemaker_file(&maker, "blobs/sha256/x", "x", 1);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	imagecheck_layer(image, 0, 0);
	peel_image_close(image);
	imagemaker_finish(&maker);
	imagemaker_oci(&maker, "v1", "linux", "amd64", 1);
	imagemaker_file(&maker, "manifest.json", "null", 4);
	image = imagecheck_open(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN));
	imagecheck_layer(image, 0, 0);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep_and_repeated_indexes_end),
		cmocka_unit_test(empty_half_of_a_hybrid_says_nothing),
		cmocka_unit_test(hybrids_open_where_both_halves_agree),
		cmocka_unit_test(images_that_are_not_there_need_no_choice),
		cmocka_unit_test(index_documents_are_judged),
		cmocka_unit_test(indexes_nest_and_attestations_are_listed),
		cmocka_unit_test(manifest_and_index_at_once_is_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
