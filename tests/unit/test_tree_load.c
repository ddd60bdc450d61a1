/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that wait as pages, in memory and in a file; table entry and its indexes written at once, changed in place. */
#include "tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fault.h"
#include "peel_test.h"
#include "scan.h"
#include "store_bulk.h"
#include "store_page.h"
#include "store_record.h"
#include "tree_priv.h"
#include "store_rows.h"
#include "util.h"

/** More than a folder's ids in memory, and with two layers above more hidden rows than wait. */
#define MANY 280000
#define LONG_NAME 5000
#define LONG_LINK 9000

static int take_finding(void *arg, const struct peel_finding *finding, struct peel_error *err)
{
	(void)finding;
	(void)err;
	++*(unsigned *)arg;
	return 0;
}

struct building {
	int fd;
	int folder;
	unsigned findings;
	struct store *store;
	struct tree *tree;
	struct tree_totals totals;
};

static void start(struct building *building)
{
	struct peel_error err = {0};

	building->fd = memfd_create("index", MFD_CLOEXEC);
	building->folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	building->findings = 0;
	assert_good(store_create(building->fd, building->folder, &building->store, &err), &err);
	assert_good(tree_new(building->store, take_finding, &building->findings, &building->tree,
			    &err),
		&err);
}

static void end(struct building *building)
{
	tree_free(building->tree);
	store_close(building->store);
	close(building->folder);
	close(building->fd);
}

static int64_t ask(struct building *building, const char *sql)
{
	struct peel_error err = {0};
	sqlite3_stmt *stmt = NULL;
	int64_t value;

	assert_int_equal(sqlite3_prepare_v2(store_db(building->store), sql, -1, &stmt, NULL),
		SQLITE_OK);
	assert_int_equal(store_step(building->store, stmt, &err), 1);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static void finish(struct building *building)
{
	struct peel_error err = {0};

	assert_good(tree_finish(building->tree, &building->totals, &err), &err);
	assert_int_equal(ask(building, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
		1);
}

static void begin_layer(struct building *building, int layer)
{
	struct peel_error err = {0};

	assert_good(tree_begin_layer(building->tree, layer, &err), &err);
}

static void end_layer(struct building *building)
{
	struct peel_error err = {0};

	assert_good(tree_end_layer(building->tree, &err), &err);
}

static void add(struct building *building, enum scan_type type, const char *path, const char *link,
	const void *hash)
{
	struct peel_error err = {0};
	const struct scan_entry entry = {
		.type = type,
		.path = path,
		.path_len = strlen(path),
		.link = link,
		.link_len = strlen(link),
		.uname = "",
		.gname = "",
		.mode = 0644,
		.mtime_sec = 1000,
		.size = type == SCAN_FILE ? 10 : 0,
		.stored = type == SCAN_FILE ? 10 : 0,
		.data_off = 512,
	};

	assert_good(tree_add(building->tree, &entry, hash, false, &err), &err);
}

static void many_rows_in_one_folder(void **state)
{
	static const uint8_t hash[16] = "0123456789abcdef";
	struct building building;

	(void)state;
	start(&building);
	for (int layer = 0; layer < 3; layer++) {
		begin_layer(&building, layer);
		for (unsigned i = 0; i < MANY; i++) {
			char path[32];

			/* Names in another order than ids. */
			snprintf(path, sizeof(path), "d/%u", i * 2654435761u);
			add(&building, SCAN_FILE, path, "", i % 16 ? NULL : hash);
		}
		end_layer(&building);
	}
	finish(&building);
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry WHERE hidden_by = layer + 1 AND layer < 2"),
		2 * MANY);
	/* Where the content was read it is the same again, and the hash stays what it was. */
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE why = 2"), MANY / 8);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE why = 1"),
		2 * MANY - MANY / 8);
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry WHERE CAST(hash AS TEXT) = '0123456789abcdef'"),
		3 * MANY / 16);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE flags = 0"), 3 * MANY);
	assert_int_equal(building.totals.bytes, 10 * MANY);
	/* The indexes have all of them, in order. */
	assert_int_equal(ask(&building,
				 "SELECT count(*) FROM entry INDEXED BY entry_dir WHERE dir = 2"),
		3 * MANY);
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry INDEXED BY entry_path WHERE dir = 2 AND name > x''"),
		3 * MANY);
	end(&building);
}

/** Rows that no page holds go to SQLite, and all that is done to others is done to them. */
static void long_rows_are_as_others(void **state)
{
	static const uint8_t hash[16] = "0123456789abcdef";
	cleanup_free char *name = malloc(LONG_NAME + 16);
	cleanup_free char *link = malloc(LONG_LINK + 16);
	struct building building;

	(void)state;
	memset(name, 'n', LONG_NAME);
	memset(link, '.', LONG_LINK);
	/* ./././ … real */
	for (size_t i = 1; i < LONG_LINK; i += 2) {
		link[i] = '/';
	}
	memcpy(link + LONG_LINK, "real", 5);
	start(&building);
	begin_layer(&building, 0);
	strcpy(name + LONG_NAME, "");
	add(&building, SCAN_FILE, "short", "", hash);
	add(&building, SCAN_FILE, name, "", hash);
	add(&building, SCAN_DIR, "real/", "", NULL);
	add(&building, SCAN_SYMLINK, "way", link, NULL);
	/* Through the long link, then past what took its place, and through that one's successor. */
	add(&building, SCAN_FILE, "way/one", "", hash);
	add(&building, SCAN_SYMLINK, "way", "real/", NULL);
	add(&building, SCAN_FILE, "way/two", "", hash);
	add(&building, SCAN_SYMLINK, "way", link, NULL);
	add(&building, SCAN_FILE, "way/three", "", hash);
	add(&building, SCAN_HARDLINK, "hard", name, NULL);
	end_layer(&building);
	begin_layer(&building, 1);
	add(&building, SCAN_FILE, name, "", hash);
	add(&building, SCAN_FILE, "short", "", hash);
	add(&building, SCAN_FILE, "hard", "", hash);
	add(&building, SCAN_FILE, "real/one", "", hash);
	end_layer(&building);
	finish(&building);
	assert_int_equal(
		ask(&building, "SELECT count(*) FROM entry WHERE length(name) = 5000 AND why = 2"),
		1);
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry WHERE length(name) = 5000 AND why IS NULL"),
		1);
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry WHERE CAST(name AS TEXT) IN ('one', 'two', 'three')"
			" AND dir = (SELECT id FROM dir WHERE CAST(name AS TEXT) = 'real')"),
		4);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE length(link) = 9004"), 2);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE why = 8"), 2);
	/* The link was bound, so SQLite had written its row before it was hidden. */
	assert_int_equal(
		ask(&building,
			"SELECT count(*) FROM entry WHERE type = 'h' AND hidden_by = 1 AND inode = 17"),
		1);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry WHERE hidden_by = 1"), 4);
	end(&building);
}

static void an_image_of_nothing_has_a_root(void **state)
{
	struct building building;

	(void)state;
	start(&building);
	finish(&building);
	assert_int_equal(ask(&building, "SELECT count(*) FROM entry"), 1);
	end(&building);
}

struct seen {
	uint64_t next;
	uint64_t count;
};

static int see_row(void *arg, const struct page_row *row, struct peel_error *err)
{
	struct seen *seen = arg;
	struct record_column columns[3];

	assert_int_equal(row->id, seen->next);
	assert_true(record_read(row->bytes, row->len, columns, 3));
	assert_int_equal(record_column_int(&columns[1]), row->id * 3);
	assert_int_equal(columns[2].len, row->id % 300);
	seen->next++;
	seen->count++;
	return seen->count == 777 ? peel_fail(err, PEEL_ECANCELED, "enough") : 0;
}

static int add_rows(struct store_rows *rows, uint64_t from, uint64_t to, struct peel_error *err)
{
	static const char bytes[300] = "";
	int code = 0;

	for (uint64_t id = from; code == 0 && id < to; id++) {
		struct record record;

		record_begin(&record);
		record_null(&record);
		record_int(&record, (int64_t)id * 3);
		record_blob(&record, bytes, id % 300);
		code = store_rows_add(rows, id, &record, record_end(&record), err);
	}
	return code;
}

static void rows_wait_in_memory_and_in_a_file(void **state)
{
	static const struct {
		size_t budget;
		uint64_t rows;
	} cases[] = {{STORE_ROWS_BUDGET, 9000}, {1, 9000}, {200000, 9000}, {1, 1}, {1, 0}};
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		struct store_rows *rows = NULL;
		struct seen seen = {.next = 1};

		assert_good(store_rows_new(folder, &rows, &err), &err);
		store_rows_set_budget(rows, cases[i].budget);
		assert_good(add_rows(rows, 1, cases[i].rows / 2, &err), &err);
		/* Looking does not hinder adding. */
		seen.next = cases[i].rows / 3;
		if (cases[i].rows > 1000) {
			assert_failure(store_rows_each(rows, seen.next, see_row, &seen, &err),
				PEEL_ECANCELED, &err, "enough");
			assert_int_equal(seen.count, 777);
		}
		assert_good(add_rows(rows, max_u64(cases[i].rows / 2, 1), cases[i].rows + 1, &err),
			&err);
		seen = (struct seen){.next = 1, .count = 10000};
		assert_good(store_rows_each(rows, 0, see_row, &seen, &err), &err);
		assert_int_equal(seen.next, cases[i].rows + 1);
		store_rows_free(rows);
	}
	close(folder);
}

static void a_full_disk_is_told(void **state)
{
	/* A folder where nothing can be made. */
	int folder = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct peel_error err = {0};
	struct store_rows *rows = NULL;

	(void)state;
	assert_good(store_rows_new(folder, &rows, &err), &err);
	store_rows_set_budget(rows, 1);
	assert_failure(add_rows(rows, 1, 9000, &err), PEEL_EIO, &err, "temporary file");
	store_rows_free(rows);
	close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows_in_one_folder),
		cmocka_unit_test(long_rows_are_as_others),
		cmocka_unit_test(an_image_of_nothing_has_a_root),
		cmocka_unit_test(rows_wait_in_memory_and_in_a_file),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
