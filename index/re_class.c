/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of runes. Cases fold as Go's do: K has a third one, the Kelvin sign, and S the long s. */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "re_priv.h"
#include "util.h"

#define KELVIN 0x212Au
#define LONG_S 0x17Fu

static const uint32_t digits[] = {'0', '9'};
static const uint32_t spaces[] = {'\t', '\n', '\f', '\r', ' ', ' '};
static const uint32_t word[] = {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'};
static const uint32_t alnum[] = {'0', '9', 'A', 'Z', 'a', 'z'};
static const uint32_t alpha[] = {'A', 'Z', 'a', 'z'};
static const uint32_t ascii[] = {0, 0x7F};
static const uint32_t blank[] = {'\t', '\t', ' ', ' '};
static const uint32_t cntrl[] = {0, 0x1F, 0x7F, 0x7F};
static const uint32_t graph[] = {'!', '~'};
static const uint32_t lower[] = {'a', 'z'};
static const uint32_t print[] = {' ', '~'};
static const uint32_t punct[] = {'!', '/', ':', '@', '[', '`', '{', '~'};
static const uint32_t space[] = {'\t', '\r', ' ', ' '};
static const uint32_t upper[] = {'A', 'Z'};
static const uint32_t xdigit[] = {'0', '9', 'A', 'F', 'a', 'f'};

static const struct {
	const char *name;
	const uint32_t *pairs;
	size_t count;
} posix[] = {
	{"alnum", alnum, countof(alnum) / 2},
	{"alpha", alpha, countof(alpha) / 2},
	{"ascii", ascii, countof(ascii) / 2},
	{"blank", blank, countof(blank) / 2},
	{"cntrl", cntrl, countof(cntrl) / 2},
	{"digit", digits, countof(digits) / 2},
	{"graph", graph, countof(graph) / 2},
	{"lower", lower, countof(lower) / 2},
	{"print", print, countof(print) / 2},
	{"punct", punct, countof(punct) / 2},
	{"space", space, countof(space) / 2},
	{"upper", upper, countof(upper) / 2},
	{"word", word, countof(word) / 2},
	{"xdigit", xdigit, countof(xdigit) / 2},
};

const uint32_t *re_perl_class(char letter, size_t *ret_count)
{
	switch (letter) {
	case 'd':
		*ret_count = countof(digits) / 2;
		return digits;
	case 's':
		*ret_count = countof(spaces) / 2;
		return spaces;
	case 'w':
		*ret_count = countof(word) / 2;
		return word;
	default:
		return NULL;
	}
}

const uint32_t *re_posix_class(const char *name, size_t len, size_t *ret_count)
{
	for (size_t i = 0; i < countof(posix); i++) {
		if (strlen(posix[i].name) == len && memcmp(posix[i].name, name, len) == 0) {
			*ret_count = posix[i].count;
			return posix[i].pairs;
		}
	}
	return NULL;
}

static int add_plain(struct re_builder *builder, uint32_t low, uint32_t high,
	struct peel_error *err)
{
	if (!grow_array(&builder->ranges, builder->count, &builder->room,
		    sizeof(*builder->ranges))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	builder->ranges[builder->count++] = (struct re_range){low, high};
	return 0;
}

/* The part of a range within one of the alphabets, moved to the other. */
static int add_case(struct re_builder *builder, uint32_t low, uint32_t high, uint32_t first,
	uint32_t other, struct peel_error *err)
{
	const uint32_t from = low > first ? low : first;
	const uint32_t to = high < first + 25 ? high : first + 25;
	int code = 0;

	if (from > to) {
		return 0;
	}
	code = add_plain(builder, from - first + other, to - first + other, err);
	if (code == 0 && from - first <= 'k' - 'a' && to - first >= 'k' - 'a') {
		code = add_plain(builder, KELVIN, KELVIN, err);
	}
	if (code == 0 && from - first <= 's' - 'a' && to - first >= 's' - 'a') {
		code = add_plain(builder, LONG_S, LONG_S, err);
	}
	return code;
}

int re_builder_add(struct re_builder *builder, uint32_t low, uint32_t high, bool fold,
	struct peel_error *err)
{
	int code;

	if (fold && high >= 128) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"letters beyond ASCII in any case, (?i), are not known here");
	}
	code = add_plain(builder, low, high, err);
	if (code == 0 && fold) {
		code = add_case(builder, low, high, 'a', 'A', err);
	}
	return code == 0 && fold ? add_case(builder, low, high, 'A', 'a', err) : code;
}

int re_builder_pairs(struct re_builder *builder, const uint32_t *pairs, size_t count, bool negated,
	bool fold, struct peel_error *err)
{
	struct re_builder inner = {0};
	struct re_builder *into = negated ? &inner : builder;
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++) {
		code = re_builder_add(into, pairs[2 * i], pairs[2 * i + 1], fold, err);
	}
	if (code == 0 && negated) {
		code = re_builder_negate(&inner, err);
	}
	for (size_t i = 0; code == 0 && i < inner.count; i++) {
		code = add_plain(builder, inner.ranges[i].low, inner.ranges[i].high, err);
	}
	free(inner.ranges);
	return code;
}

static int compare(const void *a, const void *b)
{
	const struct re_range *x = a;
	const struct re_range *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

/* In order, and none touching the next. */
static void clean(struct re_builder *builder)
{
	size_t kept = 0;

	if (builder->count == 0) {
		return;
	}
	qsort(builder->ranges, builder->count, sizeof(*builder->ranges), compare);
	for (size_t i = 1; i < builder->count; i++) {
		struct re_range *last = &builder->ranges[kept];

		if (builder->ranges[i].low <= last->high + 1) {
			last->high = last->high > builder->ranges[i].high ? last->high
									  : builder->ranges[i].high;
		} else {
			builder->ranges[++kept] = builder->ranges[i];
		}
	}
	builder->count = kept + 1;
}

int re_builder_negate(struct re_builder *builder, struct peel_error *err)
{
	struct re_builder inverse = {0};
	uint32_t next = 0;
	int code = 0;

	clean(builder);
	for (size_t i = 0; code == 0 && i < builder->count; i++) {
		if (builder->ranges[i].low > next) {
			code = add_plain(&inverse, next, builder->ranges[i].low - 1, err);
		}
		next = builder->ranges[i].high + 1;
	}
	if (code == 0 && next <= RE_RUNE_MAX) {
		code = add_plain(&inverse, next, RE_RUNE_MAX, err);
	}
	free(builder->ranges);
	*builder = inverse;
	return code;
}

int re_builder_finish(struct re_builder *builder, struct re *re, uint32_t *ret_set,
	struct peel_error *err)
{
	clean(builder);
	if (!grow_array(&re->sets, re->set_count, &re->set_room, sizeof(*re->sets))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*ret_set = (uint32_t)re->set_count;
	re->sets[re->set_count++] = (struct re_set){re->range_count, builder->count};
	for (size_t i = 0; i < builder->count; i++) {
		if (!grow_array(&re->ranges, re->range_count, &re->range_room,
			    sizeof(*re->ranges))) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		re->ranges[re->range_count++] = builder->ranges[i];
	}
	return 0;
}
