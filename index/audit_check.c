/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies against images.
 *
 *   peel_detect ─┐            ┌─► rules of detectors
 *   the tree ────┼─► one pass ┼─► rules of paths; files for content rules
 *   the ledger ──┘            └─► limits, waste, categories
 *   then every other rule by itself, and the results in order of the file
 *
 * A verdict is believed only where all was seen. What is found is found, whatever else could not be read, so a
 * violated rule is violated; a rule that nothing violates in an image that could not be read in part is undecided,
 * as is one that asks for facts where these are not all. A missing path may be in a missing layer: what is required
 * and not there is then undecided too.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "audit_check_priv.h"
#include "glob.h"
#include "util.h"

/* What a type of rule rests on, and who asks it. */
static const struct {
	int (*ask)(struct check *check, const struct policy_rule *rule);
	/* The tree of files: undecided where layers are missing. Facts; databases of packages. */
	bool files, facts, packages;
} types[POLICY_TYPES] = {
	[POLICY_DETECT] = {NULL, true, true, false},
	[POLICY_PATH] = {NULL, true, false, false},
	[POLICY_CONTENT] = {NULL, true, false, false},
	[POLICY_PACKAGE] = {check_package, true, true, true},
	[POLICY_CONFIG] = {check_config, false, false, false},
	[POLICY_SQL] = {check_sql, true, true, true},
	[POLICY_LIMIT] = {check_limit, true, false, false},
	[POLICY_WASTE] = {check_waste, true, true, false},
	[POLICY_WASTE_PATH] = {check_waste_path, true, true, false},
	[POLICY_CATEGORY] = {check_category, true, true, false},
	[POLICY_BUDGET] = {check_budget, true, false, false},
	[POLICY_PLATFORM] = {check_platform, false, false, false},
	[POLICY_COMPLETE] = {NULL, true, true, false},
	[POLICY_EXPANDED] = {NULL, true, true, false},
	[POLICY_CST_EXISTENCE] = {check_cst_existence, true, false, false},
	[POLICY_CST_CONTENT] = {check_cst_content, true, false, false},
	[POLICY_CST_METADATA] = {check_config, false, false, false},
	[POLICY_CST_LICENSE] = {check_cst_license, true, false, false},
	[POLICY_CST_COMMAND] = {check_cst_command, false, false, false},
	[POLICY_DIVE_EFFICIENCY] = {check_dive, true, false, false},
	[POLICY_DIVE_BYTES] = {check_dive, true, false, false},
	[POLICY_DIVE_PERCENT] = {check_dive, true, false, false},
};

static int compare_violations(const void *a, const void *b)
{
	const struct peel_violation *x = a;
	const struct peel_violation *y = b;
	const char *left = x->path_count ? x->paths[0] : "";
	const char *right = y->path_count ? y->paths[0] : "";
	int order = strcmp(left, right);

	order = order ? order : (x->layer > y->layer) - (x->layer < y->layer);
	return order ? order : strcmp(x->what, y->what);
}

/* Whether nothing can be said of a rule that nothing violates; *ret_why is for people. */
static bool undecided(const struct check *check, const struct policy_rule *rule,
	const char **ret_why)
{
	if (types[rule->type].files && !peel_index_complete(check->index)) {
		*ret_why = "part of the image could not be read";
		return true;
	}
	if (types[rule->type].facts && *peel_facts_incomplete_reasons(check->index)) {
		*ret_why = "not all contents could be looked at";
		return true;
	}
	for (uint32_t i = 0; types[rule->type].packages && i < peel_package_db_count(check->index);
		i++) {
		if (*peel_package_db_get(check->index, i)->problem) {
			*ret_why = "a package database could not be read";
			return true;
		}
	}
	return false;
}

static bool is_requirement(const struct policy_rule *rule)
{
	return rule->required || rule->type == POLICY_CST_EXISTENCE ||
		rule->type == POLICY_CST_CONTENT;
}

static enum peel_result_state decide(struct check *check, const struct policy_rule *rule,
	const char **ret_why)
{
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	const bool open = undecided(check, rule, ret_why);
	const bool violated = outcome->total > 0 && !(open && is_requirement(rule));

	if (outcome->skipped) {
		return PEEL_RESULT_SKIP;
	}
	if (violated && rule->type != POLICY_EXPANDED) {
		return rule->warn ? PEEL_RESULT_WARN : PEEL_RESULT_FAIL;
	}
	return outcome->unsure || open ? PEEL_RESULT_UNSURE : PEEL_RESULT_PASS;
}

static const char *detail_of(struct check *check, const struct policy_rule *rule,
	enum peel_result_state state, const char *why, char *buf, size_t size)
{
	const struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	size_t len;

	if (state == PEEL_RESULT_UNSURE && !outcome->unsure) {
		snprintf(buf, size, "%s%s%s", why, outcome->detail ? ": " : "",
			outcome->detail ? outcome->detail : "");
		return buf;
	}
	if (outcome->total > 0) {
		len = (size_t)snprintf(buf, size, "%zu found%s%s", outcome->total,
			outcome->detail ? "; " : "", outcome->detail ? outcome->detail : "");
	} else if (outcome->detail) {
		len = (size_t)snprintf(buf, size, "%s", outcome->detail);
	} else {
		len = (size_t)snprintf(buf, size, "%s",
			types[rule->type].ask == check_config || rule->type == POLICY_COMPLETE ||
					rule->type == POLICY_EXPANDED ||
					rule->type >= POLICY_CST_EXISTENCE
				? "so it is"
				: rule->required ? "found"
						 : "none found");
	}
	if (outcome->allowed > 0 && len < size) {
		len += (size_t)snprintf(buf + len, size - len, ", %zu allowed", outcome->allowed);
	}
	if (outcome->expired && len < size) {
		snprintf(buf + len, size - len, "; the exception of line %d expired on %s",
			outcome->expired->line, outcome->expired->until);
	}
	return buf;
}

static void count(struct peel_check_summary *summary, enum peel_result_state state)
{
	size_t *const counters[] = {
		[PEEL_RESULT_PASS] = &summary->passed,
		[PEEL_RESULT_FAIL] = &summary->failed,
		[PEEL_RESULT_WARN] = &summary->warned,
		[PEEL_RESULT_SKIP] = &summary->skipped,
		[PEEL_RESULT_UNSURE] = &summary->unsure,
	};

	++*counters[state];
}

static int tell(struct check *check, const struct policy_rule *rule, peel_result_fn *each,
	void *arg, struct peel_check_summary *summary)
{
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	const char *why = "";
	const enum peel_result_state state = decide(check, rule, &why);
	char detail[CHECK_TEXT_MAX];
	struct peel_result result = {
		.id = policy_rule_id(rule),
		.file = check->policy->file,
		.line = rule->line,
		.rule = rule->where,
		.title = rule->title,
		.detail = detail_of(check, rule, state, why, detail, sizeof(detail)),
		.state = state,
		.violations = outcome->violations,
		.violation_count = outcome->count,
		.allowed = outcome->allowed,
		.omitted = outcome->total - outcome->count,
	};

	if (outcome->count > 1) {
		qsort(outcome->violations, outcome->count, sizeof(*outcome->violations),
			compare_violations);
	}
	count(summary, state);
	if (state == PEEL_RESULT_UNSURE && outcome->unsure) {
		char reason[CHECK_TEXT_MAX + 200];
		int len = snprintf(reason, sizeof(reason), "%s: %s", rule->where, result.detail);

		if (check_reason(check, reason, (size_t)len) < 0) {
			return check_failed(check);
		}
	}
	return each && each(arg, &result) ? 1 : 0;
}

/* --- what the whole image comes to --- */

static int add_lines(struct check *check, const char *lines)
{
	int code = 0;

	while (code == 0 && *lines) {
		size_t len = strcspn(lines, "\n");

		code = check_reason(check, lines, len);
		lines += len + (lines[len] == '\n');
	}
	return code;
}

static int add_reasons(struct check *check)
{
	bool facts = false;
	bool packages = false;
	int code = peel_index_complete(check->index)
		? 0
		: add_lines(check, peel_index_incomplete_reasons(check->index));

	for (size_t i = 0; i < check->policy->rule_count; i++) {
		facts = facts || types[check->policy->rules[i].type].facts;
		packages = packages || types[check->policy->rules[i].type].packages;
	}
	if (code == 0 && facts) {
		code = add_lines(check, peel_facts_incomplete_reasons(check->index));
	}
	for (uint32_t i = 0; code == 0 && packages && i < peel_package_db_count(check->index);
		i++) {
		const struct peel_package_db *db = peel_package_db_get(check->index, i);
		char path[PEEL_MESSAGE_SIZE];
		char problem[PEEL_MESSAGE_SIZE];
		char reason[2 * PEEL_MESSAGE_SIZE];

		if (*db->problem) {
			int len = snprintf(reason, sizeof(reason), "%s: %s",
				peel_text_escape_into(path, sizeof(path), db->path,
					strlen(db->path)),
				peel_text_escape_into(problem, sizeof(problem), db->problem,
					strlen(db->problem)));

			code = check_reason(check, reason,
				min_u64((uint64_t)len, sizeof(reason) - 1));
		}
	}
	return code;
}

/* The instruction and the row of the history of each layer. */
static int load_layers(struct check *check)
{
	check->layers = peel_layer_count(check->index);
	check->history = check_alloc(check, ((size_t)check->layers + 1) * sizeof(*check->history));
	check->instructions = check_alloc(check,
		((size_t)check->layers + 1) * sizeof(*check->instructions));
	if (!check->history || !check->instructions) {
		return check_failed(check);
	}
	for (int i = 0; i < check->layers; i++) {
		struct peel_layer_stat stat;
		int code = peel_layer_stat(check->index, i, &stat, check->err);

		if (code < 0) {
			return code;
		}
		check->history[i] = -1;
		check->instructions[i] = stat.layer.instruction ? stat.layer.instruction : "";
	}
	for (int i = 0; i < peel_history_count(check->index); i++) {
		int layer = peel_history(check->index, i)->layer;

		if (layer >= 0 && layer < check->layers) {
			check->history[layer] = i;
		}
	}
	return 0;
}

static int load_config(struct check *check)
{
	const char *text = peel_image_value(check->index, "config");

	return *text
		? json_parse_again("configuration", text, strlen(text), &check->config, check->err)
		: 0;
}

static int begin(struct check *check)
{
	const struct peel_policy *policy = check->policy;
	int code;

	check->outcomes = check_alloc(check, (policy->rule_count + 1) * sizeof(*check->outcomes));
	check->allows = check_alloc(check, (policy->allow_count + 1) * sizeof(struct glob_set *));
	if (!check->outcomes || !check->allows) {
		return check_failed(check);
	}
	code = load_layers(check);
	if (code == 0) {
		code = load_config(check);
	}
	for (size_t i = 0; code == 0 && i < policy->allow_count; i++) {
		if (policy->allows[i].paths.count == 0) {
			continue;
		}
		code = glob_set_new(&check->allows[i], check->err);
		if (code == 0) {
			code = check_globs(check, &policy->allows[i].paths, check->allows[i], 0,
				false);
		}
	}
	return code;
}

static void finish(struct check *check)
{
	for (size_t i = 0; check->allows && i < check->policy->allow_count; i++) {
		glob_set_free(check->allows[i]);
	}
	for (size_t i = 0; check->outcomes && i < check->policy->rule_count; i++) {
		free(check->outcomes[i].violations);
	}
	json_decref(check->config);
	peel_waste_free(check->waste);
	peel_dive_free(check->dive);
	free(check->reasons);
	check_release(check);
}

static int ask_all(struct check *check)
{
	int code = check_gather_detections(check);

	if (code == 0) {
		code = check_gather_paths(check);
	}
	for (size_t i = 0; code == 0 && i < check->policy->rule_count; i++) {
		const struct policy_rule *rule = &check->policy->rules[i];

		if (types[rule->type].ask) {
			code = types[rule->type].ask(check, rule);
		}
	}
	return code;
}

int peel_check(struct peel_index *index, const struct peel_policy *policy, peel_result_fn *each,
	void *arg, struct peel_check_summary *ret_summary, struct peel_error *err)
{
	struct peel_error own = {0};
	struct peel_check_summary summary = {0};
	struct check check = {.index = index, .policy = policy, .err = err ? err : &own};
	int code = begin(&check);

	if (code == 0) {
		code = ask_all(&check);
	}
	if (code == 0) {
		code = add_reasons(&check);
	}
	for (size_t i = 0; code == 0 && i < policy->rule_count; i++) {
		code = tell(&check, &policy->rules[i], each, arg, &summary);
	}
	if (code >= 0 && ret_summary) {
		summary.reasons = steal_pointer(&check.reasons);
		*ret_summary = summary;
	}
	finish(&check);
	return code;
}
