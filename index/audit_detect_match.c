/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves that are true are listed with what made them so; a table by leaf says which are. Both are as large as the
 * detectors, whatever the image has; forgetting the last thing costs what it had. What is a number (kind, mode, …) is
 * kept as one, and held against a leaf's mask where a rule asks: nearly every file has some, and hundreds of leaves
 * name kinds that next to no rule is triggered by.
 */
#include "audit_detect_match.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "glob.h"
#include "util.h"

/* Most pieces of evidence of one thing: an archive may have a thousand members that match. */
#define ITEMS_MAX 1024

/* A leaf, and a fact that counts for it. */
struct item {
	uint32_t leaf;
	struct peel_evidence evidence;
};

/* What is known of a thing as a number, 0 nothing, and the evidence for it. */
struct number {
	uint64_t bits;
	struct peel_evidence evidence;
};

#define NUMBER_FIRST DETECTOR_TEXTS
#define NUMBER_TYPES (DETECTOR_DANGLING - NUMBER_FIRST + 1)

struct match {
	const struct peel_detectors *detectors;
	const bool *wanted;
	enum detector_subject on;
	/* By leaf: how many facts made it true; of markers, true from so many on. */
	uint32_t *facts;
	/* Leaves with facts. */
	uint32_t *touched;
	size_t touched_count;
	struct item items[ITEMS_MAX];
	size_t item_count;
	/* Rules that were triggered, and by rule whether they are among them. */
	uint32_t *rules;
	size_t rule_count;
	bool *listed;
	/* By type, less NUMBER_FIRST. */
	struct number numbers[NUMBER_TYPES];
	/* By type: whether a wanted rule asks for it; and the leaves that trigger rules. */
	bool asked[DETECTOR_DANGLING + 1];
	struct detector_lists leaves;
	/* What match_text's callback needs. */
	struct peel_evidence evidence;
	struct peel_evidence told[MATCH_EVIDENCE_MAX];
	size_t told_count;
};

static void mark_asked(struct match *match, uint32_t row)
{
	const struct detector_condition *condition = &match->detectors->conditions[row];

	if (condition->op == DETECTOR_LEAF) {
		match->asked[match->detectors->leaves[condition->first].type] = true;
		return;
	}
	for (uint32_t i = 0; i < condition->count; i++) {
		mark_asked(match, condition->first + i);
	}
}

/* Leaves by type that rules are triggered by, so that a number is held against these alone. */
static bool list_leaves(struct match *match)
{
	const struct peel_detectors *detectors = match->detectors;
	const size_t types = DETECTOR_DANGLING + 1;
	uint32_t at = 0;

	match->leaves.start = calloc(types + 1, sizeof(*match->leaves.start));
	match->leaves.items = calloc(detectors->leaf_count + 1, sizeof(*match->leaves.items));
	if (!match->leaves.start || !match->leaves.items) {
		return false;
	}
	for (size_t type = 0; type < types; type++) {
		match->leaves.start[type] = at;
		for (uint32_t i = 0; i < detectors->leaf_count; i++) {
			if (detectors->leaves[i].type == (enum detector_leaf_type)type &&
				detectors->triggers.start[i] < detectors->triggers.start[i + 1]) {
				match->leaves.items[at++] = i;
			}
		}
	}
	match->leaves.start[types] = at;
	return true;
}

static void cleanup_match(struct match **match)
{
	match_free(*match);
}

int match_new(const struct peel_detectors *detectors, const bool *wanted, struct match **ret_match,
	struct peel_error *err)
{
	cleanup(cleanup_match) struct match *match = calloc(1, sizeof(*match));

	if (match) {
		match->detectors = detectors;
		match->wanted = wanted;
		match->facts = calloc(detectors->leaf_count + 1, sizeof(*match->facts));
		match->touched = calloc(detectors->leaf_count + 1, sizeof(*match->touched));
		match->rules = calloc(detectors->rule_count + 1, sizeof(*match->rules));
		match->listed = calloc(detectors->rule_count + 1, sizeof(*match->listed));
	}
	if (!match || !match->facts || !match->touched || !match->rules || !match->listed ||
		!list_leaves(match)) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	for (uint32_t i = 0; i < detectors->rule_count; i++) {
		if (wanted[detectors->rules[i].detector]) {
			mark_asked(match, detectors->rules[i].condition);
		}
	}
	*ret_match = steal_pointer(&match);
	return 0;
}

void match_free(struct match *match)
{
	if (match) {
		free(match->facts);
		free(match->touched);
		free(match->rules);
		free(match->listed);
		free(match->leaves.start);
		free(match->leaves.items);
		free(match);
	}
}

bool match_asks(const struct match *match, enum detector_leaf_type leaf)
{
	return match->asked[leaf];
}

void match_begin(struct match *match, enum detector_subject on)
{
	for (size_t i = 0; i < match->touched_count; i++) {
		match->facts[match->touched[i]] = 0;
	}
	for (size_t i = 0; i < match->rule_count; i++) {
		match->listed[match->rules[i]] = false;
	}
	for (size_t i = 0; i < NUMBER_TYPES; i++) {
		match->numbers[i].bits = 0;
	}
	match->touched_count = 0;
	match->item_count = 0;
	match->rule_count = 0;
	match->on = on;
}

bool match_triggered(const struct match *match)
{
	return match->rule_count > 0;
}

/* Rules that a leaf triggers are to be asked. */
static void trigger(struct match *match, uint32_t leaf)
{
	const struct peel_detectors *detectors = match->detectors;

	for (uint32_t i = detectors->triggers.start[leaf]; i < detectors->triggers.start[leaf + 1];
		i++) {
		const uint32_t rule = detectors->triggers.items[i];

		if (!match->listed[rule] && detectors->rules[rule].on == match->on &&
			match->wanted[detectors->rules[rule].detector]) {
			match->listed[rule] = true;
			match->rules[match->rule_count++] = rule;
		}
	}
}

/* A fact counts for a leaf. */
static void add_fact(struct match *match, uint32_t leaf, const struct peel_evidence *evidence)
{
	if (match->facts[leaf]++ == 0) {
		match->touched[match->touched_count++] = leaf;
		trigger(match, leaf);
	}
	if (match->facts[leaf] <= MATCH_LEAF_EVIDENCE_MAX && match->item_count < ITEMS_MAX) {
		match->items[match->item_count++] = (struct item){leaf, *evidence};
	}
}

static int take_pattern(void *arg, uint32_t id)
{
	struct match *match = arg;
	const struct detector_pattern *pattern = &match->detectors->patterns[id];
	struct peel_evidence evidence = match->evidence;

	evidence.text = evidence.text ? evidence.text : pattern->text;
	add_fact(match, pattern->leaf, &evidence);
	return 0;
}

void match_text(struct match *match, enum detector_leaf_type leaf, const char *name, size_t len,
	const char *type, const char *shown, int64_t offset)
{
	struct glob_set *set = match->detectors->sets[leaf];

	if (set && match->asked[leaf]) {
		match->evidence = (struct peel_evidence){type, shown, offset};
		glob_set_match(set, name, len, take_pattern, match);
	}
}

/* What is known as a number of what a leaf asks; NULL: its type is none. */
static const struct number *number_of(const struct match *match, const struct detector_leaf *leaf)
{
	switch (leaf->type) {
	case DETECTOR_KIND:
	case DETECTOR_ELF:
	case DETECTOR_MODE:
	case DETECTOR_BUNDLE:
	case DETECTOR_DANGLING:
		return &match->numbers[leaf->type - NUMBER_FIRST];
	default:
		return NULL;
	}
}

static bool number_holds(const struct number *number, const struct detector_leaf *leaf)
{
	return number->bits & (leaf->type == DETECTOR_DANGLING ? UINT64_MAX : leaf->mask);
}

void match_bits(struct match *match, enum detector_leaf_type leaf, uint64_t bits, const char *type,
	const char *shown)
{
	const struct detector_lists *lists = &match->leaves;
	struct number *number = &match->numbers[leaf - NUMBER_FIRST];

	*number = (struct number){bits, {type, shown, -1}};
	for (uint32_t i = lists->start[leaf]; i < lists->start[leaf + 1]; i++) {
		if (number_holds(number, &match->detectors->leaves[lists->items[i]])) {
			trigger(match, lists->items[i]);
		}
	}
}

void match_marker(struct match *match, const char *name, const char *shown, int64_t offset)
{
	const struct peel_detectors *detectors = match->detectors;
	const struct peel_evidence evidence = {"marker", shown ? shown : name, offset};
	size_t low = 0;
	size_t high = detectors->marker_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(detectors->markers[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == detectors->marker_count || strcmp(detectors->markers[low].name, name) != 0) {
		return;
	}
	for (uint32_t i = detectors->marker_leaves_of.start[low];
		i < detectors->marker_leaves_of.start[low + 1]; i++) {
		add_fact(match, detectors->marker_leaves_of.items[i], &evidence);
	}
}

void match_symbol(struct match *match, const char *name, bool defined)
{
	const struct peel_detectors *detectors = match->detectors;
	const struct peel_evidence evidence = {"symbol", name, -1};

	for (size_t i = 0; i < detectors->symbol_count; i++) {
		const struct detector_pattern *symbol = &detectors->symbols[i];
		const size_t len = strcspn(symbol->text, "*");

		if ((detectors->leaves[symbol->leaf].type == DETECTOR_SYMBOL) == defined &&
			strncmp(symbol->text, name, len) == 0 &&
			(symbol->text[len] || !name[len])) {
			add_fact(match, symbol->leaf, &evidence);
		}
	}
}

static bool leaf_holds(const struct match *match, uint32_t leaf)
{
	const struct detector_leaf *one = &match->detectors->leaves[leaf];
	const struct number *number = number_of(match, one);

	return number ? number_holds(number, one)
		      : match->facts[leaf] >= (one->type == DETECTOR_MARKER ? one->least : 1);
}

/* Conditions nest no deeper than the document that they come from. */
static bool holds(const struct match *match, uint32_t row)
{
	const struct detector_condition *condition = &match->detectors->conditions[row];

	if (condition->op == DETECTOR_LEAF) {
		return leaf_holds(match, condition->first);
	}
	for (uint32_t i = 0; i < condition->count; i++) {
		const bool one = holds(match, condition->first + i);

		if (one != (condition->op == DETECTOR_ALL)) {
			return condition->op == DETECTOR_ANY;
		}
	}
	return condition->op != DETECTOR_ANY;
}

/* Two leaves may have the same evidence. */
static bool is_told(const struct match *match, const struct peel_evidence *evidence)
{
	for (size_t i = 0; i < match->told_count; i++) {
		const struct peel_evidence *told = &match->told[i];

		if (told->offset == evidence->offset && strcmp(told->type, evidence->type) == 0 &&
			strcmp(told->text, evidence->text) == 0) {
			return true;
		}
	}
	return false;
}

static void tell_evidence(struct match *match, const struct peel_evidence *evidence)
{
	if (match->told_count < MATCH_EVIDENCE_MAX && !is_told(match, evidence)) {
		match->told[match->told_count++] = *evidence;
	}
}

static void tell_leaf(struct match *match, uint32_t leaf)
{
	const struct number *number = number_of(match, &match->detectors->leaves[leaf]);

	if (number) {
		tell_evidence(match, &number->evidence);
	}
	for (size_t i = 0; i < match->item_count; i++) {
		if (match->items[i].leaf == leaf) {
			tell_evidence(match, &match->items[i].evidence);
		}
	}
}

/* Evidence of all that holds in a condition that does. */
static void tell(struct match *match, uint32_t row)
{
	const struct detector_condition *condition = &match->detectors->conditions[row];

	if (condition->op == DETECTOR_LEAF) {
		tell_leaf(match, condition->first);
		return;
	}
	for (uint32_t i = 0; condition->op != DETECTOR_NOT && i < condition->count; i++) {
		if (holds(match, condition->first + i)) {
			tell(match, condition->first + i);
		}
	}
}

static int compare_rules(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

int match_finish(struct match *match, match_fn *each, void *arg)
{
	const struct detector_rule *rules = match->detectors->rules;
	uint32_t done = UINT32_MAX;
	int r = 0;

	if (match->rule_count > 1) {
		qsort(match->rules, match->rule_count, sizeof(*match->rules), compare_rules);
	}
	for (size_t i = 0; r >= 0 && i < match->rule_count; i++) {
		const struct detector_rule *rule = &rules[match->rules[i]];

		if (rule->detector == done || !holds(match, rule->condition)) {
			continue;
		}
		done = rule->detector;
		if (rule->tier) {
			match->told_count = 0;
			tell(match, rule->condition);
			r = each(arg, match->rules[i], match->told, match->told_count);
		}
	}
	return r;
}
