/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"

static const struct {
	const char *raw;
	const char *clean;
	bool escaped;
} clean_cases[] = {
	{"", "", false},
	{".", "", false},
	{"/", "", false},
	{"./", "", false},
	{"..", "", true},
	{"../..", "", true},
	{"a", "a", false},
	{"/a", "a", false},
	{"a/", "a", false},
	{"./a", "a", false},
	{"a//b", "a/b", false},
	{"a/./b", "a/b", false},
	{"a/../b", "b", false},
	{"a/..", "", false},
	{"a/b/../c", "a/c", false},
	{"a/b/../../c", "c", false},
	{"../a", "a", true},
	{"a/../../b", "b", true},
	{"///a///b///", "a/b", false},
	{"...", "...", false},
	{"a/...", "a/...", false},
	{"..a/b..", "..a/b..", false},
	{"/../etc/../etc/passwd", "etc/passwd", true},
	{"\xff/\x01", "\xff/\x01", false},
};

static void paths_are_cleaned(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(clean_cases); i++) {
		char buf[64] = {0};
		size_t raw_len = strlen(clean_cases[i].raw);
		bool escaped = !clean_cases[i].escaped;
		size_t len;

		memcpy(buf, clean_cases[i].raw, raw_len);
		buf[raw_len] = '!';
		len = path_clean(buf, raw_len, &escaped);
		assert_int_equal(buf[raw_len], '!');
		assert_int_equal(len, strlen(clean_cases[i].clean));
		assert_memory_equal(buf, clean_cases[i].clean, len);
		assert_int_equal(escaped, clean_cases[i].escaped);
	}
}

/* A slow, obvious model: a stack of components. */
static size_t model_clean(const char *path, size_t len, char *out, bool *ret_escaped)
{
	size_t starts[64];
	size_t depth = 0;
	size_t used = 0;

	*ret_escaped = false;
	for (size_t i = 0; i < len;) {
		size_t end = i;

		while (end < len && path[end] != '/') {
			end++;
		}
		if (end - i == 2 && path[i] == '.' && path[i + 1] == '.') {
			*ret_escaped = *ret_escaped || depth == 0;
			used = depth > 0 ? starts[--depth] : 0;
		} else if (end > i && !(end - i == 1 && path[i] == '.')) {
			starts[depth++] = used;
			out[used] = '/';
			memcpy(out + used + (used > 0), path + i, end - i);
			used += (used > 0) + end - i;
		}
		i = end + 1;
	}
	return used;
}

static void random_paths_agree_with_the_model(void **state)
{
	static const char letters[] = "..//ab";
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char path[24];
		char expected[32];
		bool expected_escaped;
		bool escaped;
		size_t len = (size_t)rand_r(&seed) % sizeof(path);
		size_t expected_len;

		for (size_t i = 0; i < len; i++) {
			path[i] = letters[rand_r(&seed) % 6];
		}
		expected_len = model_clean(path, len, expected, &expected_escaped);
		assert_int_equal(path_clean(path, len, &escaped), expected_len);
		assert_memory_equal(path, expected, expected_len);
		assert_int_equal(escaped, expected_escaped);
	}
}

static const struct {
	const char *name;
	enum path_kind kind;
	size_t target;
} kind_cases[] = {
	{"", PATH_NAME, 99},
	{"a", PATH_NAME, 99},
	{".wh", PATH_NAME, 99},
	{".whx", PATH_NAME, 99},
	{"x.wh.a", PATH_NAME, 99},
	{".WH.a", PATH_NAME, 99},
	{".wh.a", PATH_WHITEOUT, 4},
	{".wh...a", PATH_WHITEOUT, 4},
	{".wh....", PATH_WHITEOUT, 4},
	{".wh. ", PATH_WHITEOUT, 4},
	{".wh.", PATH_BAD_WHITEOUT, 99},
	{".wh..", PATH_BAD_WHITEOUT, 99},
	{".wh...", PATH_BAD_WHITEOUT, 99},
	{".wh..wh..opq", PATH_OPAQUE, 99},
	{".wh..wh..opqx", PATH_AUFS, 99},
	{".wh..wh.plnk", PATH_AUFS, 99},
	{".wh..wh.", PATH_AUFS, 99},
	{".wh..wh", PATH_WHITEOUT, 4},
};

static void names_are_classified(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(kind_cases); i++) {
		size_t target = 99;

		assert_int_equal(path_classify(kind_cases[i].name, strlen(kind_cases[i].name),
					 &target),
			kind_cases[i].kind);
		assert_int_equal(target, kind_cases[i].target);
	}
}

static void components_come_one_by_one(void **state)
{
	static const char path[] = "//a/bc///d/";
	size_t pos = 0;
	size_t start;
	size_t len;

	(void)state;
	assert_true(path_next(path, strlen(path), &pos, &start, &len));
	assert_int_equal(start, 2);
	assert_int_equal(len, 1);
	assert_true(path_next(path, strlen(path), &pos, &start, &len));
	assert_int_equal(start, 4);
	assert_int_equal(len, 2);
	assert_true(path_next(path, strlen(path), &pos, &start, &len));
	assert_int_equal(start, 9);
	assert_int_equal(len, 1);
	assert_false(path_next(path, strlen(path), &pos, &start, &len));
	assert_false(path_next(path, strlen(path), &pos, &start, &len));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_come_one_by_one),
		cmocka_unit_test(names_are_classified),
		cmocka_unit_test(paths_are_cleaned),
		cmocka_unit_test(random_paths_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
