/* SPDX-License-Identifier: Apache-2.0 */
/* Categories out of YAML; the form is described at the head of categories.yaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "audit_categories_priv.h"
#include "digest.h"
#include "glob.h"
#include "util.h"
#include "yaml.h"

struct loading {
	struct categories *categories;
	/** Number of the rule at hand. */
	uint32_t number;
	struct category_rule *rule;
	struct peel_error *err;
};

static int fail(const struct loading *loading, const struct yaml *node, const char *what)
{
	return yaml_fail(loading->categories->document, node, loading->err, "%s", what);
}

/** A scalar is a list of one. */
static size_t list_count(const struct yaml *node)
{
	return node->type == YAML_LIST ? node->count : 1;
}

static const struct yaml *list_item(const struct yaml *node, size_t i)
{
	return node->type == YAML_LIST ? node->items[i] : node;
}

/** Take each scalar of a list. */
typedef int item_fn(struct loading *loading, const struct yaml *node);

static int each_item(struct loading *loading, const struct yaml *node, item_fn *take)
{
	int code = node->type == YAML_MAP || list_count(node) == 0
		? fail(loading, node, "here stands a word or a list of words")
		: 0;

	for (size_t i = 0; code == 0 && i < list_count(node); i++) {
		const struct yaml *item = list_item(node, i);

		code = item->type == YAML_SCALAR ? take(loading, item)
						 : fail(loading, item, "here stands a word");
	}
	return code;
}

static int add_pattern(struct loading *loading, const struct yaml *node, struct glob_set *set,
	const char *pattern)
{
	struct peel_error why = {0};
	int code = glob_set_add(set, pattern, loading->number, &why);

	if (code == PEEL_EFORMAT || code == PEEL_ELIMIT) {
		return fail(loading, node, why.message);
	}
	return code < 0 ? peel_fail(loading->err, code, "%s", why.message) : 0;
}

static int take_path(struct loading *loading, const struct yaml *node)
{
	loading->rule->by_path = true;
	return add_pattern(loading, node, loading->categories->paths, node->text);
}

static int take_not(struct loading *loading, const struct yaml *node)
{
	loading->rule->by_not = true;
	return add_pattern(loading, node, loading->categories->nots, node->text);
}

/** "DB:NAME" is the path "/DB/NAME". */
static int take_package(struct loading *loading, const struct yaml *node)
{
	const char *colon = strchr(node->text, ':');
	char pattern[GLOB_MAX];

	if (!colon || strchr(node->text, '/') ||
		snprintf(pattern, sizeof(pattern), "/%.*s/%s", (int)(colon - node->text),
			node->text, colon + 1) >= (int)sizeof(pattern)) {
		return fail(loading, node, "a package is DATABASE:NAME");
	}
	loading->rule->by_package = true;
	return add_pattern(loading, node, loading->categories->packages, pattern);
}

static int take_kind(struct loading *loading, const struct yaml *node)
{
	for (int kind = 1; peel_kind_name((enum peel_kind)kind); kind++) {
		if (strcmp(peel_kind_name((enum peel_kind)kind), node->text) == 0) {
			loading->rule->kinds |= UINT64_C(1) << kind;
			return 0;
		}
	}
	return fail(loading, node, "there is no such kind");
}

static int take_elf(struct loading *loading, const struct yaml *node)
{
	static const struct {
		const char *word;
		enum category_elf bit;
	} words[] = {
		{"object", CATEGORY_ELF_OBJECT},
		{"core", CATEGORY_ELF_CORE},
		{"debug", CATEGORY_ELF_DEBUG},
		{"gpu", CATEGORY_ELF_GPU},
		{"go", CATEGORY_ELF_GO},
		{"rust", CATEGORY_ELF_RUST},
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(words[i].word, node->text) == 0) {
			loading->rule->elf |= words[i].bit;
			return 0;
		}
	}
	return fail(loading, node, "elf is object, core, debug, gpu, go or rust");
}

static int take_owned(struct loading *loading, const struct yaml *node)
{
	bool owned;

	if (yaml_bool(node, &owned) < 0) {
		return fail(loading, node, "owned is true or false");
	}
	loading->rule->owned = owned;
	return 0;
}

static int take_min_size(struct loading *loading, const struct yaml *node)
{
	int64_t size;

	if (yaml_integer(node, &size) < 0 || size < 0) {
		return fail(loading, node, "min-size is a number of bytes");
	}
	loading->rule->min_size = (uint64_t)size;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int set_hex(struct category_rule *rule, const char *text, size_t len)
{
	if (len % 2 || len / 2 > CATEGORY_MAGIC_MAX) {
		return -1;
	}
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]);
		int low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0) {
			return -1;
		}
		rule->magic[i / 2] = (unsigned char)(high << 4 | low);
	}
	rule->magic_len = len / 2;
	return 0;
}

static int set_text(struct category_rule *rule, const char *text, size_t len)
{
	if (len > CATEGORY_MAGIC_MAX) {
		return -1;
	}
	memcpy(rule->magic, text, len);
	rule->magic_len = len;
	return 0;
}

static int take_magic(struct loading *loading, const struct yaml *node)
{
	static const char *const known[] = {"offset", "text", "hex", NULL};
	const struct yaml *text = yaml_get(node, "text");
	const struct yaml *hex = yaml_get(node, "hex");
	const struct yaml *bytes = text ? text : hex;
	int64_t offset = 0;
	bool wrong = node->type != YAML_MAP || yaml_unknown(node, known) || !text == !hex ||
		bytes->type != YAML_SCALAR || bytes->len == 0 ||
		yaml_integer(yaml_get(node, "offset"), &offset) < 0 || offset < 0 ||
		offset > FACTS_RULES_HEAD - CATEGORY_MAGIC_MAX;

	if (!wrong) {
		wrong = (text ? set_text : set_hex)(loading->rule, bytes->text, bytes->len) < 0;
	}
	loading->rule->magic_offset = (size_t)offset;
	return wrong ? fail(loading, node,
			       "magic is {offset: N, text: WORD} or {offset: N, hex: DIGITS}")
		     : 0;
}

static const struct {
	const char *key;
	item_fn *take;
	/** The value is no list of words. */
	bool single;
} words[] = {
	{"path", take_path, false},
	{"not", take_not, false},
	{"kind", take_kind, false},
	{"elf", take_elf, false},
	{"package", take_package, false},
	{"owned", take_owned, true},
	{"min-size", take_min_size, true},
	{"magic", take_magic, true},
};

static int take_word(struct loading *loading, const struct yaml *key, const struct yaml *value)
{
	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(words[i].key, key->text) == 0) {
			return words[i].single ? words[i].take(loading, value)
					       : each_item(loading, value, words[i].take);
		}
	}
	return fail(loading, key,
		"a rule has path, not, kind, elf, package, owned, min-size and magic");
}

static int read_rule(struct loading *loading, const struct yaml *node, uint32_t category)
{
	struct categories *categories = loading->categories;
	int code = node->type != YAML_MAP || node->count == 0
		? fail(loading, node, "here stands a rule")
		: 0;

	if (code == 0 && categories->rule_count == CATEGORY_RULES_MAX) {
		code = fail(loading, node, "there are too many rules");
	}
	if (code < 0) {
		return code;
	}
	if (!grow_array(&categories->rules, categories->rule_count, &categories->rule_room,
		    sizeof(*categories->rules)) ||
		!grow_array(&categories->anywhere, categories->anywhere_count,
			&categories->anywhere_room, sizeof(*categories->anywhere))) {
		return peel_fail(loading->err, PEEL_ENOMEM, "no memory");
	}
	loading->number = (uint32_t)categories->rule_count;
	loading->rule = &categories->rules[categories->rule_count++];
	*loading->rule = (struct category_rule){.category = category, .owned = -1};
	for (size_t i = 0; code == 0 && i < node->count; i++) {
		code = take_word(loading, node->keys[i], node->items[i]);
	}
	if (code == 0 && !loading->rule->by_path) {
		categories->anywhere[categories->anywhere_count++] = loading->number;
	}
	return code;
}

static int read_text(struct loading *loading, const struct yaml *map, const char *key,
	const char **ret_text)
{
	const struct yaml *node = yaml_get(map, key);

	if (!node || node->type != YAML_SCALAR || node->len == 0) {
		return yaml_fail(loading->categories->document, node ? node : map, loading->err,
			"a category has a %s", key);
	}
	*ret_text = node->text;
	return 0;
}

static int read_category(struct loading *loading, const struct yaml *node)
{
	static const char *const known[] = {"name", "title", "group", "match", NULL};
	struct categories *categories = loading->categories;
	struct peel_category *category = &categories->list[categories->count];
	const struct yaml *match = yaml_get(node, "match");
	int code;

	*category = (struct peel_category){.name = "", .title = "", .group = ""};
	code = node->type != YAML_MAP       ? fail(loading, node, "here stands a category")
		: yaml_unknown(node, known) ? fail(loading, yaml_unknown(node, known),
						      "a category has name, title, group and match")
					    : read_text(loading, node, "name", &category->name);

	if (code == 0) {
		code = read_text(loading, node, "title", &category->title);
	}
	if (code == 0) {
		code = read_text(loading, node, "group", &category->group);
	}
	if (code == 0 && (!match || match->type != YAML_LIST || match->count == 0)) {
		code = fail(loading, match ? match : node, "match is a list of rules");
	}
	if (code != 0) {
		return code;
	}
	category->id = ++categories->count;
	for (size_t i = 0; code == 0 && i < match->count; i++) {
		code = read_rule(loading, match->items[i], category->id);
	}
	return code;
}

static int check_names(struct loading *loading, const struct yaml *root)
{
	const struct peel_category *list = loading->categories->list;

	for (uint32_t i = 0; i < loading->categories->count; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (strcmp(list[i].name, list[k].name) == 0) {
				return fail(loading, root->items[i],
					"two categories have one name");
			}
		}
	}
	return 0;
}

static int new_sets(struct categories *categories, struct peel_error *err)
{
	struct glob_set **const sets[] = {
		&categories->paths, &categories->nots, &categories->packages};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(sets); i++) {
		code = glob_set_new(sets[i], err);
	}
	return code;
}

int categories_read(struct categories *categories, const char *what, const char *text, size_t len,
	struct peel_error *err)
{
	struct loading loading = {.categories = categories, .err = err};
	char digest[DIGEST_TEXT_SIZE];
	const struct yaml *root;
	int code = yaml_parse(what, text, len, &categories->document, err);

	if (code == 0) {
		code = new_sets(categories, err);
	}
	if (code == 0) {
		code = digest_buffer(NULL, text, len, digest, err);
	}
	if (code < 0) {
		return code;
	}
	snprintf(categories->digest, sizeof(categories->digest), "%s", strchr(digest, ':') + 1);
	root = yaml_root(categories->document);
	if (!root || root->type != YAML_LIST || root->count == 0 || root->count > CATEGORIES_MAX) {
		return fail(&loading, root, "here stands a list of 1 to 200 categories");
	}
	categories->list = calloc(root->count, sizeof(*categories->list));
	if (!categories->list) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; code == 0 && i < root->count; i++) {
		code = read_category(&loading, root->items[i]);
	}
	return code != 0 ? code : check_names(&loading, root);
}
