/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peel's own policy format; the manual is in peel(1), "POLICY FILES". What is not known is an error with its line: a
 * rule that is passed over because of a typing error is a check that passes.
 */
#include <stdio.h>
#include <string.h>

#include <peel/text.h>

#include "audit_categories.h"
#include "audit_policy_priv.h"
#include "util.h"

int policy_read_amounts(struct peel_policy *policy, const struct yaml *map, const char *what,
	struct policy_limit *limit, struct peel_error *err)
{
	const struct yaml *bytes = yaml_get(map, "bytes");
	const struct yaml *percent = yaml_get(map, "percent");
	const struct yaml *fail = yaml_get(map, "fail");
	const bool any = fail && fail->text && strcmp(fail->text, "any") == 0;
	const bool both = fail && fail->text && strcmp(fail->text, "both") == 0;
	int code = 0;

	if (!bytes && !percent) {
		return policy_fail(policy, map, err, "%s has bytes, percent or both", what);
	}
	if (bytes) {
		limit->has_bytes = true;
		code = policy_size(policy, bytes, "bytes", &limit->bytes, err);
	}
	if (code == 0 && percent) {
		limit->has_percent = true;
		if (yaml_number(percent, &limit->percent) < 0 || limit->percent < 0) {
			code = policy_fail(policy, percent, err, "percent is a number from 0");
		}
	}
	if (code == 0 && fail && !any && !both) {
		code = policy_fail(policy, fail, err,
			"fail is 'any' (one of bytes and percent is enough) or 'both'");
	}
	limit->both = both && bytes && percent;
	return code;
}

const char *policy_limit_text(struct peel_policy *policy, const struct policy_limit *limit)
{
	const char *bytes = limit->has_bytes
		? policy_text(policy, "%llu bytes", (unsigned long long)limit->bytes)
		: "";
	const char *percent = limit->has_percent ? policy_text(policy, "%g %%", limit->percent)
						 : "";

	return bytes && percent
		? policy_text(policy, "%s%s%s", bytes,
			  *bytes && *percent ? (limit->both ? " and " : " or ") : "", percent)
		: NULL;
}

static const char *below(struct peel_policy *policy, const char *where, const char *key)
{
	return policy_text(policy, "%s.%s", where, policy_shown(key));
}

static int read_figure(struct peel_policy *policy, const struct yaml *key, const struct yaml *value,
	const char *where, bool warn, struct peel_error *err)
{
	static const struct {
		const char *key;
		const char *title;
	} figures[POLICY_FIGURES] = {
		[POLICY_FIGURE_SHIPPED] = {"size", "files of all layers"},
		[POLICY_FIGURE_VISIBLE] = {"visible", "files of the merged tree"},
		[POLICY_FIGURE_COMPRESSED] = {"compressed", "layers as stored"},
		[POLICY_FIGURE_LAYERS] = {"layers", "layers"},
	};
	size_t i = 0;
	uint64_t most;
	int64_t number;
	struct policy_rule *rule;
	int code = 0;

	while (strcmp(figures[i].key, key->text) != 0) {
		i++;
	}
	if (i == POLICY_FIGURE_LAYERS) {
		if (yaml_integer(value, &number) < 0 || number < 0) {
			return policy_fail(policy, value, err, "layers is a number");
		}
		most = (uint64_t)number;
	} else {
		code = policy_size(policy, value, key->text, &most, err);
	}
	if (code == 0) {
		code = policy_add(policy, POLICY_LIMIT, key->line, below(policy, where, key->text),
			policy_text(policy, "%s: at most %llu%s", figures[i].title,
				(unsigned long long)most,
				i == POLICY_FIGURE_LAYERS ? "" : " bytes"),
			&rule, err);
	}
	if (code == 0) {
		rule->warn = warn;
		rule->as.limit = (struct policy_limit){
			.figure = (enum policy_figure)i, .has_bytes = true, .bytes = most};
	}
	return code;
}

static int add_limit(struct peel_policy *policy, enum policy_type type, const struct yaml *key,
	const char *where, const char *what, const struct policy_limit *limit, bool warn,
	struct peel_error *err)
{
	const char *amount = policy_limit_text(policy, limit);
	struct policy_rule *rule;
	int code = policy_add(policy, type, key->line, where,
		amount ? policy_text(policy, "%s: at most %s", what, amount) : NULL, &rule, err);

	if (code == 0) {
		rule->warn = warn;
		rule->as.limit = *limit;
	}
	return code;
}

static int read_waste(struct peel_policy *policy, const struct yaml *key, const struct yaml *map,
	const char *where, bool warn, struct peel_error *err)
{
	static const char *const known[] = {"bytes", "percent", "fail", "path", NULL};
	const struct yaml *path = yaml_get(map, "path");
	struct policy_limit limit = {0};
	int code = policy_keys(policy, map, "waste", known, err);

	if (code == 0 && (!path || yaml_get(map, "bytes") || yaml_get(map, "percent"))) {
		code = policy_read_amounts(policy, map, "waste", &limit, err);
		if (code == 0) {
			code = add_limit(policy, POLICY_WASTE, key, below(policy, where, "waste"),
				"bytes shipped in vain", &limit, warn, err);
		}
	} else if (code == 0 && yaml_get(map, "fail")) {
		code = policy_fail(policy, map, err, "fail says nothing without bytes and percent");
	}
	if (code == 0 && path) {
		limit = (struct policy_limit){.has_bytes = true};
		code = policy_size(policy, path, "path", &limit.bytes, err);
		if (code == 0) {
			code = add_limit(policy, POLICY_WASTE_PATH, path,
				below(policy, where, "waste.path"), "bytes that one path wastes",
				&limit, warn, err);
		}
	}
	return code;
}

/* A category that is not there would never be too large. */
static int category_known(struct peel_policy *policy, const struct categories *categories,
	const struct yaml *key, struct peel_error *err)
{
	for (uint32_t id = 1; id <= categories_count(categories); id++) {
		if (strcmp(categories_get(categories, id)->name, key->text) == 0) {
			return 0;
		}
	}
	return policy_fail(policy, key, err, "there is no category '%s': 'peel bloat' lists them",
		policy_shown(key->text));
}

static void cleanup_categories(struct categories **categories)
{
	categories_free(*categories);
}

static int read_categories(struct peel_policy *policy, const struct yaml *map, const char *where,
	bool warn, struct peel_error *err)
{
	cleanup(cleanup_categories) struct categories *categories = NULL;
	int code = map->type == YAML_MAP && map->count > 0
		? categories_load("categories", NULL, 0, &categories, err)
		: policy_fail(policy, map, err, "category is a map of categories and sizes");

	for (size_t i = 0; code == 0 && i < map->count; i++) {
		const char *name = map->keys[i]->text;
		struct policy_limit limit = {.category = name, .has_bytes = true};
		const char *at = policy_text(policy, "%s.category.%s", where, policy_shown(name));
		const char *what = policy_text(policy, "category %s", policy_shown(name));

		code = category_known(policy, categories, map->keys[i], err);
		if (code == 0) {
			code = policy_size(policy, map->items[i], "a category", &limit.bytes, err);
		}
		if (code == 0 && (!at || !what)) {
			code = policy_no_memory(err);
		}
		if (code == 0) {
			code = add_limit(policy, POLICY_CATEGORY, map->keys[i], at, what, &limit,
				warn, err);
		}
	}
	return code;
}

int policy_read_limits(struct peel_policy *policy, const struct yaml *map, const char *where,
	bool warn, struct peel_error *err)
{
	static const char *const known[] = {
		"size", "visible", "compressed", "layers", "waste", "category", NULL};
	int code = policy_keys(policy, map, "limits", known, err);

	for (size_t i = 0; code == 0 && i < map->count; i++) {
		const struct yaml *key = map->keys[i];

		code = strcmp(key->text, "waste") == 0
			? read_waste(policy, key, map->items[i], where, warn, err)
			: strcmp(key->text, "category") == 0
			? read_categories(policy, map->items[i], where, warn, err)
			: read_figure(policy, key, map->items[i], where, warn, err);
	}
	return code;
}

static int read_image(struct peel_policy *policy, const struct yaml *map, struct peel_error *err)
{
	static const char *const known[] = {
		"platform", "require_complete", "require_expanded", NULL};
	static const struct {
		const char *key;
		enum policy_type type;
		const char *title;
	} flags[] = {
		{"require_complete", POLICY_COMPLETE, "all of the image could be read"},
		{"require_expanded", POLICY_EXPANDED, "every archive was looked into"},
	};
	const struct yaml *platform = yaml_get(map, "platform");
	struct policy_rule *rule;
	const char *text;
	int code = policy_keys(policy, map, "image", known, err);

	if (code == 0 && platform) {
		code = policy_word(policy, platform, "platform", &text, err);
		if (code == 0) {
			code = policy_add(policy, POLICY_PLATFORM, platform->line, "image.platform",
				policy_text(policy, "the platform is %s", policy_shown(text)),
				&rule, err);
		}
		if (code == 0) {
			rule->as.text = text;
		}
	}
	for (size_t i = 0; code == 0 && i < countof(flags); i++) {
		const struct yaml *node = yaml_get(map, flags[i].key);
		bool wanted = false;

		if (node) {
			code = policy_bool(policy, node, flags[i].key, &wanted, err);
		}
		if (code == 0 && wanted) {
			code = policy_add(policy, flags[i].type, node->line,
				policy_text(policy, "image.%s", flags[i].key), flags[i].title,
				&rule, err);
		}
	}
	return code;
}

static int read_list(struct peel_policy *policy, const struct yaml *list, const char *name,
	bool required, bool warn, struct peel_error *err)
{
	int code = list->type == YAML_LIST
		? 0
		: policy_fail(policy, list, err, "%s is a list of rules", name);

	for (size_t i = 0; code == 0 && i < list->count; i++) {
		const char *where = policy_text(policy, "%s[%zu]", name, i);

		code = where ? policy_read_rule(policy, list->items[i], where, required, warn, err)
			     : policy_no_memory(err);
	}
	return code;
}

static int read_part(struct peel_policy *policy, const char *key, const struct yaml *value,
	struct peel_error *err)
{
	if (strcmp(key, "image") == 0) {
		return read_image(policy, value, err);
	}
	if (strcmp(key, "limits") == 0) {
		return policy_read_limits(policy, value, "limits", false, err);
	}
	if (strcmp(key, "forbid") == 0 || strcmp(key, "require") == 0 || strcmp(key, "warn") == 0) {
		return read_list(policy, value, key, *key == 'r', *key == 'w', err);
	}
	return strcmp(key, "budgets_vs") == 0 ? policy_read_budget(policy, value, err) : 0;
}

int policy_read_native(struct peel_policy *policy, const struct yaml *root, struct peel_error *err)
{
	static const char *const known[] = {"version", "image", "limits", "forbid", "require",
		"warn", "allow", "budgets_vs", NULL};
	const struct yaml *version = yaml_get(root, "version");
	const struct yaml *allow = yaml_get(root, "allow");
	int64_t number;
	int code = policy_keys(policy, root, "a policy", known, err);

	if (code == 0 && (yaml_integer(version, &number) < 0 || number != 1)) {
		code = policy_fail(policy, version, err, "version is 1");
	}
	for (size_t i = 0; code == 0 && i < root->count; i++) {
		code = read_part(policy, root->keys[i]->text, root->items[i], err);
	}
	if (code == 0 && policy->rule_count == 0) {
		code = policy_fail(policy, root, err,
			"the policy has no rules, so it proves nothing");
	}
	return code == 0 && allow ? policy_read_allow(policy, allow, err) : code;
}
