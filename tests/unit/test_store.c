/* SPDX-License-Identifier: Apache-2.0 */
/** The store: an index is only opened if it is exactly ours, and never written through a reader. */
#include "peel_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store.h"
#include "util.h"

static int new_file(void)
{
	int fd = memfd_create("index", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/** An index in a file, changed by sql before it is committed. */
static int make_index(const char *sql)
{
	struct peel_error err = {0};
	struct store *store = NULL;
	int fd = new_file();

	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_good(store_make_indexes(store, &err), &err);
	if (sql) {
		assert_good(store_exec(store, sql, &err), &err);
	}
	assert_good(store_commit(store, &err), &err);
	store_close(store);
	return fd;
}

static void what_is_written_is_read(void **state)
{
	static const char sql[] = "SELECT value FROM image WHERE key = ?1";
	struct peel_error err = {0};
	struct store *store = NULL;
	sqlite3_stmt *stmt = NULL;
	cleanup_fd int fd = make_index("INSERT INTO image VALUES ('kind', 'rootfs')");

	(void)state;
	assert_good(store_open(fd, &store, &err), &err);
	assert_good(store_check_schema(store, &err), &err);
	assert_good(store_get(store, sql, &stmt, &err), &err);
	store_bind_text(stmt, 1, "kind");
	assert_int_equal(store_step(store, stmt, &err), 1);
	assert_string_equal(store_text(stmt, 0), "rootfs");
	assert_int_equal(store_step(store, stmt, &err), 0);
	store_close(store);
}

static void a_reader_cannot_write(void **state)
{
	struct peel_error err = {0};
	struct store *store = NULL;
	cleanup_fd int fd = make_index(NULL);

	(void)state;
	assert_good(store_open(fd, &store, &err), &err);
	assert_true(store_exec(store, "INSERT INTO image VALUES ('a', 'b')", &err) < 0);
	assert_true(store_exec(store, "CREATE TABLE t (a)", &err) < 0);
	store_close(store);
}

static void another_version_is_refused(void **state)
{
	static const char *const changes[] = {
		"PRAGMA user_version = 999", "PRAGMA application_id = 7"};

	(void)state;
	for (size_t i = 0; i < countof(changes); i++) {
		struct peel_error err = {0};
		struct store *store = NULL;
		cleanup_fd int fd = make_index(changes[i]);

		assert_failure(store_open(fd, &store, &err), PEEL_EFORMAT, &err,
			"no index of this version");
	}
}

static void another_schema_is_refused(void **state)
{
	static const char *const changes[] = {
		"CREATE TABLE more (a)",
		"CREATE TRIGGER t AFTER INSERT ON image BEGIN DELETE FROM image; END",
		"DROP VIEW tree",
		"DROP VIEW tree; CREATE VIEW tree AS SELECT load_extension('x')",
		"DROP INDEX entry_dir",
		"DROP INDEX entry_dir; CREATE INDEX entry_dir ON entry (dir, id)",
		"DROP INDEX entry_dir; CREATE UNIQUE INDEX entry_dir ON entry (dir)",
	};

	(void)state;
	for (size_t i = 0; i < countof(changes); i++) {
		struct peel_error err = {0};
		struct store *store = NULL;
		cleanup_fd int fd = make_index(changes[i]);

		assert_good(store_open(fd, &store, &err), &err);
		assert_failure(store_check_schema(store, &err), PEEL_EFORMAT, &err, "not ours");
		store_close(store);
	}
}

/** SQLite itself refuses some of them, others only when they are compared. */
static void a_forged_schema_is_refused(void **state)
{
	static const char *const changes[] = {
		"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET name = 'inode' WHERE name = 'tree'",
		"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET tbl_name = 'dir' WHERE name = 'tree'",
		"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'tree'",
		"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, '7', '8')"
		" WHERE name = 'entry'",
		"PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'findings'; INSERT INTO"
		" sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'layers'",
	};

	(void)state;
	for (size_t i = 0; i < countof(changes); i++) {
		struct peel_error err = {0};
		struct store *store = NULL;
		cleanup_fd int fd = make_index(changes[i]);
		int code = store_open(fd, &store, &err);

		if (code == 0) {
			code = store_check_schema(store, &err);
			store_close(store);
		}
		assert_int_equal(code, PEEL_EFORMAT);
	}
}

/**
 * Anything else in a file is an error, not a crash: no bytes, text, a cut index, bytes turned over.
 */
static void damage_is_an_error(void **state)
{
	cleanup_fd int whole = make_index("INSERT INTO image VALUES ('kind', 'rootfs')");
	off_t size = lseek(whole, 0, SEEK_END);
	char *bytes = malloc((size_t)size);
	unsigned seed = 7;

	(void)state;
	assert_int_equal(pread(whole, bytes, (size_t)size, 0), size);
	for (int i = 0; i < 200; i++) {
		struct peel_error err = {0};
		struct store *store = NULL;
		cleanup_fd int fd = new_file();
		size_t len = i < 20 ? (size_t)size * (size_t)i / 20 : (size_t)size;

		assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
		for (int j = 0; j < i; j++) {
			unsigned char noise = (unsigned char)rand_r(&seed);

			assert_int_equal(pwrite(fd, &noise, 1, rand_r(&seed) % size), 1);
		}
		if (store_open(fd, &store, &err) == 0 && store_check_schema(store, &err) == 0) {
			store_exec(store, "SELECT count(*) FROM tree", &err);
		}
		store_close(store);
	}
	free(bytes);
}

static void a_full_disk_is_told(void **state)
{
	struct peel_error err = {0};
	struct store *store = NULL;
	cleanup_fd int fd = new_file();
	cleanup_fd int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	int code;

	(void)state;
	assert_good(store_create(fd, -1, &store, &err), &err);
	assert_int_equal(dup2(full, fd), fd);
	code = store_exec(store, "INSERT INTO image VALUES ('a', zeroblob(40000000))", &err);
	if (code == 0) {
		code = store_commit(store, &err);
	}
	assert_int_equal(code, PEEL_EIO);
	store_close(store);
}

/** The views join paths by an index: scanning them a row at a time takes minutes on real images. */
static void the_views_do_not_scan_paths(void **state)
{
	static const char *const plans[] = {
		"EXPLAIN QUERY PLAN SELECT * FROM tree",
		"EXPLAIN QUERY PLAN SELECT * FROM entries",
		"EXPLAIN QUERY PLAN SELECT * FROM hidden",
	};
	struct peel_error err = {0};
	struct store *store = NULL;
	cleanup_fd int fd = make_index(NULL);

	(void)state;
	assert_good(store_open(fd, &store, &err), &err);
	for (size_t i = 0; i < countof(plans); i++) {
		sqlite3_stmt *stmt = NULL;
		int searches = 0;

		assert_good(store_get(store, plans[i], &stmt, &err), &err);
		while (store_step(store, stmt, &err) > 0) {
			const char *step = store_text(stmt, 3);

			searches += strstr(step, "SEARCH walk") != NULL;
			assert_null(strstr(step, "SCAN walk LEFT"));
		}
		assert_int_equal(searches, 1);
	}
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_reader_cannot_write),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(another_schema_is_refused),
		cmocka_unit_test(a_forged_schema_is_refused),
		cmocka_unit_test(damage_is_an_error),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(the_views_do_not_scan_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
