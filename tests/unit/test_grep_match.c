/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines match: cases by hand, and random ones against the C library's matcher and a search by force. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/grep_match.h"
#include "peel_test.h"

#define countof(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t seed = 12345;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static struct grep_matcher *matcher_of(const char *text, bool fixed, struct grep_syntax syntax)
{
	const struct grep_patterns patterns = {
		.text = text,
		.len = strlen(text),
		.fixed = fixed,
		.syntax = syntax,
		.parts = true,
		.eol = '\n',
	};
	struct grep_matcher *matcher = NULL;
	struct peel_error err = {0};

	assert_good(grep_matcher_new(&patterns, &matcher, &err), &err);
	return matcher;
}

/* The numbers of the lines that match, as letters. */
static const char *matching(struct grep_matcher *matcher, const char *text)
{
	static char found[64];
	const char *end = text + strlen(text);
	const char *from = text;
	struct peel_error err = {0};
	const char *beg;
	const char *lim;
	size_t count = 0;

	while (from < end && grep_match_line(matcher, from, end, &beg, &lim, &err) > 0) {
		char line = 'a';

		for (const char *p = text; p < beg; p++) {
			line = (char)(line + (*p == '\n'));
		}
		assert_true(count < sizeof(found) - 1);
		found[count++] = line;
		from = lim;
	}
	found[count] = '\0';
	return found;
}

static void lines_match(void **state)
{
	static const struct {
		const char *pattern;
		struct grep_syntax syntax;
		bool fixed;
		const char *text;
		const char *lines;
	} cases[] = {
		{"b", {0}, false, "a\nb\nabc\n", "bc"},
		{"", {0}, false, "a\n\nb\n", "abc"},
		{"^$", {0}, false, "a\n\nb\n", "b"},
		{"^b\\|c$", {0}, false, "ab\nbc\ncb\nac\n", "bd"},
		{"a*b", {.extended = true}, false, "b\nc\naab\n", "ac"},
		{"*b", {0}, false, "b\n*b\n", "b"},
		{"a{2,3}", {.extended = true, .lines = true}, false, "a\naa\naaa\naaaa\n", "bc"},
		{"a{", {.extended = true}, false, "a\na{\n", "b"},
		{"a\\{2\\}", {0}, false, "a\nxaax\n", "b"},
		{"a|b", {.extended = true, .words = true}, false, "ab\na b\nb_\n(b)\n", "bd"},
		{"A[^x]C", {.ignore_case = true}, false, "abc\naxc\nAXC\naBC\n", "ad"},
		{"\\<a\\>", {0}, false, "a\nba\na.b\nab\n", "ac"},
		{"\\Ba\\B", {0}, false, "a\nbab\nba\n", "b"},
		{"[[:digit:]x-]", {0}, false, "a\n5\n-\nx\n", "bcd"},
		{"[]a]", {0}, false, "]\nb\na\n", "ac"},
		{"\\(.\\)\\1", {0}, false, "abab\nabba\n", "b"},
		{"\\(a\\)\\1\n\\(b\\)\\1", {0}, false, "ab\naa\nbb\n", "bc"},
		{"(a)(b)\\2", {.extended = true}, false, "ab\nabb\nabab\n", "b"},
		{"a.b", {0}, true, "a.b\naxb\n", "a"},
		{"ab\nc", {.lines = true}, true, "ab\nabc\nc\n", "ac"},
		{"ab\nabc", {.words = true}, true, "abcd\nab-\nxab\n_abc\nabc\n", "be"},
		{"é", {0}, false, "\xc3\xa9\n\xc3\n", "a"},
		{"\\s\\w\\W", {0}, false, "ab\n a-\n", "b"},
		{"a)", {.extended = true}, false, "a\na)\n", "b"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct grep_matcher *matcher = matcher_of(cases[i].pattern, cases[i].fixed,
			cases[i].syntax);
		const char *found = matching(matcher, cases[i].text);

		if (strcmp(found, cases[i].lines) != 0) {
			fail_msg("'%s': lines %s, not %s", cases[i].pattern, found, cases[i].lines);
		}
		grep_matcher_free(matcher);
	}
}

static void bad_patterns_are_refused(void **state)
{
	static const struct {
		const char *pattern;
		bool extended;
		int code;
	} cases[] = {
		{"\\(", false, PEEL_EUSAGE},
		{"\\)", false, PEEL_EUSAGE},
		{"(", true, PEEL_EUSAGE},
		{"[a", false, PEEL_EUSAGE},
		{"[z-a]", false, PEEL_EUSAGE},
		{"[[:none:]]", false, PEEL_EUSAGE},
		{"[:alpha:]", false, PEEL_EUSAGE},
		{"a\\", false, PEEL_EUSAGE},
		{"a\\{2,1\\}", false, PEEL_EUSAGE},
		{"a{40000}", true, PEEL_EUSAGE},
		{"(a{1000}){1000}", true, PEEL_ELIMIT},
		{"a******************", true, PEEL_ELIMIT},
	};
	char deep[2 * GREP_NESTING_MAX];

	(void)state;
	for (size_t i = 0; i <= countof(cases); i++) {
		struct grep_patterns patterns = {.eol = '\n'};
		struct grep_matcher *matcher = NULL;
		struct peel_error err = {0};

		memset(deep, '(', sizeof(deep) - 1);
		deep[sizeof(deep) - 1] = '\0';
		patterns.text = i < countof(cases) ? cases[i].pattern : deep;
		patterns.len = strlen(patterns.text);
		patterns.syntax.extended = i < countof(cases) ? cases[i].extended : true;
		assert_failure(grep_matcher_new(&patterns, &matcher, &err),
			i < countof(cases) ? cases[i].code : PEEL_ELIMIT, &err, "");
		assert_null(matcher);
	}
}

/* A pattern of an extended expression without the corners in which the C library is another. */
static size_t random_pattern(char *out, unsigned int depth)
{
	static const char *const atoms[] = {"a", "b", "c", "ab", "ca", ".", "[ab]", "[^a]", "_",
		"-", "\\w", "\\W", "[[:alpha:]]"};
	static const char *const operators[] = {"", "", "", "", "*", "+", "?", "{2}", "{0,2}"};
	size_t len = 0;

	for (uint32_t i = 0, count = 1 + any(3); i < count; i++) {
		if (depth < 3 && any(4) == 0) {
			out[len++] = '(';
			len += random_pattern(out + len, depth + 1);
			out[len++] = ')';
		} else {
			len += (size_t)sprintf(out + len, "%s", atoms[any(countof(atoms))]);
		}
		len += (size_t)sprintf(out + len, "%s", operators[any(countof(operators))]);
	}
	if (any(4) == 0) {
		out[len++] = '|';
		len += random_pattern(out + len, depth + 1);
	}
	out[len] = '\0';
	return len;
}

static void random_line(char *out, size_t most)
{
	size_t len = any((uint32_t)most);

	for (size_t i = 0; i < len; i++) {
		out[i] = "aaabbbcc_- A"[any(12)];
	}
	out[len] = '\0';
}

static void random_expressions_match_as_in_the_library(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		char pattern[4096];
		char line[64];
		char text[128];
		struct re_pattern_buffer wanted = {0};
		struct grep_matcher *matcher;
		bool found;

		random_pattern(pattern, 0);
		re_set_syntax(RE_SYNTAX_EGREP);
		if (re_compile_pattern(pattern, strlen(pattern), &wanted)) {
			fail_msg("'%s' is refused", pattern);
		}
		matcher = matcher_of(pattern, false, (struct grep_syntax){.extended = true});
		for (int k = 0; k < 20; k++) {
			int len;

			random_line(line, 14);
			len = (int)strlen(line);
			found = re_search(&wanted, line, len, 0, len, NULL) >= 0;
			/* The line before must not help. */
			snprintf(text, sizeof(text), "\n%s\n", line);
			if ((strchr(matching(matcher, text), 'b') != NULL) != found) {
				fail_msg("'%s' in '%s': %smatch wanted", pattern, line,
					found ? "" : "no ");
			}
		}
		regfree(&wanted);
		grep_matcher_free(matcher);
	}
}

static bool is_word(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether any of the words is in a line where it may be. */
static bool holds(const char *line, char (*words)[8], size_t count,
	const struct grep_syntax *syntax)
{
	const size_t len = strlen(line);

	for (size_t i = 0; i < count; i++) {
		const size_t one = strlen(words[i]);

		for (size_t at = 0; at + one <= len; at++) {
			bool edges = (at == 0 || !is_word(line[at - 1])) &&
				!is_word(line[at + one]);
			bool same = syntax->ignore_case ? strncasecmp(line + at, words[i], one) == 0
							: strncmp(line + at, words[i], one) == 0;

			if (same && (!syntax->words || edges) && (!syntax->lines || one == len)) {
				return true;
			}
		}
	}
	return false;
}

static void random_words_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < 4000; i++) {
		const struct grep_syntax syntax = {
			.ignore_case = any(3) == 0, .words = any(3) == 0, .lines = any(4) == 0};
		char words[4][8];
		char text[64] = "";
		char line[64];
		size_t count = 1 + any(4);
		struct grep_matcher *matcher;
		bool found;

		for (size_t k = 0; k < count; k++) {
			random_line(words[k], 6);
			strcat(strcat(text, k ? "\n" : ""), words[k]);
		}
		matcher = matcher_of(text, true, syntax);
		for (int k = 0; k < 20; k++) {
			char both[128];

			random_line(line, 20);
			found = holds(line, words, count, &syntax);
			snprintf(both, sizeof(both), "---------\n%s\n", line);
			if ((strchr(matching(matcher, both), 'b') != NULL) != found) {
				fail_msg("words '%s' in '%s': %sfound wanted", text, line,
					found ? "" : "not ");
			}
		}
		grep_matcher_free(matcher);
	}
}

/* More states than there is room for: they are thrown away, and the answer stays right. */
static void states_are_made_again(void **state)
{
	const size_t lines = 3000;
	const size_t each = 100;
	struct grep_matcher *matcher = matcher_of("a[ab]{17}c", false,
		(struct grep_syntax){.extended = true});
	char *text = malloc(lines * (each + 1));
	size_t wanted = 0;
	size_t found = 0;
	const char *from = text;
	const char *beg;
	const char *lim;
	struct peel_error err = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < lines; i++) {
		char *line = text + i * (each + 1);
		bool matches = false;

		for (size_t k = 0; k < each; k++) {
			line[k] = any(40) == 0 ? 'c' : "ab"[any(2)];
			matches |= line[k] == 'c' && k >= 18 && line[k - 18] == 'a' &&
				!memchr(line + k - 18, 'c', 18);
		}
		line[each] = '\n';
		wanted += matches;
	}
	while (from < text + lines * (each + 1) &&
		grep_match_line(matcher, from, text + lines * (each + 1), &beg, &lim, &err) > 0) {
		found++;
		from = lim;
	}
	assert_int_equal(found, wanted);
	assert_true(wanted > 0 && wanted < lines);
	free(text);
	grep_matcher_free(matcher);
}

static void parts_are_leftmost_and_longest(void **state)
{
	static const struct {
		const char *pattern;
		bool fixed;
		struct grep_syntax syntax;
		const char *line;
		size_t at;
		size_t len;
	} cases[] = {
		{"a|ab|abc", false, {.extended = true}, "xabcd", 1, 3},
		{"ab\nabc\nb", true, {0}, "xabcd", 1, 3},
		{"b*", false, {.words = true}, "ab bb", 3, 2},
		{"[a-z]+", false, {.extended = true, .words = true}, "_a b", 3, 1},
		{"AB", true, {.ignore_case = true}, "xxaB", 2, 2},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct grep_matcher *matcher = matcher_of(cases[i].pattern, cases[i].fixed,
			cases[i].syntax);
		const char *line = cases[i].line;
		const char *end = line + strlen(line);
		const char *beg = line;
		size_t len = 0;
		struct peel_error err = {0};
		int r;

		/* Empty matches are passed over, as -o does. */
		for (const char *from = line; len == 0 && from < end; from = beg + 1) {
			r = grep_match_part(matcher, line, end, from, &beg, &len, &err);
			assert_int_equal(r, 1);
		}
		assert_int_equal(beg - line, cases[i].at);
		assert_int_equal(len, cases[i].len);
		grep_matcher_free(matcher);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_match),
		cmocka_unit_test(bad_patterns_are_refused),
		cmocka_unit_test(random_expressions_match_as_in_the_library),
		cmocka_unit_test(random_words_are_found),
		cmocka_unit_test(states_are_made_again),
		cmocka_unit_test(parts_are_leftmost_and_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
