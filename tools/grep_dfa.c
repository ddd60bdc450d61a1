/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree becomes a program in Thompson's way: take a byte of a set, go two ways, go on at a certain place
 * only. A state of the automaton is the set of steps that a run may have come to, with the beginning always
 * among them, because a match may begin anywhere; states are made when they are met, as Aho's egrep and GNU
 * grep do. So a line costs one look into a table for each byte, whatever it holds; a backtracking matcher
 * could be led astray by the image.
 *
 * A place ("^", "\<") depends on the byte before, which is a part of the state, and on the byte behind, which
 * is the one that is read next. So the step over a byte first follows all ways that are open between the two;
 * only then is it known whether a match had ended there. Every line ends with its newline, so that none is
 * missed. From the newline all states go back to the beginning: the automaton runs over many lines in one go.
 *
 * Where nothing has begun, bytes with which nothing begins are passed over without a look into the table.
 * States are thrown away when they need too much memory, and made again.
 */
#include "grep_dfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "grep_program.h"

/* Cells of the table that are no rows. */
#define UNKNOWN 0u
#define MATCH 1u
/* First sizes; a power of two for the hash. */
#define FIRST_STATES 32
#define FIRST_MEMBERS 1024
#define BUCKETS 4096

/* What stands beside a place. */
enum beside {
	BESIDE_OTHER,
	BESIDE_WORD,
	BESIDE_LINE,
};

struct state {
	/* Where its steps begin in dfa.members, sorted, and how many they are. */
	size_t members;
	uint32_t count;
	enum beside before;
	/* Next of the same hash. */
	uint32_t chain;
};

struct grep_dfa {
	struct grep_program program;
	unsigned char eol;
	/* Bytes that no set tells apart have one class; of each class some byte. */
	unsigned char class_of[256];
	unsigned char byte_of[256];
	unsigned int classes;
	/* Row i of the table belongs to state i; rows 0 and 1 are never used. */
	uint32_t *table;
	struct state *states;
	uint32_t state_count;
	uint32_t state_room;
	uint32_t *members;
	size_t member_count;
	size_t member_room;
	uint32_t *buckets;
	uint32_t bucket_count;

	/* The state in which nothing has begun, times classes, 0 where it is not made; bytes that do not leave it. */
	uint32_t idle_row;
	bool idles[256];

	/* Working sets: steps reached now, and those that follow. mark tells which of them are in. */
	uint32_t *reached;
	uint32_t *following;
	uint32_t *stack;
	uint32_t *mark;
	uint32_t round;
};

/* Split classes by what one set says of their bytes. */
static void split_classes(struct grep_dfa *dfa, const struct grep_set *set)
{
	unsigned char split[256];
	bool seen_in[256] = {0};
	bool seen_out[256] = {0};

	for (unsigned int byte = 0; byte < 256; byte++) {
		bool in = grep_set_has(set, (unsigned char)byte);

		(in ? seen_in : seen_out)[dfa->class_of[byte]] = true;
	}
	for (unsigned int i = 0, count = dfa->classes; i < count; i++) {
		split[i] = (unsigned char)(seen_in[i] && seen_out[i] ? dfa->classes++ : i);
	}
	for (unsigned int byte = 0; byte < 256; byte++) {
		if (grep_set_has(set, (unsigned char)byte)) {
			dfa->class_of[byte] = split[dfa->class_of[byte]];
		}
	}
}

static void make_classes(struct grep_dfa *dfa)
{
	struct grep_set extra = {0};

	dfa->classes = 1;
	for (uint32_t i = 0; i < dfa->program.set_count; i++) {
		split_classes(dfa, &dfa->program.sets[i]);
	}
	extra.bits[dfa->eol / 64] = UINT64_C(1) << (dfa->eol % 64);
	split_classes(dfa, &extra);
	if (dfa->program.word_places) {
		extra = (struct grep_set){0};
		for (unsigned int byte = 0; byte < 256; byte++) {
			if (grep_is_word((unsigned char)byte)) {
				extra.bits[byte / 64] |= UINT64_C(1) << (byte % 64);
			}
		}
		split_classes(dfa, &extra);
	}
	for (unsigned int byte = 0; byte < 256; byte++) {
		dfa->byte_of[dfa->class_of[byte]] = (unsigned char)byte;
	}
}

static enum beside beside(const struct grep_dfa *dfa, unsigned char byte)
{
	if (byte == dfa->eol) {
		return BESIDE_LINE;
	}
	return dfa->program.word_places && grep_is_word(byte) ? BESIDE_WORD : BESIDE_OTHER;
}

static bool is_open(enum grep_kind place, enum beside before, enum beside behind)
{
	const bool edge = (before == BESIDE_WORD) != (behind == BESIDE_WORD);

	switch (place) {
	case GREP_LINE_BEGIN:
		return before == BESIDE_LINE;
	case GREP_LINE_END:
		return behind == BESIDE_LINE;
	case GREP_WORD_BEGIN:
		return edge && behind == BESIDE_WORD;
	case GREP_WORD_END:
		return edge && before == BESIDE_WORD;
	case GREP_WORD_EDGE:
		return edge;
	default:
		return !edge;
	}
}

/* All steps that take a byte, or match, and are reached between two bytes. @return whether one matches. */
static bool follow(struct grep_dfa *dfa, const struct state *state, enum beside behind,
	uint32_t *ret_count)
{
	uint32_t depth = 0;
	bool matches = false;

	*ret_count = 0;
	dfa->round++;
	for (uint32_t i = 0; i < state->count; i++) {
		dfa->stack[depth++] = dfa->members[state->members + i];
		while (depth > 0) {
			uint32_t at = dfa->stack[--depth];
			const struct grep_step *step = &dfa->program.steps[at];

			if (dfa->mark[at] == dfa->round) {
				continue;
			}
			dfa->mark[at] = dfa->round;
			switch (step->op) {
			case GREP_OP_BYTE:
				dfa->reached[(*ret_count)++] = at;
				break;
			case GREP_OP_MATCH:
				matches = true;
				break;
			case GREP_OP_FORK:
				dfa->stack[depth++] = step->value;
				dfa->stack[depth++] = step->next;
				break;
			case GREP_OP_PLACE:
				if (is_open(step->value, state->before, behind)) {
					dfa->stack[depth++] = step->next;
				}
				break;
			}
		}
	}
	return matches;
}

static int compare_steps(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t hash_members(const uint32_t *members, uint32_t count, enum beside before)
{
	uint32_t hash = 2166136261u + before;

	for (uint32_t i = 0; i < count; i++) {
		hash = (hash ^ members[i]) * 16777619u;
	}
	return hash;
}

static void forget_states(struct grep_dfa *dfa)
{
	dfa->state_count = 2;
	dfa->member_count = 0;
	dfa->idle_row = 0;
	memset(dfa->idles, 0, sizeof(dfa->idles));
	memset(dfa->buckets, 0, dfa->bucket_count * sizeof(*dfa->buckets));
}

static int grow(struct grep_dfa *dfa, size_t rows, size_t members, struct peel_error *err)
{
	uint32_t *table = reallocarray(dfa->table, rows * dfa->classes, sizeof(*table));
	struct state *states = reallocarray(dfa->states, rows, sizeof(*states));
	uint32_t *all = reallocarray(dfa->members, members, sizeof(*all));

	dfa->table = table ? table : dfa->table;
	dfa->states = states ? states : dfa->states;
	dfa->members = all ? all : dfa->members;
	if (!table || !states || !all) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	dfa->state_room = (uint32_t)rows;
	dfa->member_room = members;
	return 0;
}

/* Room for one more state with so many members; others may be thrown away for it. */
static int reserve_state(struct grep_dfa *dfa, uint32_t count, bool *ret_forgot,
	struct peel_error *err)
{
	const size_t rows = (size_t)dfa->state_room * 2;
	const size_t members = dfa->member_room * 2;

	if (dfa->state_count < dfa->state_room && dfa->member_count + count <= dfa->member_room) {
		return 0;
	}
	if ((rows * dfa->classes + members) * sizeof(uint32_t) > GREP_STATES_MAX) {
		/* A single one has room: the members of all steps were reserved first. */
		forget_states(dfa);
		*ret_forgot = true;
		return 0;
	}
	return grow(dfa, rows, members, err);
}

/* The state of dfa.following, sorted; made where it is not there. */
static int find_state(struct grep_dfa *dfa, uint32_t count, enum beside before, uint32_t *ret_state,
	bool *ret_forgot, struct peel_error *err)
{
	uint32_t bucket = hash_members(dfa->following, count, before) & (dfa->bucket_count - 1);
	struct state *state;
	int r;

	*ret_forgot = false;
	for (uint32_t i = dfa->buckets[bucket]; i != 0; i = dfa->states[i].chain) {
		state = &dfa->states[i];
		if (state->count == count && state->before == before &&
			memcmp(dfa->members + state->members, dfa->following,
				count * sizeof(uint32_t)) == 0) {
			*ret_state = i;
			return 0;
		}
	}
	r = reserve_state(dfa, count, ret_forgot, err);
	if (r < 0) {
		return r;
	}
	*ret_state = dfa->state_count++;
	state = &dfa->states[*ret_state];
	*state = (struct state){
		.members = dfa->member_count,
		.count = count,
		.before = before,
		.chain = dfa->buckets[bucket],
	};
	dfa->buckets[bucket] = *ret_state;
	if (count == 1 && dfa->following[0] == dfa->program.start && before == BESIDE_OTHER) {
		dfa->idle_row = *ret_state * dfa->classes;
	}
	memcpy(dfa->members + dfa->member_count, dfa->following, count * sizeof(uint32_t));
	dfa->member_count += count;
	memset(dfa->table + (size_t)*ret_state * dfa->classes, 0, dfa->classes * sizeof(uint32_t));
	return 0;
}

static int start_state(struct grep_dfa *dfa, uint32_t *ret_state, bool *ret_forgot,
	struct peel_error *err)
{
	dfa->following[0] = dfa->program.start;
	return find_state(dfa, 1, dfa->program.line_places ? BESIDE_LINE : BESIDE_OTHER, ret_state,
		ret_forgot, err);
}

/* Bytes of a class do not leave the idle state. */
static void note_idle(struct grep_dfa *dfa, unsigned int class)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		dfa->idles[byte] |= dfa->class_of[byte] == class;
	}
}

/* Fill a cell: where a byte of a class leads to. @return 1 a match, 0 *ret_state is next, or less than 0. */
static int make_cell(struct grep_dfa *dfa, uint32_t from, unsigned int class, uint32_t *ret_state,
	struct peel_error *err)
{
	const unsigned char byte = dfa->byte_of[class];
	enum beside before = beside(dfa, byte);
	uint32_t *cell = &dfa->table[(size_t)from * dfa->classes + class];
	uint32_t reached;
	uint32_t count = 0;
	bool forgot = false;
	int r;

	if (follow(dfa, &dfa->states[from], before, &reached)) {
		*cell = MATCH;
		return 1;
	}
	if (byte == dfa->eol) {
		r = start_state(dfa, ret_state, &forgot, err);
	} else {
		dfa->round++;
		for (uint32_t i = 0; i < reached; i++) {
			const struct grep_step *step = &dfa->program.steps[dfa->reached[i]];

			if (grep_set_has(&dfa->program.sets[step->value], byte) &&
				dfa->mark[step->next] != dfa->round) {
				dfa->mark[step->next] = dfa->round;
				dfa->following[count++] = step->next;
			}
		}
		if (dfa->mark[dfa->program.start] != dfa->round) {
			dfa->following[count++] = dfa->program.start;
		}
		qsort(dfa->following, count, sizeof(*dfa->following), compare_steps);
		r = find_state(dfa, count, before, ret_state, &forgot, err);
	}
	if (r == 0 && !forgot) {
		/* The table may have moved. */
		dfa->table[(size_t)from * dfa->classes + class] = *ret_state * dfa->classes;
		if (*ret_state == from && from * dfa->classes == dfa->idle_row) {
			note_idle(dfa, class);
		}
	}
	return r;
}

int grep_dfa_find(struct grep_dfa *dfa, const char *beg, const char *end, const char **ret_byte,
	struct peel_error *err)
{
	uint32_t state;
	uint32_t row;
	bool forgot;
	int r = start_state(dfa, &state, &forgot, err);

	if (r < 0) {
		return r;
	}
	row = state * dfa->classes;
	for (const char *p = beg; p < end; p++) {
		unsigned int class;
		uint32_t next;

		if (row == dfa->idle_row) {
			while (p < end && dfa->idles[(unsigned char)*p]) {
				p++;
			}
			if (p == end) {
				return 0;
			}
		}
		class = dfa->class_of[(unsigned char)*p];
		next = dfa->table[row + class];

		if (next <= MATCH) {
			r = next == MATCH ? 1
					  : make_cell(dfa, row / dfa->classes, class, &state, err);
			if (r != 0) {
				*ret_byte = p;
				return r;
			}
			next = state * dfa->classes;
		}
		row = next;
	}
	return 0;
}

static int allocate(struct grep_dfa *dfa, struct peel_error *err)
{
	const size_t steps = dfa->program.room;

	dfa->state_count = 2;
	dfa->state_room = FIRST_STATES;
	dfa->member_room = steps + FIRST_MEMBERS;
	dfa->bucket_count = BUCKETS;
	dfa->table = calloc((size_t)dfa->state_room * dfa->classes, sizeof(*dfa->table));
	dfa->states = calloc(dfa->state_room, sizeof(*dfa->states));
	dfa->members = calloc(dfa->member_room, sizeof(*dfa->members));
	dfa->buckets = calloc(dfa->bucket_count, sizeof(*dfa->buckets));
	dfa->reached = calloc(steps, sizeof(*dfa->reached));
	dfa->following = calloc(steps + 1, sizeof(*dfa->following));
	/* Each step is gone from once, and two ways at most. */
	dfa->stack = calloc(2 * steps + 2, sizeof(*dfa->stack));
	dfa->mark = calloc(steps, sizeof(*dfa->mark));
	return dfa->table && dfa->states && dfa->members && dfa->buckets && dfa->reached &&
			dfa->following && dfa->stack && dfa->mark
		? 0
		: peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
}

int grep_dfa_new(const struct grep_tree *tree, char eol, struct grep_dfa **ret_dfa,
	struct peel_error *err)
{
	struct grep_dfa *dfa = calloc(1, sizeof(*dfa));
	int r;

	if (!dfa) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	dfa->eol = (unsigned char)eol;
	r = grep_program_make(&dfa->program, tree, err);
	if (r == 0) {
		make_classes(dfa);
		r = allocate(dfa, err);
	}
	if (r < 0) {
		grep_dfa_free(dfa);
		return r;
	}
	*ret_dfa = dfa;
	return 0;
}

void grep_dfa_free(struct grep_dfa *dfa)
{
	if (dfa) {
		grep_program_finish(&dfa->program);
		free(dfa->table);
		free(dfa->states);
		free(dfa->members);
		free(dfa->buckets);
		free(dfa->reached);
		free(dfa->following);
		free(dfa->stack);
		free(dfa->mark);
		free(dfa);
	}
}
