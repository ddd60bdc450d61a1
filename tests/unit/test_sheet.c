/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in columns, Markdown and CSV: an allocation fails, callers go on all the same, and the answer is whole or
 * refused.
 */
#include <stdio.h>
#include <string.h>

#include "../../tools/format.h"
#include "../../tools/sheet.h"
#include "fault.h"
#include "peel_test.h"

static const struct column columns[] = {{"NAME", false}, {"SIZE", true}};
static const char *const rows[][2] = {{"short", "1"}, {"longer than its title", "20"}, {NULL, "3"}};

/** Write all rows, whatever fails. @return whether all said that they were written. */
static bool write_rows(FILE *out, enum sheet_format format)
{
	struct sheet sheet;
	bool fine = sheet_begin(&sheet, out, format, columns, 2);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fine = sheet_row(&sheet, rows[i]) && fine;
	}
	sheet_end(&sheet);
	return fine;
}

/** What is written where the n-th allocation fails; 0: none. @return whether it was said to be whole. */
static bool write_failing(char *text, size_t room, enum sheet_format format, unsigned n)
{
	FILE *out;
	bool fine;

	memset(text, 0, room);
	out = fmemopen(text, room, "w");
	assert_non_null(out);
	/* No buffer, whose allocation would fail instead. */
	setvbuf(out, NULL, _IONBF, 0);
	fault_alloc(n);
	fine = write_rows(out, format);
	(void)fault_alloc_hit();
	fclose(out);
	return fine;
}

static void check_format(enum sheet_format format, const char *wanted)
{
	char text[512];

	assert_true(write_failing(text, sizeof(text), format, 0));
	assert_string_equal(text, wanted);
	for (unsigned n = 1; fault_alloc_works() && n < 20; n++) {
		const long before = fault_alloc_live();

		if (write_failing(text, sizeof(text), format, n)) {
			assert_string_equal(text, wanted);
		}
		assert_int_equal(fault_alloc_live(), before);
	}
}

static void test_table(void **state)
{
	(void)state;
	check_format(SHEET_TABLE,
		"NAME                   SIZE\nshort                     1\n"
		"longer than its title    20\n                          3\n");
}

static void test_markdown(void **state)
{
	(void)state;
	check_format(SHEET_MARKDOWN,
		"| NAME | SIZE |\n|---|---:|\n| short | 1 |\n| longer than its title | 20 |\n|  | 3 |\n\n");
}

static void test_csv(void **state)
{
	(void)state;
	check_format(SHEET_CSV, "name,size\r\nshort,1\r\nlonger than its title,20\r\n,3\r\n");
}

/** A sheet that could not begin takes no row. */
static void test_not_begun(void **state)
{
	char text[512];

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1; n <= 3; n++) {
		assert_false(write_failing(text, sizeof(text), SHEET_TABLE, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
