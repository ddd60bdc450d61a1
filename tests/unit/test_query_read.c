/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

/*
 * The sparse file's rows are put in by hand: 300 extents of 2 bytes of "abcdef…" at 0, 10, 20, …;
 * 3005 bytes.
 */
#define EXTENTS 300
#define SPARSE_SIZE 3005
#define SPARSE_SQL \
	"UPDATE entry SET flags = flags | 4 | 16, size = 3005 WHERE name = x'73';" \
	"INSERT INTO extra (entry, major, minor, header, allocated)" \
	" SELECT id, 0, 0, 0, 4096 FROM entry WHERE name = x'73';" \
	"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 299)" \
	" INSERT INTO extent SELECT e.id, 10 * i, 2, e.data + 2 * (i % 13) FROM n, entry e WHERE e.name = x'73';"

/* Make f sparse with one extent. */
#define EXTENT(values) \
	"UPDATE entry SET flags = 4 WHERE name = x'66';" \
	"INSERT INTO extent SELECT id, " values " FROM entry WHERE name = x'66'"

static const struct test_entry entries[] = {
	{.path = "f", .data = "hello, world"},
	{.path = "empty", .data = ""},
	{.path = "s", .data = "abcdefghijklmnopqrstuvwxyz"},
	{.path = "d/"},
	{.path = "l", .link = "f"},
	{.layer = 1, .path = "h", .link = "f", .hard = 1},
	{.layer = 1, .path = ".wh.d", .data = ""},
};

static uint64_t ino_of(struct test_index *test, int view, const char *path)
{
	struct peel_error err = {0};
	struct peel_node node;

	assert_good(peel_resolve(test->index, view, 0, path, strlen(path), false, &node, NULL,
			    &err),
		&err);
	return node.ino;
}

/* What is at hand is what a read gives. */
static void check_now(struct test_index *test, uint64_t ino, uint64_t offset, size_t len,
	const char *text, size_t wanted)
{
	char buf[32];
	size_t got = 0;
	int r = peel_read_now(test->index, ino, offset, buf, len, &got, NULL);

	assert_true(r == 1 || (r == 0 && wanted > 0));
	if (r == 1) {
		assert_int_equal(got, wanted);
		assert_memory_equal(buf, text + (wanted ? offset : 0), wanted);
	}
}

static void bytes_are_read_at_any_offset(void **state)
{
	static const char text[] = "hello, world";
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	const uint64_t inos[] = {ino_of(&test, -1, "/f"), ino_of(&test, -1, "/h"),
		ino_of(&test, 0, "/f"), ino_of(&test, 1, "/h")};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < countof(inos); i++) {
		for (size_t offset = 0; offset < 14; offset++) {
			for (size_t len = 0; len < 16; len++) {
				size_t wanted = offset >= 12 ? 0 : min_u64(len, 12 - offset);

				assert_int_equal(peel_read(test.index, inos[i], offset, buf, len,
							 NULL),
					wanted);
				assert_memory_equal(buf, text + (wanted ? offset : 0), wanted);
				check_now(&test, inos[i], offset, len, text, wanted);
			}
		}
		assert_int_equal(peel_read(test.index, inos[i], UINT64_MAX, buf, 1, NULL), 0);
	}
	assert_int_equal(peel_read(test.index, ino_of(&test, -1, "/empty"), 0, buf, 1, NULL), 0);
	test_index_free(&test);
}

static void only_files_are_read(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	char buf[8];
	uint64_t offset;
	size_t got;

	(void)state;
	assert_int_equal(peel_read(test.index, ino_of(&test, 0, "/d"), 0, buf, 1, NULL),
		PEEL_EISDIR);
	assert_int_equal(peel_read(test.index, peel_root(0), 0, buf, 1, NULL), PEEL_EISDIR);
	assert_int_equal(peel_read_now(test.index, peel_root(0), 0, buf, 1, &got, NULL),
		PEEL_EISDIR);
	assert_int_equal(peel_read(test.index, peel_root(-1), 0, buf, 1, NULL), PEEL_EISDIR);
	assert_int_equal(peel_read(test.index, ino_of(&test, -1, "/l"), 0, buf, 1, NULL),
		PEEL_EUSAGE);
	assert_int_equal(peel_read(test.index, 12345, 0, buf, 1, NULL), PEEL_ENOENT);
	assert_int_equal(peel_read(test.index, ino_of(&test, 1, "/.wh.d"), 0, buf, 1, NULL), 0);
	assert_int_equal(peel_seek(test.index, peel_root(-1), 0, true, &offset, NULL), PEEL_EISDIR);
	test_index_free(&test);
}

static void holes_read_as_zeros(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), SPARSE_SQL);
	const uint64_t ino = ino_of(&test, -1, "/s");
	char wanted[SPARSE_SIZE] = {0};
	char buf[SPARSE_SIZE + 8];
	struct peel_node node;

	(void)state;
	for (size_t i = 0; i < EXTENTS; i++) {
		wanted[10 * i] = (char)('a' + 2 * (i % 13));
		wanted[10 * i + 1] = (char)('b' + 2 * (i % 13));
	}
	assert_int_equal(peel_node_get(test.index, ino, &node, NULL), 0);
	assert_true(node.sparse);
	assert_int_equal(node.size, SPARSE_SIZE);
	assert_int_equal(node.allocated, 4096);
	for (size_t offset = 0; offset < SPARSE_SIZE; offset += 7) {
		static const size_t lengths[] = {1, 2, 9, 640, 641, SPARSE_SIZE};

		for (size_t i = 0; i < countof(lengths); i++) {
			const size_t len = min_u64(lengths[i], SPARSE_SIZE - offset);

			memset(buf, '?', sizeof(buf));
			assert_int_equal(peel_read(test.index, ino, offset, buf, lengths[i], NULL),
				len);
			assert_memory_equal(buf, wanted + offset, len);
			assert_int_equal(buf[len], '?');
		}
	}
	test_index_free(&test);
}

static void data_and_holes_are_found(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), SPARSE_SQL);
	const uint64_t ino = ino_of(&test, -1, "/s");
	const uint64_t plain = ino_of(&test, -1, "/f");
	uint64_t offset = 77;

	(void)state;
	for (uint64_t at = 0; at < SPARSE_SIZE; at++) {
		const bool data = at < 10 * EXTENTS && at % 10 < 2;
		const uint64_t next = at / 10 * 10 + 10;

		assert_int_equal(peel_seek(test.index, ino, at, true, &offset, NULL), 0);
		assert_int_equal(offset, data ? at / 10 * 10 + 2 : at);
		if (data || next < 10 * EXTENTS) {
			assert_int_equal(peel_seek(test.index, ino, at, false, &offset, NULL), 0);
			assert_int_equal(offset, data ? at : next);
		} else {
			assert_int_equal(peel_seek(test.index, ino, at, false, &offset, NULL),
				PEEL_ENOENT);
		}
	}
	assert_int_equal(peel_seek(test.index, ino, SPARSE_SIZE, true, &offset, NULL), PEEL_ENOENT);
	assert_int_equal(peel_seek(test.index, plain, 3, false, &offset, NULL), 0);
	assert_int_equal(offset, 3);
	assert_int_equal(peel_seek(test.index, plain, 3, true, &offset, NULL), 0);
	assert_int_equal(offset, 12);
	assert_int_equal(peel_seek(test.index, plain, 12, false, &offset, NULL), PEEL_ENOENT);
	test_index_free(&test);
}

/* Extents that touch are one piece of data, over the border of a batch too. */
static void touching_extents_have_no_hole(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries),
		SPARSE_SQL "UPDATE extent SET length = 10, data = 512");
	const uint64_t ino = ino_of(&test, -1, "/s");
	uint64_t offset;

	(void)state;
	assert_int_equal(peel_seek(test.index, ino, 5, true, &offset, NULL), 0);
	assert_int_equal(offset, 3000);
	assert_int_equal(peel_seek(test.index, ino, 5, false, &offset, NULL), 0);
	assert_int_equal(offset, 5);
	test_index_free(&test);
}

/* A size that no data could have is fine for holes; a layer that broke off ends the file early. */
static void huge_and_broken_files(void **state)
{
	struct test_index huge = test_index_new(entries, countof(entries),
		SPARSE_SQL "UPDATE entry SET size = 0x7fffffffffffffff WHERE name = x'73'");
	struct test_index broken = test_index_new(entries, countof(entries),
		"UPDATE layer SET state = 3, tar_size = 1000 WHERE id = 0");
	const uint64_t ino = ino_of(&huge, -1, "/s");
	const uint64_t end = INT64_MAX;
	uint64_t offset;
	char buf[16] = "x";

	(void)state;
	assert_int_equal(peel_read(huge.index, ino, end - 5, buf, sizeof(buf), NULL), 5);
	assert_memory_equal(buf, "\0\0\0\0\0", 5);
	assert_int_equal(peel_seek(huge.index, ino, end - 5, false, &offset, NULL), PEEL_ENOENT);
	assert_int_equal(peel_seek(huge.index, ino, end - 5, true, &offset, NULL), 0);
	assert_int_equal(offset, end - 5);
	assert_int_equal(peel_read(broken.index, ino_of(&broken, -1, "/f"), 0, buf, 4, NULL), 4);
	assert_int_equal(peel_read(broken.index, ino_of(&broken, -1, "/s"), 0, buf, 4, NULL),
		PEEL_ETRUNCATED);
	test_index_free(&huge);
	test_index_free(&broken);
}

/*
 * Rows as a stranger could write them: an error or some bytes, never a crash, never bytes of
 * elsewhere.
 */
static void hostile_rows_are_errors(void **state)
{
	static const struct {
		const char *sql;
		int wanted;
	} cases[] = {
		{"UPDATE entry SET data = 1 << 40 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET data = 0x7fffffffffffffff WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET data = -1 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET size = -1 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET size = 0x7fffffffffffffff WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET layer = -1 WHERE name = x'66'", PEEL_EFORMAT},
		{"UPDATE entry SET type = 'h', inode = id WHERE name = x'66'", PEEL_EFORMAT},
		{EXTENT("0, -1, 0"), PEEL_EFORMAT},
		{EXTENT("-5, 9, 0"), 4096},
		{EXTENT("0, 9, 1 << 50"), PEEL_EFORMAT},
		{"UPDATE layer SET blob = 99", PEEL_EFORMAT},
		{"UPDATE layer SET blob = NULL", PEEL_ENOENT},
	};
	static const struct test_entry one[] = {{.path = "./"}, {.path = "f", .data = "hello"}};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct test_index test = test_index_new(one, countof(one), cases[i].sql);
		struct peel_error err = {0};
		char buf[16];
		ssize_t r = peel_read(test.index, 17, 0, buf, sizeof(buf), &err);

		if (cases[i].wanted < 0 && r != cases[i].wanted) {
			print_error("%s\n", cases[i].sql);
		}
		if (cases[i].wanted < 0) {
			assert_int_equal(r, cases[i].wanted);
		} else {
			assert_true(r <= cases[i].wanted);
		}
		test_index_free(&test);
	}
}

static void files_are_hashed(void **state)
{
	static const struct {
		const char *path;
		const char *hex;
	} cases[] = {
		{"/f", "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b"},
		{"/h", "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b"},
		{"/empty", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	char hex[PEEL_SHA256_SIZE] = "untouched";

	(void)state;
	assert_int_equal(peel_sha256(test.index, peel_root(-1), hex, NULL), PEEL_EISDIR);
	assert_int_equal(peel_sha256(test.index, ino_of(&test, -1, "/l"), hex, NULL), PEEL_EUSAGE);
	assert_int_equal(peel_sha256(test.index, 12345, hex, NULL), PEEL_ENOENT);
	assert_string_equal(hex, "untouched");
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(peel_sha256(test.index, ino_of(&test, -1, cases[i].path), hex,
					 NULL),
			0);
		assert_string_equal(hex, cases[i].hex);
	}
	test_index_free(&test);
}

/* A hole costs an image nothing: a file that is nearly all hole must not cost years. */
static void huge_files_are_not_hashed(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries),
		SPARSE_SQL "UPDATE entry SET size = (1 << 40) + 1 WHERE name = x'73'");
	char hex[PEEL_SHA256_SIZE];

	(void)state;
	assert_int_equal(peel_sha256(test.index, ino_of(&test, -1, "/s"), hex, NULL), PEEL_ELIMIT);
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_read_at_any_offset),
		cmocka_unit_test(data_and_holes_are_found),
		cmocka_unit_test(files_are_hashed),
		cmocka_unit_test(holes_read_as_zeros),
		cmocka_unit_test(hostile_rows_are_errors),
		cmocka_unit_test(huge_and_broken_files),
		cmocka_unit_test(huge_files_are_not_hashed),
		cmocka_unit_test(only_files_are_read),
		cmocka_unit_test(touching_extents_have_no_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
