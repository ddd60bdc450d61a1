/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the facts that are written past SQLite and completed in place are those that SQLite would have written. */
#include "index_facts_table.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "peel_test.h"
#include "store.h"
#include "util.h"

/** Two of three numbers of entries have no row. */
#define ENTRY(i) (STORE_FIRST_ENTRY + 3 * (uint64_t)(i))

static const char table_sql[] =
	"CREATE TABLE file (entry INTEGER PRIMARY KEY, kind INTEGER NOT NULL, hash BLOB, why INTEGER,"
	" package INTEGER, claim INTEGER, category INTEGER, head BLOB, looked INTEGER NOT NULL)";

/** What each column of row i has to be; 0: NULL. Every set of what is known comes with every looked. */
static int looked_of(unsigned i)
{
	return (int)(i % 3);
}

static unsigned why_of(unsigned i)
{
	return i % 8 & 1 ? WHY_IDENTICAL + i % 2 : 0;
}

static unsigned package_of(unsigned i)
{
	static const unsigned packages[] = {1, 255, 200000, 128, 32768};

	return i % 8 & 2 ? packages[i % countof(packages)] : 0;
}

static unsigned category_of(unsigned i)
{
	static const unsigned categories[] = {1, 200, 10000};

	return i % 8 & 4 ? categories[i % countof(categories)] : 0;
}

struct made {
	struct store *store;
	struct facts_table *table;
	int fd, folder;
};

static void begin(struct made *made)
{
	struct peel_error err = {0};

	made->fd = memfd_create("facts", MFD_CLOEXEC);
	made->folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(made->fd >= 0 && made->folder >= 0);
	assert_good(store_create(made->fd, made->folder, &made->store, &err), &err);
	assert_good(store_exec(made->store, table_sql, &err), &err);
	assert_good(facts_table_new(made->store, &made->table, &err), &err);
}

static void end(struct made *made)
{
	facts_table_free(made->table);
	store_close(made->store);
	close(made->fd);
	close(made->folder);
}

static int add(struct made *made, unsigned count, struct peel_error *err)
{
	uint8_t bytes[64];
	int code = 0;

	for (unsigned i = 0; code == 0 && i < count; i++) {
		memset(bytes, (int)i, sizeof(bytes));
		code = facts_table_add(made->table,
			&(const struct facts_table_row){
				.entry = ENTRY(i),
				.kind = (enum peel_kind)(i % 100),
				.hash = i % 5 ? bytes : NULL,
				.head = i % 7 ? bytes : NULL,
				.head_len = i % 7 ? i % 33 : 0,
				.looked = (enum facts_looked)looked_of(i),
			},
			err);
	}
	return code < 0 ? code : facts_table_write(made->table, err);
}

/** One column of all rows that have it; of an entry without a row, too. */
static int pass(struct made *made, unsigned count, char what, struct peel_error *err)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < count; i++) {
		const uint64_t entry = ENTRY(i);

		if (what == 'w' && why_of(i)) {
			code = facts_table_explain(made->table, entry, (enum store_why)why_of(i),
				err);
		}
		if (what == 'p' && package_of(i)) {
			code = facts_table_own(made->table, entry, package_of(i),
				(enum peel_claim)(i % 5), err);
		}
		if (what == 'c' && category_of(i)) {
			code = facts_table_sort(made->table, entry, category_of(i), err);
		}
		if (code == 0 && i % 11 == 0) {
			code = facts_table_own(made->table, entry + 1, 1, PEEL_CLAIM_LISTED, err);
		}
	}
	return code < 0 ? code : facts_table_pass(made->table, err);
}

static void check_number(sqlite3_stmt *stmt, int column, unsigned value)
{
	if (value) {
		assert_int_equal(sqlite3_column_type(stmt, column), SQLITE_INTEGER);
		assert_int_equal(sqlite3_column_int64(stmt, column), value);
	} else {
		assert_int_equal(sqlite3_column_type(stmt, column), SQLITE_NULL);
	}
}

static void check_blob(sqlite3_stmt *stmt, int column, unsigned i, int len)
{
	const uint8_t *bytes = sqlite3_column_blob(stmt, column);

	assert_int_equal(sqlite3_column_type(stmt, column), len < 0 ? SQLITE_NULL : SQLITE_BLOB);
	assert_int_equal(sqlite3_column_bytes(stmt, column), len < 0 ? 0 : len);
	for (int k = 0; k < len; k++) {
		assert_int_equal(bytes[k], (uint8_t)i);
	}
}

/** @param full the passes were made. */
static void check(struct made *made, unsigned count, bool full)
{
	static const char sql[] = "SELECT entry, kind, hash, why, package, claim, category, head,"
				  " looked FROM file ORDER BY entry";
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	unsigned i = 0;

	assert_good(store_get(made->store, sql, &stmt, &err), &err);
	for (; store_step(made->store, stmt, &err) > 0; i++) {
		assert_int_equal(sqlite3_column_int64(stmt, 0), ENTRY(i));
		assert_int_equal(sqlite3_column_int64(stmt, 1), i % 100);
		check_blob(stmt, 2, i, i % 5 ? PEEL_FAST_HASH_SIZE : -1);
		check_number(stmt, 3, full ? why_of(i) : 0);
		check_number(stmt, 4, full ? package_of(i) : 0);
		if (full && package_of(i)) {
			assert_int_equal(sqlite3_column_type(stmt, 5), SQLITE_INTEGER);
			assert_int_equal(sqlite3_column_int64(stmt, 5), i % 5);
		} else {
			check_number(stmt, 5, 0);
		}
		check_number(stmt, 6, full ? category_of(i) : 0);
		check_blob(stmt, 7, i, i % 7 ? (int)(i % 33) : -1);
		assert_int_equal(sqlite3_column_type(stmt, 8), SQLITE_INTEGER);
		assert_int_equal(sqlite3_column_int64(stmt, 8), looked_of(i));
	}
	assert_good(err.code, &err);
	assert_int_equal(i, count);
	assert_int_equal(sqlite3_prepare_v2(store_db(made->store), "PRAGMA integrity_check", -1,
				 &stmt, NULL),
		SQLITE_OK);
	assert_int_equal(store_step(made->store, stmt, &err), 1);
	assert_string_equal(store_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
}

static void rows_are_completed_in_place(void **state)
{
	static const unsigned counts[] = {0, 1, 200, 20000};
	static const char *const orders[] = {"wpc", "cpw", "pcw"};

	(void)state;
	for (size_t n = 0; n < countof(counts); n++) {
		for (size_t o = 0; o < countof(orders); o++) {
			struct peel_error err = {0};
			struct stat before;
			struct stat after;
			struct made made;

			begin(&made);
			assert_good(add(&made, counts[n], &err), &err);
			check(&made, counts[n], false);
			assert_int_equal(fstat(made.fd, &before), 0);
			for (size_t k = 0; orders[o][k]; k++) {
				assert_good(pass(&made, counts[n], orders[o][k], &err), &err);
			}
			assert_int_equal(fstat(made.fd, &after), 0);
			assert_int_equal(before.st_size, after.st_size);
			check(&made, counts[n], true);
			assert_good(store_commit(made.store, &err), &err);
			end(&made);
		}
	}
}

static void an_owner_is_kept(void **state)
{
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	struct made made;

	(void)state;
	begin(&made);
	assert_good(add(&made, 1, &err), &err);
	assert_good(facts_table_own(made.table, ENTRY(0), 5, PEEL_CLAIM_LISTED, &err), &err);
	assert_good(facts_table_pass(made.table, &err), &err);
	assert_good(facts_table_own(made.table, ENTRY(0), 6, PEEL_CLAIM_EMBEDDED, &err), &err);
	assert_good(facts_table_pass(made.table, &err), &err);
	assert_good(store_get(made.store, "SELECT package, claim FROM file", &stmt, &err), &err);
	assert_int_equal(store_step(made.store, stmt, &err), 1);
	check_number(stmt, 0, 5);
	check_number(stmt, 1, PEEL_CLAIM_LISTED);
	sqlite3_reset(stmt);
	end(&made);
}

static void numbers_have_an_end(void **state)
{
	struct peel_error err = {0};
	struct made made;

	(void)state;
	begin(&made);
	assert_good(add(&made, 1, &err), &err);
	assert_failure(facts_table_own(made.table, ENTRY(0), 1u << 23, PEEL_CLAIM_LISTED, &err),
		PEEL_EINTERNAL, &err, "package");
	assert_failure(facts_table_sort(made.table, ENTRY(0), 1u << 15, &err), PEEL_EINTERNAL, &err,
		"category");
	end(&made);
}

/** What SQLite has rewritten in its own way has no room. */
static void a_row_that_is_not_ours_is_told(void **state)
{
	struct peel_error err = {0};
	struct made made;

	(void)state;
	begin(&made);
	assert_good(add(&made, 1, &err), &err);
	assert_good(store_exec(made.store, "UPDATE file SET looked = 1", &err), &err);
	assert_good(store_commit(made.store, &err), &err);
	assert_good(store_exec(made.store, "BEGIN", &err), &err);
	assert_failure(facts_table_sort(made.table, ENTRY(0), 7, &err), PEEL_EINTERNAL, &err,
		"damaged");
	end(&made);
}

static void no_failing_allocation_is_lost(void **state)
{
	unsigned n = 1;

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (bool hit = true; hit; n++) {
		struct peel_error err = {0};
		struct made made;
		int code;

		begin(&made);
		fault_alloc(n);
		code = add(&made, 500, &err);
		if (code == 0) {
			code = pass(&made, 500, 'p', &err);
		}
		hit = fault_alloc_hit();
		/* SQLite does without some. */
		assert_true(code == 0 || (hit && code == PEEL_ENOMEM));
		end(&made);
	}
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_completed_in_place),
		cmocka_unit_test(an_owner_is_kept),
		cmocka_unit_test(numbers_have_an_end),
		cmocka_unit_test(a_row_that_is_not_ours_is_told),
		cmocka_unit_test(no_failing_allocation_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
