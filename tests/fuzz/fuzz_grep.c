/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grep's own engine: lexer, tree, words that every match holds, automaton; without the C library's matcher, which
 * gets patterns of the user alone. The first line that is found is the first of those that match alone; what every
 * match must hold is in it; and where the pattern means the same to both, the expressions of policies (re.h) agree.
 * First byte: syntax; then the pattern up to the first newline; then the text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <peel/error.h>

#include "../../tools/grep_dfa.h"
#include "../../tools/grep_must.h"
#include "fuzz.h"
#include "re.h"

#define EXTENDED 1
#define IGNORE_CASE 2
#define LINES 4
#define WORDS 8
/* Lines of a text that are looked at. */
#define LINES_MAX 16

/* What both engines read alike: no quoting, no counts, nothing that stands for a class. */
static bool is_common(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)pattern[i];
		const unsigned char before = i ? (unsigned char)pattern[i - 1] : '(';

		if (c < 0x20 || c > 0x7e || strchr("\\{}[]", c)) {
			return false;
		}
		/* An operator without an operand is a letter to one of them, and a mistake to the other. */
		if (strchr("*+?", c) && strchr("(|^$*+?", before)) {
			return false;
		}
	}
	return true;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] > 0x7e || text[i] == '\0') {
			return false;
		}
	}
	return true;
}

static bool holds_one(const struct grep_must *must, bool ignore_case, const char *line, size_t len)
{
	for (unsigned int i = 0; i < must->count; i++) {
		const size_t word = must->words[i].len;

		for (size_t at = 0; at + word <= len; at++) {
			if (ignore_case ? strncasecmp(line + at, must->words[i].bytes, word) == 0
					: memcmp(line + at, must->words[i].bytes, word) == 0) {
				return true;
			}
		}
	}
	return must->count == 0;
}

/* Whether one line matches, its newline behind it. */
static bool match_line(struct grep_dfa *dfa, const char *line, size_t len)
{
	const char *byte = NULL;
	const int result = grep_dfa_find(dfa, line, line + len + 1, &byte, NULL);

	fuzz_check(result == 0 || result == 1);
	fuzz_check(!result || (byte >= line && byte <= line + len));
	return result;
}

struct asked {
	struct grep_dfa *dfa;
	struct grep_must must;
	/* NULL: the pattern means something else to it. */
	struct re *re;
	bool ignore_case;
};

/* Every line alone, and the text as a whole. */
static void check_text(const struct asked *asked, const char *text, size_t len)
{
	const char *end = text + len;
	const char *first = NULL;
	const char *first_end = NULL;
	const char *byte = NULL;
	int lines = 0;
	int found;

	for (const char *line = text; line < end && lines < LINES_MAX; lines++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const size_t line_len = (size_t)(newline - line);
		const bool matches = match_line(asked->dfa, line, line_len);

		if (matches && asked->must.count) {
			fuzz_check(holds_one(&asked->must, asked->ignore_case, line, line_len));
		}
		if (asked->re && is_ascii(line, line_len)) {
			fuzz_check(re_matches(asked->re, line, line_len, NULL) == matches);
		}
		if (matches && !first) {
			first = line;
			first_end = newline;
		}
		line = newline + 1;
	}
	if (lines < LINES_MAX) {
		found = grep_dfa_find(asked->dfa, text, end, &byte, NULL);
		fuzz_check(found == (first != NULL));
		fuzz_check(!found || (byte >= first && byte <= first_end));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const unsigned int flags = fuzz_byte(&input);
	const struct grep_syntax syntax = {.extended = flags & EXTENDED,
		.ignore_case = flags & IGNORE_CASE,
		.lines = flags & LINES,
		.words = flags & WORDS};
	const char *pattern = (const char *)input.at;
	const char *newline = input.left ? memchr(pattern, '\n', input.left) : NULL;
	const size_t pattern_len = newline ? (size_t)(newline - pattern) : input.left;
	const size_t text_len = newline ? input.left - pattern_len - 1 : 0;
	struct asked asked = {.ignore_case = syntax.ignore_case};
	struct grep_tree tree = {0};
	struct peel_error err = {0};
	char *text;

	if (grep_tree_parse(&tree, pattern, pattern_len, &syntax, &err) == 0) {
		grep_must_find(&tree, syntax.ignore_case, '\n', &asked.must);
		if (grep_dfa_new(&tree, '\n', &asked.dfa, &err) == 0) {
			text = malloc(text_len + 1);
			fuzz_check(text);
			memcpy(text, newline ? newline + 1 : "", text_len);
			text[text_len] = '\n';
			if (syntax.extended && !syntax.ignore_case && !syntax.lines &&
				!syntax.words && tree.exact && is_common(pattern, pattern_len)) {
				(void)re_compile(pattern, pattern_len, &asked.re, NULL);
			}
			check_text(&asked, text, text_len + 1);
			free(text);
			re_free(asked.re);
		}
		grep_dfa_free(asked.dfa);
	}
	fuzz_check(err.code == 0 || err.message[0]);
	grep_tree_finish(&tree);
	return 0;
}
