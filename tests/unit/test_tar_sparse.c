/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_sparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "fault.h"
#include "tar_header.h"
#include "util.h"

/** The map as text, "offset+length " each. */
static void expect_map(const struct tar_sparse *sparse, const char *wanted)
{
	char text[256] = "";

	for (size_t i = 0; i < sparse->count; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, "%llu+%llu ",
			(unsigned long long)sparse->extents[i].offset,
			(unsigned long long)sparse->extents[i].length);
	}
	assert_string_equal(text, wanted);
}

static void put_extent(unsigned char *at, unsigned long long offset, unsigned long long length)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%011llo", offset);
	memcpy(at, text, 12);
	(void)snprintf(text, sizeof(text), "%011llo", length);
	memcpy(at + 12, text, 12);
}

static void gnu_header_and_continuation(void **state)
{
	struct tar_sparse sparse = {0};
	unsigned char block[TAR_BLOCK] = {0};
	bool more = false;

	(void)state;
	tar_sparse_clear(&sparse);
	for (unsigned i = 0; i < 4; i++) {
		put_extent(block + TAR_GNU_SPARSE + 24 * i, 1024 * i, 512);
	}
	block[TAR_GNU_EXTENDED] = 1;
	assert_int_equal(tar_sparse_gnu(&sparse, block, true, &more, NULL), 0);
	assert_true(more);
	assert_int_equal(sparse.count, 4);
	memset(block, 0, sizeof(block));
	put_extent(block, 8192, 100);
	assert_int_equal(tar_sparse_gnu(&sparse, block, false, &more, NULL), 0);
	assert_false(more);
	expect_map(&sparse, "0+512 1024+512 2048+512 3072+512 8192+100 ");
	tar_sparse_clear(&sparse);
	memset(block, 0, sizeof(block));
	for (unsigned i = 0; i < 21; i++) {
		put_extent(block + 24 * i, i, 1);
	}
	block[504] = 1;
	assert_int_equal(tar_sparse_gnu(&sparse, block, false, &more, NULL), 0);
	assert_true(more);
	assert_int_equal(sparse.count, 21);
	tar_sparse_finish(&sparse);
}

static void gnu_bad_number_still_tells_whether_more_follows(void **state)
{
	struct tar_sparse sparse = {0};
	unsigned char block[TAR_BLOCK] = {0};
	bool more = false;

	(void)state;
	tar_sparse_clear(&sparse);
	memcpy(block + TAR_GNU_SPARSE, "x", 1);
	block[TAR_GNU_EXTENDED] = 1;
	assert_int_equal(tar_sparse_gnu(&sparse, block, true, &more, NULL), PEEL_EFORMAT);
	assert_true(more);
	memset(block + TAR_GNU_SPARSE, 0xff, 12);
	assert_int_equal(tar_sparse_gnu(&sparse, block, true, &more, NULL), PEEL_EFORMAT);
	tar_sparse_finish(&sparse);
}

/** Parse pax records and make a map of them. */
static int from_records(struct tar_sparse *sparse, const char *records)
{
	struct tar_pax pax = {0};
	int code;

	assert_int_equal(tar_pax_parse(&pax, records, strlen(records), NULL), 0);
	tar_sparse_clear(sparse);
	code = tar_sparse_records(sparse, &pax, NULL);
	tar_pax_finish(&pax);
	return code;
}

#define BLOCKS(n) "26 GNU.sparse.numblocks=" #n "\n"
#define OFFSET(n) "23 GNU.sparse.offset=" #n "\n"
#define BYTES(n) "25 GNU.sparse.numbytes=" #n "\n"

static void records_of_0_0_and_0_1(void **state)
{
	static const struct {
		const char *records;
		const char *map;
	} cases[] = {
		{BLOCKS(2) OFFSET(1) BYTES(2) OFFSET(5) BYTES(1), "1+2 5+1 "},
		{OFFSET(1) BYTES(2) BLOCKS(1) OFFSET(5) BYTES(1) BLOCKS(2), "1+2 5+1 "},
		{BLOCKS(2) "26 GNU.sparse.map=1,2,5,1\n", "1+2 5+1 "},
		{BLOCKS(0), ""},
		{BLOCKS(0) "19 GNU.sparse.map=\n", ""},
		{BLOCKS(1) OFFSET(1) BYTES(2) "22 GNU.sparse.map=9,9\n", "1+2 "},
		{OFFSET(1) BYTES(2), NULL},
		{BLOCKS(2) OFFSET(1) BYTES(2), NULL},
		{BLOCKS(x) OFFSET(1) BYTES(2), NULL},
		{BLOCKS(1) BYTES(2) OFFSET(1), NULL},
		{BLOCKS(1) OFFSET(1), NULL},
		{BLOCKS(1) OFFSET(1) BYTES(x), NULL},
		{BLOCKS(1) "20 GNU.sparse.map=1\n", NULL},
		{BLOCKS(1) "23 GNU.sparse.map=1,2,\n", NULL},
		{BLOCKS(1) "22 GNU.sparse.map=,12\n", NULL},
		{BLOCKS(1) "23 GNU.sparse.map=1,-2\n", NULL},
		{BLOCKS(1) "23 GNU.sparse.map=1, 2\n", NULL},
	};
	struct tar_sparse sparse = {0};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int code = from_records(&sparse, cases[i].records);

		if (code != (cases[i].map ? 0 : PEEL_EFORMAT)) {
			fail_msg("case %zu: %d", i, code);
		}
		if (cases[i].map) {
			expect_map(&sparse, cases[i].map);
		}
	}
	tar_sparse_finish(&sparse);
}

/** Feed a 1.0 map, block by block. @return blocks it took, or less than 0. */
static int feed(struct tar_sparse *sparse, const char *text, size_t len)
{
	tar_sparse_clear(sparse);
	for (int blocks = 1;; blocks++) {
		char block[TAR_BLOCK] = {0};
		size_t at = (size_t)(blocks - 1) * TAR_BLOCK;
		int code;

		assert_true(at <= len + TAR_BLOCK);
		memcpy(block, text + min_u64(at, len), min_u64(TAR_BLOCK, len - min_u64(at, len)));
		code = tar_sparse_data(sparse, block, NULL);
		if (code != 0) {
			return code < 0 ? code : blocks;
		}
	}
}

static void data_map_of_1_0(void **state)
{
	static const struct {
		const char *text;
		int blocks;
		const char *map;
	} cases[] = {
		{"0\n", 1, ""},
		{"0\ngarbage after the map", 1, ""},
		{"2\n4096\n512\n8192\n100\n", 1, "4096+512 8192+100 "},
		{"1\n0\n9223372036854775807\n", 1, "0+9223372036854775807 "},
		{"\n", PEEL_EFORMAT, ""},
		{"-1\n", PEEL_EFORMAT, ""},
		{"x\n", PEEL_EFORMAT, ""},
		{"1\n-1\n5\n", PEEL_EFORMAT, ""},
		{"1\n1\n9223372036854775808\n", PEEL_EFORMAT, ""},
		{"0000000000000000000000001\n", PEEL_EFORMAT, ""},
		{"1", PEEL_EFORMAT, ""},
		{"65537\n", PEEL_ELIMIT, ""},
		{"9223372036854775807\n", PEEL_ELIMIT, ""},
	};
	struct tar_sparse sparse = {0};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int blocks = feed(&sparse, cases[i].text, strlen(cases[i].text));

		if (blocks != cases[i].blocks) {
			fail_msg("case %zu: %d", i, blocks);
		}
		if (blocks > 0) {
			expect_map(&sparse, cases[i].map);
		}
	}
	tar_sparse_finish(&sparse);
}

/** Numbers may lie across the boundary of blocks, at every place. */
static void data_map_crosses_blocks(void **state)
{
	struct tar_sparse sparse = {0};
	char text[4096];
	int len = snprintf(text, sizeof(text), "100\n");

	(void)state;
	for (int i = 0; i < 100; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%d\n%d\n", i * 1000003,
			i + 1);
	}
	assert_int_equal(feed(&sparse, text, (size_t)len), (len + TAR_BLOCK - 1) / TAR_BLOCK);
	assert_int_equal(sparse.count, 100);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(sparse.extents[i].offset, i * 1000003);
		assert_int_equal(sparse.extents[i].length, i + 1);
	}
	tar_sparse_finish(&sparse);
}

static void check_finds_what_is_wrong(void **state)
{
	static const struct {
		struct scan_extent extents[3];
		size_t count;
		uint64_t size, stored;
		const char *wrong;
		const char *map;
	} cases[] = {
		{{{0, 0}}, 0, 0, 0, NULL, ""},
		{{{0, 0}}, 0, INT64_MAX, 0, NULL, ""},
		{{{0, 512}, {512, 512}}, 2, 1024, 1024, NULL, "0+512 512+512 "},
		{{{0, 512}, {4096, 0}}, 2, 4096, 512, NULL, "0+512 "},
		{{{0, 0}, {0, 1}, {1, 0}}, 3, 1, 1, NULL, "0+1 "},
		{{{512, 512}, {0, 512}}, 2, 1024, 1024, "order", NULL},
		{{{0, 512}, {511, 1}}, 2, 1024, 513, "overlap", NULL},
		{{{0, 512}}, 1, 511, 512, "past", NULL},
		{{{512, 0}}, 1, 511, 0, "past", NULL},
		{{{INT64_MAX, INT64_MAX}}, 1, INT64_MAX, INT64_MAX, "past", NULL},
		{{{0, 512}}, 1, 512, 511, "account", NULL},
		{{{0, 512}}, 1, 512, 513, "account", NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct scan_extent extents[3];
		struct tar_sparse sparse = {.extents = extents, .count = cases[i].count};
		const char *wrong;

		memcpy(extents, cases[i].extents, sizeof(extents));
		wrong = tar_sparse_check(&sparse, cases[i].size, cases[i].stored);
		if (!wrong != !cases[i].wrong || (wrong && !strstr(wrong, cases[i].wrong))) {
			fail_msg("case %zu: %s", i, wrong ? wrong : "nothing is wrong");
		}
		if (!wrong) {
			expect_map(&sparse, cases[i].map);
		}
	}
}

static void out_of_memory_is_told(void **state)
{
	static const char text[] =
		"10\n1\n1\n2\n1\n3\n1\n4\n1\n5\n1\n6\n1\n7\n1\n8\n1\n9\n1\n10\n1\n";
	long before = fault_alloc_live();

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1; n <= 3; n++) {
		struct tar_sparse sparse = {0};
		int blocks;

		fault_alloc(n);
		blocks = feed(&sparse, text, sizeof(text) - 1);
		assert_int_equal(fault_alloc_hit(), n < 3);
		assert_int_equal(blocks, n < 3 ? PEEL_ENOMEM : 1);
		tar_sparse_finish(&sparse);
	}
	assert_int_equal(fault_alloc_live(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gnu_header_and_continuation),
		cmocka_unit_test(gnu_bad_number_still_tells_whether_more_follows),
		cmocka_unit_test(records_of_0_0_and_0_1),
		cmocka_unit_test(data_map_of_1_0),
		cmocka_unit_test(data_map_crosses_blocks),
		cmocka_unit_test(check_finds_what_is_wrong),
		cmocka_unit_test(out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
