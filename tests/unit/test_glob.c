/* SPDX-License-Identifier: Apache-2.0 */
#include "glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "peel_test.h"
#include "util.h"

/* A pattern, what it matches, and what not; paths parted by blanks. */
static const struct {
	const char *pattern;
	const char *yes;
	const char *no;
} match_cases[] = {
	{"/", "/", "/a"},
	{"/a", "/a", "/ /b /a/b /b/a /aa"},
	{"/a/b", "/a/b", "/a /a/b/c /b /a/bb"},
	{"/*", "/a /.a /abc", "/ /a/b"},
	{"/a/*", "/a/b /a/.b", "/a /a/b/c /b/a"},
	{"/**", "/a /a/b /a/b/c", "/"},
	{"/**/*", "/a /a/b", "/"},
	{"**/*", "/a /a/b", "/"},
	{"**/**", "/a /a/b", "/"},
	{"/a/**", "/a/b /a/b/c", "/ /a /b/a/c /aa/b"},
	{"/a/**/**", "/a/b /a/b/c", "/a"},
	{"/a/**/b", "/a/b /a/x/b /a/x/y/b /a/b/b", "/b /a /a/b/c /a/xb /x/a/b"},
	{"/a/**/b/**", "/a/b/c /a/x/b/c /a/b/b", "/a/b /a/x/b"},
	{"/**/a/**/b/**/c", "/a/b/c /x/a/x/b/x/c /a/a/b/b/c/c", "/a/c/b /b/c /a/b /a/c"},
	{"**/a", "/a /b/a /b/c/a /a/a", "/ /ab /a/b /b"},
	{"**/a/b", "/a/b /x/a/b /a/a/b", "/a/x/b /ab /a/b/c"},
	{"**/a/*/b", "/a/x/b /x/a/y/b /a/a/b/b /a/a/x/b", "/a/b /a/x/y/b"},
	{"**/__pycache__/**", "/__pycache__/x /usr/lib/__pycache__/y/z",
		"/__pycache__ /x__pycache__/y"},
	{"/?", "/a /. /\xff", "/ /ab"},
	{"/a?c", "/abc /a.c", "/ac /abbc /a/c"},
	{"/a??", "/abc", "/ab /abcd /a/b"},
	{"/*.c", "/.c /a.c /a.b.c /.c.c", "/a /a.cc /a.c/b /c"},
	{"/lib*.a", "/lib.a /libx.a /lib.a.a", "/lib /li.a /libxa /xlibx.a"},
	{"/ab*ba", "/abba /abxba", "/aba /ab /ba"},
	{"/a*b*c", "/abc /axbxc /abcbc /aabbcc", "/ab /ac /abcd /a/b/c"},
	{"/*a*", "/a /ba /ab /bab", "/ /b /b/a"},
	{"**/lib*.so.[0-9]*", "/lib.so.1 /x/libc.so.6 /lib.so.x.so.1z",
		"/libc.so /libc.so.x /libc.so."},
	{"/[abc]", "/a /b /c", "/d /ab / /[abc]"},
	{"/[a-c]x", "/ax /bx /cx", "/dx /-x /x"},
	{"/[!a-c]", "/d /- /. /\xff", "/a /b /c /"},
	{"/[^a]", "/b /^", "/a"},
	{"/[]a]", "/] /a", "/b /[]a]"},
	{"/[!]a]", "/b", "/] /a"},
	{"/[a-]", "/a /-", "/b"},
	{"/[-a]", "/a /-", "/b"},
	{"/[--0]x", "/-x /.x /0x", "/x /1x"},
	{"/[+-9]x", "/+x /.x /9x /-x", "/:x"},
	{"/x[!b]y", "/xay", "/x/y /xby"},
	{"/[\\]]", "/]", "/\\"},
	{"/[\\a-\\c]", "/b", "/\\ /-"},
	{"/[[]", "/[", "/]"},
	{"/[*?{,}]", "/* /? /{ /, /}", "/a"},
	{"/[\x80-\xff]", "/\x80 /\xc3", "/\x7f"},
	{"/\\*", "/*", "/a /\\*"},
	{"/\\[a]", "/[a]", "/a"},
	{"/\\\\", "/\\", "/a"},
	{"/a\\{b,c\\}", "/a{b,c}", "/ab"},
	{"/a,b", "/a,b", "/a /b"},
	{"/{a,b}", "/a /b", "/ /c /{a,b} /ab"},
	{"/{a}", "/a", "/{a}"},
	{"/x{}", "/x", "/ /x{}"},
	{"/x{,y,z}", "/x /xy /xz", "/xyz"},
	{"/{a,b}{c,d}", "/ac /ad /bc /bd", "/a /ab /cd"},
	{"/{a,b{c,d{e,f}}}g", "/ag /bcg /bdeg /bdfg", "/bg /bdg /ae"},
	{"/{{a,b},{c,d}}", "/a /b /c /d", "/e /ab"},
	{"/{a/b,c}/d", "/a/b/d /c/d", "/a/d /b/d /a/b"},
	{"/usr/{,local/}lib", "/usr/lib /usr/local/lib", "/usr/local"},
	{"{/a,**/b}", "/a /b /x/b", "/x/a"},
	{"**/*.{h,hpp}", "/a.h /x/a.hpp", "/a.hp /a.hpph /h"},
	{"/usr/share/{doc,man}/**", "/usr/share/doc/x /usr/share/man/a/b",
		"/usr/share/doc /usr/share"},
	{"/{a,*}b", "/ab /b /xb", "/a"},
	{"/{[,],x}", "/, /x", "/ /["},
	{"/\xc3\xa4*", "/\xc3\xa4 /\xc3\xa4x", "/\xc3"},
	{"/var/lib/apt/lists/**", "/var/lib/apt/lists/x", "/var/lib/apt/lists"},
	{"**/.git/**", "/.git/x /a/.git/y/z", "/.git /a.git/x"},
};

/* Call for each path of a list. */
static void check_paths(const char *pattern, const char *paths, int wanted)
{
	cleanup_free char *copy = strdup(paths);
	char *rest = copy;
	char *path;

	while ((path = strsep(&rest, " "))) {
		cleanup_glob_set struct glob_set *set = NULL;
		struct peel_error err = {0};
		uint32_t id = 0;
		int r;

		if (!*path) {
			continue;
		}
		r = glob_match(pattern, path, strlen(path), &err);
		if (r != wanted) {
			fail_msg("%s against %s: %d %s", pattern, path, r, err.message);
		}
		assert_good(glob_set_new(&set, &err), &err);
		assert_good(glob_set_add(set, pattern, 7, &err), &err);
		if (glob_set_first(set, path, strlen(path), &id) != wanted) {
			fail_msg("%s in a set against %s is not %d", pattern, path, wanted);
		}
		assert_int_equal(id, wanted ? 7 : 0);
	}
}

static void patterns_match_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(match_cases); i++) {
		check_paths(match_cases[i].pattern, match_cases[i].yes, 1);
		check_paths(match_cases[i].pattern, match_cases[i].no, 0);
	}
}

static const struct {
	const char *pattern;
	const char *message;
} bad_cases[] = {
	{"", "begins neither"},
	{"a", "pattern \"a\": it begins neither"},
	{"*", "begins neither"},
	{"**", "begins neither"},
	{"*/a", "begins neither"},
	{"***/a", "begins neither"},
	{"\\/a", "begins neither"},
	{"{/a,b}", "pattern \"{/a,b}\": it begins neither"},
	{"/a/", "a slash at the end"},
	{"**/", "a slash at the end"},
	{"/a/**/", "a slash at the end"},
	{"//", "an empty component"},
	{"//a", "an empty component"},
	{"/a//b", "an empty component"},
	{"/a/{,b}/c", "an empty component"},
	{"/.", "a component \".\" or \"..\""},
	{"/a/../b", "a component \".\" or \"..\""},
	{"/.\\.", "a component \".\" or \"..\""},
	{"/a**", "\"**\" must be a whole component"},
	{"/**a", "\"**\" must be a whole component"},
	{"/***", "\"**\" must be a whole component"},
	{"**/**.c", "\"**\" must be a whole component"},
	{"/x{*,a}*", "\"**\" must be a whole component"},
	{"/[a", "a \"[\" without its \"]\""},
	{"/[", "a \"[\" without its \"]\""},
	{"/[]", "a \"[\" without its \"]\""},
	{"/[!]", "a \"[\" without its \"]\""},
	{"/[a\\]", "a \"[\" without its \"]\""},
	{"/[a\\", "a \"[\" without its \"]\""},
	{"/[a/b]", "a slash within []"},
	{"/[.-/]", "a slash within []"},
	{"/[!/]", "a slash within []"},
	{"/[z-a]", "a range that runs backwards"},
	{"/[[:alpha:]]", "character classes"},
	{"/[[.a.]]", "character classes"},
	{"/\\", "a \"\\\" at the end"},
	{"/a\\/b", "a slash that is no separator"},
	{"/{a", "a \"{\" without its \"}\""},
	{"/{a,{b}", "a \"{\" without its \"}\""},
	{"/a}", "a \"}\" without its \"{\""},
	{"/{a}}", "a \"}\" without its \"{\""},
	{"/\033[", "pattern \"/\\x1b[\": a \"[\""},
};

static void what_is_no_pattern_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_cases); i++) {
		cleanup_glob_set struct glob_set *set = NULL;
		struct peel_error err = {0};
		const char *message = bad_cases[i].message;

		assert_failure(glob_match(bad_cases[i].pattern, "/a", 2, &err), PEEL_EFORMAT, &err,
			message);
		assert_int_equal(glob_match(bad_cases[i].pattern, "/a", 2, NULL), PEEL_EFORMAT);
		assert_good(glob_set_new(&set, &err), &err);
		assert_failure(glob_set_add(set, bad_cases[i].pattern, 1, &err), PEEL_EFORMAT, &err,
			message);
	}
}

/* begin, count times piece, end. */
static char *repeat(const char *begin, const char *piece, size_t count, const char *end)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs(begin, out);
	for (size_t i = 0; i < count; i++) {
		fputs(piece, out);
	}
	fputs(end, out);
	fclose(out);
	return text;
}

static const struct {
	const char *begin;
	const char *piece;
	size_t count;
	const char *end;
	int code;
} limit_cases[] = {
	{"/", "a", GLOB_MAX - 1, "", 0},
	{"/", "a", GLOB_MAX, "", PEEL_ELIMIT},
	{"", "/a", GLOB_MAX / 2, "", 0},
	{"/", "?", GLOB_MAX - 1, "", 0},
	{"/", "[a]", (GLOB_MAX - 1) / 3, "", 0},
	{"/", "{a,b}", 10, "", 0},
	{"/", "{a,b}", 11, "", PEEL_ELIMIT},
	{"/", "{a,b}", 200, "", PEEL_ELIMIT},
	{"/x", "{}", 511, "", 0},
	{"/", "{", 1023, "", PEEL_EFORMAT},
	{"/", "{a,", 255, "", PEEL_EFORMAT},
	{"/{", ",", GLOB_MAX - 4, "}x", 0},
	{"/x{", ",", GLOB_MAX - 4, "}", 0},
	{"/x{", ",", 1000, "}{,}", PEEL_ELIMIT},
	{"/", "{x,{y,", 100, "", PEEL_EFORMAT},
	{"/", "[", 1023, "", PEEL_EFORMAT},
	{"/x", "}", 1, "", PEEL_EFORMAT},
	{"/x", "/**", 300, "", 0},
};

static void limits_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(limit_cases); i++) {
		cleanup_free char *pattern = NULL;
		struct peel_error err = {0};
		int r;

		pattern = repeat(limit_cases[i].begin, limit_cases[i].piece, limit_cases[i].count,
			limit_cases[i].end);
		r = glob_match(pattern, "/none", 5, &err);
		if (r != limit_cases[i].code) {
			fail_msg("%.40s: %d %s", pattern, r, err.message);
		}
	}
}

static void nested_braces_reach_the_limit(void **state)
{
	cleanup_free char *open = repeat("/", "{x,", 255, "y");
	cleanup_free char *pattern = repeat(open, "}", 255, "");
	struct peel_error err = {0};

	(void)state;
	assert_true(strlen(pattern) <= GLOB_MAX);
	assert_int_equal(glob_match(pattern, "/y", 2, &err), 1);
	assert_int_equal(glob_match(pattern, "/x", 2, &err), 1);
	assert_int_equal(glob_match(pattern, "/xy", 3, &err), 0);
}

/* Patterns and paths that are bad for matchers that go back more than once. */
static void stars_do_not_blow_up(void **state)
{
	cleanup_free char *stars = repeat("/", "*a", 500, "*b");
	cleanup_free char *name = repeat("/", "a", 4000, "");
	cleanup_free char *deep = repeat("", "/**/a", 200, "/b");
	cleanup_free char *path = repeat("", "/a", 2000, "");
	cleanup_free char *mixed = repeat("", "/**/*a*a", 120, "/b");
	struct peel_error err = {0};

	(void)state;
	assert_int_equal(glob_match(stars, name, strlen(name), &err), 0);
	assert_int_equal(glob_match(deep, path, strlen(path), &err), 0);
	assert_int_equal(glob_match(mixed, path, strlen(path), &err), 0);
	path[strlen(path) - 1] = 'b';
	assert_int_equal(glob_match(deep, path, strlen(path), &err), 1);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned int n = 1;; n++) {
		long before = fault_alloc_live();
		struct glob_set *set = NULL;
		struct peel_error err = {0};
		uint32_t id = 0;
		int r;

		fault_alloc(n);
		r = glob_set_new(&set, &err);
		for (uint32_t i = 0; i < 10 && r == 0; i++) {
			r = glob_set_add(set, "/{a,b,c}/x*{.c,.h,.o,.s}", i, &err);
		}
		r = r < 0 ? r : glob_match("/a{b,c}", "/ab", 3, &err);
		if (!fault_alloc_hit()) {
			assert_int_equal(r, 1);
			assert_true(glob_set_first(set, "/b/xx.o", 7, &id));
			glob_set_free(set);
			break;
		}
		assert_int_equal(r, PEEL_ENOMEM);
		glob_set_free(set);
		assert_int_equal(fault_alloc_live(), before);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(nested_braces_reach_the_limit),
		cmocka_unit_test(patterns_match_what_they_say),
		cmocka_unit_test(stars_do_not_blow_up),
		cmocka_unit_test(what_is_no_pattern_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
