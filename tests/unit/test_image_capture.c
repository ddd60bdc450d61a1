/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes of standard input are kept, and which pass by. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compress.h"
#include "fault.h"
#include "feed.h"
#include "image_parts.h"
#include "peel_test.h"
#include "source.h"
#include "source_kept.h"
#include "tarmaker.h"
#include "util.h"

/** Contents that nothing should keep. */
#define SECRET_LEN 5000
static char secret[SECRET_LEN];

static int fill_secret(void **state)
{
	(void)state;
	memset(secret, 's', sizeof(secret));
	return 0;
}

static const struct peel_image_options headers_only = {.headers_only = true};

static int capture_as(const struct tarmaker *tar, const struct peel_image_options *options,
	enum peel_image_kind kind, struct source **ret_source, struct peel_error *err)
{
	struct feed feed = feed_start(tar->bytes, tar->len, 0);
	int r = image_capture(options, kind, NULL, ret_source, err);

	feed_stop(&feed);
	return r;
}

static struct source *capture(const struct tarmaker *tar, enum peel_image_kind kind)
{
	struct source *source = NULL;
	struct peel_error err = {0};

	assert_good(capture_as(tar, &headers_only, kind, &source, &err), &err);
	assert_int_equal(source->size, tar->len);
	return source;
}

static void add(struct tarmaker *tar, const char *path, const void *data, size_t len)
{
	tarmaker_add(tar, &(struct tar_member){.path = path, .data = data, .data_len = len});
}

/* Where bytes are in a tar. */
static size_t find(const struct tarmaker *tar, const void *bytes, size_t len)
{
	const unsigned char *at = memmem(tar->bytes, tar->len, bytes, len);

	assert_non_null(at);
	return (size_t)(at - tar->bytes);
}

static void assert_kept(struct source *source, const struct tarmaker *tar, size_t pos, size_t len)
{
	char *buf = malloc(len);
	struct peel_error err = {0};

	assert_non_null(buf);
	assert_good(source_read_exact(source, pos, buf, len, &err), &err);
	assert_memory_equal(buf, tar->bytes + pos, len);
	free(buf);
}

static void assert_gone(struct source *source, size_t pos, size_t len)
{
	struct peel_error err = {0};
	char byte;

	for (size_t at = pos; at < pos + len; at += 100) {
		assert_failure(source_read_at(source, at, &byte, 1, &err), PEEL_EIO, &err,
			"not kept");
	}
	assert_true(source_kept_missed(source));
}

/* Text that must be there, and len bytes from where it begins. */
static void assert_found(struct source *source, const struct tarmaker *tar, const char *text,
	size_t len)
{
	assert_kept(source, tar, find(tar, text, strlen(text)), len);
}

/* All that anyone reads of make_layer's tar, and nothing of the secret. */
static void assert_layer(struct source *source, const struct tarmaker *tar)
{
	assert_found(source, tar, "comment=kept", 12);
	assert_found(source, tar, "etc/passwd", 512 + 10);
	assert_found(source, tar, "./usr/../etc/group", 512 + 10);
	assert_found(source, tar, "opt/secret", 512);
	assert_found(source, tar, "last", 512 + 1024);
	assert_gone(source, find(tar, secret, sizeof(secret)), sizeof(secret));
}

/* A layer with a secret, and the names of users. */
static void make_layer(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "comment=kept", NULL);
	add(tar, "etc/passwd", "root:x:0:0", 10);
	add(tar, "./usr/../etc/group", "wheel:x:0:", 10);
	add(tar, "opt/secret", secret, sizeof(secret));
	add(tar, "last", "", 0);
	tarmaker_end(tar);
}

static const char *const layer_names[] = {
	"layer.tar", "0123abcd/layer.tar", "any/layer.tar", "blobs/sha256/0123", "sha256:0123"};

static void contents_in_a_plain_layer_pass_by(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(layer_names); i++) {
		struct tarmaker layer = {0};
		struct tarmaker tar = {0};
		struct source *source;

		make_layer(&layer);
		add(&tar, layer_names[i], layer.bytes, layer.len);
		add(&tar, "manifest.json", "[]", 2);
		tarmaker_end(&tar);
		source = capture(&tar, 0);
		assert_layer(source, &tar);
		assert_found(source, &tar, "manifest.json", 512 + 2);
		assert_kept(source, &tar, tar.len - 1024, 1024);
		source_drop(source);
		tarmaker_finish(&layer);
		tarmaker_finish(&tar);
	}
}

static void contents_in_a_root_filesystem_pass_by(void **state)
{
	static const enum peel_image_kind kinds[] = {0, PEEL_IMAGE_ROOTFS};
	struct tarmaker tar = {0};

	(void)state;
	make_layer(&tar);
	for (size_t i = 0; i < countof(kinds); i++) {
		struct source *source = capture(&tar, kinds[i]);

		assert_layer(source, &tar);
		source_drop(source);
	}
	tarmaker_finish(&tar);
}

/* Folders of a root filesystem hold no parts of images; for an archive that is named so they may. */
static void a_tar_deep_in_a_root_filesystem_is_a_file(void **state)
{
	struct tarmaker layer = {0};
	struct tarmaker tar = {0};
	struct source *source;

	(void)state;
	make_layer(&layer);
	add(&tar, "usr/share/x.tar", layer.bytes, layer.len);
	tarmaker_end(&tar);
	source = capture(&tar, 0);
	assert_gone(source, 512, layer.len);
	source_drop(source);
	source = capture(&tar, PEEL_IMAGE_DOCKER_ARCHIVE);
	assert_kept(source, &tar, 512, 1024);
	assert_gone(source, find(&tar, secret, sizeof(secret)), sizeof(secret));
	source_drop(source);
	tarmaker_finish(&layer);
	tarmaker_finish(&tar);
}

static void what_must_be_decoded_is_kept(void **state)
{
	(void)state;
	for (enum peel_codec codec = PEEL_CODEC_GZIP; codec <= PEEL_CODEC_ZSTD; codec++) {
		struct tarmaker layer = {0};
		struct tarmaker tar = {0};
		struct bytes packed = {0};
		struct source *source;

		make_layer(&layer);
		if (codec == PEEL_CODEC_GZIP) {
			gzip_add(&packed, layer.bytes, layer.len, 6);
		} else {
			zstd_add(&packed, layer.bytes, layer.len, &(struct zstd_how){.level = 3});
		}
		add(&tar, "layer", packed.data, packed.len);
		tarmaker_end(&tar);
		source = capture(&tar, 0);
		assert_kept(source, &tar, 0, 512 + packed.len);
		source_drop(source);
		tarmaker_finish(&tar);
		tarmaker_bytes(&tar, packed.data, packed.len);
		source = capture(&tar, 0);
		assert_kept(source, &tar, 0, tar.len);
		source_drop(source);
		bytes_finish(&packed);
		tarmaker_finish(&layer);
		tarmaker_finish(&tar);
	}
}

static void without_headers_only_all_is_kept(void **state)
{
	static const struct peel_image_options all = {0};
	struct tarmaker tar = {0};
	struct source *source = NULL;
	struct peel_error err = {0};

	(void)state;
	make_layer(&tar);
	assert_good(capture_as(&tar, &all, 0, &source, &err), &err);
	assert_kept(source, &tar, 0, tar.len);
	source_drop(source);
	tarmaker_finish(&tar);
}

/* A folder by its slash with a size: the walk over an archive goes over the data, the scan of a layer does not. */
static void where_walkers_may_part_all_is_kept(void **state)
{
	static const struct tar_member parting[] = {
		{.path = "d/", .type = TARMAKER_NUL, .data = secret, .data_len = 700},
		{.path = "s", .type = 'S', .data = secret, .data_len = 700},
	};

	(void)state;
	for (size_t i = 0; i < countof(parting); i++) {
		struct tarmaker tar = {0};
		struct source *source;
		size_t from;

		add(&tar, "usr/a", secret, sizeof(secret));
		from = tar.len;
		tarmaker_add(&tar, &parting[i]);
		add(&tar, "usr/b", secret, sizeof(secret));
		tarmaker_end(&tar);
		source = capture(&tar, 0);
		assert_kept(source, &tar, from, tar.len - from);
		assert_gone(source, 512, sizeof(secret));
		source_drop(source);
		tarmaker_finish(&tar);
	}
}

static void what_follows_the_end_is_kept(void **state)
{
	struct tarmaker tar = {0};
	struct source *source;

	(void)state;
	add(&tar, "usr/a", secret, sizeof(secret));
	tarmaker_end(&tar);
	tarmaker_bytes(&tar, secret, 777);
	source = capture(&tar, 0);
	assert_kept(source, &tar, 512 + 5120, tar.len - 512 - 5120);
	source_drop(source);
	tarmaker_finish(&tar);
}

/* It may be a root filesystem whose scan goes on: kept. In an image nobody reads behind the damage: gone. */
static void behind_damage_it_depends(void **state)
{
	(void)state;
	for (int image = 0; image < 2; image++) {
		struct tarmaker tar = {0};
		struct source *source;
		size_t from;

		add(&tar, image ? "manifest.json" : "usr/a", "[]", 2);
		from = tar.len;
		tarmaker_bytes(&tar, secret, sizeof(secret));
		tarmaker_pad(&tar);
		source = capture(&tar, 0);
		assert_kept(source, &tar, from, 512);
		if (image) {
			assert_gone(source, from + 512, tar.len - from - 512);
		} else {
			assert_kept(source, &tar, from, tar.len - from);
		}
		source_drop(source);
		tarmaker_finish(&tar);
	}
}

/* Every length: nothing is lost or made up, and what is kept is kept. */
static void truncation_anywhere_is_the_end(void **state)
{
	struct tarmaker layer = {0};
	struct tarmaker tar = {0};
	const size_t step = 509;
	size_t whole;

	(void)state;
	make_layer(&layer);
	add(&tar, "layer.tar", layer.bytes, layer.len);
	tarmaker_end(&tar);
	whole = tar.len;
	for (tar.len = 1; tar.len <= whole; tar.len += step) {
		struct source *source = capture(&tar, PEEL_IMAGE_DOCKER_ARCHIVE);

		assert_kept(source, &tar, 0, min_u64(tar.len, 1024));
		source_drop(source);
	}
	tarmaker_finish(&layer);
	tarmaker_finish(&tar);
}

/* Bytes that do not begin as a tar are not read to their end. */
static void no_image_is_no_work(void **state)
{
	const size_t len = 8u << 20;
	char *bytes = malloc(len);
	struct source *source = NULL;
	struct peel_error err = {0};
	struct feed feed;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', len);
	feed = feed_start(bytes, len, 0);
	assert_good(image_capture(&headers_only, 0, NULL, &source, &err), &err);
	assert_true(source->size < len);
	feed_stop(&feed);
	source_drop(source);
	free(bytes);
}

static void the_limit_holds_for_what_is_kept(void **state)
{
	struct peel_image_options options = {.headers_only = true, .spool_limit = 3000};
	struct tarmaker tar = {0};
	struct source *source = NULL;
	struct peel_error err = {0};

	(void)state;
	make_layer(&tar);
	assert_good(capture_as(&tar, &options, 0, &source, &err), &err);
	source_drop(source);
	options.headers_only = false;
	assert_failure(capture_as(&tar, &options, 0, &source, &err), PEEL_ELIMIT, &err,
		"spool limit of 3000");
	tarmaker_finish(&tar);
}

static void every_allocation_may_fail(void **state)
{
	struct tarmaker layer = {0};
	struct tarmaker tar = {0};

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	make_layer(&layer);
	add(&tar, "layer.tar", layer.bytes, layer.len);
	tarmaker_end(&tar);
	for (unsigned n = 1;; n++) {
		struct feed feed = feed_start(tar.bytes, tar.len, 0);
		const long before = fault_alloc_live();
		struct source *source = NULL;
		struct peel_error err = {0};
		int r;

		fault_alloc(n);
		r = image_capture(&headers_only, 0, NULL, &source, &err);
		source_drop(source);
		if (!fault_alloc_hit()) {
			feed_stop(&feed);
			assert_int_equal(r, 0);
			break;
		}
		feed_stop(&feed);
		/* What cannot be cut to its size stays larger. */
		assert_true(r == 0 || r == PEEL_ENOMEM);
		assert_int_equal(fault_alloc_live(), before);
	}
	tarmaker_finish(&layer);
	tarmaker_finish(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tar_deep_in_a_root_filesystem_is_a_file),
		cmocka_unit_test(behind_damage_it_depends),
		cmocka_unit_test(contents_in_a_plain_layer_pass_by),
		cmocka_unit_test(contents_in_a_root_filesystem_pass_by),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(no_image_is_no_work),
		cmocka_unit_test(the_limit_holds_for_what_is_kept),
		cmocka_unit_test(truncation_anywhere_is_the_end),
		cmocka_unit_test(what_follows_the_end_is_kept),
		cmocka_unit_test(what_must_be_decoded_is_kept),
		cmocka_unit_test(where_walkers_may_part_all_is_kept),
		cmocka_unit_test(without_headers_only_all_is_kept),
	};

	return cmocka_run_group_tests(tests, fill_secret, NULL);
}
