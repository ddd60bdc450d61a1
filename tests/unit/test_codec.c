/* SPDX-License-Identifier: Apache-2.0 */
/* Probing, callbacks and ownership: what all codecs share. */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include "blockcache.h"
#include "codec_check.h"
#include "compress.h"
#include "peel_test.h"
#include "source.h"
#include "util.h"

static struct bytes text;

static const struct {
	const char *bytes;
	size_t len;
	enum peel_codec codec;
	const char *foreign;
} probes[] = {
	{"", 0, PEEL_CODEC_NONE, NULL},
	{"\x1f", 1, PEEL_CODEC_NONE, NULL},
	{"\x1f\x8b", 2, PEEL_CODEC_GZIP, NULL},
	{"\x1f\x8b\x08\0", 4, PEEL_CODEC_GZIP, NULL},
	{"\x28\xb5\x2f\xfd", 4, PEEL_CODEC_ZSTD, NULL},
	{"\x28\xb5\x2f", 3, PEEL_CODEC_NONE, NULL},
	{"\x50\x2a\x4d\x18", 4, PEEL_CODEC_ZSTD, NULL},
	{"\x5f\x2a\x4d\x18", 4, PEEL_CODEC_ZSTD, NULL},
	{"\x60\x2a\x4d\x18", 4, PEEL_CODEC_NONE, NULL},
	{"\xfd"
	 "7zXZ\0",
		6, PEEL_CODEC_NONE, "xz"},
	{"BZh9\x31\x41\x59\x26\x53\x59", 10, PEEL_CODEC_NONE, "bzip2"},
	{"BZh1\x17\x72\x45\x38\x50\x90", 10, PEEL_CODEC_NONE, "bzip2"},
	{"BZh9/etc/passwd", 15, PEEL_CODEC_NONE, NULL},
	{"\x04\x22\x4d\x18", 4, PEEL_CODEC_NONE, "lz4"},
	{"\x1f\x9d\x90", 3, PEEL_CODEC_NONE, "compress"},
	{"LZIP\x01", 5, PEEL_CODEC_NONE, "lzip"},
	{"./etc/passwd", 12, PEEL_CODEC_NONE, NULL},
};

static void codecs_are_told_by_their_magic(void **state)
{
	const char *foreign;
	size_t i;

	(void)state;
	for (i = 0; i < countof(probes); i++) {
		assert_int_equal(codec_probe(probes[i].bytes, probes[i].len), probes[i].codec);
		foreign = codec_probe_foreign(probes[i].bytes, probes[i].len);
		assert_string_equal(foreign ? foreign : "",
			probes[i].foreign ? probes[i].foreign : "");
	}
}

static int stop_at_once(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	(void)bytes;
	(void)len;
	(void)err;
	++*(int *)arg;
	return PEEL_ECANCELED;
}

static void callbacks_stop_the_stream(void **state)
{
	cleanup_source struct source *raw = NULL;
	struct bytes packed = {0};
	struct peel_error err = {0};
	uint64_t passed = 0;
	int which;

	(void)state;
	gzip_add(&packed, text.data, 300000, 6);
	assert_good(source_new_memory(packed.data, packed.len, 0, &raw, &err), &err);
	for (which = 0; which < 3; which++) {
		struct stream *stream = NULL;
		struct stream_options options = {0};
		int calls = 0;

		options.input = which == 0 ? stop_at_once : NULL;
		options.input_arg = &calls;
		options.output = which == 1 ? stop_at_once : NULL;
		options.output_arg = &calls;
		assert_good(stream_open(raw, PEEL_CODEC_GZIP, &options, &stream, &err), &err);
		assert_int_equal(stream_pass(stream, UINT64_MAX, which == 2 ? stop_at_once : NULL,
					 &calls, &passed, &err),
			PEEL_ECANCELED);
		assert_int_equal(calls, 1);
		stream_close(stream);
	}
	bytes_finish(&packed);
}

/** A finder that gives a point at the start. */
static int find_start(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	(void)arg;
	(void)out_off;
	(void)window;
	(void)err;
	*ret_point = (struct point){0};
	return 0;
}

/** A finder that counts its closing. */
static void count_close(void *arg)
{
	++*(int *)arg;
}

static void finder_is_closed_once(void **state)
{
	cleanup_source struct source *raw = NULL;
	struct blockcache *cache = NULL;
	struct peel_error err = {0};
	struct source *source = NULL;
	int closed = 0;
	struct point_finder finder = {.find = find_start, .close = count_close, .arg = &closed};
	struct codec_options options = {.spool_dir = -1};

	(void)state;
	assert_good(blockcache_new(0, &cache, &err), &err);
	options.cache = cache;
	assert_good(source_new_memory("", 0, 0, &raw, &err), &err);
	assert_good(codec_open(raw, PEEL_CODEC_GZIP, 0, &finder, &options, &source, &err), &err);
	assert_int_equal(closed, 0);
	source_drop(source);
	assert_int_equal(closed, 1);
	assert_int_equal(codec_open(raw, (enum peel_codec)99, 0, &finder, &options, &source, &err),
		PEEL_EUNSUPPORTED);
	assert_int_equal(closed, 2);
	assert_good(codec_open(raw, PEEL_CODEC_NONE, 0, &finder, &options, &source, &err), &err);
	assert_ptr_equal(source, raw);
	source_drop(source);
	assert_int_equal(closed, 3);
	blockcache_free(cache);
}

static int make_text(void **state)
{
	(void)state;
	bytes_add_text(&text, 1, 300000);
	return 0;
}

static int free_text(void **state)
{
	(void)state;
	bytes_finish(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codecs_are_told_by_their_magic),
		cmocka_unit_test(callbacks_stop_the_stream),
		cmocka_unit_test(finder_is_closed_once),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
