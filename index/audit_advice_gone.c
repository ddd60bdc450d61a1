/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who does not install a compiler does not get what it needs either: of a package that goes, all go that nothing else
 * needs. Which of the packages that were asked for a rule is about is told by most bytes of their files; a package
 * without files of its own (build-essential) is about what most of its needs are about.
 *
 * Rules help each other: what git recommends and the compiler needs goes only with both. So of every set of the few
 * rules that take packages away it is reckoned which packages are left, and a package has a bit for each set.
 */
#include <string.h>

#include <peel/error.h>

#include "audit_advice_priv.h"
#include "util.h"

/* How far a package without files is followed, and how many of its needs are asked. */
#define DEPTH_MAX 3
#define NEEDS_MAX 8

/* Of a package: bytes of its files by the rule that is about them; the last is what no such rule is about. */
struct weight {
	uint64_t bytes[ADVICE_PACKAGE_RULES + 1];
};

struct going {
	struct advising *a;
	struct weight *weights;
	/** By node: the bit of its rule. */
	uint8_t *without, *there, *first;
	uint8_t *bits;
};

static void going_finish(struct going *g)
{
	free(g->weights);
	free(g->without);
	free(g->there);
	free(g->first);
	free(g->bits);
}

static void weigh(struct going *g)
{
	const struct advising *a = g->a;

	for (size_t i = 0; i < a->sums.count; i++) {
		const struct advice_sum *sum = &a->sums.items[i];
		const struct advice_key *key = &sum->key;
		int bit = key->category_rule ? a->rules.rules[key->category_rule - 1].package_bit
					     : ADVICE_PACKAGE_RULES;

		/* What other rules are about (documentation, bytecode) every package has. */
		if (key->node != ADVICE_NO_NODE && !(key->flags & ADVICE_IS_NEUTRAL) && bit >= 0) {
			sum_add(&g->weights[key->node].bytes[bit], sum->bytes);
		}
	}
}

/* The rule that a package is about, -1: none. */
static int rule_of(const struct going *g, uint32_t node, int depth)
{
	const struct weight *weight = &g->weights[node];
	unsigned votes[ADVICE_PACKAGE_RULES + 1] = {0};
	unsigned needs = 0;
	uint64_t all = 0;

	for (size_t i = 0; i < countof(weight->bytes); i++) {
		sum_add(&all, weight->bytes[i]);
	}
	for (int i = 0; all > 0 && i < ADVICE_PACKAGE_RULES; i++) {
		if (weight->bytes[i] > all / 2) {
			return i;
		}
	}
	if (all > 0 || depth == DEPTH_MAX) {
		return -1;
	}
	for (size_t i = 0; needs < NEEDS_MAX; i++) {
		uint32_t need = advice_graph_need(g->a->graph, node, i);
		int rule;

		if (need == ADVICE_NO_NODE) {
			break;
		}
		rule = rule_of(g, need, depth + 1);
		needs++;
		votes[rule < 0 ? ADVICE_PACKAGE_RULES : rule]++;
	}
	for (int i = 0; i < ADVICE_PACKAGE_RULES; i++) {
		if (votes[i] > 0 && 2 * votes[i] >= needs) {
			return i;
		}
	}
	return -1;
}

static void set_bits(struct going *g)
{
	uint32_t count = advice_graph_count(g->a->graph);

	for (uint32_t node = 0; node < count; node++) {
		int rule = advice_graph_is_asked(g->a->graph, node) ? rule_of(g, node, 0) : -1;

		g->bits[node] = rule < 0 ? 0 : (uint8_t)(1u << rule);
	}
}

/* Which packages are gone when a set of rules is followed. */
static int follow(struct going *g, unsigned set)
{
	struct advising *a = g->a;
	uint32_t count = advice_graph_count(a->graph);
	bool recommends = true;
	int r;

	for (int i = 0; i < a->rules.package_rule_count; i++) {
		bool is_it = a->rules.rules[a->rules.package_rules[i]].what == ADVICE_RECOMMENDS;

		recommends = recommends && !(is_it && set & 1u << i);
	}
	for (uint32_t node = 0; node < count; node++) {
		g->without[node] = (g->bits[node] & set) != 0;
	}
	r = advice_graph_reach(a->graph, g->without, recommends, set ? g->there : g->first, a->err);
	for (uint32_t node = 0; r == 0 && set && node < count; node++) {
		bool gone = g->first[node] && !g->there[node];

		/* What goes with fewer rules goes with more, whatever the choice among alternatives. */
		for (unsigned bit = 1; bit < ADVICE_SETS; bit <<= 1) {
			gone = gone || (set & bit && a->gone[node] & 1u << (set & ~bit));
		}
		a->gone[node] |= (uint8_t)(gone ? 1u << set : 0);
	}
	return r;
}

int advice_gone(struct advising *a)
{
	cleanup(going_finish) struct going g = {.a = a};
	size_t count = a->graph ? advice_graph_count(a->graph) : 0;
	int r = 0;

	if (count == 0) {
		return 0;
	}
	a->gone = calloc(count, sizeof(*a->gone));
	g.weights = calloc(count, sizeof(*g.weights));
	g.without = calloc(count, 1);
	g.there = calloc(count, 1);
	g.first = calloc(count, 1);
	g.bits = calloc(count, 1);
	if (!a->gone || !g.weights || !g.without || !g.there || !g.first || !g.bits) {
		return peel_fail(a->err, PEEL_ENOMEM, "no memory");
	}
	weigh(&g);
	set_bits(&g);
	for (unsigned set = 0; r == 0 && set < 1u << a->rules.package_rule_count; set++) {
		r = follow(&g, set);
	}
	return r;
}
