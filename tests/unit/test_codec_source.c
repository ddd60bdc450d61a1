/* SPDX-License-Identifier: Apache-2.0 */
/* The decoded source, over gzip: failures, hostile points, threads. */
#include "codec_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "blockcache.h"
#include "codec_check.h"
#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "source.h"
#include "util.h"

/** Uncompressed bytes: several points, and more than the small cache holds. */
#define PLAIN_SIZE (9u << 20)

static struct bytes text;

static void failed_read_is_told_and_the_next_succeeds(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	unsigned n;

	(void)state;
	gzip_add(&packed, text.data, text.len, 6);
	check_open(&opened, &packed, PEEL_CODEC_GZIP, 16 * BLOCK_SIZE, -1);
	n = check_faulty(&opened, &packed, PEEL_CODEC_GZIP, &text);
	assert_true(n > 5);
	check_close(&opened);
	bytes_finish(&packed);
}

static void out_of_memory_is_told(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	struct peel_error err = {0};
	uint8_t buf[100];
	long before;
	unsigned n;
	ssize_t got;
	bool hit = true;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	gzip_add(&packed, text.data, text.len, 6);
	check_open(&opened, &packed, PEEL_CODEC_GZIP, 16 * BLOCK_SIZE, -1);
	source_drop(opened.source);
	opened.source = NULL;
	before = fault_alloc_live();
	for (n = 1; hit; n++) {
		fault_alloc(n);
		got = check_open_over(&opened, opened.raw, PEEL_CODEC_GZIP, text.len, -1, &err);
		if (got == 0) {
			got = source_read_at(opened.source, 7000000, buf, sizeof(buf), &err);
		}
		hit = fault_alloc_hit();
		/* Spans on the way are dropped where there is no memory for them. */
		assert_true(hit ? got == PEEL_ENOMEM || got == sizeof(buf) : got == sizeof(buf));
		if (got == sizeof(buf)) {
			assert_memory_equal(buf, text.data + 7000000, sizeof(buf));
		}
		source_drop(opened.source);
		opened.source = NULL;
		blockcache_free(opened.cache);
		assert_good(blockcache_new(16 * BLOCK_SIZE, &opened.cache, &err), &err);
		assert_int_equal(fault_alloc_live(), before);
	}
	assert_true(n > 5);
	check_close(&opened);
	bytes_finish(&packed);
}

/** A finder that gives whatever point it is told to. */
static int find_told(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	(void)out_off;
	(void)err;
	*ret_point = *(const struct point *)arg;
	memset(window, 0, min_u64(ret_point->window_len, POINT_WINDOW));
	return 0;
}

static const struct point hostile_points[] = {
	{.out_off = 1},
	{.in_off = 1},
	{.in_off = UINT64_MAX},
	{.in_off = UINT64_MAX, .bits = 7, .window_len = 10},
	{.bits = 3, .window_len = 10},
	{.in_off = 100, .bits = 3},
	{.in_off = 100, .bits = 8, .window_len = 10},
	{.in_off = 100, .bits = 255, .window_len = 10},
	{.in_off = 100, .window_len = POINT_WINDOW + 1},
	{.in_off = 100, .window_len = UINT32_MAX},
	{.in_off = 100, .bits = 1, .window_len = POINT_WINDOW},
};

static void hostile_points_are_refused(void **state)
{
	struct blockcache *cache = NULL;
	cleanup_source struct source *raw = NULL;
	struct bytes packed = {0};
	struct peel_error err = {0};
	uint8_t buf[100];
	ssize_t got;
	size_t i;

	(void)state;
	gzip_add(&packed, text.data, 300000, 6);
	assert_good(source_new_memory(packed.data, packed.len, 0, &raw, &err), &err);
	assert_good(blockcache_new(0, &cache, &err), &err);
	for (i = 0; i < countof(hostile_points); i++) {
		cleanup_source struct source *source = NULL;
		struct point point = hostile_points[i];
		struct point_finder finder = {.find = find_told, .arg = &point};
		struct codec_options options = {.spool_dir = -1, .cache = cache};

		assert_good(codec_open(raw, PEEL_CODEC_GZIP, 300000, &finder, &options, &source,
				    &err),
			&err);
		got = source_read_at(source, 0, buf, sizeof(buf), &err);
		assert_true(got == PEEL_EFORMAT || got == PEEL_ETRUNCATED);
		assert_int_equal(source_read_at(source, 0, buf, sizeof(buf), &err), got);
	}
	blockcache_free(cache);
	bytes_finish(&packed);
}

static void wrong_size_is_told(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	struct peel_error err = {0};
	uint8_t buf[100];

	(void)state;
	gzip_add(&packed, text.data, 300000, 6);
	check_open(&opened, &packed, PEEL_CODEC_GZIP, 0, -1);
	source_drop(opened.source);
	assert_good(check_open_over(&opened, opened.raw, PEEL_CODEC_GZIP, 300001, -1, &err), &err);
	assert_int_equal(source_read_at(opened.source, 299950, buf, 100, &err), PEEL_EFORMAT);
	assert_int_equal(source_read_at(opened.source, 100, buf, 100, &err), 100);
	assert_memory_equal(buf, text.data + 100, 100);
	check_close(&opened);
	bytes_finish(&packed);
}

struct reader {
	pthread_t thread;
	struct source *source;
	/** Where it begins, and the distance of its reads; 0: random ones. */
	uint64_t start;
	uint64_t stride;
	bool differs;
};

/** cmocka's assertions are for the main thread, so a difference is only noted here. */
static void *read_much(void *arg)
{
	struct reader *reader = arg;
	cleanup_free uint8_t *buf = malloc(131072);
	uint32_t seed = (uint32_t)reader->start + 1;
	uint64_t offset = reader->start;
	ssize_t got;
	int i;

	for (i = 0; i < (reader->stride ? 200 : 30) && offset < text.len && buf; i++) {
		got = source_read_at(reader->source, offset, buf, 131072, NULL);
		if (got != (ssize_t)min_u64(131072, text.len - offset) ||
			memcmp(buf, text.data + offset, (size_t)got) != 0) {
			reader->differs = true;
			break;
		}
		offset = reader->stride ? offset + reader->stride
					: test_random(&seed, (uint32_t)text.len);
	}
	return NULL;
}

static void threads_share_a_source(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	struct reader readers[8] = {0};
	size_t i;
	int round;

	(void)state;
	gzip_add(&packed, text.data, text.len, 6);
	for (round = 0; round < 2; round++) {
		check_open(&opened, &packed, PEEL_CODEC_GZIP, 6 * BLOCK_SIZE, -1);
		for (i = 0; i < countof(readers); i++) {
			/* Half of them share a sequential read, as the kernel's read-ahead does. */
			readers[i] = (struct reader){.source = opened.source};
			readers[i].start = i < 4 ? i * 131072 : i * 1000000;
			readers[i].stride = i < 4 ? 4 * 131072 : i < 6 ? 131072 : 0;
			assert_int_equal(pthread_create(&readers[i].thread, NULL, read_much,
						 &readers[i]),
				0);
		}
		for (i = 0; i < countof(readers); i++) {
			pthread_join(readers[i].thread, NULL);
			assert_false(readers[i].differs);
		}
		check_close(&opened);
	}
	bytes_finish(&packed);
}

static void decoded_spans_are_at_hand(void **state)
{
	struct opened opened;
	struct bytes packed = {0};
	cleanup_free uint8_t *buf = malloc(2 * BLOCK_SIZE);
	const uint64_t end = text.len;

	(void)state;
	gzip_add(&packed, text.data, text.len, 6);
	check_open(&opened, &packed, PEEL_CODEC_GZIP, 6 * BLOCK_SIZE, -1);
	assert_int_equal(source_read_now(opened.source, 10, buf, 100, NULL), 0);
	assert_int_equal(source_read_at(opened.source, BLOCK_SIZE, buf, 1, NULL), 1);
	assert_int_equal(source_read_now(opened.source, BLOCK_SIZE - 100, buf, 200, NULL), 1);
	assert_memory_equal(buf, text.data + BLOCK_SIZE - 100, 200);
	assert_int_equal(source_read_now(opened.source, 2 * BLOCK_SIZE - 100, buf, 101, NULL), 0);
	assert_int_equal(source_read_at(opened.source, end - 1, buf, 1, NULL), 1);
	assert_int_equal(source_read_now(opened.source, end - 5, buf, 5, NULL), 1);
	assert_memory_equal(buf, text.data + end - 5, 5);
	assert_int_equal(source_read_now(opened.source, end - 5, buf, 6, NULL), 0);
	check_close(&opened);
	bytes_finish(&packed);
}

static int make_text(void **state)
{
	(void)state;
	bytes_add_text(&text, 1, PLAIN_SIZE + 12345);
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
		cmocka_unit_test(failed_read_is_told_and_the_next_succeeds),
		cmocka_unit_test(out_of_memory_is_told),
		cmocka_unit_test(hostile_points_are_refused),
		cmocka_unit_test(wrong_size_is_told),
		cmocka_unit_test(threads_share_a_source),
		cmocka_unit_test(decoded_spans_are_at_hand),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
