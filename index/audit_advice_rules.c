/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of advice out of YAML; the form is described at the head of advice.yaml. */
#include "audit_advice.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "advice_yaml.h"
#include "util.h"
#include "yaml.h"

struct reading {
	const struct peel_index *index;
	struct advice_rules *rules;
	struct advice_rule *rule;
	struct peel_error *err;
};

static int fail(const struct reading *r, const struct yaml *node, const char *what)
{
	return yaml_fail(r->rules->document, node, r->err, "%s", what);
}

static int take_cause(struct reading *r, const struct yaml *node)
{
	for (int cause = 1; cause < PEEL_CAUSE_COUNT; cause++) {
		if (strcmp(peel_cause_name((enum peel_cause)cause), node->text) == 0) {
			r->rule->causes |= 1u << cause;
			if (!r->rules->by_cause[cause]) {
				r->rules->by_cause[cause] = (uint8_t)r->rules->count;
			}
			return 0;
		}
	}
	return fail(r, node, "there is no such cause");
}

static int take_category(struct reading *r, const struct yaml *node)
{
	for (uint32_t id = 1; id <= r->rules->category_count; id++) {
		if (strcmp(peel_category_get(r->index, id)->name, node->text) == 0) {
			if (!r->rules->by_category[id]) {
				r->rules->by_category[id] = (uint8_t)r->rules->count;
			}
			return 0;
		}
	}
	/* An index may have categories of other rules: such bytes are nobody's advice. */
	return 0;
}

static int each_word(struct reading *r, const struct yaml *node,
	int (*take)(struct reading *r, const struct yaml *node))
{
	int code = node->type == YAML_LIST && node->count > 0
		? 0
		: fail(r, node, "here stands a list of words");

	for (size_t i = 0; code == 0 && i < node->count; i++) {
		code = node->items[i]->type == YAML_SCALAR
			? take(r, node->items[i])
			: fail(r, node->items[i], "here stands a word");
	}
	return code;
}

static int take_text(const struct reading *r, const struct yaml *map, const char *key,
	const char **ret_text)
{
	const struct yaml *node = yaml_get(map, key);

	if (!node || node->type != YAML_SCALAR || node->len == 0) {
		return yaml_fail(r->rules->document, node ? node : map, r->err,
			"advice has a text %s", key);
	}
	*ret_text = node->text;
	return 0;
}

static int read_rule(struct reading *r, const struct yaml *map)
{
	static const char *const known[] = {
		"id", "title", "action", "causes", "categories", "by", NULL};
	const struct yaml *causes = yaml_get(map, "causes");
	const struct yaml *categories = yaml_get(map, "categories");
	const struct yaml *unknown = yaml_unknown(map, known);
	const char *by = NULL;
	int code;

	if (map->type != YAML_MAP || unknown || !causes == !categories) {
		return fail(r, unknown ? unknown : map,
			"advice has id, title, action, by, and causes or categories");
	}
	r->rule = &r->rules->rules[r->rules->count++];
	code = take_text(r, map, "id", &r->rule->id);
	if (code == 0) {
		code = take_text(r, map, "title", &r->rule->title);
	}
	if (code == 0) {
		code = take_text(r, map, "action", &r->rule->action);
	}
	if (code == 0) {
		code = take_text(r, map, "by", &by);
	}
	if (code == 0 && strcmp(by, "layer") != 0 && strcmp(by, "hider") != 0) {
		code = fail(r, yaml_get(map, "by"), "by is layer or hider");
	}
	if (code < 0) {
		return code;
	}
	r->rule->by_hider = strcmp(by, "hider") == 0;
	return causes ? each_word(r, causes, take_cause) : each_word(r, categories, take_category);
}

int advice_rules_parse(const struct peel_index *index, const char *text, size_t len,
	struct advice_rules *rules, struct peel_error *err)
{
	struct reading r = {.index = index, .rules = rules, .err = err};
	const struct yaml *root;
	int code = yaml_parse("the advice", text, len, &rules->document, err);

	if (code < 0) {
		return code;
	}
	rules->category_count = peel_category_count(index);
	rules->by_category = calloc((size_t)rules->category_count + 1, sizeof(*rules->by_category));
	if (!rules->by_category) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	root = yaml_root(rules->document);
	if (!root || root->type != YAML_LIST || root->count == 0 ||
		root->count > ADVICE_RULES_MAX) {
		return fail(&r, root, "here stands a list of 1 to 100 pieces of advice");
	}
	for (size_t i = 0; code == 0 && i < root->count; i++) {
		code = read_rule(&r, root->items[i]);
	}
	return code;
}

int advice_rules_read(const struct peel_index *index, struct advice_rules *rules,
	struct peel_error *err)
{
	return advice_rules_parse(index, advice_yaml, strlen(advice_yaml), rules, err);
}

void advice_rules_finish(struct advice_rules *rules)
{
	yaml_release(rules->document);
	free(rules->by_category);
}
