/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dive-ci, as dive's code (cmd/dive/cli/internal/command/ci) reads it: three rules under "rules", by either
 * spelling, with dive's defaults for those that are missing; what else there is says nothing, as with dive.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audit_policy_priv.h"
#include "util.h"

static const struct {
	enum policy_type type;
	/* dive's own, and what its configuration file has. */
	const char *names[3];
	const char *standard;
	const char *title;
} rules[] = {
	{POLICY_DIVE_EFFICIENCY,
		{"lowestEfficiency", "lowest-efficiency", "lowest-efficiency-threshold"}, "0.9",
		"efficiency by dive's formula: at least"},
	{POLICY_DIVE_BYTES, {"highestWastedBytes", "highest-wasted-bytes", NULL}, "disabled",
		"wasted bytes by dive's formula: at most"},
	{POLICY_DIVE_PERCENT, {"highestUserWastedPercent", "highest-user-wasted-percent", NULL},
		"0.1", "wasted share by dive's formula: at most"},
};

static bool disabled(const char *text)
{
	static const char *const words[] = {"", "disabled", "off", "false"};
	const char *begin = text + strspn(text, " \t\n");
	size_t len = strlen(begin);

	while (len > 0 && strchr(" \t\n", begin[len - 1])) {
		len--;
	}
	for (size_t i = 0; i < countof(words); i++) {
		if (strlen(words[i]) == len && strncasecmp(words[i], begin, len) == 0) {
			return true;
		}
	}
	return false;
}

/* A ratio from 0 to 1, in no locale but C. @return 0, or -1. */
static int read_ratio(const char *text, double *ret_ratio)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
	char *end = NULL;

	if (!c) {
		return -1;
	}
	*ret_ratio = strtod_l(text, &end, c);
	freelocale(c);
	return end != text && *end == 0 && strspn(text, "0123456789.eE+-") == strlen(text) &&
			*ret_ratio >= 0 && *ret_ratio <= 1
		? 0
		: -1;
}

static int read_rule(struct peel_policy *policy, const struct yaml *map, size_t i,
	struct peel_error *err)
{
	const struct yaml *node = NULL;
	const char *name = rules[i].names[0];
	struct policy_dive dive = {.text = rules[i].standard};
	struct policy_rule *rule;
	int code = 0;

	for (size_t k = 0; !node && k < countof(rules[i].names) && rules[i].names[k]; k++) {
		node = yaml_get(map, rules[i].names[k]);
		name = node ? rules[i].names[k] : name;
	}
	if (node && !yaml_is_null(node)) {
		code = policy_word(policy, node, name, &dive.text, err);
	}
	if (code < 0) {
		return code;
	}
	dive.disabled = disabled(dive.text);
	if (!dive.disabled && rules[i].type == POLICY_DIVE_BYTES &&
		policy_parse_size(dive.text, &dive.bytes) < 0) {
		return policy_fail(policy, node, err, "%s is a size, as 20MB", name);
	}
	if (!dive.disabled && rules[i].type != POLICY_DIVE_BYTES &&
		read_ratio(dive.text, &dive.ratio) < 0) {
		return policy_fail(policy, node, err, "%s is a ratio from 0 to 1", name);
	}
	code = policy_add(policy, rules[i].type, node ? node->line : map->line,
		policy_text(policy, "rules.%s", name),
		policy_text(policy, "%s %s", rules[i].title, policy_shown(dive.text)), &rule, err);
	if (code == 0) {
		rule->as.dive = dive;
	}
	return code;
}

int policy_read_dive(struct peel_policy *policy, const struct yaml *root, struct peel_error *err)
{
	const struct yaml *map = yaml_get(root, "rules");
	int code = map->type == YAML_MAP
		? 0
		: policy_fail(policy, map, err, "rules is a map of dive's rules");

	for (size_t i = 0; code == 0 && i < countof(rules); i++) {
		code = read_rule(policy, map, i, err);
	}
	return code;
}
