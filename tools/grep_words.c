/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three ways to find a word, over one table. The table is Aho and Corasick's automaton: a step a byte, whatever the
 * number of words, with a column for each byte that occurs in a word and one for all others; cases share a column
 * where case does not matter. One word alone is left to memmem, which is faster still. Else, as Horspool does, a
 * window as long as the shortest word goes over the text, and the byte at its end says how far it may move; only where
 * it says "not at all" are the words compared. A text that is all windows would cost more than the automaton: it takes
 * over where comparing has cost more than moving has spared.
 *
 * A walk from the root whose depth grows with each step has followed the words' own tree, which is how a match is
 * measured once one is known to be there.
 */
#include "grep_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "grep_tree.h"

/* Set in a table's cell where the state ends a word. */
#define ENDS_WORD 0x80000000u
/* Shorter windows move too little; longer ones need no longer moves. */
#define WINDOW_MIN 2
#define WINDOW_MAX 255
/* Steps of comparing that are given for nothing. */
#define CREDIT 4096

struct grep_words {
	/* Column of a byte; 0 for those in no word. */
	unsigned char column[256];
	unsigned int columns;
	/* The next state of each state and column, times columns, with ENDS_WORD. State 0 is the root. */
	uint32_t *table;
	/* Of each state: length of its path; whether a word ends exactly there. */
	uint32_t *depth;
	bool *terminal;
	uint32_t states;
	/* Length of the shortest word, and how far a window may move for the byte at its end. */
	size_t window;
	unsigned char shift[256];
	/* The only word, for memmem; NULL where there are several or case does not matter. */
	char *single;
	size_t single_len;
	bool has_empty;
};

static unsigned int fold(unsigned char byte, bool ignore_case)
{
	return (unsigned int)(ignore_case ? tolower(byte) : byte);
}

static void assign_columns(struct grep_words *words, const struct grep_word *list, size_t count,
	bool ignore_case)
{
	words->columns = 1;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < list[i].len; k++) {
			unsigned int byte = fold((unsigned char)list[i].bytes[k], ignore_case);

			/* With all 256 bytes the last shares the first one's place, which is then free. */
			if (words->column[byte] == 0 && words->columns < 256) {
				words->column[byte] = (unsigned char)words->columns++;
			}
		}
	}
	for (unsigned int byte = 0; ignore_case && byte < 256; byte++) {
		words->column[byte] = words->column[fold((unsigned char)byte, true)];
	}
}

static int allocate(struct grep_words *words, size_t states, struct peel_error *err)
{
	if (states > GREP_WORDS_TABLE_MAX / sizeof(uint32_t) / words->columns) {
		return peel_fail(err, PEEL_ELIMIT,
			"too many fixed strings: a table of more than %u MiB",
			GREP_WORDS_TABLE_MAX >> 20);
	}
	words->table = calloc(states * words->columns, sizeof(*words->table));
	words->depth = calloc(states, sizeof(*words->depth));
	words->terminal = calloc(states, sizeof(*words->terminal));
	words->states = 1;
	return words->table && words->depth && words->terminal
		? 0
		: peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
}

/* Add a word to the tree; the table's cells are states, 0 for none. */
static void plant(struct grep_words *words, const struct grep_word *word)
{
	uint32_t state = 0;

	for (size_t i = 0; i < word->len; i++) {
		uint32_t *cell = &words->table[(size_t)state * words->columns +
			words->column[(unsigned char)word->bytes[i]]];

		if (*cell == 0) {
			words->depth[words->states] = words->depth[state] + 1;
			*cell = words->states++;
		}
		state = *cell;
	}
	words->terminal[state] = true;
	words->has_empty |= word->len == 0;
}

/*
 * Fill the cells that the tree leaves empty with the step of the longest suffix that is in the tree too. States are
 * taken by depth, so that the suffix's own row is ready.
 */
static int complete(struct grep_words *words, struct peel_error *err)
{
	const size_t columns = words->columns;
	uint32_t *suffix = calloc(words->states, sizeof(*suffix));
	uint32_t *queue = calloc(words->states, sizeof(*queue));
	bool *ends = calloc(words->states, sizeof(*ends));
	size_t head = 0;
	size_t tail = 1;

	if (!suffix || !queue || !ends) {
		free(suffix);
		free(queue);
		free(ends);
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	while (head < tail) {
		uint32_t state = queue[head++];

		ends[state] = words->terminal[state] || ends[suffix[state]];
		for (size_t column = 0; column < columns; column++) {
			uint32_t *cell = &words->table[state * columns + column];
			uint32_t other = state ? words->table[suffix[state] * columns + column] : 0;

			if (*cell != 0) {
				suffix[*cell] = other;
				queue[tail++] = *cell;
			} else {
				*cell = other;
			}
		}
	}
	/* From states to places in the table. */
	for (size_t i = 0; i < words->states * columns; i++) {
		uint32_t state = words->table[i];

		words->table[i] = (uint32_t)(state * columns) | (ends[state] ? ENDS_WORD : 0);
	}
	free(suffix);
	free(queue);
	free(ends);
	return 0;
}

/* How far a window may move: no further than to where the byte at its end stands in a word. */
static void make_shifts(struct grep_words *words, const struct grep_word *list, size_t count,
	bool ignore_case)
{
	words->window = count ? WINDOW_MAX : 0;
	for (size_t i = 0; i < count; i++) {
		words->window = list[i].len < words->window ? list[i].len : words->window;
	}
	memset(words->shift, (int)words->window, sizeof(words->shift));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < words->window; k++) {
			unsigned char *shift =
				&words->shift[fold((unsigned char)list[i].bytes[k], ignore_case)];
			const unsigned char left = (unsigned char)(words->window - 1 - k);

			*shift = left < *shift ? left : *shift;
		}
	}
	for (unsigned int byte = 0; ignore_case && byte < 256; byte++) {
		words->shift[byte] = words->shift[fold((unsigned char)byte, true)];
	}
}

int grep_words_new(const struct grep_word *words, size_t count, bool ignore_case,
	struct grep_words **ret_words, struct peel_error *err)
{
	struct grep_words *made = calloc(1, sizeof(*made));
	size_t states = 1;
	int r;

	if (!made) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	for (size_t i = 0; i < count; i++) {
		states += words[i].len;
	}
	assign_columns(made, words, count, ignore_case);
	make_shifts(made, words, count, ignore_case);
	r = allocate(made, states, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		plant(made, &words[i]);
	}
	if (r == 0) {
		r = complete(made, err);
	}
	if (r == 0 && count == 1 && !ignore_case) {
		made->single = malloc(words[0].len + 1);
		made->single_len = words[0].len;
		r = made->single ? 0 : peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	if (r < 0) {
		grep_words_free(made);
		return r;
	}
	if (made->single) {
		memcpy(made->single, words[0].bytes, words[0].len);
	}
	*ret_words = made;
	return 0;
}

void grep_words_free(struct grep_words *words)
{
	if (words) {
		free(words->table);
		free(words->depth);
		free(words->terminal);
		free(words->single);
		free(words);
	}
}

bool grep_words_have(const struct grep_words *words, char byte)
{
	return words->column[(unsigned char)byte] != 0 || words->columns == 256;
}

/* Follow the words' tree from p on. @return whether one ends on the way. */
static bool has_word_at(const struct grep_words *words, const char *p, const char *end,
	size_t *ret_steps)
{
	uint32_t place = 0;
	size_t steps = 0;

	while (p + steps < end) {
		place = words->table[place + words->column[(unsigned char)p[steps]]];
		steps++;
		if (place & ENDS_WORD) {
			place &= ~ENDS_WORD;
			if (words->terminal[place / words->columns] &&
				words->depth[place / words->columns] == steps) {
				*ret_steps = steps;
				return true;
			}
		}
		if (words->depth[place / words->columns] != steps) {
			break;
		}
	}
	*ret_steps = steps;
	return false;
}

/* By the automaton. @return the last byte of a word, or NULL. */
static const char *find_by_table(const struct grep_words *words, const char *beg, const char *end)
{
	const uint32_t *table = words->table;
	const unsigned char *column = words->column;
	uint32_t place = 0;

	for (const char *p = beg; p < end; p++) {
		place = table[place + column[(unsigned char)*p]];
		if (place & ENDS_WORD) {
			return p;
		}
	}
	return NULL;
}

/* By windows. @return the first byte of a word, or what the automaton finds where it takes over. */
static const char *find_by_windows(const struct grep_words *words, const char *beg, const char *end)
{
	const unsigned char *shift = words->shift;
	const char *p = beg + words->window - 1;
	size_t cost = 0;

	while (p < end) {
		const char *window;
		size_t steps;
		size_t move;

		while ((move = shift[(unsigned char)*p]) != 0) {
			p += move;
			if (p >= end) {
				return NULL;
			}
		}
		window = p - (words->window - 1);
		if (has_word_at(words, window, end, &steps)) {
			return window;
		}
		cost += steps;
		if (cost > (size_t)(p - beg) + CREDIT) {
			return find_by_table(words, window, end);
		}
		p++;
	}
	return NULL;
}

const char *grep_words_find(const struct grep_words *words, const char *beg, const char *end)
{
	if (words->has_empty) {
		return beg;
	}
	if (words->single) {
		return memmem(beg, (size_t)(end - beg), words->single, words->single_len);
	}
	if (words->window < WINDOW_MIN || (size_t)(end - beg) < words->window) {
		return find_by_table(words, beg, end);
	}
	return find_by_windows(words, beg, end);
}

static bool is_edge_before(const char *beg, const char *p)
{
	return p == beg || !grep_is_word((unsigned char)p[-1]);
}

static bool is_edge_behind(const char *end, const char *p)
{
	return p == end || !grep_is_word((unsigned char)*p);
}

/* The longest word that begins at p and ends where it may. @return its length, or -1. */
static ptrdiff_t longest_at(const struct grep_words *words, const char *p, const char *end,
	enum grep_where where)
{
	uint32_t state = 0;
	uint32_t steps = 0;
	ptrdiff_t longest = -1;

	for (;;) {
		const char *behind = p + steps;

		if (words->terminal[state] &&
			(where == GREP_ANYWHERE ||
				(where == GREP_AS_LINE ? behind == end
						       : is_edge_behind(end, behind)))) {
			longest = steps;
		}
		if (behind == end) {
			return longest;
		}
		state = (words->table[(size_t)state * words->columns +
				 words->column[(unsigned char)*behind]] &
				~ENDS_WORD) /
			words->columns;
		steps++;
		if (words->depth[state] != steps) {
			return longest;
		}
	}
}

const char *grep_words_match(const struct grep_words *words, const char *beg, const char *end,
	const char *from, enum grep_where where, size_t *ret_len)
{
	for (const char *p = from; p <= end; p++) {
		ptrdiff_t len;

		if (where == GREP_AS_LINE && p != beg) {
			break;
		}
		if (where == GREP_AS_WORD && !is_edge_before(beg, p)) {
			continue;
		}
		len = longest_at(words, p, end, where);
		if (len >= 0) {
			*ret_len = (size_t)len;
			return p;
		}
	}
	return NULL;
}
