/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are read past SQLite are those that SQLite reads; and a file that is no tree is no danger. */
#include "store_pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "peel_test.h"
#include "store.h"
#include "store_page.h"
#include "util.h"

/* Values of all kinds and sizes; every 97th row has pages of its own, one of them a hundred. */
static const char rows_sql[] =
	"CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c);"
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
	" INSERT INTO t SELECT i * 3, CASE i %% 7 WHEN 0 THEN NULL ELSE (i - 500) * i * i * i END,"
	" CASE i %% 97 WHEN 0 THEN substr(hex(zeroblob(i * 300)), 1, 8000 + i * 7) ELSE 'row ' || i END,"
	" zeroblob(i %% 300) FROM n;"
	"DELETE FROM t WHERE id %% 1200 < 300";

/* A finished file with a table t. */
static struct store *make(int fd, unsigned rows)
{
	struct peel_error err = {0};
	struct store *store = NULL;
	char sql[sizeof(rows_sql) + 16];

	snprintf(sql, sizeof(sql), rows_sql, rows);
	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_good(store_exec(store, sql, &err), &err);
	assert_good(store_commit(store, &err), &err);
	return store;
}

static struct store_pass *begin(struct store *store)
{
	struct store_pass *pass = NULL;
	struct peel_error err = {0};

	assert_good(store_pass_new(store, STORE_FILE_INDEX, "t", 4, 4, &pass, &err), &err);
	return pass;
}

static void check_row(sqlite3_stmt *stmt, const struct store_pass_row *row)
{
	assert_int_equal(row->id, sqlite3_column_int64(stmt, 0));
	assert_int_equal(row->columns[0].type, 0);
	assert_int_equal(row->columns[1].type == 0, sqlite3_column_type(stmt, 1) == SQLITE_NULL);
	assert_int_equal(record_column_int(&row->columns[1]), sqlite3_column_int64(stmt, 1));
	for (int i = 2; i < 4; i++) {
		assert_int_equal(row->columns[i].len, sqlite3_column_bytes(stmt, i));
		if (row->columns[i].len > 0) {
			assert_memory_equal(row->columns[i].bytes, sqlite3_column_blob(stmt, i),
				row->columns[i].len);
		}
	}
}

/* All rows, or after each the next that is so much further. */
static void compare(struct store *store, uint64_t stride)
{
	static const char sql[] = "SELECT id, a, b, c FROM t WHERE id >= ?1 ORDER BY id LIMIT ?2";
	struct store_pass *pass = begin(store);
	struct store_pass_row row;
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	uint64_t from = stride;
	int more = 1;

	while (more > 0) {
		assert_good(store_get(store, sql, &stmt, &err), &err);
		sqlite3_bind_int64(stmt, 1, (int64_t)from);
		sqlite3_bind_int64(stmt, 2, stride ? 1 : -1);
		more = store_step(store, stmt, &err);
		do {
			assert_int_equal(store_pass_next(pass, from, &row, &err), more);
			if (more > 0) {
				check_row(stmt, &row);
			}
		} while (stride == 0 && more > 0 && (more = store_step(store, stmt, &err)) >= 0);
		from = row.id + stride;
	}
	assert_int_equal(store_pass_next(pass, 0, &row, &err), 0);
	sqlite3_reset(stmt);
	store_pass_free(pass);
}

/* Rows by their ids, forwards, backwards and at random, those that are not there too. */
static void compare_found(struct store *store, unsigned rows)
{
	static const char sql[] = "SELECT id, a, b, c FROM t WHERE id = ?1";
	struct store_pass *pass = begin(store);
	uint32_t random = 7;

	for (unsigned i = 0; i < 6000; i++) {
		struct store_pass_row row;
		struct peel_error err = {0};
		sqlite3_stmt *stmt = NULL;
		uint64_t id = i < 2000 ? i : i < 4000 ? 4000 - i : 0;

		if (i >= 4000) {
			random = random * 1664525 + 1013904223;
			id = (random >> 8) % (rows * 3 + 10);
		}
		assert_good(store_get(store, sql, &stmt, &err), &err);
		sqlite3_bind_int64(stmt, 1, (int64_t)id);
		assert_int_equal(store_pass_find(pass, id, &row, &err),
			store_step(store, stmt, &err));
		if (sqlite3_data_count(stmt)) {
			check_row(stmt, &row);
		}
		sqlite3_reset(stmt);
	}
	store_pass_free(pass);
}

static void rows_are_those_of_sqlite(void **state)
{
	static const unsigned counts[] = {0, 1, 50, 9000};
	static const uint64_t strides[] = {0, 1, 2, 40, 500, 7777, UINT64_C(1) << 50};

	(void)state;
	for (size_t i = 0; i < countof(counts); i++) {
		cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
		struct store *store = make(fd, counts[i]);

		for (size_t k = 0; k < countof(strides); k++) {
			compare(store, strides[k]);
		}
		compare_found(store, counts[i]);
		store_close(store);
	}
}

/* Go through whatever is there. @return the last code; ids went up. */
static int go_through(struct store *store, struct peel_error *err)
{
	struct store_pass *pass = NULL;
	struct store_pass_row row = {0};
	uint64_t last = 0;
	int r = store_pass_new(store, STORE_FILE_INDEX, "t", 4, 4, &pass, err);

	while (r >= 0 && (r = store_pass_next(pass, 0, &row, err)) > 0) {
		assert_true(row.id >= last);
		last = row.id + 1;
		for (int i = 1; i < 4; i++) {
			/* All bytes can be read. */
			assert_true(row.columns[i].len == 0 ||
				memchr(row.columns[i].bytes, 0, row.columns[i].len) !=
					row.columns[i].bytes + row.columns[i].len);
		}
	}
	store_pass_free(pass);
	return r;
}

/* Bytes of pages are changed at random; more often where pages say how they are laid out. */
static void damaged_pages_are_no_danger(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct store *store = make(fd, 2000);
	struct stat st;
	uint32_t random = 1;
	unsigned failed = 0;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	for (unsigned round = 0; round < 1000; round++) {
		struct peel_error err = {0};
		off_t at[4];
		uint8_t before[4];

		for (int i = 0; i < 4; i++) {
			uint8_t byte;

			random = random * 1664525 + 1013904223;
			at[i] = (off_t)(random >> 3) % (st.st_size / STORE_PAGE_SIZE - 1) *
					STORE_PAGE_SIZE +
				STORE_PAGE_SIZE;
			random = random * 1664525 + 1013904223;
			at[i] += (off_t)(random >> 8) % (i % 2 ? STORE_PAGE_SIZE : 40);
			byte = (uint8_t)(random >> 24);
			assert_int_equal(pread(fd, &before[i], 1, at[i]), 1);
			assert_int_equal(pwrite(fd, &byte, 1, at[i]), 1);
		}
		failed += go_through(store, &err) < 0;
		for (int i = 3; i >= 0; i--) {
			assert_int_equal(pwrite(fd, &before[i], 1, at[i]), 1);
		}
	}
	assert_true(failed > 30);
	compare(store, 0);
	store_close(store);
}

/* A tree whose root is its own child, and one whose rows go on in a circle of pages. */
static void circles_end(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct store *store = make(fd, 2000);
	struct peel_error err = {0};
	uint8_t page[STORE_PAGE_SIZE];
	uint32_t root = 0;

	(void)state;
	assert_good(store_root_page(store, STORE_FILE_INDEX, "t", &root, &err), &err);
	assert_int_equal(pread(fd, page, sizeof(page), (off_t)(root - 1) * STORE_PAGE_SIZE),
		sizeof(page));
	assert_int_equal(page[0], PAGE_TABLE_INNER);
	for (unsigned i = 0; i < (unsigned)(page[3] << 8 | page[4]); i++) {
		const unsigned place = (unsigned)(page[12 + 2 * i] << 8 | page[13 + 2 * i]);

		memcpy(page + place, (uint8_t[]){0, 0, 0, (uint8_t)root}, 4);
	}
	memcpy(page + 8, (uint8_t[]){0, 0, 0, (uint8_t)root}, 4);
	assert_int_equal(pwrite(fd, page, sizeof(page), (off_t)(root - 1) * STORE_PAGE_SIZE),
		sizeof(page));
	assert_failure(go_through(store, &err), PEEL_EFORMAT, &err, "damaged");
	store_close(store);
}

static void other_files_are_refused(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct store *store = make(fd, 2000);
	struct store_pass *pass = NULL;
	struct peel_error err = {0};

	(void)state;
	assert_failure(store_pass_new(store, STORE_FILE_INDEX, "u", 4, 4, &pass, &err),
		PEEL_EINTERNAL, &err, "no table u");
	/* More columns than it has. */
	assert_good(store_pass_new(store, STORE_FILE_INDEX, "t", 5, 4, &pass, &err), &err);
	assert_failure(store_pass_next(pass, 0, &(struct store_pass_row){0}, &err), PEEL_EFORMAT,
		&err, "damaged");
	store_pass_free(pass);
	/* Cut while it is read. */
	pass = begin(store);
	assert_int_equal(ftruncate(fd, STORE_PAGE_SIZE), 0);
	err = (struct peel_error){0};
	assert_failure(store_pass_next(pass, 0, &(struct store_pass_row){0}, &err), PEEL_EIO, &err,
		"the index");
	store_pass_free(pass);
	assert_int_equal(pwrite(fd, "\x10\x00", 2, 16), 2);
	err = (struct peel_error){0};
	assert_failure(store_pass_new(store, STORE_FILE_INDEX, "t", 4, 4, &pass, &err),
		PEEL_EFORMAT, &err, "another size");
	store_close(store);
}

static void out_of_memory_is_told(void **state)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct store *store = make(fd, 2000);

	(void)state;
	if (!fault_alloc_works()) {
		store_close(store);
		skip();
	}
	for (unsigned n = 1;; n++) {
		struct peel_error err = {0};
		const long live = fault_alloc_live();
		int r;

		fault_alloc(n);
		r = go_through(store, &err);
		if (!fault_alloc_hit()) {
			fault_alloc(0);
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, PEEL_ENOMEM);
		assert_true(fault_alloc_live() <= live + 50);
	}
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_those_of_sqlite),
		cmocka_unit_test(damaged_pages_are_no_danger),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
