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

static int add_category(struct reading *r, const struct yaml *node, uint32_t id)
{
	uint8_t *rules = r->rules->by_category[id];

	/* Libraries with a twin are found before their category's own rules, which take the others. */
	for (size_t i = 0; i < ADVICE_CATEGORY_RULES; i++) {
		if (!rules[i]) {
			rules[i] = (uint8_t)r->rules->count;
			return 0;
		}
	}
	return fail(r, node, "a category has at most 3 rules");
}

static int take_category(struct reading *r, const struct yaml *node)
{
	for (uint32_t id = 1; id <= r->rules->category_count; id++) {
		if (strcmp(peel_category_get(r->index, id)->name, node->text) == 0) {
			return add_category(r, node, id);
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

static int take_database(struct reading *r, const struct yaml *node)
{
	for (int i = 0; i < r->rules->database_count; i++) {
		if (strcmp(r->rules->databases[i], node->text) == 0) {
			r->rule->except |= 1u << i;
			return 0;
		}
	}
	if (r->rules->database_count == ADVICE_DATABASES_MAX) {
		return fail(r, node, "too many databases");
	}
	r->rule->except |= 1u << r->rules->database_count;
	r->rules->databases[r->rules->database_count++] = node->text;
	return 0;
}

static int take_what(struct reading *r, const struct yaml *node)
{
	static const char *const words[] = {
		[ADVICE_RECOMMENDS] = "recommends",
		[ADVICE_STRIP] = "strip",
		[ADVICE_DUPLICATES] = "duplicates",
	};

	for (int what = 1; what < ADVICE_WHAT_COUNT; what++) {
		if (node->type == YAML_SCALAR && strcmp(words[what], node->text) == 0) {
			if (r->rules->by_what[what]) {
				return fail(r, node,
					"this is what another piece of advice is about");
			}
			r->rule->what = (enum advice_what)what;
			r->rules->by_what[what] = (uint8_t)r->rules->count;
			return 0;
		}
	}
	return fail(r, node, "what is recommends, strip or duplicates");
}

static int take_packages(struct reading *r, const struct yaml *node)
{
	struct advice_rules *rules = r->rules;

	if (node && (node->type != YAML_SCALAR || strcmp(node->text, "true") != 0)) {
		return fail(r, node, "packages is true, or not there");
	}
	if (!node && r->rule->what != ADVICE_RECOMMENDS) {
		return 0;
	}
	if (rules->package_rule_count == ADVICE_PACKAGE_RULES) {
		return fail(r, node, "at most 3 pieces of advice are about whole packages");
	}
	r->rule->package_bit = rules->package_rule_count;
	rules->package_rules[rules->package_rule_count++] = (uint8_t)(rules->count - 1);
	return 0;
}

/* A category by its name; 0 where the index has other rules. */
static int take_one_category(struct reading *r, const struct yaml *map, const char *key,
	uint32_t *ret_id)
{
	const struct yaml *node = yaml_get(map, key);

	if (!node) {
		return 0;
	}
	if (node->type != YAML_SCALAR || node->len == 0) {
		return fail(r, node, "here stands a category");
	}
	for (uint32_t id = 1; id <= r->rules->category_count; id++) {
		if (strcmp(peel_category_get(r->index, id)->name, node->text) == 0) {
			*ret_id = id;
		}
	}
	return 0;
}

static int read_texts(struct reading *r, const struct yaml *map)
{
	const char *by = NULL;
	int code = take_text(r, map, "id", &r->rule->id);

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
	r->rule->by_hider = code == 0 && strcmp(by, "hider") == 0;
	return code;
}

static int read_subject(struct reading *r, const struct yaml *map)
{
	const struct yaml *causes = yaml_get(map, "causes");
	const struct yaml *categories = yaml_get(map, "categories");
	const struct yaml *what = yaml_get(map, "what");
	const struct yaml *except = yaml_get(map, "except");
	int code;

	if ((causes != NULL) + (categories != NULL) + (what != NULL) != 1 ||
		(r->rule->by_hider && !causes)) {
		return fail(r, map,
			"advice has causes, categories or what, and hider with causes alone");
	}
	code = take_one_category(r, map, "needs", &r->rule->needs);
	if (code == 0) {
		code = take_one_category(r, map, "twin", &r->rule->twin);
	}
	if (code == 0 && except) {
		code = each_word(r, except, take_database);
	}
	if (code == 0) {
		code = causes        ? each_word(r, causes, take_cause)
			: categories ? each_word(r, categories, take_category)
				     : take_what(r, what);
	}
	return code < 0 ? code : take_packages(r, yaml_get(map, "packages"));
}

static int read_rule(struct reading *r, const struct yaml *map)
{
	static const char *const known[] = {"id", "title", "action", "causes", "categories", "what",
		"by", "packages", "except", "needs", "twin", NULL};
	const struct yaml *unknown = yaml_unknown(map, known);
	int code;

	if (map->type != YAML_MAP || unknown) {
		return fail(r, unknown ? unknown : map,
			"advice has id, title, action, by, and causes, categories or what");
	}
	r->rule = &r->rules->rules[r->rules->count++];
	*r->rule = (struct advice_rule){.package_bit = -1};
	code = read_texts(r, map);
	return code < 0 ? code : read_subject(r, map);
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
