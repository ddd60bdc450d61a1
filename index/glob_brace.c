/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Braces, as an odometer. One pass links each group: from its "{" over its commas to its "}". An
 * alternative of the whole is then one walk from the left: at a "{" jump to the alternative that the
 * choice for this group says, at a comma jump behind the group's end. After it the last choice that
 * can go on goes on, and those behind it are forgotten.
 *
 *   /a{b,c{d,e}}    choices 0: /ab    1,0: /acd    1,1: /ace
 *
 * No recursion, no list of alternatives in memory, and a cost of the pattern's length for each.
 */
#include "glob_priv.h"

#include <string.h>

#include <peel/error.h>

size_t glob_bracket_end(const char *text, size_t open)
{
	size_t at = open + 1;

	at += text[at] == '!' || text[at] == '^';
	/* The first is no end. */
	at += text[at] == ']';
	while (text[at] && text[at] != ']') {
		at += text[at] == '\\' && text[at + 1] ? 2 : 1;
	}
	return text[at] ? at : 0;
}

/* Index of the next byte that may be a brace's, or len. */
static size_t skip_literal(const char *text, size_t at)
{
	size_t end;

	if (text[at] == '\\') {
		return at + (text[at + 1] ? 2 : 1);
	}
	end = text[at] == '[' ? glob_bracket_end(text, at) : 0;
	return (end ? end : at) + 1;
}

/* Let all commas of a group know its end. */
static void close_group(struct glob_braces *braces, size_t open, size_t end)
{
	for (size_t at = open; at != end; at = braces->next[at]) {
		braces->close[at] = (uint16_t)end;
	}
	braces->close[end] = (uint16_t)end;
	braces->close[open] = 0;
}

static int link_groups(struct glob_braces *braces, struct peel_error *err)
{
	const char *text = braces->pattern;
	/* Of each open group its begin, and its last brace or comma. */
	uint16_t open[GLOB_MAX] = {0};
	uint16_t last[GLOB_MAX] = {0};
	size_t depth = 0;
	size_t at = 0;

	while (at < braces->len) {
		if (text[at] == '{') {
			open[depth] = last[depth] = (uint16_t)at;
			depth++;
		} else if (text[at] == '}' && depth == 0) {
			return glob_refuse(text, "a \"}\" without its \"{\"", err);
		} else if (text[at] == '}') {
			depth--;
			braces->next[last[depth]] = (uint16_t)at;
			close_group(braces, open[depth], at);
		} else if (text[at] == ',' && depth > 0) {
			braces->next[last[depth - 1]] = (uint16_t)at;
			last[depth - 1] = (uint16_t)at;
		}
		at = skip_literal(text, at);
	}
	return depth == 0 ? 0 : glob_refuse(text, "a \"{\" without its \"}\"", err);
}

/* Choose in the group that begins here. @return where its alternative begins. */
static size_t choose(struct glob_braces *braces, size_t group, size_t open)
{
	size_t at = open;

	if (group == braces->choices) {
		braces->choice[group] = 0;
		braces->choices++;
	}
	for (size_t i = 0; i < braces->choice[group]; i++) {
		at = braces->next[at];
	}
	braces->more[group] = braces->pattern[braces->next[at]] == ',';
	return at + 1;
}

static void go_on(struct glob_braces *braces)
{
	while (braces->choices > 0 && !braces->more[braces->choices - 1]) {
		braces->choices--;
	}
	braces->done = braces->choices == 0;
	if (!braces->done) {
		braces->choice[braces->choices - 1]++;
	}
}

bool glob_braces_next(struct glob_braces *braces, char *buf)
{
	const char *text = braces->pattern;
	size_t group = 0;
	size_t used = 0;
	size_t at = 0;

	if (braces->done) {
		return false;
	}
	while (at < braces->len) {
		if (braces->next[at] && text[at] == '{') {
			at = choose(braces, group++, at);
		} else if (braces->close[at]) {
			at = (size_t)braces->close[at] + 1;
		} else {
			buf[used++] = text[at++];
		}
	}
	buf[used] = '\0';
	go_on(braces);
	return true;
}

int glob_braces_init(struct glob_braces *braces, const char *pattern, struct peel_error *err)
{
	char buf[GLOB_MAX + 1];
	size_t count = 0;
	int r;

	memset(braces, 0, sizeof(*braces));
	braces->pattern = pattern;
	braces->len = strnlen(pattern, GLOB_MAX + 1);
	if (braces->len > GLOB_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a pattern is longer than %d bytes", GLOB_MAX);
	}
	r = link_groups(braces, err);
	if (r < 0) {
		return r;
	}
	while (glob_braces_next(braces, buf)) {
		if (++count > GLOB_ALTERNATIVES_MAX) {
			return peel_fail(err, PEEL_ELIMIT,
				"the braces of a pattern make more than %d of it",
				GLOB_ALTERNATIVES_MAX);
		}
	}
	braces->done = false;
	return 0;
}
