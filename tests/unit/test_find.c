/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and modes as find takes them. Expected values are those of GNU find and chmod. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tools/find_date.c"
#include "../../tools/find_mode.c"
#include "peel_test.h"

/* 2023-11-15 12:34:56.789 UTC, a Wednesday. */
static const struct find_time now = {1700051696, 789000000};

void complain(const char *format, ...)
{
	(void)format;
}

static void date_is(const char *text, int64_t sec, int64_t nsec)
{
	struct find_time when = {0};

	if (!find_date_parse(text, &now, &when)) {
		fail_msg("'%s' is not read", text);
	}
	if (when.sec != sec || when.nsec != nsec) {
		fail_msg("'%s': %lld.%09lld, not %lld.%09lld", text, (long long)when.sec,
			(long long)when.nsec, (long long)sec, (long long)nsec);
	}
}

static void dates_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
		int64_t nsec;
	} cases[] = {
		{"@0", 0, 0},
		{"@1700000000.25", 1700000000, 250000000},
		{"@-1.5", -2, 500000000},
		{" @5 ", 5, 0},
		{"2023-11-14", 1699920000, 0},
		{"2023-11-14 22:13:20", 1700000000, 0},
		{"2023-11-14T22:13:20", 1700000000, 0},
		{"2023-11-14 22:13:20.5", 1700000000, 500000000},
		{"2023-11-14 22:13:20,123456789999", 1700000000, 123456789},
		{"2023-11-14T22:13:20Z", 1700000000, 0},
		{"2023-11-14 22:13:20 UTC", 1700000000, 0},
		{"2023-11-14 23:13:20 +01:00", 1700000000, 0},
		{"2023-11-14 23:13:20+0100", 1700000000, 0},
		{"2023-11-14 12:13:20 -10", 1700000000, 0},
		{"22:13:20 2023-11-14", 1700000000, 0},
		{"2023-11-14 9:05", 1699952700, 0},
		{"12:00", 1700049600, 0},
		{"now", 1700051696, 789000000},
		{"today", 1700051696, 789000000},
		{"yesterday", 1699965296, 789000000},
		{"Tomorrow", 1700138096, 789000000},
		{"2 days ago", 1699878896, 789000000},
		{"1 day", 1700138096, 789000000},
		{"-1 day", 1699965296, 789000000},
		{"+3 hours", 1700062496, 789000000},
		{"90 minutes ago", 1700046296, 789000000},
		{"30 sec ago", 1700051666, 789000000},
		{"2 weeks ago", 1698842096, 789000000},
		{"1 fortnight ago", 1698842096, 789000000},
		{"last month", 1697373296, 789000000},
		{"1 month ago", 1697373296, 789000000},
		{"next year", 1731674096, 789000000},
		{"last week", 1699446896, 789000000},
		{"day ago", 1699965296, 789000000},
		{"2023-11-14 1 day ago", 1699833600, 0},
		{"2023-11-14 22:13:20 1 day 2 hours", 1700093600, 0},
		{"2024-02-29", 1709164800, 0},
		{"1969-12-31 23:59:59", -1, 0},
		{"yesterday 12:00", 1699963200, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		date_is(cases[i].text, cases[i].sec, cases[i].nsec);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const cases[] = {"", " ", "@", "@x", "@1x", "@-",
		"@99999999999999999999", "2023", "2023-13-01", "2023-00-01", "2023-02-29",
		"2023-11-31", "2023-1-1", "2023-11-14 24:00", "2023-11-14 12:60", "2023-11-14 12",
		"12:5", "14.11.2023", "Nov 14 2023", "11/14/2023", "monday", "noon",
		"2 parsecs ago", "ago", "2023-11-14 2023-11-15", "12:00 13:00", "UTC Z", "UTC",
		"23:59:60", "22:13 +3 days", "22:13 day ago +05", "2023-11-14 22:13:20 +25x",
		"99999999999 days ago", "2000000000 days", "1.5 days ago", "-", "+", "yesterdays",
		"2023-11-14T", "1000000001 years", "-9223372036854775808 days"};
	struct find_time when;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		if (find_date_parse(cases[i], &now, &when)) {
			fail_msg("'%s' is read as %lld", cases[i], (long long)when.sec);
		}
	}
}

static void local_time_counts_where_no_zone_is_given(void **state)
{
	(void)state;
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	date_is("2023-11-14 17:13:20", 1700000000, 0);
	date_is("2023-11-14 22:13:20 UTC", 1700000000, 0);
	date_is("2023-07-01", 1688184000, 0);
	date_is("2023-07-01 Z", 1688169600, 0);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void modes_are_what_chmod_makes_of_nothing(void **state)
{
	static const struct {
		const char *text;
		uint32_t file;
		uint32_t folder;
	} cases[] = {
		{"0", 0, 0},
		{"644", 0644, 0644},
		{"07777", 07777, 07777},
		{"u=rw", 0600, 0600},
		{"u=rwx,g=rx,o=r", 0754, 0754},
		{"a=r", 0444, 0444},
		{"=rw", 0666, 0666},
		{"+x", 0111, 0111},
		{"go+w", 0022, 0022},
		{"u+s", 04000, 04000},
		{"ug+s", 06000, 06000},
		{"g+s,o+t", 03000, 03000},
		{"+t", 01000, 01000},
		{"a+t", 01000, 01000},
		{"u+t", 0, 0},
		{"o+s", 0, 0},
		{"X", 0, 0},
		{"a+X", 0, 0111},
		{"u+x,a+X", 0111, 0111},
		{"u=rwX,go=rX", 0644, 0755},
		{"u=rwx,g=u", 0770, 0770},
		{"u=rwx,g=u-w,o=g", 0755, 0755},
		{"u=rwx-w", 0500, 0500},
		{"a=rwx,a-w", 0555, 0555},
		{"=644", 0644, 0644},
		{"+7", 07, 07},
		{"u=", 0, 0},
		{"=", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct find_mode mode = {0};
		bool read = find_mode_parse(cases[i].text, &mode);

		if (strcmp(cases[i].text, "X") == 0) {
			assert_false(read);
		} else if (!read || mode.bits[0] != cases[i].file ||
			mode.bits[1] != cases[i].folder) {
			fail_msg("'%s': %d, %04o and %04o", cases[i].text, read, mode.bits[0],
				mode.bits[1]);
		}
	}
}

static void what_is_no_mode_is_refused(void **state)
{
	static const char *const cases[] = {"", "8", "08", "10000", "77777777777777777777", "u",
		"r", "u=z", "u=rw,", ",u=rw", "u=rw;g=r", "u=644", "=68", "+10000", "a", "u=gw",
		"x+x", "644,u=r"};
	struct find_mode mode;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		if (find_mode_parse(cases[i], &mode)) {
			fail_msg("'%s' is read as %04o", cases[i], mode.bits[0]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(local_time_counts_where_no_zone_is_given),
		cmocka_unit_test(modes_are_what_chmod_makes_of_nothing),
		cmocka_unit_test(what_is_no_mode_is_refused),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
