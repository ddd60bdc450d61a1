/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions against a model: the pattern is run where it stands, without being parsed into anything, and
 * what it runs on is the set of all places of the text where a match can be by now. What the model does not know
 * (names, classes by name, numbers of characters) is run without it. First line: the pattern; the rest: the text.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <peel/error.h>

#include "fuzz.h"
#include "re.h"

/* Bits of a set of places, the end among them. */
#define TEXT_MAX 63
/* Elements that the model runs for one pattern. */
#define BUDGET 3000

struct model {
	const char *end;
	const char *text;
	size_t len;
	int budget;
	bool fold, multiline, dot_newline;
	/* It met what it does not know. */
	bool lost;
};

typedef uint64_t places;

static places run_alternatives(struct model *model, const char **at, places from);

static bool one_of(const char *set, int c)
{
	return c && strchr(set, c);
}

static bool is_word(int c)
{
	return isalnum(c) || c == '_';
}

/* Whether an assertion holds at a place. */
static bool holds(const struct model *model, char kind, size_t i)
{
	const bool word = (i > 0 && is_word((unsigned char)model->text[i - 1])) !=
		(i < model->len && is_word((unsigned char)model->text[i]));

	switch (kind) {
	case '^':
		return i == 0 || (model->multiline && model->text[i - 1] == '\n');
	case '$':
		return i == model->len || (model->multiline && model->text[i] == '\n');
	case 'A':
		return i == 0;
	case 'z':
		return i == model->len;
	case 'b':
		return word;
	default:
		return !word;
	}
}

static places run_assertion(const struct model *model, char kind, places from)
{
	places to = 0;

	for (size_t i = 0; i <= model->len; i++) {
		to |= holds(model, kind, i) ? from & (places)1 << i : 0;
	}
	return to;
}

static bool in_perl_class(char letter, int c)
{
	const bool positive = letter >= 'a';

	switch (letter | 0x20) {
	case 'd':
		return (c >= '0' && c <= '9') == positive;
	case 's':
		return one_of("\t\n\f\r ", c) == positive;
	default:
		return is_word(c) == positive;
	}
}

/* One character of a set, quoted or not. */
static unsigned char take_character(struct model *model, const char **at)
{
	if (**at == '\\') {
		++*at;
		model->lost |= *at == model->end || isalnum((unsigned char)**at);
	}
	model->lost |= *at == model->end || (unsigned char)**at > 127;
	return *at < model->end ? (unsigned char)*(*at)++ : 0;
}

/* Members of a set, from behind "[" and "^" on. */
static void take_set(struct model *model, const char **at, bool *members)
{
	for (bool first = true; !model->lost && (first || **at != ']'); first = false) {
		unsigned char low, high;

		if (**at == '\\' && *at + 1 < model->end && one_of("dswDSW", (*at)[1])) {
			for (int c = 0; c < 128; c++) {
				members[c] |= in_perl_class((*at)[1], c);
			}
			*at += 2;
			continue;
		}
		model->lost |= model->end - *at > 1 && (*at)[0] == '[' && (*at)[1] == ':';
		low = high = take_character(model, at);
		if (model->end - *at > 1 && **at == '-' && (*at)[1] != ']') {
			++*at;
			high = take_character(model, at);
		}
		for (unsigned int c = low; !model->lost && c <= high; c++) {
			members[c] = true;
			if (model->fold && isalpha((int)c)) {
				members[c ^ 0x20] = true;
			}
		}
		model->lost |= *at == model->end;
	}
	++*at;
}

/* Places behind one character that is a member. */
static places step(const struct model *model, const bool *members, bool negated, places from)
{
	places to = 0;

	for (size_t i = 0; i < model->len; i++) {
		if (from >> i & 1 && members[(unsigned char)model->text[i]] != negated) {
			to |= (places)1 << (i + 1);
		}
	}
	return to;
}

static places run_literal(struct model *model, const char **at, places from)
{
	bool members[128] = {false};
	const unsigned char c = take_character(model, at);

	if (model->lost) {
		return 0;
	}
	members[c] = true;
	if (model->fold && isalpha(c)) {
		members[c ^ 0x20] = true;
	}
	return step(model, members, false, from);
}

static places run_backslash(struct model *model, const char **at, places from)
{
	const char letter = (*at)[1];

	if (one_of("AzbB", letter)) {
		*at += 2;
		return run_assertion(model, letter, from);
	}
	if (one_of("dswDSW", letter)) {
		bool members[128];

		*at += 2;
		for (int c = 0; c < 128; c++) {
			members[c] = in_perl_class(letter, c);
		}
		return step(model, members, false, from);
	}
	return run_literal(model, at, from);
}

/* "(?ims-ims)" or "(?ims:", from behind "(?". @return true where a group begins. */
static bool take_flags(struct model *model, const char **at)
{
	bool on = true;

	while (!model->lost) {
		const char c = *at < model->end ? *(*at)++ : 0;

		switch (c) {
		case 'i':
			model->fold = on;
			break;
		case 'm':
			model->multiline = on;
			break;
		case 's':
			model->dot_newline = on;
			break;
		case 'U':
			break;
		case '-':
			on = false;
			break;
		case ':':
		case ')':
			return c == ':';
		default:
			model->lost = true;
		}
	}
	return false;
}

static places run_group(struct model *model, const char **at, places from)
{
	const struct model before = *model;
	places to;

	++*at;
	if (*at < model->end && **at == '?') {
		++*at;
		if (!take_flags(model, at)) {
			return from;
		}
	}
	to = run_alternatives(model, at, from);
	++*at;
	model->fold = before.fold;
	model->multiline = before.multiline;
	model->dot_newline = before.dot_newline;
	return to;
}

static places run_atom(struct model *model, const char **at, places from)
{
	bool members[128] = {false};
	bool negated;

	if (model->lost || --model->budget < 0) {
		model->lost = true;
		return 0;
	}
	switch (**at) {
	case '(':
		return run_group(model, at, from);
	case '[':
		++*at;
		negated = *at < model->end && **at == '^';
		*at += negated;
		take_set(model, at, members);
		return model->lost ? 0 : step(model, members, negated, from);
	case '.':
		++*at;
		members['\n'] = !model->dot_newline;
		return step(model, members, true, from);
	case '^':
	case '$':
		return run_assertion(model, *(*at)++, from);
	case '\\':
		return run_backslash(model, at, from);
	default:
		return run_literal(model, at, from);
	}
}

static bool take_number(const char **at, const char *end, int *ret)
{
	const char *from = *at;

	for (*ret = 0; *at < end && isdigit((unsigned char)**at) && *at - from < 5; ++*at) {
		*ret = *ret * 10 + (**at - '0');
	}
	return *at > from && (*from != '0' || *at - from == 1);
}

/* "*", "+", "?" or a count. @return false: there is none; max -1 is any number. */
static bool take_repeat(const struct model *model, const char **at, int *min, int *max)
{
	const char *p = *at;
	const char c = p < model->end ? *p++ : 0;

	*min = c == '+';
	*max = c == '?' ? 1 : -1;
	if (c == '{') {
		if (!take_number(&p, model->end, min)) {
			return false;
		}
		*max = *min;
		if (p < model->end && *p == ',') {
			p++;
			*max = -1;
			if (p < model->end && *p != '}' && !take_number(&p, model->end, max)) {
				return false;
			}
		}
		if (p == model->end || *p++ != '}') {
			return false;
		}
	} else if (!one_of("*+?", c)) {
		return false;
	}
	*at = p + (p < model->end && *p == '?');
	return true;
}

/* Run an atom again, as it was read the first time. */
static places again(struct model *model, const struct model *first, const char *atom, places from)
{
	model->fold = first->fold;
	model->multiline = first->multiline;
	model->dot_newline = first->dot_newline;
	return run_atom(model, &atom, from);
}

static places run_repeat(struct model *model, const char **at, places from)
{
	const struct model first = *model;
	const char *atom = *at;
	const places once = run_atom(model, at, from);
	places now = from, all;
	int min, max;

	if (model->lost || !take_repeat(model, at, &min, &max)) {
		return once;
	}
	for (int i = 0; i < min && !model->lost; i++) {
		now = again(model, &first, atom, now);
	}
	all = now;
	for (int i = min; (max < 0 || i < max) && !model->lost; i++) {
		now = again(model, &first, atom, now);
		if ((all | now) == all) {
			break;
		}
		all |= now;
	}
	return all;
}

static places run_alternatives(struct model *model, const char **at, places from)
{
	places all = 0;
	places now = from;

	for (; *at < model->end && **at != ')' && !model->lost;) {
		if (**at == '|') {
			++*at;
			all |= now;
			now = from;
		} else {
			now = run_repeat(model, at, now);
		}
	}
	return all | now;
}

/* @return 1, 0; -1: the model does not know. */
static int model_matches(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	struct model model = {
		.end = pattern + pattern_len, .text = text, .len = len, .budget = BUDGET};
	places to;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] > 127) {
			return -1;
		}
	}
	if (len > TEXT_MAX) {
		return -1;
	}
	to = run_alternatives(&model, &pattern, ((places)2 << len) - 1);
	return model.lost ? -1 : to != 0;
}

/* The same text in pieces. */
static int match_pieces(const struct re *re, const char *text, size_t len, size_t piece)
{
	struct re_scan *scan = NULL;
	int result = 0;

	fuzz_check(re_scan_new(re, &scan, NULL) == 0);
	re_scan_begin(scan);
	for (size_t at = 0; at < len && result == 0; at += piece) {
		result = re_scan_feed(scan, text + at, len - at < piece ? len - at : piece, NULL);
	}
	result = result == 0 ? re_scan_end(scan, NULL) : result;
	re_scan_free(scan);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *pattern = (const char *)data;
	const char *newline = len ? memchr(pattern, '\n', len) : NULL;
	const size_t pattern_len = newline ? (size_t)(newline - pattern) : len;
	const char *text = newline ? newline + 1 : pattern + len;
	const size_t text_len = len - (size_t)(text - pattern);
	struct peel_error err = {0};
	struct re *re = NULL;
	int result, wanted;

	if (re_compile(pattern, pattern_len, &re, &err) < 0) {
		fuzz_check(!re && err.code < 0 && err.message[0]);
		return 0;
	}
	result = re_matches(re, text, text_len, NULL);
	fuzz_check(result == 0 || result == 1);
	fuzz_check(match_pieces(re, text, text_len, 1 + len % 7) == result);
	wanted = model_matches(pattern, pattern_len, text, text_len);
	fuzz_check(wanted < 0 || wanted == result);
	re_free(re);
	return 0;
}
