/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>

#include "tarmaker.h"
#include "util.h"

static const struct number_case {
	const char *name;
	const char *field;
	size_t len;
	bool good;
	int64_t value;
} number_cases[] = {
	{"octal", "0000644\0", 8, true, 0644},
	{"octal with spaces before", "    644\0", 8, true, 0644},
	{"octal ending in a space", "000644 \0", 8, true, 0644},
	{"octal without an end", "77777777", 8, true, 077777777},
	{"octal with NULs before", "\0\0\0\0 12\0", 8, true, 012},
	{"octal cut at a NUL inside", "12\0zz\0\0\0", 8, true, 012},
	{"empty field", "\0\0\0\0\0\0\0\0", 8, true, 0},
	{"spaces alone", "        ", 8, true, 0},
	{"no field", "", 0, true, 0},
	{"digit 8", "0000648\0", 8, false, 0},
	{"a minus", "-0000001", 8, false, 0},
	{"a space inside", "12 34\0\0\0", 8, false, 0},
	{"hexadecimal", "0x644\0\0\0", 8, false, 0},
	{"octal of 64 bits", "1777777777777777777777", 22, true, -1},
	{"octal of 65 bits", "3777777777777777777777", 22, false, 0},
	{"base-256", "\x80\0\0\0\0\0\x01\x02", 8, true, 0x102},
	{"base-256 minus one", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, true, -1},
	{"base-256 minus 1000", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfc\x18", 12, true,
		-1000},
	{"base-256 largest", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12, true, INT64_MAX},
	{"base-256 smallest", "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12, true, INT64_MIN},
	{"base-256 of 64 bits", "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12, false, 0},
	{"base-256 of 65 bits", "\x80\0\0\x01\0\0\0\0\0\0\0\0", 12, false, 0},
	{"base-256 below 64 bits", "\xff\xff\xff\xfe\0\0\0\0\0\0\0\0", 12, false, 0},
	{"base-256 low bits of the first byte", "\x81\0\0\0\0\0\0\0", 8, true, 1ll << 56},
};

static void numbers_are_go_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(number_cases); i++) {
		const struct number_case *test = &number_cases[i];
		int64_t value = 42;

		if (tar_number(test->field, test->len, &value) != test->good ||
			value != (test->good ? test->value : 42)) {
			fail_msg("%s: %lld", test->name, (long long)value);
		}
	}
}

static void make(struct tarmaker *tar, const struct tar_member *member)
{
	tarmaker_finish(tar);
	(void)tarmaker_header(tar, member);
}

static void ustar_joins_prefix_and_name(void **state)
{
	struct tarmaker tar = {0};
	struct tar_header header;
	char prefix[156] = {0};
	char name[101] = {0};

	(void)state;
	memset(prefix, 'p', 155);
	memset(name, 'n', 100);
	make(&tar,
		&(struct tar_member){.path = name,
			.prefix = prefix,
			.link = name,
			.uname = "u",
			.gname = "g",
			.type = '2',
			.mode = 04755,
			.uid = 1,
			.gid = -2,
			.mtime = 3});
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_int_equal(header.kind, TAR_USTAR);
	assert_int_equal(header.path_len, 256);
	assert_int_equal(header.path[155], '/');
	assert_int_equal(strlen(header.path), 256);
	assert_int_equal(header.link_len, 100);
	assert_string_equal(header.uname, "u");
	assert_string_equal(header.gname, "g");
	assert_int_equal(header.mode, 04755);
	assert_int_equal(header.uid, 1);
	assert_int_equal(header.gid, -2);
	assert_int_equal(header.mtime, 3);
	assert_int_equal(header.typeflag, '2');
	tarmaker_finish(&tar);
}

static void v7_has_no_owner_names_and_no_prefix(void **state)
{
	struct tarmaker tar = {0};
	struct tar_header header;
	unsigned char *block;

	(void)state;
	block = tarmaker_header(&tar, &(struct tar_member){.path = "f", .kind = TARMAKER_V7});
	memset(block + 265, 'x', 512 - 265);
	tarmaker_checksum(block);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_int_equal(header.kind, TAR_V7);
	assert_string_equal(header.path, "f");
	assert_string_equal(header.uname, "");
	assert_int_equal(header.devmajor, 0);
	tarmaker_finish(&tar);
}

/**
 * GNU has times where ustar has the prefix; only what is no time is a prefix (Go before 1.8 wrote
 * such).
 */
static void gnu_times_are_no_prefix(void **state)
{
	struct tarmaker tar = {0};
	struct tar_header header;
	unsigned char *block;

	(void)state;
	block = tarmaker_header(&tar, &(struct tar_member){.path = "f", .kind = TARMAKER_GNU});
	memcpy(block + 345,
		"00000000001\0"
		"00000000002",
		23);
	tarmaker_checksum(block);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_int_equal(header.kind, TAR_GNU);
	assert_string_equal(header.path, "f");
	memcpy(tar.bytes + 345, "a/prefix\0\0\0\0", 12);
	tarmaker_checksum(tar.bytes);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_string_equal(header.path, "a/prefix/f");
	memcpy(tar.bytes + 345, "\x7f\xc3\xa9", 3);
	tarmaker_checksum(tar.bytes);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_string_equal(header.path, "f");
	tarmaker_finish(&tar);
}

static void star_has_a_short_prefix(void **state)
{
	struct tarmaker tar = {0};
	struct tar_header header;
	char prefix[132] = {0};

	(void)state;
	memset(prefix, 'p', 131);
	make(&tar, &(struct tar_member){.path = "f", .prefix = prefix});
	memcpy(tar.bytes + 476,
		"00000000001\0"
		"00000000002\0",
		24);
	memcpy(tar.bytes + 508, "tar", 4);
	tarmaker_checksum(tar.bytes);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	assert_int_equal(header.kind, TAR_STAR);
	assert_int_equal(header.path_len, 133);
	tar.bytes[476] = 'x';
	tarmaker_checksum(tar.bytes);
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), PEEL_EFORMAT);
	tarmaker_finish(&tar);
}

/** t16: historic tars summed signed bytes. */
static void checksum_may_be_signed(void **state)
{
	struct tarmaker tar = {0};
	struct tar_header header;
	struct peel_error err = {0};
	unsigned sum;

	(void)state;
	make(&tar, &(struct tar_member){.path = "\xc3\xa9"});
	assert_true(tar_checksum_ok(tar.bytes));
	assert_int_equal(sscanf((char *)tar.bytes + 148, "%o", &sum), 1);
	(void)snprintf((char *)tar.bytes + 148, 8, "%06o", sum - 512);
	assert_true(tar_checksum_ok(tar.bytes));
	assert_int_equal(tar_header_parse(tar.bytes, &header, NULL), 0);
	(void)snprintf((char *)tar.bytes + 148, 8, "%06o", sum - 256);
	assert_false(tar_checksum_ok(tar.bytes));
	assert_int_equal(tar_header_parse(tar.bytes, &header, &err), PEEL_EFORMAT);
	assert_non_null(strstr(err.message, "checksum"));
	memcpy(tar.bytes + 148, "x", 1);
	assert_false(tar_checksum_ok(tar.bytes));
	tarmaker_finish(&tar);
}

/** Every number field is checked, and the message names it. */
static void bad_numbers_are_refused(void **state)
{
	static const struct {
		size_t offset;
		const char *name;
	} fields[] = {{100, "mode"}, {108, "uid"}, {116, "gid"}, {124, "size"}, {136, "mtime"},
		{329, "devmajor"}, {337, "devminor"}};

	(void)state;
	for (size_t i = 0; i < countof(fields); i++) {
		struct tarmaker tar = {0};
		struct tar_header header;
		struct peel_error err = {0};

		make(&tar, &(struct tar_member){.path = "f"});
		tar.bytes[fields[i].offset] = 'x';
		tarmaker_checksum(tar.bytes);
		assert_int_equal(tar_header_parse(tar.bytes, &header, &err), PEEL_EFORMAT);
		assert_non_null(strstr(err.message, fields[i].name));
		tarmaker_finish(&tar);
	}
}

static void zero_block_is_all_zero(void **state)
{
	unsigned char block[TAR_BLOCK] = {0};

	(void)state;
	assert_true(tar_is_zero(block));
	for (int i = 0; i < TAR_BLOCK; i++) {
		block[i] = 1;
		assert_false(tar_is_zero(block));
		block[i] = 0;
	}
	memset(block, 1, sizeof(block));
	assert_false(tar_is_zero(block));
}

static void links_and_folders_have_no_data(void **state)
{
	(void)state;
	for (const char *type = "123456"; *type; type++) {
		assert_false(tar_has_data(*type));
	}
	for (const char *type = "07SDVMNxgLKZ"; *type; type++) {
		assert_true(tar_has_data(*type));
	}
	assert_true(tar_has_data(0));
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding(INT64_MAX), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_go_s),
		cmocka_unit_test(ustar_joins_prefix_and_name),
		cmocka_unit_test(v7_has_no_owner_names_and_no_prefix),
		cmocka_unit_test(gnu_times_are_no_prefix),
		cmocka_unit_test(star_has_a_short_prefix),
		cmocka_unit_test(checksum_may_be_signed),
		cmocka_unit_test(bad_numbers_are_refused),
		cmocka_unit_test(zero_block_is_all_zero),
		cmocka_unit_test(links_and_folders_have_no_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
