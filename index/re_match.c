/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text against a program: all places that the program can be in at once are one state, and states are made as the
 * text needs them, with a table of where each class of runes leads. So a byte costs a look into a table, most of the
 * time, and time is linear whatever the pattern is.
 *
 *   state: places before what asks for the next rune ── class ──► state …
 *                                                    └─ end ────► match or no
 *
 * The start is added at each rune: a match may begin anywhere.
 *
 * An assertion asks for the runes on both sides of a place. The one before is part of the state, as far as the
 * program asks; the one behind is the class at hand, so places are followed (closure) when that is known.
 *
 * States are kept until they have STATES_BYTES; then all but the one at hand go. Rejected: the program of the
 * command's grep. It reads POSIX syntax, and the library may not use the command's parts.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "re_priv.h"
#include "util.h"

#define STATES_BYTES ((size_t)8 << 20)
#define UNKNOWN (-1)
#define MATCH (-2)

/* What was before a place. */
enum before {
	BEFORE_BEGIN = 1,
	BEFORE_NEWLINE = 2,
	BEFORE_WORD = 4,
};

struct state {
	/** Places, ascending, in the pool. */
	size_t first, count;
	unsigned int before;
	/** Next with the same hash; -1 none. */
	int32_t chain;
};

#define BUCKETS 1024

struct re_scan {
	const struct re *re;
	struct state *states;
	size_t count, room;
	uint32_t *pool;
	size_t pool_count, pool_room;
	/** By state and class; the class after the last is the end of the text. */
	int32_t *next;
	size_t next_room;
	int32_t buckets[BUCKETS];
	int32_t at;
	bool matched;
	/** Work of closure: places seen (mark of their turn), a stack, and what comes out. */
	uint32_t *marks, turn;
	uint32_t *stack, *out;
	size_t out_count;
	/** Bytes of a rune that is not whole yet. */
	unsigned char pending[4];
	size_t pending_len;
};

static size_t stride(const struct re *re)
{
	return re->class_count + 1;
}

static void forget(struct re_scan *scan)
{
	scan->count = 0;
	scan->pool_count = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		scan->buckets[i] = -1;
	}
}

int re_scan_new(const struct re *re, struct re_scan **ret_scan, struct peel_error *err)
{
	struct re_scan *scan = calloc(1, sizeof(*scan));

	if (scan) {
		scan->re = re;
		scan->marks = calloc(re->length + 1, sizeof(*scan->marks));
		scan->stack = calloc(2 * re->length + 2, sizeof(*scan->stack));
		scan->out = calloc(re->length + 1, sizeof(*scan->out));
		forget(scan);
	}
	if (!scan || !scan->marks || !scan->stack || !scan->out) {
		re_scan_free(scan);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*ret_scan = scan;
	return 0;
}

void re_scan_free(struct re_scan *scan)
{
	if (!scan) {
		return;
	}
	free(scan->states);
	free(scan->pool);
	free(scan->next);
	free(scan->marks);
	free(scan->stack);
	free(scan->out);
	free(scan);
}

/* --- states --- */

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t hash_of(const uint32_t *places, size_t count, unsigned int before)
{
	uint64_t hash = before + 1;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ places[i]) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return hash % BUCKETS;
}

static int32_t find_state(const struct re_scan *scan, size_t bucket, unsigned int before)
{
	int32_t i = scan->buckets[bucket];

	while (i >= 0) {
		const struct state *state = &scan->states[i];

		if (state->before == before && state->count == scan->out_count &&
			memcmp(scan->pool + state->first, scan->out,
				state->count * sizeof(*scan->out)) == 0) {
			return i;
		}
		i = state->chain;
	}
	return -1;
}

static bool grow(void *array, size_t wanted, size_t *room, size_t size)
{
	void **base = array;
	size_t more = *room ? *room : 64;
	void *grown;

	while (more < wanted) {
		more *= 2;
	}
	if (more == *room) {
		return true;
	}
	grown = reallocarray(*base, more, size);
	if (!grown) {
		return false;
	}
	*base = grown;
	*room = more;
	return true;
}

/* The state of the places in out. @return it, or -1: no memory. */
static int32_t intern(struct re_scan *scan, unsigned int before)
{
	const size_t width = stride(scan->re);
	size_t bucket;
	int32_t found;

	qsort(scan->out, scan->out_count, sizeof(*scan->out), compare);
	bucket = hash_of(scan->out, scan->out_count, before);
	found = find_state(scan, bucket, before);
	if (found >= 0) {
		return found;
	}
	if ((scan->count + 1) * width * sizeof(*scan->next) +
				scan->pool_count * sizeof(*scan->pool) >
			STATES_BYTES &&
		scan->count > 0) {
		forget(scan);
	}
	if (!grow(&scan->states, scan->count + 1, &scan->room, sizeof(*scan->states)) ||
		!grow(&scan->pool, scan->pool_count + scan->out_count + 1, &scan->pool_room,
			sizeof(*scan->pool)) ||
		!grow(&scan->next, (scan->count + 1) * width, &scan->next_room,
			sizeof(*scan->next))) {
		return -1;
	}
	memcpy(scan->pool + scan->pool_count, scan->out, scan->out_count * sizeof(*scan->out));
	scan->states[scan->count] = (struct state){.first = scan->pool_count,
		.count = scan->out_count,
		.before = before,
		.chain = scan->buckets[bucket]};
	scan->buckets[bucket] = (int32_t)scan->count;
	scan->pool_count += scan->out_count;
	for (size_t i = 0; i < width; i++) {
		scan->next[scan->count * width + i] = UNKNOWN;
	}
	return (int32_t)scan->count++;
}

/* --- steps --- */

static bool holds(enum re_assert what, unsigned int before, bool end, bool newline, bool word)
{
	switch (what) {
	case RE_BEGIN_TEXT:
		return before & BEFORE_BEGIN;
	case RE_END_TEXT:
		return end;
	case RE_BEGIN_LINE:
		return before & (BEFORE_BEGIN | BEFORE_NEWLINE);
	case RE_END_LINE:
		return end || newline;
	case RE_WORD:
		return !(before & BEFORE_WORD) != !word;
	default:
		return !(before & BEFORE_WORD) == !word;
	}
}

/* Follow all places of a state, the class behind being known, and step over it. @return true: a match is reached. */
static bool step(struct re_scan *scan, const struct state *state, size_t class)
{
	const struct re *re = scan->re;
	const bool end = class == re->class_count;
	const uint32_t rune = end ? 0 : re->starts[class];
	const bool newline = !end && rune == '\n' && re->asks_line;
	const bool word = !end && re->asks_word && re_is_word(rune);
	size_t depth = 0;

	scan->out_count = 0;
	if (++scan->turn == 0) {
		memset(scan->marks, 0, (re->length + 1) * sizeof(*scan->marks));
		scan->turn = 1;
	}
	for (size_t i = 0; i <= state->count; i++) {
		/* The start comes last: a match may begin here. */
		scan->stack[depth++] = i < state->count ? scan->pool[state->first + i] : 0;
		while (depth > 0) {
			const uint32_t place = scan->stack[--depth];
			const struct re_instruction *at = &re->program[place];

			if (scan->marks[place] == scan->turn) {
				continue;
			}
			scan->marks[place] = scan->turn;
			switch (at->op) {
			case RE_OP_MATCH:
				return true;
			case RE_OP_JUMP:
				scan->stack[depth++] = at->x;
				break;
			case RE_OP_SPLIT:
				scan->stack[depth++] = at->y;
				scan->stack[depth++] = at->x;
				break;
			case RE_OP_ASSERT:
				if (holds((enum re_assert)at->x, state->before, end, newline,
					    word)) {
					scan->stack[depth++] = place + 1;
				}
				break;
			default:
				if (!end &&
					re->bits[(at->x * re->class_count + class) / 8] >>
							((at->x * re->class_count + class) % 8) &
						1) {
					scan->out[scan->out_count++] = place + 1;
				}
			}
		}
	}
	return false;
}

/* @return the state behind a class, MATCH, or UNKNOWN: no memory. */
static int32_t advance(struct re_scan *scan, int32_t from, size_t class)
{
	const struct re *re = scan->re;
	const size_t width = stride(re);
	const struct state state = scan->states[from];
	const size_t states = scan->count;
	unsigned int before = 0;
	int32_t to;

	if (step(scan, &state, class)) {
		to = MATCH;
	} else if (class == re->class_count) {
		return from;
	} else {
		before |= re->asks_line && re->starts[class] == '\n' ? BEFORE_NEWLINE : 0;
		before |= re->asks_word && re_is_word(re->starts[class]) ? BEFORE_WORD : 0;
		to = intern(scan, before);
		if (to < 0) {
			return UNKNOWN;
		}
	}
	/* Where the states were forgotten, the one that we came from is gone. */
	if (scan->count >= states) {
		scan->next[(size_t)from * width + class] = to;
	}
	return to;
}

void re_scan_begin(struct re_scan *scan)
{
	scan->matched = false;
	scan->pending_len = 0;
	scan->at = UNKNOWN;
}

/* @return 1 match, 0, or PEEL_ENOMEM. */
static int take_class(struct re_scan *scan, size_t class, struct peel_error *err)
{
	int32_t to;

	if (scan->at == UNKNOWN) {
		scan->out_count = 0;
		scan->at = intern(scan, scan->re->asks_begin ? BEFORE_BEGIN : 0);
		if (scan->at < 0) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
	}
	to = scan->next[(size_t)scan->at * stride(scan->re) + class];
	if (to == UNKNOWN) {
		to = advance(scan, scan->at, class);
	}
	if (to == UNKNOWN) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (to == MATCH) {
		scan->matched = true;
		return 1;
	}
	scan->at = to;
	return 0;
}

/* Length of the rune that begins here; 0: its end is not there yet; -1: its first byte is none. */
static int rune_at(const unsigned char *at, size_t left, uint32_t *ret_rune)
{
	const int width = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
	const unsigned char low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
	const unsigned char high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
	uint32_t rune = width == 1 ? at[0] : at[0] & (0x7Fu >> width);

	if ((at[0] >= 0x80 && at[0] < 0xC2) || at[0] > 0xF4) {
		return -1;
	}
	for (int i = 1; i < width; i++) {
		if ((size_t)i == left) {
			return 0;
		}
		if (at[i] < (i == 1 ? low : 0x80) || at[i] > (i == 1 ? high : 0xBF)) {
			return -1;
		}
		rune = rune << 6 | (at[i] & 0x3F);
	}
	*ret_rune = rune;
	return width;
}

/* A rune, or one byte that is none. @return bytes taken, 0: more are needed; ret_result as take_class. */
static size_t take_rune(struct re_scan *scan, const unsigned char *at, size_t left, int *ret_result,
	struct peel_error *err)
{
	uint32_t rune = RE_RUNE_ERROR;
	int width = rune_at(at, left, &rune);

	if (width == 0) {
		return 0;
	}
	*ret_result = take_class(scan, re_class_of(scan->re, width < 0 ? RE_RUNE_ERROR : rune),
		err);
	return width < 0 ? 1 : (size_t)width;
}

/* Bytes that were left of the last piece, with the first of this one. */
static int take_pending(struct re_scan *scan, const unsigned char **at, size_t *left,
	struct peel_error *err)
{
	int result = 0;

	while (result == 0 && scan->pending_len > 0) {
		size_t taken = take_rune(scan, scan->pending, scan->pending_len, &result, err);

		if (taken == 0) {
			if (*left == 0) {
				return 0;
			}
			scan->pending[scan->pending_len++] = *(*at)++;
			--*left;
			continue;
		}
		scan->pending_len -= taken;
		memmove(scan->pending, scan->pending + taken, scan->pending_len);
	}
	return result;
}

int re_scan_feed(struct re_scan *scan, const void *bytes, size_t len, struct peel_error *err)
{
	const unsigned char *at = bytes;
	const size_t width = stride(scan->re);
	int result = scan->matched ? 1 : take_pending(scan, &at, &len, err);

	while (result == 0 && len > 0) {
		size_t taken;

		/* The way of nearly all bytes. */
		while (len > 0 && *at < 128 && scan->at >= 0) {
			int32_t to = scan->next[(size_t)scan->at * width + scan->re->ascii[*at]];

			if (to < 0) {
				break;
			}
			scan->at = to;
			at++;
			len--;
		}
		if (len == 0) {
			break;
		}
		taken = take_rune(scan, at, len, &result, err);
		if (taken == 0) {
			memcpy(scan->pending, at, len);
			scan->pending_len = len;
			break;
		}
		at += taken;
		len -= taken;
	}
	return result;
}

int re_scan_end(struct re_scan *scan, struct peel_error *err)
{
	int result = scan->matched;

	while (result == 0 && scan->pending_len > 0) {
		scan->pending_len--;
		result = take_class(scan, re_class_of(scan->re, RE_RUNE_ERROR), err);
	}
	return result != 0 ? result : take_class(scan, scan->re->class_count, err);
}

int re_matches(const struct re *re, const void *bytes, size_t len, struct peel_error *err)
{
	struct re_scan *scan = NULL;
	int code = re_scan_new(re, &scan, err);

	if (code == 0) {
		re_scan_begin(scan);
		code = re_scan_feed(scan, bytes, len, err);
	}
	if (code == 0) {
		code = re_scan_end(scan, err);
	}
	re_scan_free(scan);
	return code;
}
