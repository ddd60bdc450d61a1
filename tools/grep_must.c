/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the leaves up. A part of the expression either has a small language, which is then listed ("exact"), or a set of
 * words of which each match holds one. A sequence joins exact neighbours into longer words, and of all that it finds
 * keeps the set whose shortest word is longest.
 */
#include "grep_must.h"

#include <ctype.h>
#include <string.h>

/* A leaf with more bytes is not listed. */
#define LISTED_BYTES 4

/* What is derived for a part. */
struct derivation {
	const struct grep_tree *tree;
	bool ignore_case;
	char eol;
	/* A place was met: words alone do not decide. */
	bool places;
};

size_t grep_must_shortest(const struct grep_must *must)
{
	size_t shortest = must->count ? GREP_MUST_LENGTH : 0;

	for (unsigned int i = 0; i < must->count; i++) {
		if (must->words[i].len < shortest) {
			shortest = must->words[i].len;
		}
	}
	return shortest;
}

/* @return false where there is no room. */
static bool add_word(struct grep_must *must, const char *bytes, size_t len)
{
	for (unsigned int i = 0; i < must->count; i++) {
		if (must->words[i].len == len && memcmp(must->words[i].bytes, bytes, len) == 0) {
			return true;
		}
	}
	if (must->count == GREP_MUST_WORDS || len > GREP_MUST_LENGTH) {
		return false;
	}
	must->words[must->count].len = (unsigned char)len;
	memcpy(must->words[must->count++].bytes, bytes, len);
	return true;
}

static void set_empty(struct grep_must *must)
{
	*must = (struct grep_must){.exact = true};
	add_word(must, "", 0);
}

static void keep_better(struct grep_must *best, const struct grep_must *other)
{
	if (grep_must_shortest(other) > grep_must_shortest(best)) {
		*best = *other;
		best->exact = false;
	}
}

/* Each word of a with each of b behind it. @return false where they are too many or too long. */
static bool join(struct grep_must *a, const struct grep_must *b)
{
	struct grep_must joined = {.exact = true};
	char bytes[2 * GREP_MUST_LENGTH];

	for (unsigned int i = 0; i < a->count; i++) {
		for (unsigned int k = 0; k < b->count; k++) {
			memcpy(bytes, a->words[i].bytes, a->words[i].len);
			memcpy(bytes + a->words[i].len, b->words[k].bytes, b->words[k].len);
			if (!add_word(&joined, bytes, (size_t)a->words[i].len + b->words[k].len)) {
				return false;
			}
		}
	}
	*a = joined;
	return true;
}

static void derive(struct derivation *d, uint32_t node, struct grep_must *ret_must);

static void derive_set(const struct derivation *d, const struct grep_set *set,
	struct grep_must *ret_must)
{
	*ret_must = (struct grep_must){.exact = true};
	for (unsigned int i = 0; i < 256; i++) {
		char byte = (char)(d->ignore_case ? tolower((int)i) : (int)i);

		if (!grep_set_has(set, (unsigned char)i) || (char)i == d->eol) {
			continue;
		}
		if (!add_word(ret_must, &byte, 1) || ret_must->count > LISTED_BYTES) {
			ret_must->count = 0;
			break;
		}
	}
	ret_must->exact = ret_must->count > 0;
}

static void derive_sequence(struct derivation *d, uint32_t node, struct grep_must *ret_must)
{
	struct grep_must best = {0};
	struct grep_must run;
	struct grep_must child;
	bool exact = true;

	set_empty(&run);
	for (; node != GREP_NO_NODE; node = d->tree->nodes[node].next) {
		derive(d, node, &child);
		if (child.exact && join(&run, &child)) {
			continue;
		}
		exact = false;
		keep_better(&best, &run);
		if (child.exact) {
			run = child;
		} else {
			keep_better(&best, &child);
			set_empty(&run);
		}
	}
	if (!exact) {
		keep_better(&best, &run);
	}
	*ret_must = exact ? run : best;
}

static void derive_choice(struct derivation *d, uint32_t node, struct grep_must *ret_must)
{
	struct grep_must child;

	*ret_must = (struct grep_must){.exact = true};
	for (; node != GREP_NO_NODE; node = d->tree->nodes[node].next) {
		bool fits;

		derive(d, node, &child);
		ret_must->exact &= child.exact;
		fits = child.count > 0;
		for (unsigned int i = 0; fits && i < child.count; i++) {
			fits = add_word(ret_must, child.words[i].bytes, child.words[i].len);
		}
		if (!fits) {
			*ret_must = (struct grep_must){0};
			return;
		}
	}
}

static void derive_repeat(struct derivation *d, const struct grep_node *node,
	struct grep_must *ret_must)
{
	derive(d, node->child, ret_must);
	if (node->min == 1 && node->max == 1) {
		return;
	}
	if (node->min > 0) {
		ret_must->exact = false;
	} else if (node->max != 1 || !ret_must->exact || !add_word(ret_must, "", 0)) {
		*ret_must = (struct grep_must){0};
	}
}

static void derive(struct derivation *d, uint32_t node, struct grep_must *ret_must)
{
	const struct grep_node *n = &d->tree->nodes[node];

	switch (n->kind) {
	case GREP_SET:
		derive_set(d, &d->tree->sets[n->set], ret_must);
		return;
	case GREP_SEQUENCE:
		derive_sequence(d, n->child, ret_must);
		return;
	case GREP_CHOICE:
		derive_choice(d, n->child, ret_must);
		return;
	case GREP_REPEAT:
		derive_repeat(d, n, ret_must);
		return;
	case GREP_ANYTHING:
		*ret_must = (struct grep_must){0};
		return;
	case GREP_EMPTY:
		break;
	default:
		d->places = true;
		break;
	}
	set_empty(ret_must);
}

void grep_must_find(const struct grep_tree *tree, bool ignore_case, char eol,
	struct grep_must *ret_must)
{
	struct derivation d = {.tree = tree, .ignore_case = ignore_case, .eol = eol};

	derive(&d, tree->root, ret_must);
	ret_must->exact &= !d.places;
}
