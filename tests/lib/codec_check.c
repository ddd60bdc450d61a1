/* SPDX-License-Identifier: Apache-2.0 */
#include "codec_check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockcache.h"
#include "fault.h"
#include "peel_test.h"
#include "points.h"
#include "source.h"
#include "util.h"

/** Longest single read of check_random. */
#define READ_MAX (600u << 10)

/** Bytes that a callback must see, and how far it has got. */
struct expected {
	const struct bytes *bytes;
	size_t pos;
};

static int expect(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct expected *expected = arg;

	(void)err;
	assert_true(len <= expected->bytes->len - expected->pos);
	assert_memory_equal(bytes, expected->bytes->data + expected->pos, len);
	expected->pos += len;
	return 0;
}

/** The points that a sink got, checked as they come. */
struct seen_points {
	uint64_t count;
	uint64_t last_out;
	const struct bytes *packed;
	const struct bytes *plain;
};

static int see_point(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	struct seen_points *seen = arg;

	(void)err;
	if (seen->count++ == 0) {
		assert_int_equal(point->out_off, 0);
		assert_int_equal(point->in_off, 0);
	} else {
		assert_true(point->out_off - seen->last_out >= POINT_MEMBER_SPACING);
	}
	assert_true(point->bits < 8);
	assert_true(point->in_off <= seen->packed->len);
	assert_true(point->window_len <= POINT_WINDOW && point->window_len <= point->out_off);
	if (point->window_len > 0) {
		assert_memory_equal(window, seen->plain->data + point->out_off - point->window_len,
			point->window_len);
	}
	seen->last_out = point->out_off;
	return 0;
}

void check_stream(const struct bytes *packed, enum peel_codec codec, const struct bytes *plain,
	uint64_t trailing)
{
	cleanup_source struct source *raw = NULL;
	struct seen_points seen = {.packed = packed, .plain = plain};
	struct point_sink sink = {.add = see_point, .arg = &seen};
	struct expected input = {.bytes = packed};
	struct expected output = {.bytes = plain};
	struct expected passed = {.bytes = plain};
	struct stream_options options = {.points = &sink,
		.input = expect,
		.input_arg = &input,
		.output = expect,
		.output_arg = &output};
	struct stream *stream = NULL;
	struct peel_error err = {0};
	uint64_t n = 0;

	assert_good(source_new_memory(packed->data, packed->len, 0, &raw, &err), &err);
	assert_good(stream_open(raw, codec, &options, &stream, &err), &err);
	assert_good(stream_pass(stream, UINT64_MAX, expect, &passed, &n, &err), &err);
	assert_int_equal(n, plain->len);
	assert_int_equal(passed.pos, plain->len);
	assert_int_equal(output.pos, plain->len);
	assert_int_equal(input.pos, packed->len);
	assert_int_equal(stream_tell(stream), plain->len);
	assert_int_equal(stream_tell_in(stream), packed->len);
	assert_int_equal(stream_trailing(stream), trailing);
	assert_true(codec == PEEL_CODEC_NONE || seen.count > 0);
	stream_close(stream);
}

int check_broken(const struct bytes *packed, enum peel_codec codec, char *ret_message)
{
	cleanup_source struct source *raw = NULL;
	struct stream *stream = NULL;
	struct peel_error err = {0};
	struct peel_error again = {0};
	uint64_t n = 0;
	int code;

	assert_good(source_new_memory(packed->data, packed->len, 0, &raw, &err), &err);
	assert_good(stream_open(raw, codec, NULL, &stream, &err), &err);
	code = stream_pass(stream, UINT64_MAX, NULL, NULL, &n, &err);
	if (code < 0) {
		assert_int_equal(err.code, code);
		assert_int_equal(stream_pass(stream, UINT64_MAX, NULL, NULL, &n, &again), code);
		assert_string_equal(err.message, again.message);
		assert_true(strlen(err.message) > 0);
	}
	if (ret_message) {
		snprintf(ret_message, PEEL_MESSAGE_SIZE, "%s", err.message);
	}
	stream_close(stream);
	return code;
}

int check_open_over(struct opened *opened, struct source *raw, enum peel_codec codec,
	uint64_t out_size, int spool_dir, struct peel_error *err)
{
	struct point_finder finder = point_list_finder(opened->points);
	struct codec_options options = {
		.spool_dir = spool_dir, .spool_limit = UINT64_MAX, .cache = opened->cache};

	return codec_open(raw, codec, out_size, &finder, &options, &opened->source, err);
}

void check_open(struct opened *opened, const struct bytes *packed, enum peel_codec codec,
	size_t budget, int spool_dir)
{
	struct stream_options options = {0};
	struct point_sink sink;
	struct stream *stream = NULL;
	struct peel_error err = {0};
	uint64_t out_size = 0;

	memset(opened, 0, sizeof(*opened));
	assert_good(source_new_memory(packed->data, packed->len, 0, &opened->raw, &err), &err);
	assert_good(point_list_new(&opened->points, &err), &err);
	assert_good(blockcache_new(budget, &opened->cache, &err), &err);
	sink = point_list_sink(opened->points);
	options.points = &sink;
	assert_good(stream_open(opened->raw, codec, &options, &stream, &err), &err);
	assert_good(stream_pass(stream, UINT64_MAX, NULL, NULL, &out_size, &err), &err);
	stream_close(stream);
	assert_good(check_open_over(opened, opened->raw, codec, out_size, spool_dir, &err), &err);
	assert_int_equal(opened->source->size, out_size);
}

void check_close(struct opened *opened)
{
	source_drop(opened->source);
	blockcache_free(opened->cache);
	point_list_free(opened->points);
	source_drop(opened->raw);
	memset(opened, 0, sizeof(*opened));
}

static void check_read(struct source *source, const struct bytes *plain, uint64_t offset,
	size_t len, uint8_t *buf)
{
	struct peel_error err = {0};
	uint64_t there = offset < plain->len ? min_u64(len, plain->len - offset) : 0;
	ssize_t got = source_read_at(source, offset, buf, len, &err);

	assert_good(got, &err);
	if ((uint64_t)got != there ||
		(there > 0 && memcmp(buf, plain->data + offset, there) != 0)) {
		fail_msg("%zu bytes at %" PRIu64 " differ (%zd read)", len, offset, got);
	}
}

void check_random(struct source *source, const struct bytes *plain, uint32_t seed, int count)
{
	cleanup_free uint8_t *buf = malloc(READ_MAX);
	uint64_t offset;
	size_t len;

	assert_non_null(buf);
	while (count-- > 0) {
		offset = test_random(&seed, (uint32_t)plain->len + 1000);
		len = test_random(&seed, count % 4 ? 5000 : READ_MAX);
		check_read(source, plain, offset, len, buf);
	}
	check_read(source, plain, UINT64_MAX - 5, 100, buf);
	check_read(source, plain, plain->len, 1, buf);
}

void check_all(const struct bytes *packed, enum peel_codec codec, const struct bytes *plain)
{
	cleanup_free uint8_t *buf = malloc(128u << 10);
	struct opened opened;
	uint64_t offset;

	assert_non_null(buf);
	check_stream(packed, codec, plain, 0);
	check_open(&opened, packed, codec, 4 * BLOCK_SIZE, -1);
	check_random(opened.source, plain, 1, 25);
	for (offset = 0; offset <= plain->len; offset += 128u << 10) {
		check_read(opened.source, plain, offset, 128u << 10, buf);
	}
	check_close(&opened);
}

struct reader {
	pthread_t thread;
	struct source *source;
	const struct bytes *plain;
	uint32_t seed;
	bool differs;
};

static void *read_much(void *arg)
{
	struct reader *reader = arg;
	uint8_t buf[20000];
	uint64_t offset;
	int i;

	for (i = 0; i < 40; i++) {
		offset = test_random(&reader->seed, (uint32_t)(reader->plain->len - sizeof(buf)));
		if (source_read_at(reader->source, offset, buf, sizeof(buf), NULL) != sizeof(buf) ||
			memcmp(buf, reader->plain->data + offset, sizeof(buf)) != 0) {
			reader->differs = true;
		}
	}
	return NULL;
}

void check_threads(struct source *source, const struct bytes *plain)
{
	struct reader readers[4];
	size_t i;

	for (i = 0; i < countof(readers); i++) {
		readers[i] = (struct reader){.source = source, .plain = plain, .seed = (uint32_t)i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_much, &readers[i]),
			0);
	}
	for (i = 0; i < countof(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_false(readers[i].differs);
	}
}

unsigned check_faulty(struct opened *opened, const struct bytes *packed, enum peel_codec codec,
	const struct bytes *plain)
{
	struct peel_error err = {0};
	uint8_t buf[5000];
	unsigned n;

	source_drop(opened->source);
	for (n = 1;; n++) {
		cleanup_source struct source *faulty = NULL;
		ssize_t got;
		bool hit;

		assert_good(fault_source_new(packed->data, packed->len, n, &faulty, &err), &err);
		assert_good(check_open_over(opened, faulty, codec, plain->len, -1, &err), &err);
		got = source_read_at(opened->source, 3000000, buf, sizeof(buf), &err);
		hit = fault_source_hit(faulty);
		assert_int_equal(got, hit ? PEEL_EIO : (ssize_t)sizeof(buf));
		got = source_read_at(opened->source, 3000000, buf, sizeof(buf), &err);
		assert_int_equal(got, sizeof(buf));
		assert_memory_equal(buf, plain->data + 3000000, sizeof(buf));
		source_drop(opened->source);
		opened->source = NULL;
		if (!hit) {
			break;
		}
	}
	return n;
}
