/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault.h"
#include "feed.h"
#include "image_parts.h"
#include "imagecheck.h"
#include "imagemaker.h"
#include "source.h"
#include "source_kept.h"

static void other_files_are_named(void **state)
{
	static const char xz[] = "\xfd"
				 "7zXZ\0\0\0\0\0\0\0\0\0\0\0";
	char zeros[4096] = {0};
	char noise[4096];
	struct imagemaker maker = {0};

	(void)state;
	memset(noise, 'n', sizeof(noise));
	imagecheck_refused("/nonexistent/image.tar", PEEL_ENOENT, "/nonexistent/image.tar");
	imagecheck_refused(imagemaker_write_bytes(&maker, "", 0), PEEL_EFORMAT, "empty");
	imagecheck_refused(imagemaker_write_bytes(&maker, xz, sizeof(xz) - 1), PEEL_EUNSUPPORTED,
		"xz");
	imagecheck_refused(imagemaker_write_bytes(&maker, noise, sizeof(noise)), PEEL_EFORMAT,
		"not a container image");
	imagecheck_refused(imagemaker_write_bytes(&maker, noise, 100), PEEL_EFORMAT,
		"not a container image");
	zeros[3000] = 1;
	imagecheck_refused(imagemaker_write_bytes(&maker, zeros, sizeof(zeros)), PEEL_EFORMAT,
		"not a container image");
	imagemaker_file(&maker, "abc/layer.tar", "x", 1);
	imagemaker_file(&maker, "repositories", "{}", 2);
	imagecheck_refused(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), PEEL_EUNSUPPORTED,
		"before 1.10");
	imagemaker_finish(&maker);
	imagemaker_file(&maker, "etc/hostname", "x", 1);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	{
		char reference[256];

		snprintf(reference, sizeof(reference), "docker-archive:%s", maker.path);
		imagecheck_refused(reference, PEEL_EFORMAT, "manifest.json");
		snprintf(reference, sizeof(reference), "oci-archive:%s", maker.path);
		imagecheck_refused(reference, PEEL_EFORMAT, "index.json");
		snprintf(reference, sizeof(reference), "oci:%s", maker.path);
		imagecheck_refused(reference, PEEL_EUSAGE, "folders");
		snprintf(reference, sizeof(reference), "rootfs:%s", maker.folder);
		imagecheck_refused(reference, PEEL_EUSAGE, "folder");
	}
	imagemaker_finish(&maker);
}

static void root_filesystem_is_its_own_layer(void **state)
{
	(void)state;
	for (enum imagemaker_codec codec = IMAGEMAKER_PLAIN; codec <= IMAGEMAKER_ZSTD; codec++) {
		struct imagemaker maker = {0};
		struct peel_image *image;
		struct source *source = NULL;

		imagemaker_file(&maker, "l0", "hello", 5);
		imagemaker_file(&maker, "srv/manifest.json", "{}", 2);
		imagemaker_file(&maker, "index.json", "{}", 2);
		image = imagecheck_open(imagemaker_write_tar(&maker, codec));
		assert_int_equal(peel_image_kind(image), PEEL_IMAGE_ROOTFS);
		assert_int_equal(peel_image_codec(image), PEEL_CODEC_NONE);
		assert_null(image_points(image));
		assert_int_equal(peel_image_layer_count(image), 1);
		assert_int_equal(peel_image_layer(image, 0)->codec, (int)codec);
		assert_int_equal(peel_image_layer(image, 0)->stored_size, image_file_size(image));
		assert_int_equal(image_layer_source(image, 0, &source, NULL), 0);
		assert_int_equal(source->size, image_file_size(image));
		source_drop(source);
		peel_image_close(image);
		imagemaker_finish(&maker);
	}
}

static void transport_overrides_content(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image *image;
	char reference[256];

	(void)state;
	imagemaker_docker(&maker, NULL, "linux", "amd64", 1);
	snprintf(reference, sizeof(reference), "rootfs:%s",
		imagemaker_write_tar(&maker, IMAGEMAKER_GZIP));
	image = imagecheck_open(reference);
	assert_int_equal(peel_image_kind(image), PEEL_IMAGE_ROOTFS);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void truncation_is_always_noticed(void **state)
{
	static const enum imagemaker_codec codecs[] = {IMAGEMAKER_PLAIN, IMAGEMAKER_GZIP};

	(void)state;
	for (size_t c = 0; c < countof(codecs); c++) {
		struct imagemaker maker = {0};
		cleanup_free char *bytes = NULL;
		size_t len;

		imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
		bytes = imagecheck_read(imagemaker_write_tar(&maker, codecs[c]), &len);
		for (size_t cut = 0; cut < len; cut += codecs[c] == IMAGEMAKER_PLAIN ? 256 : 7) {
			struct peel_image *image = NULL;
			struct peel_error err = {0};
			int r = peel_image_open(imagemaker_write_bytes(&maker, bytes, cut), NULL,
				&image, &err);
			bool good = r == 0 && peel_image_kind(image) == PEEL_IMAGE_DOCKER_ARCHIVE;

			/* manifest.json is last; only the zero blocks may be missing. */
			assert_true(r < 0 || good);
			assert_true(!good || imagecheck_finding(image, "damaged-archive") ||
				(codecs[c] == IMAGEMAKER_PLAIN && cut >= len - 1024));
			assert_true(r == 0 || strstr(err.message, maker.path));
			peel_image_close(image);
			remove(maker.path);
		}
		imagemaker_finish(&maker);
	}
}

static void truncated_layer_is_told(void **state)
{
	struct imagemaker maker = {0};
	struct imagemaker_file last;
	struct peel_image *image;
	cleanup_free char *bytes = NULL;
	size_t len;

	(void)state;
	imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
	/* The second layer goes to the end. */
	last = maker.files[1];
	memmove(&maker.files[1], &maker.files[2], 2 * sizeof(last));
	maker.files[3] = last;
	bytes = imagecheck_read(imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN), &len);
	image = imagecheck_open(imagemaker_write_bytes(&maker, bytes, len - 1024 - 600));
	imagecheck_layer(image, 0, 0);
	assert_int_equal(peel_image_layer(image, 1)->state, PEEL_LAYER_BROKEN);
	assert_true(imagecheck_finding(image, "damaged-archive"));
	assert_true(imagecheck_finding(image, "truncated-layer"));
	peel_image_close(image);
	image = imagecheck_open(imagemaker_write_bytes(&maker, bytes, len - 1024 - last.len - 600));
	assert_int_equal(peel_image_layer(image, 1)->state, PEEL_LAYER_MISSING);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static int open_faulty(const void *bytes, size_t len, unsigned int n, bool *ret_hit)
{
	struct peel_image *image = calloc(1, sizeof(*image));
	struct peel_error err = {0};
	int r;

	image->layout_fd = -1;
	image->spool_fd = -1;
	image->platform = "";
	image->name = "faulty";
	image->reference.position = -1;
	limits_begin(&image->limits, NULL);
	assert_int_equal(fault_source_new(bytes, len, n, &image->file, NULL), 0);
	r = image_open_by_kind(image, &err);
	*ret_hit = fault_source_hit(image->file);
	assert_int_equal(r < 0 ? err.code : 0, r);
	peel_image_close(image);
	return r;
}

static void every_read_may_fail(void **state)
{
	(void)state;
	for (enum imagemaker_codec codec = IMAGEMAKER_PLAIN; codec <= IMAGEMAKER_ZSTD; codec++) {
		struct imagemaker maker = {0};
		cleanup_free char *bytes = NULL;
		bool hit = true;
		size_t len;

		imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
		bytes = imagecheck_read(imagemaker_write_tar(&maker, codec), &len);
		for (unsigned int n = 1; hit; n++) {
			int r = open_faulty(bytes, len, n, &hit);

			assert_int_equal(r, hit ? PEEL_EIO : 0);
			assert_true(n < 1000);
		}
		imagemaker_finish(&maker);
	}
}

static void warm_digests(void)
{
	for (unsigned int n = 1;; n++) {
		char text[DIGEST_TEXT_SIZE];

		fault_alloc(n);
		(void)digest_buffer("", "", 0, text, NULL);
		if (!fault_alloc_hit()) {
			break;
		}
	}
}

static void every_allocation_may_fail(void **state)
{
	struct imagemaker maker = {0};

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
	imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	warm_digests();
	for (unsigned int n = 1;; n++) {
		long before = fault_alloc_live();
		struct peel_image *image = NULL;
		struct peel_error err = {0};
		int r;

		fault_alloc(n);
		r = peel_image_open(maker.path, NULL, &image, &err);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 0);
			peel_image_close(image);
			break;
		}
		if (r == 0) {
			/* libcrypto and jansson may go on without. */
			imagecheck_layer(image, 1, 1);
			peel_image_close(image);
		}
		assert_true(r == 0 || r == PEEL_ENOMEM || r == PEEL_EFORMAT);
		assert_int_equal(fault_alloc_live(), before);
	}
	imagemaker_finish(&maker);
}

/* Told of a spool file. */
static void count_bytes(void *arg, const char *folder, uint64_t bytes)
{
	struct peel_image_options *options = arg;

	assert_string_equal(folder, options->spool_dir);
	options->spool_limit = bytes;
}

/* Open what comes through a pipe. */
static int open_fed(const void *bytes, size_t len, const char *reference,
	const struct peel_image_options *options, struct peel_image **ret_image,
	struct peel_error *err)
{
	struct feed feed = feed_start(bytes, len, 0);
	int r = peel_image_open(reference, options, ret_image, err);

	feed_stop(&feed);
	return r;
}

static void standard_input_is_spooled_without_a_trace(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image_options options = {.spooled = count_bytes, .spooled_arg = &options};
	struct peel_image *image = NULL;
	struct peel_error err = {0};
	cleanup_free char *bytes = NULL;
	cleanup_free char *empty = NULL;
	size_t len;

	(void)state;
	imagemaker_docker(&maker, "a:b", "linux", "amd64", 2);
	bytes = imagecheck_read(imagemaker_write_tar(&maker, IMAGEMAKER_GZIP), &len);
	assert_true(asprintf(&empty, "%s/spool", maker.folder) > 0);
	assert_int_equal(mkdir(empty, 0700), 0);
	options.spool_dir = empty;
	assert_int_equal(open_fed(bytes, len, "docker-archive:-:a:b", &options, &image, &err), 0);
	imagecheck_layer(image, 1, 1);
	/* Little is kept in memory, and nothing is said. */
	assert_int_equal(rmdir(empty), 0);
	assert_int_equal(options.spool_limit, 0);
	peel_image_close(image);
	options.spool_limit = len - 1;
	assert_int_equal(open_fed(bytes, len, "-", &options, &image, &err), PEEL_ELIMIT);
	assert_non_null(strstr(err.message, "spool limit"));
	imagemaker_finish(&maker);
}

/* A gzip member that ends, and much that follows it: all of it must be kept. */
static void much_standard_input_goes_into_a_file(void **state)
{
	static const unsigned char member[] = {
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const size_t len = KEPT_MEMORY + 100000;
	cleanup_free char *bytes = calloc(1, len);
	struct imagemaker maker = {0};
	struct peel_image_options options = {.spooled = count_bytes, .spooled_arg = &options};
	struct peel_image *image = NULL;
	struct peel_error err = {0};
	cleanup_free char *folder = NULL;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, member, sizeof(member));
	imagemaker_write_bytes(&maker, "x", 1);
	assert_true(asprintf(&folder, "%s/spool", maker.folder) > 0);
	options.spool_dir = folder;
	assert_int_equal(open_fed(bytes, len, "rootfs:-", &options, &image, &err), PEEL_EIO);
	assert_non_null(strstr(err.message, "spool folder"));
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(open_fed(bytes, len, "rootfs:-", &options, &image, &err), 0);
	assert_int_equal(options.spool_limit, len);
	assert_int_equal(peel_image_layer(image, 0)->stored_size, len);
	/* Nothing has a name there. */
	assert_int_equal(rmdir(folder), 0);
	peel_image_close(image);
	imagemaker_finish(&maker);
}

static void identity_follows_the_file(void **state)
{
	struct imagemaker maker = {0};
	struct peel_image_options options = {.platform = "linux/amd64"};
	cleanup_free char *one = NULL;
	cleanup_free char *two = NULL;
	cleanup_free char *three = NULL;
	char reference[256];
	char *none = NULL;
	uint64_t age;

	(void)state;
	imagemaker_write_bytes(&maker, "x", 1);
	assert_int_equal(image_identity(maker.path, NULL, &one, &age, NULL), 0);
	assert_true(age < 60000000000u);
	assert_int_equal(image_identity(maker.path, &options, &two, &age, NULL), 0);
	assert_string_not_equal(one, two);
	snprintf(reference, sizeof(reference), "docker-archive:%s:tag", maker.path);
	assert_int_equal(image_identity(reference, NULL, &three, &age, NULL), 0);
	assert_string_not_equal(one, three);
	assert_int_equal(image_identity("-", NULL, &none, &age, NULL), PEEL_EUSAGE);
	assert_int_equal(image_identity("/nonexistent", NULL, &none, &age, NULL), PEEL_ENOENT);
	assert_null(none);
	imagemaker_finish(&maker);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(every_read_may_fail),
		cmocka_unit_test(identity_follows_the_file),
		cmocka_unit_test(other_files_are_named),
		cmocka_unit_test(root_filesystem_is_its_own_layer),
		cmocka_unit_test(much_standard_input_goes_into_a_file),
		cmocka_unit_test(standard_input_is_spooled_without_a_trace),
		cmocka_unit_test(transport_overrides_content),
		cmocka_unit_test(truncated_layer_is_told),
		cmocka_unit_test(truncation_is_always_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
