/* SPDX-License-Identifier: Apache-2.0 */
/* What du adds up with: sizes as coreutils has them, patterns that leave files out, nodes that were seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/block_size.h"
#include "../../tools/exclude.h"
#include "../../tools/inode_set.h"
#include "peel_test.h"

#define countof(array) (sizeof(array) / sizeof((array)[0]))

static void sizes_are_shown_as_du_does(void **state)
{
	static const struct {
		const char *size;
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{"1", 0, "0"},
		{"1K", 0, "0"},
		{"1K", 1, "1"},
		{"1K", 1024, "1"},
		{"1K", 1025, "2"},
		{"K", 1025, "2K"},
		{"kB", 1001, "2kB"},
		{"KiB", 1024, "1KiB"},
		{"MB", 1, "1MB"},
		{"10K", 10241, "2"},
		{"0x10", 17, "2"},
		{"'1", 1000, "1000"},
		{"human-readable", 1023, "1023"},
		{"human-readable", 1024, "1.0K"},
		{"h", 1025, "1.1K"},
		{"h", 10 * 1024, "10K"},
		{"h", 10 * 1024 - 1, "10K"},
		{"h", 9 * 1024 + 922, "10K"},
		{"h", 9 * 1024 + 921, "9.9K"},
		{"h", 1023 * 1024 + 1, "1.0M"},
		{"h", UINT64_MAX - 1, "16E"},
		{"si", 999, "999"},
		{"si", 1000, "1.0k"},
		{"si", 999001, "1.0M"},
		{"si", 3700000, "3.7M"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct block_size block_size;
		char buf[BLOCK_SIZE_TEXT];

		assert_int_equal(block_size_parse(cases[i].size, &block_size), NUMBER_OK);
		assert_string_equal(block_size_format(buf, cases[i].bytes, &block_size),
			cases[i].text);
	}
}

static void numbers_have_faults(void **state)
{
	static const struct {
		const char *text;
		enum number_fault fault;
		bool negative;
		uint64_t number;
	} cases[] = {
		{"5", NUMBER_OK, false, 5},
		{"-5", NUMBER_OK, true, 5},
		{"K", NUMBER_OK, false, 1024},
		{"2MB", NUMBER_OK, false, 2000000},
		{"2MiB", NUMBER_OK, false, 2 << 20},
		{"", NUMBER_INVALID, false, 0},
		{"x", NUMBER_INVALID, false, 0},
		{"-", NUMBER_INVALID, false, 0},
		{"5x", NUMBER_SUFFIX, false, 5},
		{"5Kx", NUMBER_SUFFIX, false, 5120},
		{"99999999999999999999", NUMBER_TOO_LARGE, false, UINT64_MAX},
		{"99999999999G", NUMBER_TOO_LARGE, false, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		bool negative = false;
		uint64_t number = 0;

		assert_int_equal(number_parse(cases[i].text, 10, "KMG", true, &negative, &number),
			cases[i].fault);
		assert_int_equal(number, cases[i].number);
		assert_int_equal(negative, cases[i].negative);
	}
	assert_int_equal(number_parse("-1", 10, "", false, NULL, &(uint64_t){0}), NUMBER_INVALID);
}

static void the_last_pattern_decides(void **state)
{
	static const struct {
		/* "-pattern" leaves out, "+pattern" keeps. */
		const char *patterns[3];
		const char *name;
		bool anchored;
		bool out;
	} cases[] = {
		{{0}, "a", false, false},
		{{"-a"}, "a", true, true},
		{{"-a"}, "x/a", true, false},
		{{"-a"}, "x/a", false, true},
		{{"-a"}, "x/a/b", false, false},
		{{"-x/a"}, "y/x/a", false, true},
		{{"-*.c"}, "d/x.c", false, true},
		{{"-*.c"}, "d/x.c", true, true},
		{{"-d*c"}, "d/x.c", true, true},
		{{"+*.c"}, "x.c", true, false},
		{{"+*.c"}, "x.h", true, true},
		{{"+*.c", "-x*"}, "x.c", true, true},
		{{"-x*", "+*.c"}, "x.c", true, false},
		{{"-x*", "+*.c"}, "y.h", true, false},
		{{"-a\\*"}, "a*", true, true},
		{{"-a\\*"}, "ab", true, false},
		{{"-[ab]"}, "b", true, true},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct exclude exclude = {0};
		struct peel_error err = {0};

		for (size_t k = 0; k < 3 && cases[i].patterns[k]; k++) {
			const char *pattern = cases[i].patterns[k];

			assert_good(exclude_add(&exclude, pattern + 1, *pattern == '+', &err),
				&err);
		}
		if (exclude_match(&exclude, cases[i].name, cases[i].anchored) != cases[i].out) {
			fail_msg("case %zu: '%s'", i, cases[i].name);
		}
		exclude_finish(&exclude);
	}
}

static void nodes_are_new_once(void **state)
{
	struct inode_set set = {0};

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint64_t ino = 1; ino < 20000; ino++) {
			assert_int_equal(inode_set_add(&set, ino), round == 0);
			/* Far apart, as of another layer's view. */
			assert_int_equal(inode_set_add(&set, (ino << 40) | 7), round == 0);
		}
	}
	assert_int_equal(inode_set_add(&set, UINT64_MAX), 1);
	assert_int_equal(inode_set_add(&set, UINT64_MAX), 0);
	assert_int_equal(inode_set_add(&set, 0), 1);
	inode_set_finish(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_shown_as_du_does),
		cmocka_unit_test(numbers_have_faults),
		cmocka_unit_test(the_last_pattern_decides),
		cmocka_unit_test(nodes_are_new_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
