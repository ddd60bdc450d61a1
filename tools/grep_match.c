/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three matchers, the cheapest that will do first. Fixed strings, and expressions that come to the same, are
 * found by a search for words alone. Else an automaton decides; where each match must hold one of a few words,
 * those are looked for first, over all lines at once, and only lines that have one are put to it. Where the
 * automaton stands for more than the expression (back references), the C library has the last word.
 */
#include "grep_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "grep_dfa.h"
#include "grep_must.h"
#include "grep_program.h"
#include "grep_regex.h"
#include "grep_words.h"

/* Shorter words are everywhere: looking for them costs more than it spares. */
#define FILTER_SHORTEST 2

struct grep_matcher {
	char eol;
	/* Words that decide alone, as where says; or, where there is an automaton, those that a line must have. */
	struct grep_words *words;
	enum grep_where where;
	struct grep_dfa *dfa;
	/* The automaton is not the last word. */
	bool confirm;
	struct grep_regex *regex;
};

/* The patterns as words; those that hold the end of a line match none. */
static int take_words(struct grep_matcher *matcher, const struct grep_patterns *patterns,
	struct peel_error *err)
{
	const char *end = patterns->text + patterns->len;
	struct grep_word *words;
	size_t count = 1;
	int r;

	for (size_t i = 0; i < patterns->len; i++) {
		count += patterns->text[i] == '\n';
	}
	words = calloc(count, sizeof(*words));
	if (!words) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	count = 0;
	for (const char *p = patterns->text; p <= end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const size_t len = (size_t)((newline ? newline : end) - p);

		if (!memchr(p, patterns->eol, len)) {
			words[count++] = (struct grep_word){p, len};
		}
		p += len + 1;
	}
	matcher->where = patterns->syntax.lines ? GREP_AS_LINE
		: patterns->syntax.words        ? GREP_AS_WORD
						: GREP_ANYWHERE;
	r = grep_words_new(words, count, patterns->syntax.ignore_case, &matcher->words, err);
	free(words);
	return r;
}

/* Whether expressions are nothing but strings. */
static bool is_plain(const struct grep_patterns *patterns)
{
	const char *special = patterns->syntax.extended ? "\\.[*^$(){}|+?" : "\\.[*^$";

	for (size_t i = 0; i < patterns->len; i++) {
		if (patterns->text[i] != '\0' && strchr(special, patterns->text[i])) {
			return false;
		}
	}
	return true;
}

/* @return whether the words are all that there is to match. */
static int take_must(struct grep_matcher *matcher, const struct grep_patterns *patterns,
	const struct grep_tree *tree, struct peel_error *err)
{
	struct grep_word words[GREP_MUST_WORDS];
	struct grep_must must;
	int r;

	grep_must_find(tree, patterns->syntax.ignore_case, patterns->eol, &must);
	if (!must.exact && grep_must_shortest(&must) < FILTER_SHORTEST) {
		return 0;
	}
	for (unsigned int i = 0; i < must.count; i++) {
		words[i] = (struct grep_word){must.words[i].bytes, must.words[i].len};
	}
	r = grep_words_new(words, must.count, patterns->syntax.ignore_case, &matcher->words, err);
	return r < 0 ? r : must.exact;
}

static int take_expressions(struct grep_matcher *matcher, const struct grep_patterns *patterns,
	struct peel_error *err)
{
	__attribute__((__cleanup__(grep_tree_finish))) struct grep_tree tree = {0};
	int r = grep_tree_parse(&tree, patterns->text, patterns->len, &patterns->syntax, err);
	bool keep;

	r = r < 0 ? r : grep_program_measure(&tree, err);
	if (r < 0) {
		return r;
	}
	keep = !tree.exact || patterns->parts;
	r = grep_regex_new(patterns->text, patterns->len, &patterns->syntax, keep,
		patterns->eol == '\n', &matcher->regex, err);
	if (r == 0) {
		r = take_must(matcher, patterns, &tree, err);
	}
	if (r != 0) {
		return r < 0 ? r : 0;
	}
	matcher->confirm = !tree.exact;
	return grep_dfa_new(&tree, patterns->eol, &matcher->dfa, err);
}

int grep_matcher_new(const struct grep_patterns *patterns, struct grep_matcher **ret_matcher,
	struct peel_error *err)
{
	struct grep_matcher *matcher = calloc(1, sizeof(*matcher));
	int r;

	if (!matcher) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	matcher->eol = patterns->eol;
	r = patterns->fixed || is_plain(patterns) ? take_words(matcher, patterns, err)
						  : take_expressions(matcher, patterns, err);
	if (r < 0) {
		grep_matcher_free(matcher);
		return r;
	}
	*ret_matcher = matcher;
	return 0;
}

void grep_matcher_free(struct grep_matcher *matcher)
{
	if (matcher) {
		grep_words_free(matcher->words);
		grep_dfa_free(matcher->dfa);
		grep_regex_free(matcher->regex);
		free(matcher);
	}
}

/* The line around a byte. */
static void bound_line(const struct grep_matcher *matcher, const char *beg, const char *end,
	const char *byte, const char **ret_beg, const char **ret_end)
{
	const char *before = memrchr(beg, matcher->eol, (size_t)(byte - beg));
	const char *behind = memchr(byte, matcher->eol, (size_t)(end - byte));

	*ret_beg = before ? before + 1 : beg;
	*ret_end = behind ? behind + 1 : end;
}

/* The next line that may match: one that has a word, or one that the automaton takes. */
static int find_candidate(struct grep_matcher *matcher, const char *beg, const char *end,
	const char **ret_beg, const char **ret_end, struct peel_error *err)
{
	const char *byte;

	if (matcher->words) {
		byte = grep_words_find(matcher->words, beg, end);
		if (!byte) {
			return 0;
		}
	} else {
		int r = grep_dfa_find(matcher->dfa, beg, end, &byte, err);

		if (r <= 0) {
			return r;
		}
	}
	bound_line(matcher, beg, end, byte, ret_beg, ret_end);
	return 1;
}

/* Whether a candidate matches. */
static int check_line(struct grep_matcher *matcher, const char *beg, const char *end,
	struct peel_error *err)
{
	const char *place;
	size_t len;
	int r = 1;

	if (matcher->words && matcher->dfa) {
		r = grep_dfa_find(matcher->dfa, beg, end, &place, err);
	} else if (matcher->words && matcher->where != GREP_ANYWHERE) {
		r = grep_words_match(matcher->words, beg, end - 1, beg, matcher->where, &len) !=
			NULL;
	}
	return r > 0 && matcher->confirm ? grep_regex_line(matcher->regex, beg, end - 1, err) : r;
}

int grep_match_line(struct grep_matcher *matcher, const char *beg, const char *end,
	const char **ret_beg, const char **ret_end, struct peel_error *err)
{
	while (beg < end) {
		int r = find_candidate(matcher, beg, end, ret_beg, ret_end, err);

		if (r > 0) {
			r = check_line(matcher, *ret_beg, *ret_end, err);
			if (r == 0) {
				beg = *ret_end;
				continue;
			}
		}
		return r;
	}
	return 0;
}

int grep_match_part(struct grep_matcher *matcher, const char *beg, const char *end,
	const char *from, const char **ret_beg, size_t *ret_len, struct peel_error *err)
{
	if (matcher->regex) {
		return grep_regex_match(matcher->regex, beg, end, from, ret_beg, ret_len, err);
	}
	*ret_beg = grep_words_match(matcher->words, beg, end, from, matcher->where, ret_len);
	return *ret_beg != NULL;
}
