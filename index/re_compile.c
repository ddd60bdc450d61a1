/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a tree to a program for a machine that is in many places at once, and to classes of runes.
 *
 *   runes 0 ……………… 10FFFF cut at every begin and end of a set: what is between two cuts is one class
 *   set      [a-c]    ─► the classes that it holds, a bit each
 *   a{1,2}b           ─► set a · split +1 +2 · set a · set b · match
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "re_priv.h"
#include "util.h"

struct compiler {
	struct re *re;
	struct peel_error *err;
};

static int emit(struct compiler *compiler, enum re_op op, uint32_t x, uint32_t y)
{
	struct re *re = compiler->re;

	if (re->length == RE_PROGRAM_MAX) {
		return peel_fail(compiler->err, PEEL_ELIMIT, "the pattern is too large");
	}
	if (!grow_array(&re->program, re->length, &re->room, sizeof(*re->program))) {
		return peel_fail(compiler->err, PEEL_ENOMEM, "no memory");
	}
	re->program[re->length++] = (struct re_instruction){op, x, y};
	return 0;
}

static int compile(struct compiler *compiler, uint32_t number);

/* Any number of times, also none: L: split L+1, end; …; jump L. */
static int compile_star(struct compiler *compiler, uint32_t inner)
{
	struct re *re = compiler->re;
	const uint32_t split = (uint32_t)re->length;
	int code = emit(compiler, RE_OP_SPLIT, split + 1, 0);

	if (code == 0) {
		code = compile(compiler, inner);
	}
	if (code == 0) {
		code = emit(compiler, RE_OP_JUMP, split, 0);
	}
	if (code == 0) {
		re->program[split].y = (uint32_t)re->length;
	}
	return code;
}

/* Those that must be, then nested ones that may be, or a star. */
static int compile_repeat(struct compiler *compiler, const struct re_node *node)
{
	struct re *re = compiler->re;
	const struct re_node repeat = *node;
	const size_t room = repeat.max > repeat.min ? (size_t)(repeat.max - repeat.min) : 0;
	cleanup_free uint32_t *splits = calloc(room + 1, sizeof(*splits));
	int code = splits ? 0 : peel_fail(compiler->err, PEEL_ENOMEM, "no memory");

	for (int i = 0; code == 0 && i < repeat.min; i++) {
		code = compile(compiler, repeat.a);
	}
	if (code == 0 && repeat.max < 0) {
		return compile_star(compiler, repeat.a);
	}
	for (size_t i = 0; code == 0 && i < room; i++) {
		splits[i] = (uint32_t)re->length;
		code = emit(compiler, RE_OP_SPLIT, splits[i] + 1, 0);
		if (code == 0) {
			code = compile(compiler, repeat.a);
		}
	}
	for (size_t i = 0; code == 0 && i < room; i++) {
		re->program[splits[i]].y = (uint32_t)re->length;
	}
	return code;
}

/*
 * split first, next; first; jump end; next: …; end. The jumps are chained through their targets until
 * the end is known.
 */
static int compile_alternatives(struct compiler *compiler, uint32_t number)
{
	struct re *re = compiler->re;
	uint32_t chain = UINT32_MAX;
	int code = 0;

	while (code == 0 && re->nodes[number].type == RE_ALT) {
		const uint32_t split = (uint32_t)re->length;

		code = emit(compiler, RE_OP_SPLIT, split + 1, 0);
		if (code == 0) {
			code = compile(compiler, re->nodes[number].a);
		}
		if (code == 0) {
			code = emit(compiler, RE_OP_JUMP, chain, 0);
		}
		if (code == 0) {
			chain = (uint32_t)re->length - 1;
			re->program[split].y = (uint32_t)re->length;
			number = re->nodes[number].b;
		}
	}
	if (code == 0) {
		code = compile(compiler, number);
	}
	while (code == 0 && chain != UINT32_MAX) {
		const uint32_t next = re->program[chain].x;

		re->program[chain].x = (uint32_t)re->length;
		chain = next;
	}
	return code;
}

static int compile_assert(struct compiler *compiler, uint32_t what)
{
	struct re *re = compiler->re;

	re->asks_begin = re->asks_begin || what == RE_BEGIN_TEXT || what == RE_BEGIN_LINE;
	re->asks_line = re->asks_line || what == RE_BEGIN_LINE || what == RE_END_LINE;
	re->asks_word = re->asks_word || what == RE_WORD || what == RE_NO_WORD;
	return emit(compiler, RE_OP_ASSERT, what, 0);
}

static int compile(struct compiler *compiler, uint32_t number)
{
	const struct re *re = compiler->re;
	int code = 0;

	while (code == 0 && re->nodes[number].type == RE_CAT) {
		code = compile(compiler, re->nodes[number].a);
		number = re->nodes[number].b;
	}
	if (code < 0) {
		return code;
	}
	switch (re->nodes[number].type) {
	case RE_SET:
		return emit(compiler, RE_OP_SET, re->nodes[number].a, 0);
	case RE_ASSERT:
		return compile_assert(compiler, re->nodes[number].a);
	case RE_ALT:
		return compile_alternatives(compiler, number);
	case RE_REPEAT:
		return compile_repeat(compiler, &re->nodes[number]);
	default:
		return 0;
	}
}

/* --- classes --- */

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* The cuts: where sets begin and end, and what assertions tell apart. */
static int find_classes(struct re *re, struct peel_error *err)
{
	static const uint32_t asked[] = {
		0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1};
	size_t count = 0;
	size_t kept = 1;

	re->starts = calloc(2 * re->range_count + countof(asked), sizeof(*re->starts));
	if (!re->starts) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < (re->asks_word ? countof(asked) : re->asks_line ? 3 : 1); i++) {
		re->starts[count++] = asked[i];
	}
	for (size_t i = 0; i < re->range_count; i++) {
		re->starts[count++] = re->ranges[i].low;
		if (re->ranges[i].high < RE_RUNE_MAX) {
			re->starts[count++] = re->ranges[i].high + 1;
		}
	}
	qsort(re->starts, count, sizeof(*re->starts), compare);
	for (size_t i = 1; i < count; i++) {
		if (re->starts[i] != re->starts[kept - 1]) {
			re->starts[kept++] = re->starts[i];
		}
	}
	re->class_count = kept;
	return kept <= UINT16_MAX ? 0 : peel_fail(err, PEEL_ELIMIT, "the pattern is too large");
}

static int find_members(struct re *re, struct peel_error *err)
{
	const size_t bits = re->set_count * re->class_count;
	size_t at = 0;

	if (bits > RE_BITS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "the pattern is too large");
	}
	re->bits = calloc(bits / 8 + 1, 1);
	if (!re->bits) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (uint32_t rune = 0; rune < 128; rune++) {
		while (at + 1 < re->class_count && re->starts[at + 1] <= rune) {
			at++;
		}
		re->ascii[rune] = (uint16_t)at;
	}
	for (size_t s = 0; s < re->set_count; s++) {
		for (size_t r = 0; r < re->sets[s].count; r++) {
			const struct re_range *range = &re->ranges[re->sets[s].first + r];

			for (size_t c = re_class_of(re, range->low);
				c < re->class_count && re->starts[c] <= range->high; c++) {
				const size_t bit = s * re->class_count + c;

				re->bits[bit / 8] |= (unsigned char)(1u << bit % 8);
			}
		}
	}
	return 0;
}

void re_free(struct re *re)
{
	if (!re) {
		return;
	}
	free(re->nodes);
	free(re->ranges);
	free(re->sets);
	free(re->program);
	free(re->starts);
	free(re->bits);
	free(re);
}

static void cleanup_re(struct re **re)
{
	re_free(*re);
}

int re_compile(const char *pattern, size_t len, struct re **ret_re, struct peel_error *err)
{
	cleanup(cleanup_re) struct re *re = calloc(1, sizeof(*re));
	struct compiler compiler = {.re = re, .err = err};
	uint32_t root;
	int code;

	if (!re) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	code = re_parse(re, pattern, len, &root, err);
	if (code == 0) {
		code = compile(&compiler, root);
	}
	if (code == 0) {
		code = emit(&compiler, RE_OP_MATCH, 0, 0);
	}
	if (code == 0) {
		code = find_classes(re, err);
	}
	if (code == 0) {
		code = find_members(re, err);
	}
	if (code == 0) {
		*ret_re = steal_pointer(&re);
	}
	return code;
}
