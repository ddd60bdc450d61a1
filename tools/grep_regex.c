/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns with a back reference are compiled one by one, because groups are counted in each; all others are
 * one expression. GNU grep does it in the same way, and so its corners are the same: -w tries shorter matches
 * at a place, then goes on behind it.
 */
#include "grep_regex.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "grep_tree.h"

/* Bytes that a fast map covers. */
#define FAST_MAP 256

/* An expression, and where the library puts its matches: a place that it has allocated for this one. */
struct expression {
	struct re_pattern_buffer buffer;
	struct re_registers registers;
};

struct grep_regex {
	struct expression *patterns;
	size_t count;
	bool lines;
	bool words;
	bool ignore_case;
	bool anchors;
};

/* A match. */
struct part {
	const char *beg;
	size_t len;
};

static reg_syntax_t syntax_bits(const struct grep_syntax *syntax)
{
	return (syntax->extended ? RE_SYNTAX_EGREP : RE_SYNTAX_GREP) |
		(syntax->ignore_case ? RE_ICASE : 0);
}

static bool may_refer_back(const char *pattern, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (pattern[i] == '\\') {
			if (pattern[i + 1] >= '1' && pattern[i + 1] <= '9') {
				return true;
			}
			i++;
		}
	}
	return false;
}

/* Compile one expression into a place, or to see whether it can be, where there is none. */
static int compile(const char *pattern, size_t len, const struct grep_syntax *syntax,
	struct re_pattern_buffer *place, struct peel_error *err)
{
	struct re_pattern_buffer buffer = {0};
	const char *message;

	/* A fast map with RE_ICASE is wrong: glibc bug 20381. */
	if (place && !syntax->ignore_case) {
		buffer.fastmap = malloc(FAST_MAP);
		if (!buffer.fastmap) {
			return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
		}
	}
	re_set_syntax(syntax_bits(syntax) | (place ? 0 : RE_NO_SUB));
	message = re_compile_pattern(pattern, len, &buffer);
	if (message) {
		free(buffer.fastmap);
		return peel_fail(err, PEEL_EUSAGE, "%s", message);
	}
	if (place) {
		*place = buffer;
	} else {
		regfree(&buffer);
	}
	return 0;
}

/* Go over the patterns; those without back references are gathered in rest, each with a newline behind it. */
static int compile_all(struct grep_regex *regex, const char *patterns, size_t len,
	const struct grep_syntax *syntax, bool keep, char *rest, size_t *ret_rest,
	struct peel_error *err)
{
	const char *end = patterns + len;

	for (const char *p = patterns; p <= end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const size_t one = (size_t)((newline ? newline : end) - p);
		const bool alone = keep && may_refer_back(p, one);
		int r = compile(p, one, syntax,
			alone ? &regex->patterns[regex->count].buffer : NULL, err);

		if (r < 0) {
			return r;
		}
		regex->count += alone;
		if (keep && !alone) {
			memcpy(rest + *ret_rest, p, one);
			rest[*ret_rest + one] = '\n';
			*ret_rest += one + 1;
		}
		p += one + 1;
	}
	return 0;
}

static size_t count_patterns(const char *patterns, size_t len)
{
	size_t count = 1;

	for (size_t i = 0; i < len; i++) {
		count += patterns[i] == '\n';
	}
	return count;
}

int grep_regex_new(const char *patterns, size_t len, const struct grep_syntax *syntax, bool keep,
	bool anchors, struct grep_regex **ret_regex, struct peel_error *err)
{
	struct grep_regex *regex = calloc(1, sizeof(*regex));
	char *rest = malloc(len + 1);
	size_t rest_len = 0;
	int r = 0;

	if (regex) {
		regex->patterns = calloc(count_patterns(patterns, len) + 1,
			sizeof(*regex->patterns));
		regex->lines = syntax->lines;
		regex->words = syntax->words;
		regex->ignore_case = syntax->ignore_case;
		regex->anchors = anchors;
	}
	if (!regex || !regex->patterns || !rest) {
		r = peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	if (r == 0) {
		r = compile_all(regex, patterns, len, syntax, keep, rest, &rest_len, err);
	}
	if (r == 0 && rest_len > 0) {
		r = compile(rest, rest_len - 1, syntax, &regex->patterns[regex->count].buffer, err);
		regex->count += r == 0;
	}
	free(rest);
	if (r == 0 && keep) {
		*ret_regex = regex;
		return 0;
	}
	grep_regex_free(regex);
	return r;
}

void grep_regex_free(struct grep_regex *regex)
{
	if (!regex) {
		return;
	}
	for (size_t i = 0; regex->patterns && i < regex->count; i++) {
		regfree(&regex->patterns[i].buffer);
		free(regex->patterns[i].registers.start);
		free(regex->patterns[i].registers.end);
	}
	free(regex->patterns);
	free(regex);
}

static int fail_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
}

/* The first match of a pattern from a place on. @return 1, 0, PEEL_ENOMEM. */
static int search(struct grep_regex *regex, struct expression *pattern, const char *beg,
	const char *end, const char *from, struct part *ret_part, struct peel_error *err)
{
	regoff_t start;

	pattern->buffer.not_eol = 0;
	pattern->buffer.newline_anchor = regex->anchors;
	start = re_search(&pattern->buffer, beg, (regoff_t)(end - beg), (regoff_t)(from - beg),
		(regoff_t)(end - from), &pattern->registers);
	if (start < 0) {
		return start == -1 ? 0 : fail_memory(err);
	}
	ret_part->beg = beg + start;
	ret_part->len = (size_t)(pattern->registers.end[0] - start);
	return 1;
}

static bool is_word_alone(const char *beg, const char *end, const struct part *part)
{
	const char *behind = part->beg + part->len;

	return beg && (part->beg == beg || !grep_is_word((unsigned char)part->beg[-1])) &&
		(behind == end || !grep_is_word((unsigned char)*behind));
}

/* From a first match on, look for one that is a word: shorter ones at its place, then further on. */
static int search_word(struct grep_regex *regex, struct expression *pattern, const char *beg,
	const char *end, struct part *part, struct peel_error *err)
{
	while (!is_word_alone(beg, end, part)) {
		regoff_t shorter = 0;
		int r;

		if (part->len > 0) {
			part->len--;
			pattern->buffer.not_eol = 1;
			shorter = re_match(&pattern->buffer, beg,
				(regoff_t)(part->beg + part->len - beg),
				(regoff_t)(part->beg - beg), &pattern->registers);
			if (shorter < -1) {
				return fail_memory(err);
			}
		}
		if (shorter > 0) {
			part->len = (size_t)shorter;
			continue;
		}
		if (part->beg == end) {
			return 0;
		}
		r = search(regex, pattern, beg, end, part->beg + 1, part, err);
		if (r <= 0) {
			return r;
		}
	}
	return 1;
}

int grep_regex_line(struct grep_regex *regex, const char *beg, const char *end,
	struct peel_error *err)
{
	for (size_t i = 0; i < regex->count; i++) {
		struct part part;
		int r = search(regex, &regex->patterns[i], beg, end, beg, &part, err);

		if (r > 0 && regex->lines) {
			r = part.len == (size_t)(end - beg);
		} else if (r > 0 && regex->words) {
			r = search_word(regex, &regex->patterns[i], beg, end, &part, err);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

int grep_regex_match(struct grep_regex *regex, const char *beg, const char *end, const char *from,
	const char **ret_beg, size_t *ret_len, struct peel_error *err)
{
	struct part best = {NULL, 0};

	for (size_t i = 0; i < regex->count; i++) {
		struct part part;
		int r = search(regex, &regex->patterns[i], beg, end, from, &part, err);

		if (r > 0 && regex->words && regex->lines) {
			r = part.len == (size_t)(end - from);
		} else if (r > 0 && regex->words) {
			r = search_word(regex, &regex->patterns[i], beg, end, &part, err);
		}
		if (r < 0) {
			return r;
		}
		if (r > 0 &&
			(!best.beg || part.beg < best.beg ||
				(part.beg == best.beg && part.len > best.len))) {
			best = part;
		}
	}
	*ret_beg = best.beg;
	*ret_len = best.len;
	return best.beg != NULL;
}
