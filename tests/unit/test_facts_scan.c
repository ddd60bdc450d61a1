/* SPDX-License-Identifier: Apache-2.0 */
/* Markers in streams, against a search that is slow and obvious: any pieces, any sets, at the worst places. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/error.h>

#include "facts_scan.h"
#include "peel_test.h"
#include "util.h"

#define MARKERS_MAX 64
#define NOT_FOUND UINT64_MAX

#define MARKER(bytes, in) \
	{ \
		bytes, bytes, sizeof(bytes) - 1, in \
	}

/* Where each marker of a set was told. */
struct told {
	uint64_t at[FACTS_MARKERS_MAX];
	size_t count;
};

static void tell(void *arg, size_t marker, uint64_t offset)
{
	struct told *told = arg;

	assert_int_equal(told->at[marker], NOT_FOUND);
	told->at[marker] = offset;
	told->count++;
}

static struct facts_scan *new_scan(const struct facts_wanted *wanted,
	struct facts_scanner **ret_scanner)
{
	struct facts_scan *scan = NULL;

	assert_int_equal(facts_scanner_new(wanted, ret_scanner, NULL), 0);
	assert_int_equal(facts_scan_new(*ret_scanner, &scan, NULL), 0);
	return scan;
}

/* Feed bytes in pieces of a size. */
static void feed(struct facts_scan *scan, unsigned int in, const uint8_t *bytes, size_t len,
	size_t piece, struct told *ret_told)
{
	memset(ret_told->at, 0xff, sizeof(ret_told->at));
	ret_told->count = 0;
	facts_scan_begin(scan, in, tell, ret_told);
	for (size_t at = 0; at < len; at += piece) {
		facts_scan_feed(scan, bytes + at, min_u64(piece, len - at));
	}
}

static uint64_t slow_find(const uint8_t *bytes, size_t len, const struct facts_marker *marker)
{
	const uint8_t *at = memmem(bytes, len, marker->bytes, marker->len);

	return at ? (uint64_t)(at - bytes) : NOT_FOUND;
}

static void check(const struct facts_wanted *wanted, const struct told *told, unsigned int in,
	const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < wanted->marker_count; i++) {
		const uint64_t wants = wanted->markers[i].in & in
			? slow_find(bytes, len, &wanted->markers[i])
			: NOT_FOUND;

		if (told->at[i] != wants) {
			fail_msg("marker %zu: at %llu, not %llu", i,
				(unsigned long long)told->at[i], (unsigned long long)wants);
		}
	}
}

static void every_place_and_piece_finds_it(void **state)
{
	static const struct facts_marker markers[] = {MARKER("Fatal Python error: ", 7),
		MARKER("abcdef", 7), MARKER("MEI\014\013\012\013\016", 7)};
	const struct facts_wanted wanted = {.markers = markers, .marker_count = countof(markers)};
	struct facts_scanner *scanner;
	struct facts_scan *scan = new_scan(&wanted, &scanner);
	struct told told;

	(void)state;
	for (size_t i = 0; i < countof(markers); i++) {
		for (size_t at = 0; at < 64; at++) {
			uint8_t bytes[100] = {0};

			memcpy(bytes + at, markers[i].bytes, markers[i].len);
			for (size_t piece = 1; piece < 100; piece++) {
				feed(scan, 7, bytes, at + markers[i].len, piece, &told);
				assert_int_equal(told.at[i], at);
				assert_int_equal(told.count, 1);
				/* One byte less is none. */
				feed(scan, 7, bytes, at + markers[i].len - 1, piece, &told);
				assert_int_equal(told.count, 0);
			}
		}
	}
	facts_scan_free(scan);
	facts_scanner_free(scanner);
}

/* Markers out of few letters, so that they overlap, hold each other and repeat their own grams. */
static void random_markers_agree_with_a_slow_search(void **state)
{
	static uint8_t texts[MARKERS_MAX][FACTS_MARKER_MAX];
	static uint8_t bytes[20000];
	unsigned int seed = 20;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct facts_marker markers[MARKERS_MAX];
		struct facts_wanted wanted = {.markers = markers};
		const unsigned int letters = 1 + (unsigned int)rand_r(&seed) % 4;
		const size_t shortest = 6 + (size_t)rand_r(&seed) % 8;
		const size_t len = (size_t)rand_r(&seed) % sizeof(bytes);
		struct facts_scanner *scanner;
		struct facts_scan *scan;
		struct told told;

		wanted.marker_count = 1 + (size_t)rand_r(&seed) % MARKERS_MAX;
		for (size_t i = 0; i < wanted.marker_count; i++) {
			markers[i] = (struct facts_marker){"m", texts[i],
				shortest +
					(size_t)rand_r(&seed) %
						(round % 8 ? 12 : FACTS_MARKER_MAX - shortest + 1),
				1 + (unsigned int)rand_r(&seed) % 7};
			for (size_t k = 0; k < markers[i].len; k++) {
				texts[i][k] = (uint8_t)('a' + rand_r(&seed) % letters);
			}
		}
		for (size_t i = 0; i < len; i++) {
			bytes[i] = (uint8_t)('a' + rand_r(&seed) % (letters + round % 2));
		}
		scan = new_scan(&wanted, &scanner);
		for (unsigned int in = 0; in < 8; in++) {
			feed(scan, in, bytes, len, 1 + (size_t)rand_r(&seed) % 300, &told);
			check(&wanted, &told, in, bytes, len);
			feed(scan, in, bytes, len, sizeof(bytes), &told);
			check(&wanted, &told, in, bytes, len);
		}
		facts_scan_free(scan);
		facts_scanner_free(scanner);
	}
}

static void sets_decide_which_markers_count(void **state)
{
	static const struct facts_marker markers[] = {
		MARKER("programs", FACTS_IN_PROGRAMS), MARKER("in text", FACTS_IN_TEXT)};
	const struct facts_wanted wanted = {.markers = markers, .marker_count = countof(markers)};
	const uint8_t bytes[] = "in text, programs";
	struct facts_scanner *scanner;
	struct facts_scan *scan = new_scan(&wanted, &scanner);
	struct told told;

	(void)state;
	feed(scan, FACTS_IN_PROGRAMS, bytes, sizeof(bytes), 5, &told);
	assert_int_equal(told.at[0], 9);
	assert_int_equal(told.count, 1);
	feed(scan, FACTS_IN_TEXT, bytes, sizeof(bytes), 5, &told);
	assert_int_equal(told.at[1], 0);
	assert_int_equal(told.count, 1);
	feed(scan, FACTS_IN_DATA, bytes, sizeof(bytes), 5, &told);
	assert_int_equal(told.count, 0);
	feed(scan, FACTS_IN_PROGRAMS | FACTS_IN_TEXT, bytes, sizeof(bytes), 5, &told);
	assert_int_equal(told.count, 2);
	facts_scan_free(scan);
	facts_scanner_free(scanner);
}

static void no_markers_find_nothing(void **state)
{
	const struct facts_wanted wanted = {0};
	struct facts_scanner *scanner;
	struct facts_scan *scan = new_scan(&wanted, &scanner);
	struct told told;

	(void)state;
	feed(scan, 7, (const uint8_t *)"some text", 9, 3, &told);
	assert_int_equal(told.count, 0);
	facts_scan_free(scan);
	facts_scanner_free(scanner);
	facts_scan_free(NULL);
	facts_scanner_free(NULL);
}

static void markers_out_of_bounds_are_refused(void **state)
{
	struct facts_marker marker = {"short", "12345", 5, 7};
	struct facts_wanted wanted = {.markers = &marker, .marker_count = 1};
	struct facts_scanner *scanner = NULL;

	(void)state;
	assert_int_equal(facts_scanner_new(&wanted, &scanner, NULL), PEEL_EUSAGE);
	marker.len = FACTS_MARKER_MAX + 1;
	assert_int_equal(facts_scanner_new(&wanted, &scanner, NULL), PEEL_EUSAGE);
	wanted.marker_count = FACTS_MARKERS_MAX + 1;
	assert_int_equal(facts_scanner_new(&wanted, &scanner, NULL), PEEL_EUSAGE);
	assert_null(scanner);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * As many markers as there may be, all alike but for some bytes in the middle, and bytes that are nearly each of them:
 * what every marker's own window costs must not add up.
 */
static void nearly_found_everywhere_stays_fast(void **state)
{
	static char texts[FACTS_MARKERS_MAX][64];
	static struct facts_marker markers[FACTS_MARKERS_MAX];
	const struct facts_wanted wanted = {.markers = markers, .marker_count = FACTS_MARKERS_MAX};
	const size_t len = 8 << 20;
	uint8_t *bytes = malloc(len);
	struct facts_scanner *scanner;
	struct facts_scan *scan;
	struct told told;
	double began;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < FACTS_MARKERS_MAX; i++) {
		const int made = snprintf(texts[i], sizeof(texts[i]),
			"aaaaaaaaaaaaaaaaaaaa%06zuaaaaaaaaaaaaaaaaaaaa", i * 977);

		markers[i] = (struct facts_marker){"near", texts[i], (size_t)made, 7};
	}
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t) "aaaaaaaaaaaaaaaaaaaa00977aaaaaaaaaaaaaaaaaaaa"[i % 45];
	}
	scan = new_scan(&wanted, &scanner);
	began = cpu_seconds();
	feed(scan, 7, bytes, len, 1 << 16, &told);
	/*
	 * About 50 ms; a sanitizer on a busy machine may be twenty times slower. Each marker each byte takes minutes.
	 */
	assert_true(cpu_seconds() - began < 5);
	check(&wanted, &told, 7, bytes, 4096);
	facts_scan_free(scan);
	facts_scanner_free(scanner);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_and_piece_finds_it),
		cmocka_unit_test(random_markers_agree_with_a_slow_search),
		cmocka_unit_test(sets_decide_which_markers_count),
		cmocka_unit_test(no_markers_find_nothing),
		cmocka_unit_test(markers_out_of_bounds_are_refused),
		cmocka_unit_test(nearly_found_everywhere_stays_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
