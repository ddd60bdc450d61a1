/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: of sizes, of waste by cause and path, of categories, of growth, and dive's three. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <peel/facts.h>
#include <peel/query.h>
#include <peel/waste.h>

#include "audit_check_priv.h"
#include "util.h"

/* Paths of the waste that are told; POLICY_WASTE_PATH looks at all. */
#define WASTE_TOP 10

static int load_waste(struct check *check)
{
	struct peel_waste_options options = {.top = WASTE_TOP};

	for (size_t i = 0; i < check->policy->rule_count; i++) {
		if (check->policy->rules[i].type == POLICY_WASTE_PATH) {
			options.top = CHECK_VIOLATIONS_MAX;
		}
	}
	return check->waste ? 0 : peel_waste(check->index, &options, &check->waste, check->err);
}

static int add_piece(void *arg, const struct peel_piece *piece)
{
	struct check *check = arg;

	if (piece->category <= peel_category_count(check->index)) {
		check->category_bytes[piece->category] += piece->bytes;
	}
	return 0;
}

static int load_categories(struct check *check)
{
	if (check->category_bytes) {
		return 0;
	}
	check->category_bytes = check_alloc(check,
		((size_t)peel_category_count(check->index) + 1) * sizeof(uint64_t));
	return check->category_bytes
		? peel_pieces(check->index, PEEL_BY_ENTRY, true, add_piece, check, check->err)
		: check_failed(check);
}

static int figure(struct check *check, enum policy_figure which, uint64_t *ret_value)
{
	struct peel_layer_stat stat;
	int code = 0;

	*ret_value = 0;
	for (int i = 0; code == 0 && i < check->layers; i++) {
		code = peel_layer_stat(check->index, i, &stat, check->err);
		if (code == 0) {
			sum_add(ret_value,
				which == POLICY_FIGURE_SHIPPED              ? stat.bytes
					: which == POLICY_FIGURE_VISIBLE    ? stat.visible_bytes
					: which == POLICY_FIGURE_COMPRESSED ? stat.layer.stored_size
									    : 1);
		}
	}
	return code;
}

int check_limit(struct check *check, const struct policy_rule *rule)
{
	const struct policy_limit *limit = &rule->as.limit;
	const char *unit = limit->figure == POLICY_FIGURE_LAYERS ? "layers" : "bytes";
	uint64_t value;
	int code = figure(check, limit->figure, &value);

	if (code < 0) {
		return code;
	}
	return value > limit->bytes
		? check_complain_text(check, rule, NULL, "%llu %s, %llu more than allowed",
			  (unsigned long long)value, unit,
			  (unsigned long long)(value - limit->bytes))
		: check_detail(check, rule, "%llu %s", (unsigned long long)value, unit);
}

/* Whether bytes, and their share of a whole, are over a limit. */
static bool exceeds(const struct policy_limit *limit, uint64_t bytes, double percent)
{
	const bool by_bytes = limit->has_bytes && bytes > limit->bytes;
	const bool by_percent = limit->has_percent && percent > limit->percent;

	return limit->both ? by_bytes && by_percent : by_bytes || by_percent;
}

int check_waste(struct check *check, const struct policy_rule *rule)
{
	uint64_t wasted;
	double percent;
	int code = load_waste(check);

	if (code < 0) {
		return code;
	}
	wasted = peel_ledger_wasted(&check->waste->total);
	percent = check->waste->total.bytes
		? 100.0 * (double)wasted / (double)check->waste->total.bytes
		: 0;
	if (!exceeds(&rule->as.limit, wasted, percent)) {
		return check_detail(check, rule, "%llu bytes, %.2f %% of what is shipped",
			(unsigned long long)wasted, percent);
	}
	return check_complain_text(check, rule, NULL, "%llu of %llu bytes are wasted, %.2f %%",
		(unsigned long long)wasted, (unsigned long long)check->waste->total.bytes, percent);
}

int check_waste_path(struct check *check, const struct policy_rule *rule)
{
	int code = load_waste(check);

	for (size_t i = 0; code == 0 && i < check->waste->path_count; i++) {
		const struct peel_waste_path *path = &check->waste->paths[i];
		char what[CHECK_TEXT_MAX];
		const struct peel_violation violation = {
			.paths = (const char *const *)&path->path,
			.path_count = 1,
			.what = what,
			.layer = path->layer,
			.hidden_by = path->hidden_by,
			.visible = path->visible,
			.bytes = path->bytes,
		};

		if (path->bytes > rule->as.limit.bytes) {
			snprintf(what, sizeof(what), "%llu bytes wasted, %s",
				(unsigned long long)path->bytes, peel_cause_name(path->cause));
			code = check_complain(check, rule, &violation);
		}
	}
	return code;
}

int check_category(struct check *check, const struct policy_rule *rule)
{
	const struct policy_limit *limit = &rule->as.limit;
	uint64_t value;
	uint32_t id = 1;
	int code;

	while (id <= peel_category_count(check->index) &&
		strcmp(peel_category_get(check->index, id)->name, limit->category) != 0) {
		id++;
	}
	if (id > peel_category_count(check->index)) {
		return peel_fail(check->err, PEEL_EUSAGE,
			"%s:%d: there is no category '%s' (see 'peel bloat')",
			policy_shown(check->policy->file), rule->line,
			policy_shown(limit->category));
	}
	code = load_categories(check);
	if (code < 0) {
		return code;
	}
	value = check->category_bytes[id];
	return value > limit->bytes
		? check_complain_text(check, rule, NULL, "%llu bytes, %llu more than allowed",
			  (unsigned long long)value, (unsigned long long)(value - limit->bytes))
		: check_detail(check, rule, "%llu bytes", (unsigned long long)value);
}

int check_budget(struct check *check, const struct policy_rule *rule)
{
	const struct policy_limit *limit = &rule->as.limit;
	uint64_t value;
	uint64_t grown;
	double percent;
	int code = figure(check, POLICY_FIGURE_SHIPPED, &value);

	if (code < 0) {
		return code;
	}
	if (value <= limit->baseline) {
		return check_detail(check, rule, "%llu bytes, %llu less than the baseline's",
			(unsigned long long)value, (unsigned long long)(limit->baseline - value));
	}
	grown = value - limit->baseline;
	percent = limit->baseline ? 100.0 * (double)grown / (double)limit->baseline : HUGE_VAL;
	if (!exceeds(limit, grown, percent)) {
		return check_detail(check, rule,
			"%llu bytes, %llu more than the baseline's (%.2f %%)",
			(unsigned long long)value, (unsigned long long)grown, percent);
	}
	return check_complain_text(check, rule, NULL,
		"grew from %llu to %llu bytes, by %llu (%.2f %%)",
		(unsigned long long)limit->baseline, (unsigned long long)value,
		(unsigned long long)grown, percent);
}

/* --- dive --- */

/* Our own figures beside dive's: what is shipped and not visible. */
static int our_figures(struct check *check, uint64_t *ret_wasted, uint64_t *ret_shipped)
{
	uint64_t visible;
	int code = figure(check, POLICY_FIGURE_SHIPPED, ret_shipped);

	if (code == 0) {
		code = figure(check, POLICY_FIGURE_VISIBLE, &visible);
	}
	if (code == 0) {
		*ret_wasted = *ret_shipped > visible ? *ret_shipped - visible : 0;
	}
	return code;
}

/* As dive's rules.go: what equals the limit passes, and so does what is not a number. */
int check_dive(struct check *check, const struct policy_rule *rule)
{
	const struct policy_dive *dive = &rule->as.dive;
	char text[CHECK_TEXT_MAX];
	uint64_t wasted = 0;
	uint64_t shipped = 0;
	bool failed;
	int code;

	if (dive->disabled) {
		check->outcomes[check_number(check, rule)].skipped = true;
		return check_detail(check, rule, "disabled");
	}
	code = check->dive ? 0 : peel_dive(check->index, WASTE_TOP, &check->dive, check->err);
	if (code == 0) {
		code = our_figures(check, &wasted, &shipped);
	}
	if (code < 0) {
		return code;
	}
	if (rule->type == POLICY_DIVE_EFFICIENCY) {
		failed = dive->ratio > check->dive->efficiency;
		snprintf(text, sizeof(text),
			"efficiency %.4f by dive's formula; by peel's %.4f is visible",
			check->dive->efficiency,
			shipped ? 1 - (double)wasted / (double)shipped : 1.0);
	} else if (rule->type == POLICY_DIVE_BYTES) {
		failed = check->dive->wasted_bytes > dive->bytes;
		snprintf(text, sizeof(text), "%llu bytes wasted by dive's formula; by peel's %llu",
			(unsigned long long)check->dive->wasted_bytes, (unsigned long long)wasted);
	} else if (isnan(check->dive->user_wasted)) {
		/* dive divides by nothing, and lets that pass. */
		failed = false;
		snprintf(text, sizeof(text),
			"no bytes above the first layer, so dive has no share of them");
	} else {
		failed = check->dive->user_wasted > dive->ratio;
		snprintf(text, sizeof(text),
			"%.4f of the layers above the first by dive's formula; by peel's %.4f of all is wasted",
			check->dive->user_wasted, shipped ? (double)wasted / (double)shipped : 0.0);
	}
	return failed ? check_complain_text(check, rule, NULL, "%s", text)
		      : check_detail(check, rule, "%s", text);
}
