/* SPDX-License-Identifier: Apache-2.0 */
#include <peel/query.h>

#include <stdio.h>
#include <string.h>

#include "peel_test.h"
#include "testindex.h"
#include "util.h"

static const struct test_entry entries[] = {
	{.path = "usr/"},
	{.path = "usr/f", .data = "hello"},
};

/* Rows as text: values separated by blanks, rows ended by newlines. */
struct text {
	char bytes[4096];
	int stop_after;
};

static int take_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	struct text *text = arg;
	char value[128];

	for (int i = 0; i < columns; i++) {
		assert_non_null(names[i]);
		switch (values[i].type) {
		case 'i':
			snprintf(value, sizeof(value), "%lld", (long long)values[i].integer);
			break;
		case 'r':
			snprintf(value, sizeof(value), "%g", values[i].real);
			break;
		case 'n':
			snprintf(value, sizeof(value), "NULL");
			break;
		default:
			snprintf(value, sizeof(value), "%c'%.*s'", values[i].type,
				(int)values[i].len, (const char *)values[i].bytes);
			break;
		}
		strcat(text->bytes, value);
		strcat(text->bytes, i + 1 < columns ? " " : "\n");
	}
	return text->stop_after && --text->stop_after == 0;
}

static int ignore_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	(void)arg;
	(void)columns;
	(void)names;
	(void)values;
	return 0;
}

static void rows_come_with_their_types(void **state)
{
	static const struct {
		const char *sql, *wanted;
	} cases[] = {
		{"SELECT path, type, size FROM tree WHERE type = 'f'", "t'/usr/f' t'f' 5\n"},
		{"SELECT 1, 2.5, 'a', x'62', NULL, ''", "1 2.5 t'a' b'b' NULL t''\n"},
		{"SELECT 1; SELECT 2;\n-- the end", "1\n2\n"},
		{"", ""},
		{";;", ""},
		{"-- only a comment", ""},
		{"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
			"1\n2\n3\n"},
		{"SELECT count(*) FROM pragma_table_info('layer')", "22\n"},
		{"PRAGMA user_version", "2\n"},
		{"SELECT name FROM sqlite_schema WHERE type = 'view' AND name = 'tree'",
			"t'tree'\n"},
		{"SELECT value FROM json_each('[7]')", "7\n"},
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		struct text text = {0};

		assert_good(peel_sql(test.index, cases[i].sql, take_row, &text, &err), &err);
		assert_string_equal(text.bytes, cases[i].wanted);
	}
	test_index_free(&test);
}

static void callback_stops(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct text text = {.stop_after = 2};

	(void)state;
	assert_int_equal(peel_sql(test.index, "SELECT 1; SELECT 2; SELECT 3", take_row, &text,
				 NULL),
		1);
	assert_string_equal(text.bytes, "1\n2\n");
	test_index_free(&test);
}

static void all_but_reading_is_refused(void **state)
{
	static const char *const cases[] = {
		"DELETE FROM entry",
		"UPDATE image SET value = 1",
		"UPDATE sqlite_master SET sql = ''",
		"UPDATE sqlite_schema SET name = 'x' WHERE name = 'tree'",
		"DELETE FROM sqlite_schema",
		"INSERT INTO image VALUES ('x', 1)",
		"CREATE TABLE t (x)",
		"CREATE TEMP TABLE t (x)",
		"CREATE TEMP VIEW v AS SELECT 1",
		"CREATE VIRTUAL TABLE t USING fts5(x)",
		"DROP TABLE entry",
		"ALTER TABLE entry ADD COLUMN x",
		"ATTACH '/etc/passwd' AS p",
		"ATTACH ':memory:' AS p",
		"DETACH main",
		"VACUUM",
		"VACUUM INTO '/tmp/peel-should-not-be'",
		"BEGIN",
		"SAVEPOINT s",
		"REINDEX",
		"ANALYZE",
		"PRAGMA query_only = 0",
		"PRAGMA writable_schema = 1",
		"PRAGMA journal_mode = WAL",
		"PRAGMA temp_store_directory = '/tmp'",
		"PRAGMA user_version = 7",
		"PRAGMA mmap_size = 100000000",
		"PRAGMA trusted_schema = 1",
		"PRAGMA no_such_thing",
		"SELECT load_extension('x')",
		"SELECT readfile('/etc/passwd')",
		"SELECT 1; DELETE FROM entry; SELECT 2",
		"SELECT FROM",
		"nonsense",
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct peel_error err = {0};
		int r = peel_sql(test.index, cases[i], ignore_row, NULL, &err);

		if (r != PEEL_EUSAGE) {
			print_error("%s: %d %s\n", cases[i], r, err.message);
		}
		assert_int_equal(r, PEEL_EUSAGE);
		assert_int_equal(strncmp(err.message, "SQL: ", 5), 0);
	}
	test_index_free(&test);
}

static void memory_is_bounded(void **state)
{
	static const char *const cases[] = {
		"SELECT zeroblob(1000000000)",
		"SELECT hex(zeroblob(60000000))",
		("SELECT group_concat(zeroblob(1000000)) FROM (WITH RECURSIVE n (i) AS (SELECT 1 "
		 "UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n)"),
	};
	struct test_index test = test_index_new(entries, countof(entries), NULL);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(peel_sql(test.index, cases[i], ignore_row, NULL, NULL),
			PEEL_ELIMIT);
	}
	test_index_free(&test);
}

/* A sort that never ends would fill the memory: the heap is looked at. */
static void endless_sort_is_a_limit(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct peel_error err = {0};

	(void)state;
	assert_failure(peel_sql(test.index,
			       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
			       " SELECT i, zeroblob(100000) AS z FROM n ORDER BY z, i",
			       ignore_row, NULL, &err),
		PEEL_ELIMIT, &err, "memory");
	test_index_free(&test);
}

static void message_is_escaped(void **state)
{
	struct test_index test = test_index_new(entries, countof(entries), NULL);
	struct peel_error err = {0};

	(void)state;
	assert_failure(peel_sql(test.index, "SELECT \"\033[31m\" FROM nowhere_\033", ignore_row,
			       NULL, &err),
		PEEL_EUSAGE, &err, "\\x1b");
	assert_null(strchr(err.message, 033));
	test_index_free(&test);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_reading_is_refused),
		cmocka_unit_test(callback_stops),
		cmocka_unit_test(endless_sort_is_a_limit),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(message_is_escaped),
		cmocka_unit_test(rows_come_with_their_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
