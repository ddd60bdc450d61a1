/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that are written past SQLite are what SQLite would have made: it checks, reads and changes them. */
#include "store_bulk.h"

#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fault.h"
#include "peel_test.h"
#include "store.h"
#include "store_page.h"
#include "store_record.h"
#include "util.h"

/** Where SQLite's lock bytes would be. */
#define LOCK_OFFSET (UINT64_C(1) << 30)

static const char tables[] =
	"CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); CREATE INDEX i ON t (a, b)";

static int64_t ask(struct store *store, const char *sql)
{
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	int64_t value;

	assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(store_step(store, stmt, &err), 1);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static void check(struct store *store)
{
	assert_int_equal(ask(store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
		1);
}

/** Values of row i: ints of all sizes and signs, and text from none to as much as an index may have. */
static int64_t number(uint64_t i)
{
	int64_t value = (int64_t)(i * UINT64_C(0x9e3779b97f4a7c15));

	return i < 4 ? (int64_t)i - 1 : value >> (i * 8 % 64);
}

static size_t text_len(uint64_t i, size_t most)
{
	return i % 17 == 0 ? (size_t)(i * 7919 % (most + 1)) : (size_t)(i % 40);
}

static const char *text(void)
{
	static char bytes[RECORD_BODY_MAX + 1];

	memset(bytes, 'x', RECORD_BODY_MAX);
	return bytes;
}

static int add_row(struct bulk_tree *tree, struct page *page, uint8_t *bytes, uint64_t id,
	size_t most, struct peel_error *err)
{
	struct record record;
	size_t len;

	record_begin(&record);
	record_null(&record);
	record_int(&record, (int64_t)id);
	record_text(&record, text(), text_len(id, most));
	record_int(&record, number(id));
	len = record_end(&record);
	assert_false(record.overflow);
	if (page_add_row(page, id, &record, len)) {
		return 0;
	}
	if (page->bytes) {
		int code;

		page_end(page);
		code = bulk_add_leaf(tree, bytes, id - 1, err);
		if (code < 0) {
			return code;
		}
	}
	page_begin(page, bytes, PAGE_TABLE_LEAF);
	assert_true(page_add_row(page, id, &record, len));
	return 0;
}

static int fill(struct bulk *bulk, uint64_t rows, size_t most, struct peel_error *err)
{
	struct bulk_tree *table = NULL;
	struct bulk_tree *index = NULL;
	uint8_t bytes[STORE_PAGE_SIZE];
	struct page page = {0};
	int code = bulk_tree_new(bulk, "t", BULK_TABLE, &table, err);

	if (code == 0) {
		code = bulk_tree_new(bulk, "i", BULK_INDEX, &index, err);
	}
	for (uint64_t id = 1; code == 0 && id <= rows; id++) {
		struct record record;

		code = add_row(table, &page, bytes, id, most, err);
		record_begin(&record);
		record_int(&record, (int64_t)id);
		record_text(&record, text(), text_len(id, most));
		record_int(&record, (int64_t)id);
		assert_true(record_end(&record) <= BULK_KEY_MAX);
		if (code == 0) {
			code = bulk_add_key(index, &record, err);
		}
	}
	if (code == 0 && rows > 0) {
		page_end(&page);
		code = bulk_add_leaf(table, bytes, rows, err);
	}
	if (code < 0) {
		bulk_tree_free(table);
		bulk_tree_free(index);
		return code;
	}
	code = bulk_tree_end(table, err);
	if (code < 0) {
		bulk_tree_free(index);
		return code;
	}
	return bulk_tree_end(index, err);
}

static int build(int fd, uint64_t rows, size_t most, struct store **ret_store,
	struct peel_error *err)
{
	struct bulk *bulk = NULL;
	int code = store_create(fd, -1, ret_store, err);

	if (code == 0) {
		code = store_exec(*ret_store, tables, err);
	}
	if (code == 0) {
		code = bulk_begin(*ret_store, &bulk, err);
	}
	if (code == 0) {
		code = fill(bulk, rows, most, err);
		if (code < 0) {
			bulk_free(bulk);
		}
	}
	return code < 0 ? code : bulk_end(bulk, err);
}

/** What is in there, row by row. */
static void check_rows(struct store *store, uint64_t rows, size_t most)
{
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	uint64_t id = 0;

	assert_int_equal(sqlite3_prepare_v2(store_db(store),
				 "SELECT id, a, length(b), c FROM t ORDER BY id", -1, &stmt, NULL),
		SQLITE_OK);
	while (store_step(store, stmt, &err) > 0) {
		id++;
		assert_int_equal(sqlite3_column_int64(stmt, 0), id);
		assert_int_equal(sqlite3_column_int64(stmt, 1), id);
		assert_int_equal(sqlite3_column_int64(stmt, 2), text_len(id, most));
		assert_int_equal(sqlite3_column_int64(stmt, 3), number(id));
	}
	assert_int_equal(id, rows);
	sqlite3_finalize(stmt);
	assert_int_equal(ask(store, "SELECT count(*) FROM t INDEXED BY i WHERE a > 0"), rows);
}

static void trees_of_all_sizes_are_whole(void **state)
{
	static const struct {
		uint64_t rows;
		size_t most;
	} cases[] = {{0, 0}, {1, 10}, {2, 1900}, {300, 1900}, {301, 1900}, {3000, 30}, {70000, 50},
		{9000, 1900}};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
		struct peel_error err = {0};
		struct store *store = NULL;

		assert_good(build(fd, cases[i].rows, cases[i].most, &store, &err), &err);
		check(store);
		check_rows(store, cases[i].rows, cases[i].most);
		/* It can be changed afterwards as any other. */
		assert_good(
			store_exec(store,
				"INSERT INTO t (a, b, c) VALUES (-1, zeroblob(20000), 1);"
				"UPDATE t SET b = 'longer than it was before, by some bytes' WHERE a % 3 = 1;"
				"DELETE FROM t WHERE a % 5 = 0",
				&err),
			&err);
		check(store);
		assert_good(store_commit(store, &err), &err);
		store_close(store);
	}
}

/** Each number of rows up to where a third level starts: all ways in which the last pages can end. */
static void every_end_is_whole(void **state)
{
	(void)state;
	for (uint64_t rows = 3; rows < 900; rows += 7) {
		cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
		struct peel_error err = {0};
		struct store *store = NULL;

		assert_good(build(fd, rows, 1950, &store, &err), &err);
		check(store);
		assert_int_equal(ask(store, "SELECT count(*) FROM t INDEXED BY i WHERE a > 0"),
			rows);
		store_close(store);
	}
}

static void pages_of_sqlite_before_and_after_stay(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct peel_error err = {0};
	struct store *store = NULL;
	struct bulk *bulk = NULL;

	(void)state;
	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_good(store_exec(store, tables, &err), &err);
	assert_good(store_exec(store,
			    "CREATE TEMP TABLE k (x); INSERT INTO k VALUES (7);"
			    "INSERT INTO image VALUES ('a', zeroblob(100000)), ('b', 5)",
			    &err),
		&err);
	assert_good(bulk_begin(store, &bulk, &err), &err);
	assert_good(fill(bulk, 5000, 500, &err), &err);
	assert_good(bulk_end(bulk, &err), &err);
	assert_good(store_exec(store, "INSERT INTO image VALUES ('c', zeroblob(100000))", &err),
		&err);
	check(store);
	check_rows(store, 5000, 500);
	assert_int_equal(ask(store, "SELECT sum(length(value)) FROM image"), 200001);
	assert_int_equal(ask(store, "SELECT x FROM k"), 7);
	store_close(store);
}

/** A page at 1 GiB would be SQLite's lock page. */
static void the_lock_page_is_left_out(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	const uint32_t before = (uint32_t)(LOCK_OFFSET / STORE_PAGE_SIZE) - 20;
	const uint8_t pages[4] = {(uint8_t)(before >> 24), (uint8_t)(before >> 16),
		(uint8_t)(before >> 8), (uint8_t)before};
	struct peel_error err = {0};
	struct store *store = NULL;
	struct bulk *bulk = NULL;
	uint8_t page[STORE_PAGE_SIZE];
	uint8_t zeros[STORE_PAGE_SIZE] = {0};

	(void)state;
	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_good(store_exec(store, tables, &err), &err);
	assert_good(store_commit(store, &err), &err);
	/* The file claims to be long, and nothing is in its middle. */
	assert_int_equal(ftruncate(fd, (off_t)before * STORE_PAGE_SIZE), 0);
	assert_int_equal(pwrite(fd, pages, 4, 28), 4);
	assert_good(store_exec(store, "BEGIN", &err), &err);
	assert_good(bulk_begin(store, &bulk, &err), &err);
	assert_good(fill(bulk, 5000, 500, &err), &err);
	assert_good(bulk_end(bulk, &err), &err);
	check_rows(store, 5000, 500);
	assert_int_equal(pread(fd, page, sizeof(page), (off_t)LOCK_OFFSET), sizeof(page));
	assert_memory_equal(page, zeros, sizeof(page));
	store_close(store);
}

static void numbers_come_back(void **state)
{
	static const int64_t values[] = {0, 1, -1, 2, 127, 128, -128, -129, 32767, 32768, -32769,
		8388607, 8388608, INT32_MAX, INT64_C(1) << 31, INT64_C(1) << 47,
		-(INT64_C(1) << 47) - 1, INT64_MAX, INT64_MIN};
	uint8_t bytes[RECORD_VARINT_MAX];

	(void)state;
	for (size_t i = 0; i < countof(values); i++) {
		struct record_column columns[3];
		struct record record;
		uint8_t whole[64];
		uint64_t back = 0;
		size_t len;

		record_begin(&record);
		record_int(&record, values[i]);
		record_int_wide(&record, (int32_t)values[i], 4);
		len = record_end(&record);
		memcpy(whole, record.head, record.head_len);
		memcpy(whole + record.head_len, record.body, record.body_len);
		assert_true(record_read(whole, len, columns, 2));
		assert_int_equal(record_column_int(&columns[0]), values[i]);
		assert_int_equal(record_column_int(&columns[1]), (int32_t)values[i]);
		/* What is cut is refused. */
		assert_false(record_read(whole, len - 1, columns, 2));
		assert_false(record_read(whole, len, columns, 3));
		len = record_put_varint(bytes, (uint64_t)values[i]);
		assert_int_equal(record_get_varint(bytes, bytes + len, &back), len);
		assert_true(back == (uint64_t)values[i]);
		assert_int_equal(record_get_varint(bytes, bytes + len - 1, &back), 0);
	}
}

static void too_much_is_told(void **state)
{
	struct record record;

	(void)state;
	record_begin(&record);
	record_blob(&record, text(), RECORD_BODY_MAX);
	assert_false(record.overflow);
	record_blob(&record, text(), 1);
	assert_true(record.overflow);
}

static void out_of_memory_is_told(void **state)
{
	long before = fault_alloc_live();

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1;; n++) {
		cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
		struct peel_error err = {0};
		struct store *store = NULL;
		int code;

		fault_alloc(n);
		code = build(fd, 400, 1900, &store, &err);
		store_close(store);
		if (!fault_alloc_hit()) {
			assert_good(code, &err);
			break;
		}
		assert_true(code == 0 || code == PEEL_ENOMEM);
	}
	assert_int_equal(fault_alloc_live(), before);
}

static void a_full_disk_is_told(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct peel_error err = {0};
	struct store *store = NULL;
	struct bulk *bulk = NULL;

	(void)state;
	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_good(store_exec(store, tables, &err), &err);
	assert_good(bulk_begin(store, &bulk, &err), &err);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_failure(fill(bulk, 5000, 500, &err), PEEL_EIO, &err,
		"index: Operation not permitted");
	bulk_free(bulk);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_of_all_sizes_are_whole),
		cmocka_unit_test(every_end_is_whole),
		cmocka_unit_test(pages_of_sqlite_before_and_after_stay),
		cmocka_unit_test(the_lock_page_is_left_out),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(too_much_is_told),
		cmocka_unit_test(out_of_memory_is_told),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
