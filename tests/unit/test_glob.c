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
	{"/\\", "a \"\\\\\" at the end"},
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
		/* Messages show the pattern escaped, but their own text is not. */
		const char *message = bad_cases[i].message;

		message = strcmp(bad_cases[i].pattern, "/\\") == 0 ? "a \"\\\" at the end"
								   : message;
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

static void sets_have_limits(void **state)
{
	cleanup_free char *large = repeat("/{", ",", 1000, "}xxxxxxxxxx");
	cleanup_glob_set struct glob_set *set = NULL;
	cleanup_glob_set struct glob_set *other = NULL;
	struct peel_error err = {0};
	char long_pattern[GLOB_MAX + 1];
	uint32_t id = 0;
	int r = 0;

	(void)state;
	assert_good(glob_set_new(&set, &err), &err);
	for (size_t i = 0; i < 99; i++) {
		assert_good(glob_set_add(set, large, 3, &err), &err);
	}
	assert_failure(glob_set_add(set, large, 3, &err), PEEL_ELIMIT, &err, "100000 patterns");
	assert_true(glob_set_first(set, "/xxxxxxxxxx", 11, &id));
	assert_int_equal(id, 3);
	assert_good(glob_set_new(&other, &err), &err);
	memset(long_pattern, 'a', GLOB_MAX);
	long_pattern[0] = '/';
	long_pattern[GLOB_MAX] = '\0';
	for (size_t i = 0; i < GLOB_SET_MAX && r == 0; i++) {
		r = glob_set_add(other, long_pattern, 1, &err);
	}
	assert_int_equal(r, PEEL_ELIMIT);
	assert_non_null(strstr(err.message, "bytes"));
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

/* ---- An obvious matcher to compare with: braces by copying, stars by trying. ---- */

static bool naive_name(const char *pattern, const char *end, const char *name, const char *name_end)
{
	if (pattern == end) {
		return name == name_end;
	}
	if (*pattern == '*') {
		return naive_name(pattern + 1, end, name, name_end) ||
			(name < name_end && naive_name(pattern, end, name + 1, name_end));
	}
	if (name == name_end) {
		return false;
	}
	if (*pattern == '[') {
		bool others = pattern[1] == '!';
		bool in = false;

		for (pattern += 1 + others; *pattern != ']'; pattern++) {
			in = in || *pattern == *name;
		}
		return in != others && naive_name(pattern + 1, end, name + 1, name_end);
	}
	return (*pattern == '?' || *pattern == *name) &&
		naive_name(pattern + 1, end, name + 1, name_end);
}

/* Both from behind a slash; NULL: nothing is left. */
static bool naive_rest(const char *pattern, const char *path)
{
	const char *pattern_end;
	const char *end;

	if (!pattern) {
		return !path;
	}
	pattern_end = strchrnul(pattern, '/');
	end = path ? strchrnul(path, '/') : NULL;
	if (pattern_end - pattern == 2 && memcmp(pattern, "**", 2) == 0) {
		if (!*pattern_end) {
			return path;
		}
		return naive_rest(pattern_end + 1, path) ||
			(path && naive_rest(pattern, *end ? end + 1 : NULL));
	}
	return path && naive_name(pattern, pattern_end, path, end) &&
		naive_rest(*pattern_end ? pattern_end + 1 : NULL, *end ? end + 1 : NULL);
}

static bool naive_plain(const char *pattern, const char *path)
{
	pattern += *pattern == '/';
	path++;
	return naive_rest(*pattern ? pattern : NULL, *path ? path : NULL);
}

/* The outermost first group, one alternative after the other. */
static bool naive(const char *pattern, const char *path)
{
	const char *open = strchr(pattern, '{');
	const char *begin = open + 1;
	const char *end;
	bool found = false;
	int depth = 1;

	if (!open) {
		return naive_plain(pattern, path);
	}
	for (end = begin; depth > 0; end++) {
		depth += (*end == '{') - (*end == '}');
	}
	for (const char *at = begin; at < end && !found; at++) {
		depth += (*at == '{') - (*at == '}');
		if ((*at == ',' && depth == 0) || at == end - 1) {
			cleanup_free char *one = NULL;

			assert_true(asprintf(&one, "%.*s%.*s%s", (int)(open - pattern), pattern,
					    (int)(at - begin), begin, end) >= 0);
			found = naive(one, path);
			begin = at + 1;
		}
	}
	return found;
}

/* ---- Random patterns and paths. ---- */

static uint32_t random_state;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static void add_piece(char *text, const char *const *pieces, uint32_t count)
{
	strcat(text, pieces[pick(count)]);
}

static void make_pattern(char *text)
{
	static const char *const begins[] = {"/", "**/", "/**/", "/", "/a/", "/a/bb/", "{/,/a/}"};
	static const char *const pieces[] = {"a", "b", ".a", "bb", "*", "?", "[ab]", "[!a]",
		"{a,b}", "{,a}", "{a,b{a,.b}}", "a.b", "{b/a,a}", "abababab", "*.", "b*"};
	static const char *const seams[] = {"/", "/", "/**/", "", "", ""};
	const uint32_t count = 1 + pick(4);

	strcpy(text, begins[pick(countof(begins))]);
	for (uint32_t i = 0; i < count; i++) {
		add_piece(text, pieces, countof(pieces));
		if (i + 1 < count) {
			add_piece(text, seams, countof(seams));
		} else if (pick(4) == 0) {
			strcat(text, "/**");
		}
	}
}

static void make_path(char *text)
{
	static const char *const pieces[] = {
		"a", "b", ".a", "bb", "a.b", ".b", "ab", "abababab", "ba"};
	const uint32_t count = pick(6);

	strcpy(text, count ? "" : "/");
	for (uint32_t i = 0; i < count; i++) {
		strcat(text, "/");
		add_piece(text, pieces, countof(pieces));
		if (pick(3) == 0) {
			add_piece(text, pieces, countof(pieces));
		}
	}
}

static void random_patterns_match_as_the_obvious_matcher_says(void **state)
{
	size_t good = 0;
	size_t found = 0;

	(void)state;
	random_state = 1;
	for (int i = 0; i < 20000; i++) {
		struct peel_error err = {0};
		char pattern[256];
		char path[256];
		int r;

		make_pattern(pattern);
		for (int j = 0; j < 8; j++) {
			make_path(path);
			r = glob_match(pattern, path, strlen(path), &err);
			if (r == PEEL_EFORMAT) {
				/* Two stars met, or a component stayed empty. */
				break;
			}
			if (r != naive(pattern, path)) {
				fail_msg("%s against %s is not %d", pattern, path, r);
			}
			good++;
			found += r == 1;
		}
	}
	/* Both answers must be frequent for this to mean something. */
	assert_true(good > 100000);
	assert_true(found > 3000);
	assert_true(found < good / 2);
}

/* Ids that a set told, one after the other. */
struct told {
	uint32_t ids[4096];
	size_t count;
	size_t stop_after;
};

static int tell(void *arg, uint32_t id)
{
	struct told *told = arg;

	assert_true(told->count == 0 || told->ids[told->count - 1] < id);
	told->ids[told->count++] = id;
	return told->count == told->stop_after ? 42 : 0;
}

/* Patterns of a set, as they are; several have one id. */
struct sample {
	char patterns[300][256];
	uint32_t ids[300];
	size_t count;
};

static void fill(struct sample *sample, struct glob_set *set)
{
	sample->count = 0;
	while (sample->count < countof(sample->ids)) {
		char *pattern = sample->patterns[sample->count];

		make_pattern(pattern);
		if (glob_match(pattern, "/", 1, NULL) < 0) {
			continue;
		}
		sample->ids[sample->count] = pick(200);
		assert_int_equal(glob_set_add(set, pattern, sample->ids[sample->count], NULL), 0);
		sample->count++;
	}
}

static void compare(const struct sample *sample, const struct glob_set *set, const char *path)
{
	const size_t len = strlen(path);
	bool wanted[200] = {false};
	struct told told = {0};
	uint32_t first = 0;
	size_t count = 0;

	for (size_t i = 0; i < sample->count; i++) {
		wanted[sample->ids[i]] = wanted[sample->ids[i]] ||
			glob_match(sample->patterns[i], path, len, NULL);
	}
	assert_int_equal(glob_set_match(set, path, len, tell, &told), 0);
	for (uint32_t id = 0; id < countof(wanted); id++) {
		if (wanted[id] && (count == told.count || told.ids[count] != id)) {
			fail_msg("id %u of %s is missing", id, path);
		}
		count += wanted[id];
	}
	assert_int_equal(told.count, count);
	assert_int_equal(glob_set_first(set, path, len, &first), count > 0);
	assert_int_equal(first, count > 0 ? told.ids[0] : 0);
}

static void sets_match_as_single_patterns_do(void **state)
{
	cleanup_free struct sample *sample = calloc(1, sizeof(*sample));

	(void)state;
	random_state = 2;
	for (int i = 0; i < 20; i++) {
		cleanup_glob_set struct glob_set *set = NULL;
		char path[256];

		assert_int_equal(glob_set_new(&set, NULL), 0);
		fill(sample, set);
		for (int j = 0; j < 50; j++) {
			make_path(path);
			compare(sample, set, path);
		}
	}
}

static void many_matching_ids_are_all_told(void **state)
{
	cleanup_glob_set struct glob_set *set = NULL;
	struct peel_error err = {0};
	struct told told = {0};
	uint32_t first = 9;

	(void)state;
	assert_good(glob_set_new(&set, &err), &err);
	assert_int_equal(glob_set_match(set, "/a", 2, tell, &told), 0);
	assert_false(glob_set_first(set, "/a", 2, &first));
	assert_int_equal(first, 9);
	for (uint32_t i = 0; i < 3000; i++) {
		static const char *const patterns[] = {
			"/**", "**/*.c", "/a/b.c", "/a/**", "**/b*", "/x/**"};

		assert_good(glob_set_add(set, patterns[i % 6], UINT32_MAX - i * 7 % 3000, &err),
			&err);
	}
	assert_int_equal(glob_set_match(set, "/a/b.c", 6, tell, &told), 0);
	assert_int_equal(told.count, 2500);
	assert_int_equal(told.ids[2499], UINT32_MAX);
	assert_true(glob_set_first(set, "/a/b.c", 6, &first));
	assert_int_equal(first, told.ids[0]);
	told.count = 0;
	told.stop_after = 1500;
	assert_int_equal(glob_set_match(set, "/a/b.c", 6, tell, &told), 42);
	assert_int_equal(told.count, 1500);
}

/* A path whose every component is some pattern's key, more of them than are noted. */
static void hostile_paths_find_what_they_must(void **state)
{
	cleanup_glob_set struct glob_set *set = NULL;
	cleanup_free char *path = calloc(1, 2000 * 8);
	struct peel_error err = {0};
	struct told told = {0};
	char text[64];

	(void)state;
	assert_good(glob_set_new(&set, &err), &err);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "**/n%u/**/%s", i, i % 2 ? "end" : "none");
		assert_good(glob_set_add(set, text, i, &err), &err);
		strcat(path, text + 2);
		*strstr(path, "/**") = '\0';
	}
	strcat(path, "/end");
	assert_int_equal(glob_set_match(set, path, strlen(path), tell, &told), 0);
	assert_int_equal(told.count, 500);
	assert_int_equal(told.ids[499], 999);
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
		cmocka_unit_test(hostile_paths_find_what_they_must),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(many_matching_ids_are_all_told),
		cmocka_unit_test(nested_braces_reach_the_limit),
		cmocka_unit_test(patterns_match_what_they_say),
		cmocka_unit_test(random_patterns_match_as_the_obvious_matcher_says),
		cmocka_unit_test(sets_have_limits),
		cmocka_unit_test(sets_match_as_single_patterns_do),
		cmocka_unit_test(stars_do_not_blow_up),
		cmocka_unit_test(what_is_no_pattern_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
