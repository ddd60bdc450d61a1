/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that carry Python programs: their marks where starters look for them, and what only looks like them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elfmaker.h"
#include "facts_look.h"
#include "fault.h"
#include "peel_test.h"
#include "util.h"
#include "zipmaker.h"

#define PACKAGE 300
#define COOKIE 88

/* A package as PyInstaller appends it: data, a table of contents of 20 bytes, the cookie. */
static void put_package(uint8_t *at)
{
	uint8_t *cookie = at + PACKAGE - COOKIE;

	memset(at, 'p', PACKAGE - COOKIE);
	memset(cookie, 0, COOKIE);
	memcpy(cookie, "MEI\014\013\012\013\016", 8);
	elfmaker_put(cookie + 8, 4, true, PACKAGE);
	elfmaker_put(cookie + 12, 4, true, PACKAGE - COOKIE - 20);
	elfmaker_put(cookie + 16, 4, true, 20);
	elfmaker_put(cookie + 20, 4, true, 311);
	memcpy(cookie + 24, "libpython3.11.so.1.0", 20);
}

static int look_at(const void *bytes, size_t len, uint64_t *ret_offset)
{
	struct elfmaker_file file;
	int result;

	elfmaker_bytes(bytes, len, &file);
	result = facts_bundle_look(&file.file, ret_offset, NULL);
	elfmaker_finish(&file);
	return result;
}

static void pyinstaller_ends_with_its_cookie(void **state)
{
	uint8_t bytes[1000 + PACKAGE + 20000];
	uint64_t offset;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	put_package(bytes + 1000);
	assert_int_equal(look_at(bytes, 1000 + PACKAGE, &offset), FACTS_BUNDLE_PYINSTALLER);
	assert_int_equal(offset, 1000 + PACKAGE - COOKIE);
	/* A signature behind it. */
	assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_PYINSTALLER);
	assert_int_equal(offset, 1000 + PACKAGE - COOKIE);
	/* The package alone, and less than it. */
	assert_int_equal(look_at(bytes + 1000, PACKAGE, &offset), FACTS_BUNDLE_PYINSTALLER);
	assert_int_equal(look_at(bytes + 1001, PACKAGE - 1, &offset), FACTS_BUNDLE_NONE);
	/* A table of contents that does not end before the cookie, even the oldest. */
	elfmaker_put(bytes + 1000 + PACKAGE - COOKIE + 16, 4, true, 20 + COOKIE - 24 + 1);
	assert_int_equal(look_at(bytes, 1000 + PACKAGE, &offset), FACTS_BUNDLE_NONE);
}

static void old_cookies_have_no_library(void **state)
{
	uint8_t bytes[500];
	uint64_t offset;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + 476, "MEI\014\013\012\013\016", 8);
	elfmaker_put(bytes + 484, 4, true, 400);
	elfmaker_put(bytes + 488, 4, true, 300);
	elfmaker_put(bytes + 492, 4, true, 76);
	elfmaker_put(bytes + 496, 4, true, 27);
	assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_PYINSTALLER);
	assert_int_equal(offset, 476);
}

static void pyinstaller_may_be_a_section(void **state)
{
	static uint8_t package[PACKAGE];
	static uint8_t rest[200000];
	const struct elfmaker_section sections[] = {{"pydata", package, PACKAGE, 1, 0},
		{".rest", rest, sizeof(rest), 1, 0}, {NULL, NULL, 0, 0, 0}};
	const struct elfmaker maker = {.bits = 64, .sections = sections};
	struct elfmaker_file file;
	uint64_t offset;

	(void)state;
	put_package(package);
	elfmaker_make(&maker, &file);
	assert_int_equal(facts_bundle_look(&file.file, &offset, NULL), FACTS_BUNDLE_PYINSTALLER);
	assert_memory_equal(file.bytes + offset, "MEI\014", 4);
	elfmaker_finish(&file);
}

static void nuitka_ends_with_its_length(void **state)
{
	static const char marks[][4] = {"KAX", "KAY"};
	uint8_t bytes[1000] = {0};
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < countof(marks); i++) {
		memcpy(bytes + 500, marks[i], 3);
		elfmaker_put(bytes + 992, 8, false, 492);
		assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_NUITKA);
		assert_int_equal(offset, 500);
	}
	memcpy(bytes + 500, "KAZ", 3);
	assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_NONE);
	memcpy(bytes + 500, "KAX", 3);
	elfmaker_put(bytes + 992, 8, false, 493);
	assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_NONE);
	elfmaker_put(bytes + 992, 8, false, UINT64_MAX - 3);
	assert_int_equal(look_at(bytes, sizeof(bytes), &offset), FACTS_BUNDLE_NONE);
}

static void zipapps_have_a_main_at_their_top(void **state)
{
	static const struct {
		const char *name;
		int bundle;
	} cases[] = {
		{"__main__.py", FACTS_BUNDLE_ZIPAPP},
		{"__main__.pyc", FACTS_BUNDLE_ZIPAPP},
		{"package/__main__.py", FACTS_BUNDLE_NONE},
		{"META-INF/MANIFEST.MF", FACTS_BUNDLE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct zipmaker zip = {0};
		uint64_t offset;

		bytes_add(&zip.out, "#!/usr/bin/env python3\n", 23);
		zipmaker_add(&zip, "other.py", "pass", 4, 0);
		zipmaker_add(&zip, cases[i].name, "pass", 4, 8);
		zipmaker_end(&zip, 2, "");
		assert_int_equal(look_at(zip.out.data, zip.out.len, &offset), cases[i].bundle);
		assert_memory_equal(zip.out.data + offset, cases[i].bundle ? "PK\3\4" : "#!/u", 4);
		zipmaker_finish(&zip);
	}
}

static void what_is_no_bundle_is_none(void **state)
{
	static const char *const cases[] = {"", "x", "MEI\014\013\012\013\016", "#!/bin/sh\n"};
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(look_at(cases[i], strlen(cases[i]), &offset), FACTS_BUNDLE_NONE);
		assert_int_equal(offset, 0);
	}
}

static void every_fault_is_told(void **state)
{
	static const char *const needs[] = {"libc.so.6", NULL};
	const struct elfmaker maker = {.bits = 64, .needs = needs};
	struct elfmaker_file file;
	uint64_t offset;

	(void)state;
	elfmaker_make(&maker, &file);
	assert_int_equal(facts_bundle_look(&file.file, &offset, NULL), FACTS_BUNDLE_NONE);
	for (unsigned n = file.reads; n > 0; n--) {
		file.reads = 0;
		file.fail_at = n;
		assert_int_equal(facts_bundle_look(&file.file, &offset, NULL), PEEL_EIO);
	}
	file.fail_at = 0;
	for (unsigned n = 1; fault_alloc_works(); n++) {
		int code;

		fault_alloc(n);
		code = facts_bundle_look(&file.file, &offset, NULL);
		if (!fault_alloc_hit()) {
			assert_int_equal(code, FACTS_BUNDLE_NONE);
			assert_true(n > 4);
			break;
		}
		assert_int_equal(code, PEEL_ENOMEM);
	}
	elfmaker_finish(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pyinstaller_ends_with_its_cookie),
		cmocka_unit_test(old_cookies_have_no_library),
		cmocka_unit_test(pyinstaller_may_be_a_section),
		cmocka_unit_test(nuitka_ends_with_its_length),
		cmocka_unit_test(zipapps_have_a_main_at_their_top),
		cmocka_unit_test(what_is_no_bundle_is_none),
		cmocka_unit_test(every_fault_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
