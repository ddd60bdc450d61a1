/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an entry ends and the next one begins, and where a layer ends. Cases by the ids of the
 * table of layer semantics.
 */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scantext.h"
#include "util.h"
/** Default of the limit header-size. */
#define HEADER_SIZE_MAX (1u << 20)

static void h08(struct tarmaker *tar)
{
	scantext_file(tar, "a");
	tarmaker_pax(tar, 'x', "size=4", NULL);
	tarmaker_add(tar,
		MEMBER(.path = "b", .type = '1', .link = "a", .data = "data", .data_len = 4));
	tarmaker_end(tar);
}

static void s06(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_add(tar, MEMBER(.path = "two", .data = "22", .data_len = 2));
	tar->len -= 511;
}

static void s07(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	scantext_file(tar, "two");
	tar->len -= 510;
}

static void s08(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_end(tar);
	tar->len -= 512;
}

static void s09(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_end(tar);
	tarmaker_end(tar);
	scantext_file(tar, "two");
	tarmaker_end(tar);
}

static void s10(struct tarmaker *tar)
{
	(void)tar;
}

static void s10b(struct tarmaker *tar)
{
	tarmaker_end(tar);
}

static void s16(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_header(tar, MEMBER(.path = "two"))[0] = 'x';
	scantext_file(tar, "three");
}

static void s16b(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_end(tar);
	tar->len -= 512;
	scantext_file(tar, "two");
}

static void s25(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_end(tar);
	tarmaker_bytes(tar, "\0\0junk\0", 7);
}

static void t01(struct tarmaker *tar)
{
	static const int64_t none = 0;
	struct tarmaker inner = {0};

	scantext_file(&inner, "hidden");
	tarmaker_pax(tar, 'x', "size=1024", NULL);
	tarmaker_add(tar,
		MEMBER(.path = "carrier", .size = &none, .data = inner.bytes,
			.data_len = inner.len));
	scantext_file(tar, "after");
	tarmaker_finish(&inner);
}

static void t01_size_is_not_for_extensions(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "size=1024", NULL);
	tarmaker_extension(tar, 'L', "name", 5);
	tarmaker_add(tar, MEMBER(.path = "x", .data = (char[1024]){"d"}, .data_len = 1024));
	scantext_file(tar, "after");
}

static void t03(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "path=p1", "uid=5", NULL);
	tarmaker_pax(tar, 'x', "path=p2", NULL);
	scantext_file(tar, "x");
	tarmaker_pax(tar, 'x', "path=k1", "path=k2", NULL);
	scantext_file(tar, "x");
	tarmaker_pax(tar, 'x', "path=", NULL);
	scantext_file(tar, "header");
}

static void t04(struct tarmaker *tar)
{
	static const int64_t minus = -1;

	tarmaker_add(tar, MEMBER(.path = "l", .type = '2', .link = "t", .size = &minus));
	scantext_file(tar, "ok");
	tarmaker_pax(tar, 'x', "size=0", NULL);
	tarmaker_add(tar, MEMBER(.path = "f", .size = &minus));
}

static void t05(struct tarmaker *tar)
{
	unsigned char *block = tarmaker_header(tar, MEMBER(.path = "f"));

	memcpy(block + 108, "zzz", 3);
	tarmaker_checksum(block);
}

static void t06(struct tarmaker *tar)
{
	scantext_file(tar, "ok");
	tarmaker_extension(tar, 'x', "99999999 path=evil\n", 19);
	scantext_file(tar, "real");
}

static void t07(struct tarmaker *tar)
{
	static const int64_t huge = 1ll << 40;

	(void)tarmaker_header(tar, MEMBER(.path = "x", .type = 'x', .size = &huge));
}

static void t08(struct tarmaker *tar)
{
	static const int64_t huge = HEADER_SIZE_MAX + 1;

	(void)tarmaker_header(tar,
		MEMBER(.path = "x", .type = 'L', .kind = TARMAKER_GNU, .size = &huge));
}

static void t09(struct tarmaker *tar)
{
	static const int64_t huge = 1ll << 62;

	(void)tarmaker_header(tar, MEMBER(.path = "big", .size = &huge));
}

static void t10(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	tarmaker_pax(tar, 'x', "path=p", NULL);
}

static void t10_with_end(struct tarmaker *tar)
{
	t10(tar);
	tarmaker_end(tar);
}

static void t12(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "size=-1", NULL);
	scantext_file(tar, "x");
}

static void t12_uid(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "uid=1x", NULL);
	scantext_file(tar, "x");
}

static void t12_time(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "ctime=1.x", NULL);
	scantext_file(tar, "x");
}

static void t15(struct tarmaker *tar)
{
	static const int64_t size = 1;

	scantext_file(tar, "a");
	tarmaker_add(tar, MEMBER(.path = "b", .type = '1', .link = "a", .size = &size));
	scantext_file(tar, "after");
}

static void truncated_header(struct tarmaker *tar)
{
	scantext_file(tar, "one");
	scantext_file(tar, "two");
	tar->len -= 513;
}

static void truncated_extension(struct tarmaker *tar)
{
	tarmaker_pax(tar, 'x', "path=p", NULL);
	tar->len -= 510;
}

static void negative_extension(struct tarmaker *tar)
{
	static const int64_t minus = -5;

	(void)tarmaker_header(tar, MEMBER(.path = "x", .type = 'x', .size = &minus));
}

static const struct scantext_case cases[] = {
	{"h08", h08,
		"f a 644 0:0 1/1 0.0\n! size-conflict b\nh b 644 0:0 0/0 0.0 -> a\n= -5 2 0 0\n"},
	{"s06", s06, "f one 644 0:0 1/1 0.0\nf two 644 0:0 2/2 0.0\n= -12 2 0 0\n"},
	{"s07 without padding", s07, "f one 644 0:0 1/1 0.0\nf two 644 0:0 1/1 0.0\n= 0 2 0 0\n"},
	{"s08", s08, "f one 644 0:0 1/1 0.0\n= 0 1 0 0\n"},
	{"s09", s09, "f one 644 0:0 1/1 0.0\n! data-after-eof -\n= 0 1 1 76\n"},
	{"s10", s10, "= 0 0 0 0\n"},
	{"s10b", s10b, "= 0 0 1 0\n"},
	{"s16", s16, "f one 644 0:0 1/1 0.0\n= -5 1 0 0\n"},
	{"s16b", s16b, "f one 644 0:0 1/1 0.0\n= -5 1 0 0\n"},
	{"s25", s25, "f one 644 0:0 1/1 0.0\n! data-after-eof -\n= 0 1 1 4\n"},
	{"t01", t01,
		"! size-conflict carrier\nf carrier 644 0:0 1024/1024 0.0\nf after 644 0:0 1/1 0.0\n= 0 2 0 0\n"},
	{"t01 before L", t01_size_is_not_for_extensions,
		"f name 644 0:0 1024/1024 0.0\n"
		"f after 644 0:0 1/1 0.0\n= 0 2 0 0\n"},
	{"t03 t13 t14", t03,
		"! ambiguous-header p2\nf p2 644 0:0 1/1 0.0\n! ambiguous-header k2\n"
		"f k2 644 0:0 1/1 0.0\nf header 644 0:0 1/1 0.0\n= 0 3 0 0\n"},
	{"t04", t04,
		"! size-conflict l\nl l 644 0:0 0/0 0.0 -> t\nf ok 644 0:0 1/1 0.0\n= -5 2 0 0\n"},
	{"t05", t05, "= -5 0 0 0\n"},
	{"t06", t06, "f ok 644 0:0 1/1 0.0\n= -5 1 0 0\n"},
	{"t07", t07, "= -7 0 0 0\n"},
	{"t08", t08, "= -7 0 0 0\n"},
	{"t09", t09, "f big 644 0:0 4611686018427387904/4611686018427387904 0.0\n= -12 1 0 0\n"},
	{"t10", t10, "f one 644 0:0 1/1 0.0\n! header-without-entry -\n= 0 1 0 0\n"},
	{"t10 with end", t10_with_end,
		"f one 644 0:0 1/1 0.0\n! header-without-entry -\n= 0 1 1 0\n"},
	{"t12", t12, "= -5 0 0 0\n"},
	{"t12 uid", t12_uid, "= -5 0 0 0\n"},
	{"t12 time", t12_time, "= -5 0 0 0\n"},
	{"t15", t15,
		"f a 644 0:0 1/1 0.0\n! size-conflict b\nh b 644 0:0 0/0 0.0 -> a\n"
		"f after 644 0:0 1/1 0.0\n= 0 3 0 0\n"},
	{"truncated header", truncated_header, "f one 644 0:0 1/1 0.0\n= -12 1 0 0\n"},
	{"truncated extension", truncated_extension, "= -12 0 0 0\n"},
	{"negative extension", negative_extension, "= -5 0 0 0\n"},
};

static void layers_are_as_the_table_says(void **state)
{
	(void)state;
	scantext_run(cases, countof(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
