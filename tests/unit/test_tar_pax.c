/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_pax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "fault.h"
#include "util.h"

#define TEXT(string) \
	(const struct tar_text) \
	{ \
		string, sizeof(string) - 1 \
	}

/** A header, what parsing returns, and a part of the message. */
static const struct {
	const char *bytes;
	size_t len;
	int code;
	const char *message;
} record_cases[] = {
#define RECORDS(bytes, code, message) \
	{ \
		bytes, sizeof(bytes) - 1, code, message \
	}
	RECORDS("", 0, NULL),
	RECORDS("9 path=a\n", 0, NULL),
	RECORDS("5 a=\n", 0, NULL),
	RECORDS("6 k=v\n6 l=w\n", 0, NULL),
	RECORDS("+9 path=\n", 0, NULL),
	RECORDS("008 k=v\n", 0, NULL),
	RECORDS("4 k=\n", PEEL_EFORMAT, "length"),
	RECORDS("99999999 path=evil\n", PEEL_EFORMAT, "length"),
	RECORDS("-9 path=a\n", PEEL_EFORMAT, "length"),
	RECORDS(" 9 path=a\n", PEEL_EFORMAT, "length"),
	RECORDS("9x path=a\n", PEEL_EFORMAT, "length"),
	RECORDS("9223372036854775808 path=a\n", PEEL_EFORMAT, "length"),
	RECORDS("path", PEEL_EFORMAT, "length"),
	RECORDS("000006 k=v\n", PEEL_EFORMAT, "length"),
	RECORDS("8 path=a\n", PEEL_EFORMAT, "newline"),
	RECORDS("9 path=aa\n", PEEL_EFORMAT, "newline"),
	RECORDS("9 path=a\n\n", PEEL_EFORMAT, "length"),
	RECORDS("9 path=a\n\0\0\0", PEEL_EFORMAT, "length"),
	RECORDS("8 patha\n", PEEL_EFORMAT, "equals"),
	RECORDS("6 =ab\n", PEEL_EFORMAT, "no key"),
	RECORDS("8 k\0y=v\n", PEEL_EFORMAT, "NUL in its key"),
	RECORDS("12 uname=a\0\n", PEEL_EFORMAT, "owner"),
	RECORDS("12 gname=\0a\n", PEEL_EFORMAT, "owner"),
	RECORDS("22 SCHILY.xattr.a=\0b\n\n", 0, NULL),
};

static void records_are_strict(void **state)
{
	struct tar_pax pax = {0};

	(void)state;
	for (size_t i = 0; i < countof(record_cases); i++) {
		struct peel_error err = {0};
		int code = tar_pax_parse(&pax, record_cases[i].bytes, record_cases[i].len, &err);

		if (code != record_cases[i].code ||
			(code < 0 && !strstr(err.message, record_cases[i].message))) {
			fail_msg("case %zu: %d %s", i, code, err.message);
		}
		assert_true(code == 0 || (pax.count == 0 && !pax.known[TAR_PAX_PATH].bytes));
	}
	tar_pax_finish(&pax);
}

static void parse(struct tar_pax *pax, const char *text)
{
	struct peel_error err = {0};

	if (tar_pax_parse(pax, text, strlen(text), &err) < 0) {
		fail_msg("%s", err.message);
	}
}

static void last_record_of_a_key_wins(void **state)
{
	struct tar_pax pax = {0};

	(void)state;
	parse(&pax, "11 path=k1\n11 path=k2\n");
	assert_true(tar_text_is(&pax.known[TAR_PAX_PATH], "k2"));
	assert_true(pax.repeated);
	parse(&pax, "11 path=k1\n11 path=k1\n");
	assert_false(pax.repeated);
	parse(&pax, "6 b=1\n6 a=1\n7 a=22\n6 c=1\n6 b=1\n");
	assert_int_equal(pax.count, 3);
	assert_true(pax.repeated);
	assert_true(tar_text_is(&pax.records[0].key, "a"));
	assert_true(tar_text_is(&pax.records[0].value, "22"));
	assert_true(tar_text_is(&pax.records[1].key, "b"));
	assert_true(tar_text_is(&pax.records[2].key, "c"));
	tar_pax_finish(&pax);
}

static void nul_in_a_name_is_told(void **state)
{
	static const char path[] = "12 path=a\0b\n";
	static const char link[] = "15 linkpath=a\0\n";
	static const char sparse[] = "22 GNU.sparse.name=a\0\n";
	struct tar_pax pax = {0};

	(void)state;
	assert_int_equal(tar_pax_parse(&pax, path, sizeof(path) - 1, NULL), 0);
	assert_true(pax.nul_name);
	assert_int_equal(pax.known[TAR_PAX_PATH].len, 3);
	assert_int_equal(tar_pax_parse(&pax, link, sizeof(link) - 1, NULL), 0);
	assert_true(pax.nul_name);
	assert_int_equal(tar_pax_parse(&pax, sparse, sizeof(sparse) - 1, NULL), 0);
	assert_true(pax.nul_name);
	parse(&pax, "9 path=a\n");
	assert_false(pax.nul_name);
	tar_pax_finish(&pax);
}

static void every_known_key_is_found(void **state)
{
	static const char keys[TAR_PAX_KEYS][24] = {"atime", "ctime", "SCHILY.devmajor",
		"SCHILY.devminor", "gid", "gname", "linkpath", "mtime", "path", "size",
		"GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.minor", "GNU.sparse.name",
		"GNU.sparse.numblocks", "GNU.sparse.realsize", "GNU.sparse.size", "uid", "uname"};
	struct tar_pax pax = {0};

	(void)state;
	for (size_t i = 0; i < countof(keys); i++) {
		char text[512];
		int len = snprintf(text, sizeof(text), "%zu %s=1\n", strlen(keys[i]) + 6, keys[i]);

		if ((size_t)len != strlen(keys[i]) + 6) {
			(void)snprintf(text, sizeof(text), "%zu %s=1\n", strlen(keys[i]) + 5,
				keys[i]);
		}
		parse(&pax, text);
		for (size_t key = 0; key < TAR_PAX_KEYS; key++) {
			assert_int_equal(pax.known[key].bytes != NULL, key == i);
		}
		assert_int_equal(pax.count, i < 4);
	}
	tar_pax_finish(&pax);
}

static void sparse_0_0_numbers_take_turns(void **state)
{
	struct tar_pax pax = {0};

	(void)state;
	parse(&pax,
		"23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=3\n"
		"25 GNU.sparse.numbytes=4\n");
	assert_int_equal(pax.map_count, 4);
	assert_false(pax.bad_map);
	assert_false(pax.repeated);
	assert_true(tar_text_is(&pax.map[3], "4"));
	parse(&pax, "25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=1\n");
	assert_true(pax.bad_map);
	parse(&pax, "23 GNU.sparse.offset=1\n23 GNU.sparse.offset=1\n");
	assert_true(pax.bad_map);
	tar_pax_finish(&pax);
}

static void numbers_are_decimal(void **state)
{
	static const struct {
		struct tar_text text;
		bool good;
		int64_t value;
	} cases[] = {
		{TEXT("0"), true, 0},
		{TEXT("-0"), true, 0},
		{TEXT("+12"), true, 12},
		{TEXT("-12"), true, -12},
		{TEXT("0012"), true, 12},
		{TEXT("9223372036854775807"), true, INT64_MAX},
		{TEXT("9223372036854775808"), false, 0},
		{TEXT("-9223372036854775808"), true, INT64_MIN},
		{TEXT("-9223372036854775809"), false, 0},
		{TEXT("99999999999999999999"), false, 0},
		{TEXT(""), false, 0},
		{TEXT("-"), false, 0},
		{TEXT("+-1"), false, 0},
		{TEXT(" 1"), false, 0},
		{TEXT("1 "), false, 0},
		{TEXT("1\0"), false, 0},
		{TEXT("0x1"), false, 0},
		{TEXT("1_0"), false, 0},
		{TEXT("1.0"), false, 0},
		{{NULL, 0}, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t value = 42;

		if (tar_pax_number(&cases[i].text, &value) != cases[i].good ||
			value != (cases[i].good ? cases[i].value : 42)) {
			fail_msg("case %zu: %lld", i, (long long)value);
		}
	}
}

static void times_keep_nanoseconds(void **state)
{
	static const struct {
		struct tar_text text;
		bool good;
		int64_t sec;
		uint32_t nsec;
	} cases[] = {
		{TEXT("1700000000"), true, 1700000000, 0},
		{TEXT("1700000000.123456789"), true, 1700000000, 123456789},
		{TEXT("1.5"), true, 1, 500000000},
		{TEXT("1.0000000019"), true, 1, 1},
		{TEXT("1."), true, 1, 0},
		{TEXT("-1000"), true, -1000, 0},
		{TEXT("-1.5"), true, -2, 500000000},
		{TEXT("-0.5"), true, -1, 500000000},
		{TEXT("-1.0"), true, -1, 0},
		{TEXT("9223372036854775807.999999999"), true, INT64_MAX, 999999999},
		{TEXT("-9223372036854775808.5"), false, 0, 0},
		{TEXT(""), false, 0, 0},
		{TEXT("."), false, 0, 0},
		{TEXT(".5"), false, 0, 0},
		{TEXT("1.5.5"), false, 0, 0},
		{TEXT("1.-5"), false, 0, 0},
		{TEXT("1.5x"), false, 0, 0},
		{TEXT("1.0000000000x"), false, 0, 0},
		{TEXT("1e9"), false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t sec = 42;
		uint32_t nsec = 42;

		if (tar_pax_time(&cases[i].text, &sec, &nsec) != cases[i].good ||
			sec != (cases[i].good ? cases[i].sec : 42) ||
			nsec != (cases[i].good ? cases[i].nsec : 42)) {
			fail_msg("case %zu: %lld %u", i, (long long)sec, nsec);
		}
	}
}

/** A header of a megabyte with keys of their own must not cost the square of their number. */
static void many_records_are_quick(void **state)
{
	enum { COUNT = 60000 };
	struct tar_pax pax = {0};
	char *text = malloc(COUNT * 16 + 1);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(text + i * 16, 17, "16 key%08d=\n", (i * 7) % COUNT);
	}
	parse(&pax, text);
	assert_int_equal(pax.count, COUNT);
	tar_pax_finish(&pax);
	free(text);
}

static void out_of_memory_is_told(void **state)
{
	static const char text[] = "6 a=1\n6 b=1\n6 c=1\n6 d=1\n6 e=1\n6 f=1\n6 g=1\n6 h=1\n6 i=1\n"
				   "23 GNU.sparse.offset=1\n";
	long before = fault_alloc_live();

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1;; n++) {
		struct tar_pax pax = {0};
		int code;

		fault_alloc(n);
		code = tar_pax_parse(&pax, text, sizeof(text) - 1, NULL);
		if (!fault_alloc_hit()) {
			assert_int_equal(code, 0);
			assert_int_equal(n, 4);
			tar_pax_finish(&pax);
			break;
		}
		assert_int_equal(code, PEEL_ENOMEM);
		assert_int_equal(pax.count, 0);
		tar_pax_finish(&pax);
	}
	assert_int_equal(fault_alloc_live(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_strict),
		cmocka_unit_test(last_record_of_a_key_wins),
		cmocka_unit_test(nul_in_a_name_is_told),
		cmocka_unit_test(every_known_key_is_found),
		cmocka_unit_test(sparse_0_0_numbers_take_turns),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(times_keep_nanoseconds),
		cmocka_unit_test(many_records_are_quick),
		cmocka_unit_test(out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
