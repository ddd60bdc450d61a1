/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns and sets of them against an obvious matcher; what sets have to bear.
 */
#include "glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peel_test.h"
#include "util.h"

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
		"{a,b}", "{,a}", "{a,b{a,.b}}", "a.b", "{b/a,a}", "abababab", "*.", "b*", "*.a.*",
		"*-bb.*", "?-a-*"};
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
		"a", "b", ".a", "bb", "a.b", ".b", "ab", "abababab", "ba", "-bb.a.", "b-a-"};
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

static void sets_have_limits(void **state)
{
	char large[GLOB_MAX];
	cleanup_glob_set struct glob_set *set = NULL;
	cleanup_glob_set struct glob_set *other = NULL;
	struct peel_error err = {0};
	char long_pattern[GLOB_MAX + 1];
	uint32_t id = 0;
	int r = 0;

	(void)state;
	memset(large, ',', sizeof(large));
	memcpy(large, "/{", 2);
	strcpy(large + 1002, "}xxxxxxxxxx");
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_paths_find_what_they_must),
		cmocka_unit_test(many_matching_ids_are_all_told),
		cmocka_unit_test(random_patterns_match_as_the_obvious_matcher_says),
		cmocka_unit_test(sets_have_limits),
		cmocka_unit_test(sets_match_as_single_patterns_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
