/* SPDX-License-Identifier: Apache-2.0 */
#include "blockcache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compress.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"

/** Spans whose bytes follow from their number, and how they are filled. */
struct spans {
	atomic_uint fills;
	/** Fills that fail, from now on. */
	atomic_uint failures;
	/** Microseconds that a fill takes. */
	unsigned delay;
	/** Number of the last span, which is short. */
	uint64_t last;
};

#define SHORT_LEN 100

static uint8_t byte_of(uint64_t block, size_t offset)
{
	return (uint8_t)(block * 31 + offset / 1000);
}

static bool take_failure(struct spans *spans)
{
	unsigned left = atomic_load(&spans->failures);

	while (left > 0) {
		if (atomic_compare_exchange_weak(&spans->failures, &left, left - 1)) {
			return true;
		}
	}
	return false;
}

static int64_t fill(void *arg, uint64_t block, void *buf, struct peel_error *err)
{
	struct spans *spans = arg;
	int64_t len = spans->last && block >= spans->last ? SHORT_LEN : BLOCK_SIZE;
	int64_t i;

	atomic_fetch_add(&spans->fills, 1);
	if (spans->delay) {
		usleep(spans->delay);
	}
	if (take_failure(spans)) {
		return peel_fail(err, PEEL_EIO, "no luck");
	}
	for (i = 0; i < len; i++) {
		((uint8_t *)buf)[i] = byte_of(block, (size_t)i);
	}
	return len;
}

/** Read a byte of a span. @return what the read returned. */
static int64_t touch(struct blockcache *cache, struct spans *spans, uint64_t block, size_t offset)
{
	struct peel_error err = {0};
	uint8_t byte = 0;
	int64_t got = blockcache_read(cache, spans, block, offset, &byte, 1, fill, spans, &err);

	assert_true(got <= 0 || byte == byte_of(block, offset));
	assert_true(got >= 0 || err.code == got);
	return got;
}

static struct blockcache *new_cache(size_t spans)
{
	struct blockcache *cache = NULL;
	struct peel_error err = {0};

	assert_good(blockcache_new(spans * BLOCK_SIZE, &cache, &err), &err);
	return cache;
}

static void span_is_filled_once(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {0};

	(void)state;
	assert_int_equal(touch(cache, &spans, 7, 0), 1);
	assert_int_equal(touch(cache, &spans, 7, BLOCK_SIZE - 1), 1);
	assert_int_equal(touch(cache, &spans, 7, 5), 1);
	assert_int_equal(spans.fills, 1);
	blockcache_free(cache);
}

static void short_span_reads_short(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {.last = 3};
	uint8_t buf[SHORT_LEN * 2];

	(void)state;
	assert_int_equal(blockcache_read(cache, &spans, 3, 0, buf, sizeof(buf), fill, &spans, NULL),
		SHORT_LEN);
	assert_int_equal(blockcache_read(cache, &spans, 3, 90, buf, sizeof(buf), fill, &spans,
				 NULL),
		10);
	assert_int_equal(blockcache_read(cache, &spans, 3, 100, buf, sizeof(buf), fill, &spans,
				 NULL),
		0);
	assert_int_equal(blockcache_read(cache, &spans, 3, 5000, buf, sizeof(buf), fill, &spans,
				 NULL),
		0);
	assert_int_equal(spans.fills, 1);
	blockcache_free(cache);
}

static void full_spans_are_at_hand(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {.last = 3};
	uint8_t buf[SHORT_LEN];

	(void)state;
	assert_false(blockcache_read_now(cache, &spans, 3, 0, buf, 1));
	assert_int_equal(touch(cache, &spans, 3, 0), 1);
	assert_true(blockcache_read_now(cache, &spans, 3, 0, buf, SHORT_LEN));
	assert_int_equal(buf[0], byte_of(3, 0));
	assert_true(blockcache_read_now(cache, &spans, 3, SHORT_LEN - 1, buf, 1));
	assert_false(blockcache_read_now(cache, &spans, 3, SHORT_LEN - 1, buf, 2));
	assert_false(blockcache_read_now(cache, &spans, 3, SHORT_LEN + 1, buf, 1));
	assert_false(blockcache_read_now(cache, buf, 3, 0, buf, 1));
	assert_int_equal(spans.fills, 1);
	blockcache_free(cache);
}

static void failure_is_not_kept(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {.failures = 2};

	(void)state;
	assert_int_equal(touch(cache, &spans, 1, 0), PEEL_EIO);
	assert_int_equal(touch(cache, &spans, 1, 0), PEEL_EIO);
	assert_int_equal(touch(cache, &spans, 1, 0), 1);
	assert_int_equal(touch(cache, &spans, 1, 0), 1);
	assert_int_equal(spans.fills, 3);
	blockcache_free(cache);
}

static void least_recently_used_goes_first(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {0};
	uint64_t block;

	(void)state;
	for (block = 0; block < 4; block++) {
		touch(cache, &spans, block, 0);
	}
	touch(cache, &spans, 0, 0);
	touch(cache, &spans, 4, 0);
	assert_int_equal(spans.fills, 5);
	touch(cache, &spans, 0, 0);
	touch(cache, &spans, 2, 0);
	touch(cache, &spans, 3, 0);
	touch(cache, &spans, 4, 0);
	assert_int_equal(spans.fills, 5);
	touch(cache, &spans, 1, 0);
	assert_int_equal(spans.fills, 6);
	blockcache_free(cache);
}

static void owners_do_not_share(void **state)
{
	struct blockcache *cache = new_cache(8);
	struct spans one = {0};
	struct spans two = {0};

	(void)state;
	touch(cache, &one, 5, 0);
	touch(cache, &two, 5, 0);
	assert_int_equal(one.fills, 1);
	assert_int_equal(two.fills, 1);
	blockcache_forget(cache, &one);
	touch(cache, &two, 5, 0);
	assert_int_equal(two.fills, 1);
	touch(cache, &one, 5, 0);
	assert_int_equal(one.fills, 2);
	blockcache_free(cache);
}

static void offered_span_is_taken(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {0};
	cleanup_free uint8_t *bytes = malloc(BLOCK_SIZE);

	(void)state;
	assert_non_null(bytes);
	fill(&spans, 9, bytes, NULL);
	blockcache_offer(cache, &spans, 9, bytes, BLOCK_SIZE);
	assert_int_equal(touch(cache, &spans, 9, 12345), 1);
	assert_int_equal(spans.fills, 1);
	/* What is there already stays. */
	memset(bytes, 0xff, BLOCK_SIZE);
	blockcache_offer(cache, &spans, 9, bytes, BLOCK_SIZE);
	assert_int_equal(touch(cache, &spans, 9, 12345), 1);
	blockcache_free(cache);
}

/** Spans kept stay within the budget, however many are read. */
static void budget_is_kept(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {0};
	uint8_t bytes[10] = {0};
	long before = fault_alloc_live();
	uint64_t block;

	(void)state;
	for (block = 0; block < 100; block++) {
		touch(cache, &spans, block, 0);
		blockcache_offer(cache, &spans, block + 1000, bytes, sizeof(bytes));
	}
	if (fault_alloc_works()) {
		assert_int_equal(fault_alloc_live(), before + 4);
	}
	blockcache_forget(cache, &spans);
	assert_int_equal(fault_alloc_live(), before);
	blockcache_free(cache);
}

static void out_of_memory_is_told(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {0};

	(void)state;
	if (!fault_alloc_works()) {
		blockcache_free(cache);
		skip();
	}
	fault_alloc(1);
	assert_int_equal(touch(cache, &spans, 1, 0), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
	fault_alloc(1);
	blockcache_offer(cache, &spans, 1, "x", 1);
	assert_true(fault_alloc_hit());
	assert_int_equal(touch(cache, &spans, 1, 0), 1);
	blockcache_free(cache);
	fault_alloc(1);
	assert_int_equal(blockcache_new(0, &cache, NULL), PEEL_ENOMEM);
	assert_true(fault_alloc_hit());
}

struct reader {
	pthread_t thread;
	struct blockcache *cache;
	struct spans *spans;
	uint32_t seed;
	/** 0: always the first one. */
	uint32_t blocks;
	int count;
	unsigned failures;
	bool differs;
};

static void *read_many(void *arg)
{
	struct reader *reader = arg;
	uint8_t buf[3000];
	uint64_t block = 0;
	size_t offset;
	int64_t got;
	int i;

	for (i = 0; i < reader->count; i++) {
		block = reader->blocks ? test_random(&reader->seed, reader->blocks) : 0;
		offset = test_random(&reader->seed, BLOCK_SIZE - sizeof(buf));
		got = blockcache_read(reader->cache, reader->spans, block, offset, buf, sizeof(buf),
			fill, reader->spans, NULL);
		if (got < 0) {
			reader->failures++;
		} else if (got != sizeof(buf) || buf[0] != byte_of(block, offset) ||
			buf[sizeof(buf) - 1] != byte_of(block, offset + sizeof(buf) - 1)) {
			reader->differs = true;
		}
	}
	return NULL;
}

/** @return failures that the readers saw. */
static unsigned run_readers(struct blockcache *cache, struct spans *spans, uint32_t blocks,
	int count)
{
	struct reader readers[6];
	unsigned failures = 0;
	size_t i;

	for (i = 0; i < countof(readers); i++) {
		readers[i] = (struct reader){.cache = cache,
			.spans = spans,
			.seed = (uint32_t)i,
			.blocks = blocks,
			.count = count};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_many, &readers[i]),
			0);
	}
	for (i = 0; i < countof(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_false(readers[i].differs);
		failures += readers[i].failures;
	}
	return failures;
}

static void threads_wait_for_one_fill(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {.delay = 20000};

	(void)state;
	assert_int_equal(run_readers(cache, &spans, 0, 3), 0);
	assert_int_equal(spans.fills, 1);
	blockcache_free(cache);
}

/** A fill that fails is only its own reader's failure: one that waited tries again. */
static void waiters_do_not_take_over_a_failure(void **state)
{
	struct blockcache *cache = new_cache(4);
	struct spans spans = {.delay = 20000, .failures = 2};

	(void)state;
	assert_int_equal(run_readers(cache, &spans, 0, 1), 2);
	assert_int_equal(spans.fills, 3);
	blockcache_free(cache);
}

static void threads_read_right_while_spans_come_and_go(void **state)
{
	struct blockcache *cache = new_cache(5);
	struct spans spans = {.failures = 10};

	(void)state;
	assert_int_equal(run_readers(cache, &spans, 12, 100), 10);
	blockcache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_is_filled_once),
		cmocka_unit_test(short_span_reads_short),
		cmocka_unit_test(full_spans_are_at_hand),
		cmocka_unit_test(failure_is_not_kept),
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(owners_do_not_share),
		cmocka_unit_test(offered_span_is_taken),
		cmocka_unit_test(budget_is_kept),
		cmocka_unit_test(out_of_memory_is_told),
		cmocka_unit_test(threads_wait_for_one_fill),
		cmocka_unit_test(waiters_do_not_take_over_a_failure),
		cmocka_unit_test(threads_read_right_while_spans_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
