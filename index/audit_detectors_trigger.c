/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which leaves must be looked at for a rule. A rule cannot hold unless one of its triggers is true: of "all" the
 * triggers of one child are enough, of "any" those of every child are needed, of "not" there are none. The
 * child of "all"
 * is the one whose triggers are true least often: a marker before a name, a name before a kind, which every second file
 * has. So the hundreds of rules cost a file with nothing to tell next to nothing.
 */
#include <stdlib.h>

#include "audit_detectors_priv.h"
#include "util.h"

/* How often a leaf is true, in classes; NEVER stands for what triggers nothing. */
#define COST_RARE 1
#define COST_NAME 2
#define COST_COMMON 3
#define COST_NEVER 100

static int cost_of_leaf(const struct detector_leaf *leaf)
{
	switch (leaf->type) {
	case DETECTOR_KIND:
	case DETECTOR_ELF:
	case DETECTOR_MODE:
	case DETECTOR_PACKAGE_DB:
	case DETECTOR_DANGLING:
		return COST_COMMON;
	case DETECTOR_PATH:
	case DETECTOR_TARGET:
		return COST_NAME;
	default:
		return COST_RARE;
	}
}

/* Conditions nest no deeper than the document that they come from. */
static int cost_of(const struct peel_detectors *detectors, uint32_t row)
{
	const struct detector_condition *condition = &detectors->conditions[row];
	int cost = condition->op == DETECTOR_ALL ? COST_NEVER : 0;

	if (condition->op == DETECTOR_LEAF) {
		return cost_of_leaf(&detectors->leaves[condition->first]);
	}
	if (condition->op == DETECTOR_NOT) {
		return COST_NEVER;
	}
	for (uint32_t i = 0; i < condition->count; i++) {
		const int one = cost_of(detectors, condition->first + i);

		cost = condition->op == DETECTOR_ALL ? (one < cost ? one : cost)
						     : (one > cost ? one : cost);
	}
	return cost;
}

/* Call for each trigger of a condition: count it, or put it in its place. */
static void walk(const struct peel_detectors *detectors, uint32_t row, uint32_t rule,
	const struct detector_lists *lists, uint32_t *used)
{
	const struct detector_condition *condition = &detectors->conditions[row];
	uint32_t best = 0;

	if (condition->op == DETECTOR_LEAF) {
		if (lists->items) {
			lists->items[lists->start[condition->first] + used[condition->first]] =
				rule;
		}
		used[condition->first]++;
		return;
	}
	for (uint32_t i = 0; i < condition->count; i++) {
		if (condition->op == DETECTOR_ANY) {
			walk(detectors, condition->first + i, rule, lists, used);
		} else if (cost_of(detectors, condition->first + i) <
			cost_of(detectors, condition->first + best)) {
			best = i;
		}
	}
	if (condition->op == DETECTOR_ALL) {
		walk(detectors, condition->first + best, rule, lists, used);
	}
}

static void walk_rules(const struct peel_detectors *detectors, const struct detector_lists *lists,
	uint32_t *used)
{
	for (uint32_t i = 0; i < detectors->rule_count; i++) {
		walk(detectors, detectors->rules[i].condition, i, lists, used);
	}
}

bool detector_has_triggers(const struct peel_detectors *detectors, uint32_t condition)
{
	return cost_of(detectors, condition) < COST_NEVER;
}

int detector_triggers(struct peel_detectors *detectors, struct peel_error *err)
{
	struct detector_lists *lists = &detectors->triggers;
	cleanup_free uint32_t *used = calloc(detectors->leaf_count + 1, sizeof(*used));

	lists->start = calloc(detectors->leaf_count + 1, sizeof(*lists->start));
	if (!used || !lists->start) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	walk_rules(detectors, lists, used);
	for (size_t i = 0; i < detectors->leaf_count; i++) {
		lists->start[i + 1] = lists->start[i] + used[i];
		used[i] = 0;
	}
	lists->items = calloc((size_t)lists->start[detectors->leaf_count] + 1,
		sizeof(*lists->items));
	if (!lists->items) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	walk_rules(detectors, lists, used);
	return 0;
}
