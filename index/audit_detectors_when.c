/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions out of YAML. A condition is a map of which every key must hold; a key's value is one text or several, of
 * which any must hold; "all", "any" and "not" take conditions:
 *
 *   {kind: elf, marker: {least: 2, of: [a, b, c]}, not: {name: 'lib*'}}
 *
 *        all ─┬─ leaf kind
 *             ├─ leaf marker            each key is a row of the table at the end: what it makes, and which
 *             └─ not ── leaf path       subjects it can be asked of
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/text.h>

#include "audit_detectors_priv.h"
#include "facts_look.h"
#include "glob.h"
#include "util.h"
#include "yaml.h"

#define ON_FILE (1u << DETECTOR_FILE)
#define ON_LINK (1u << DETECTOR_LINK)
#define ON_FOLDER (1u << DETECTOR_FOLDER)
#define ON_PACKAGE (1u << DETECTOR_PACKAGE)
#define ON_CONFIG (1u << DETECTOR_CONFIG)
#define ON_PATHS (ON_FILE | ON_LINK | ON_FOLDER)
#define ON_ALL ((1u << DETECTOR_SUBJECTS) - 1)

struct key;

/* Compiles a key's value to a condition at a row of the table that is there already. */
typedef int key_fn(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row);

struct key {
	const char *name;
	unsigned int on;
	key_fn *compile;
	enum detector_leaf_type type;
	/* What stands before a pattern that is not anchored. */
	const char *prefix;
};

/* A word and the bits that it stands for. */
struct word {
	const char *name;
	uint64_t bits;
};

static const struct word elf_words[] = {
	{"core", DETECTOR_ELF_CORE},
	{"debug", FACTS_ELF_DEBUG},
	{"go", FACTS_ELF_GO},
	{"gpu", FACTS_ELF_GPU},
	{"library", DETECTOR_ELF_LIBRARY},
	{"relocatable", DETECTOR_ELF_RELOCATABLE},
	{"rust", FACTS_ELF_RUST_AUDIT},
	{"static", FACTS_ELF_STATIC},
	{"symbols", FACTS_ELF_SYMTAB},
	{NULL, 0},
};

static const struct word mode_words[] = {
	{"executable", 0111},
	{"setgid", S_ISGID},
	{"setuid", S_ISUID},
	{"sticky", S_ISVTX},
	{"world-writable", S_IWOTH},
	{NULL, 0},
};

static const struct word bundle_words[] = {
	{"nuitka", UINT64_C(1) << FACTS_BUNDLE_NUITKA},
	{"pyinstaller", UINT64_C(1) << FACTS_BUNDLE_PYINSTALLER},
	{"zipapp", UINT64_C(1) << FACTS_BUNDLE_ZIPAPP},
	{NULL, 0},
};

static int no_memory(struct detector_compile *compile)
{
	return peel_fail(compile->err, PEEL_ENOMEM, "no memory for detectors");
}

/* Members of a value: those of a list, or the value itself. */
static size_t value_count(const struct yaml *value)
{
	return value->type == YAML_LIST ? value->count : 1;
}

static const struct yaml *value_at(const struct yaml *value, size_t i)
{
	return value->type == YAML_LIST ? value->items[i] : value;
}

/* The text of member i. @return NULL: there is none, and the message is set. */
static const char *value_text(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, size_t i)
{
	const struct yaml *item = value_at(value, i);

	if (item->type != YAML_SCALAR || item->len == 0) {
		detector_fail(compile, item, "%s takes a text or a list of texts", key->name);
		return NULL;
	}
	return item->text;
}

static int add_leaf(struct detector_compile *compile, const struct detector_leaf *leaf,
	uint32_t row)
{
	struct peel_detectors *detectors = compile->detectors;

	if (!grow_array(&detectors->leaves, detectors->leaf_count, &detectors->leaf_room,
		    sizeof(*detectors->leaves))) {
		return no_memory(compile);
	}
	detectors->leaves[detectors->leaf_count] = *leaf;
	detectors->conditions[row] = (struct detector_condition){
		.op = DETECTOR_LEAF,
		.first = (uint32_t)detectors->leaf_count,
	};
	return (int)detectors->leaf_count++;
}

/* A pattern that may match anywhere begins with "**" or "/"; one of a name alone gets the key's prefix. */
static int add_pattern(struct detector_compile *compile, const struct key *key,
	const struct yaml *node, const char *text, uint32_t leaf)
{
	struct peel_detectors *detectors = compile->detectors;
	struct glob_set **set = &detectors->sets[key->type];
	const bool anchored = text[0] == '/' || strncmp(text, "**/", 3) == 0;
	struct peel_error why = {0};
	char pattern[GLOB_MAX];
	int r = *set ? 0 : glob_set_new(set, compile->err);

	if (r < 0) {
		return r;
	}
	if (strcmp(key->name, "name") == 0 && strchr(text, '/')) {
		return detector_fail(compile, node, "a name has no slash");
	}
	if (detectors->pattern_count >= DETECTOR_PATTERNS_MAX) {
		return peel_fail(compile->err, PEEL_ELIMIT, "more than %d patterns of detectors",
			DETECTOR_PATTERNS_MAX);
	}
	if (!grow_array(&detectors->patterns, detectors->pattern_count, &detectors->pattern_room,
		    sizeof(*detectors->patterns))) {
		return no_memory(compile);
	}
	if (snprintf(pattern, sizeof(pattern), "%s%s", anchored ? "" : key->prefix, text) >=
		(int)sizeof(pattern)) {
		return detector_fail(compile, node, "a pattern is too long");
	}
	r = glob_set_add(*set, pattern, (uint32_t)detectors->pattern_count, &why);
	if (r < 0) {
		return detector_fail_pattern(compile, node, &why);
	}
	detectors->patterns[detectors->pattern_count++] = (struct detector_pattern){leaf, text};
	return 0;
}

static int compile_patterns(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	const struct detector_leaf one = {.type = key->type};
	int leaf = add_leaf(compile, &one, row);
	int r = leaf < 0 ? leaf : 0;

	for (size_t i = 0; r >= 0 && i < value_count(value); i++) {
		const char *text = value_text(compile, key, value, i);

		r = text ? add_pattern(compile, key, value_at(value, i), text, (uint32_t)leaf)
			 : PEEL_EFORMAT;
	}
	return r;
}

static int compile_words(struct detector_compile *compile, const struct key *key,
	const struct word *words, const struct yaml *value, uint32_t row)
{
	struct detector_leaf leaf = {.type = key->type};

	for (size_t i = 0; i < value_count(value); i++) {
		const struct word *word = words;
		const char *text = value_text(compile, key, value, i);

		if (!text) {
			return PEEL_EFORMAT;
		}
		while (word->name && strcmp(word->name, text) != 0) {
			word++;
		}
		if (!word->name) {
			return detector_fail(compile, value_at(value, i), "no such word of '%s'",
				key->name);
		}
		leaf.mask |= word->bits;
	}
	return add_leaf(compile, &leaf, row);
}

static int compile_elf(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	return compile_words(compile, key, elf_words, value, row);
}

static int compile_mode(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	return compile_words(compile, key, mode_words, value, row);
}

static int compile_bundle(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	return compile_words(compile, key, bundle_words, value, row);
}

static int compile_kind(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	struct detector_leaf leaf = {.type = key->type};

	for (size_t i = 0; i < value_count(value); i++) {
		int kind = PEEL_KIND_EMPTY;
		const char *text = value_text(compile, key, value, i);

		if (!text) {
			return PEEL_EFORMAT;
		}
		while (peel_kind_name((enum peel_kind)kind) &&
			strcmp(peel_kind_name((enum peel_kind)kind), text) != 0) {
			kind++;
		}
		if (!peel_kind_name((enum peel_kind)kind) || kind > 63) {
			return detector_fail(compile, value_at(value, i), "no such kind");
		}
		leaf.mask |= UINT64_C(1) << kind;
	}
	return add_leaf(compile, &leaf, row);
}

static int compile_dangling(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	const struct detector_leaf leaf = {.type = key->type};
	bool on;

	if (yaml_bool(value, &on) < 0 || !on) {
		return detector_fail(compile, value, "%s is true, or left out", key->name);
	}
	return add_leaf(compile, &leaf, row);
}

static int compile_symbols(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	struct peel_detectors *detectors = compile->detectors;
	const struct detector_leaf one = {.type = key->type};
	int leaf = add_leaf(compile, &one, row);

	if (leaf < 0) {
		return leaf;
	}
	for (size_t i = 0; i < value_count(value); i++) {
		const char *text = value_text(compile, key, value, i);

		if (!text) {
			return PEEL_EFORMAT;
		}
		if (strcspn(text, "*") + 1 < strlen(text) || strcmp(text, "*") == 0) {
			return detector_fail(compile, value_at(value, i),
				"a symbol may have one '*', at its end");
		}
		if (!grow_array(&detectors->symbols, detectors->symbol_count,
			    &detectors->symbol_room, sizeof(*detectors->symbols))) {
			return no_memory(compile);
		}
		detectors->symbols[detectors->symbol_count++] = (struct detector_pattern){
			(uint32_t)leaf, text};
	}
	return leaf;
}

/* {least: N, of: [...]}, or the list alone. */
static int take_least(struct detector_compile *compile, const struct key *key,
	const struct yaml **value, uint32_t *ret_least)
{
	static const char *const known[] = {"least", "of", NULL};
	const struct yaml *of = yaml_get(*value, "of");
	int64_t least;

	*ret_least = 1;
	if ((*value)->type != YAML_MAP) {
		return 0;
	}
	if (!of || of->type != YAML_LIST || yaml_unknown(*value, known) ||
		yaml_integer(yaml_get(*value, "least"), &least) < 0 || least < 1 ||
		(uint64_t)least > of->count) {
		return detector_fail(compile, *value,
			"%s takes texts, or {least: N, of: [texts]} with N of them at most",
			key->name);
	}
	*ret_least = (uint32_t)least;
	*value = of;
	return 0;
}

static int compile_markers(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	struct peel_detectors *detectors = compile->detectors;
	struct detector_leaf one = {.type = key->type};
	int leaf = take_least(compile, key, &value, &one.least);

	leaf = leaf < 0 ? leaf : add_leaf(compile, &one, row);
	for (size_t i = 0; leaf >= 0 && i < value_count(value); i++) {
		struct detector_pair pair = {.leaf = (uint32_t)leaf};
		const char *text = value_text(compile, key, value, i);

		if (!text) {
			return PEEL_EFORMAT;
		}
		if (!detector_marker_find(compile, text, &pair.marker)) {
			return detector_fail(compile, value_at(value, i), "no such marker");
		}
		if (!grow_array(&detectors->marker_leaves, detectors->marker_leaf_count,
			    &detectors->marker_leaf_room, sizeof(*detectors->marker_leaves))) {
			return no_memory(compile);
		}
		detectors->marker_leaves[detectors->marker_leaf_count++] = pair;
	}
	return leaf;
}

/* Room for count conditions in a row. @return the first, or less than 0. */
static int add_conditions(struct detector_compile *compile, size_t count)
{
	struct peel_detectors *detectors = compile->detectors;
	const size_t first = detectors->condition_count;

	if (count > DETECTOR_CONDITIONS_MAX - first) {
		return peel_fail(compile->err, PEEL_ELIMIT, "more than %d conditions of detectors",
			DETECTOR_CONDITIONS_MAX);
	}
	for (size_t i = 0; i < count; i++) {
		if (!grow_array(&detectors->conditions, detectors->condition_count,
			    &detectors->condition_room, sizeof(*detectors->conditions))) {
			return no_memory(compile);
		}
		detectors->conditions[detectors->condition_count++] = (struct detector_condition){
			0};
	}
	return (int)first;
}

static int compile_at(struct detector_compile *compile, const struct yaml *node, uint32_t row);

/* A list of conditions of which all, any or none must hold. */
static int compile_group(struct detector_compile *compile, const struct key *key,
	const struct yaml *value, uint32_t row)
{
	const size_t count = value_count(value);
	int first = add_conditions(compile, count);
	int r = first;

	if (value->type == YAML_SCALAR || count == 0) {
		return detector_fail(compile, value, "%s takes conditions", key->name);
	}
	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = compile_at(compile, value_at(value, i), (uint32_t)first + (uint32_t)i);
	}
	if (r >= 0) {
		compile->detectors->conditions[row] = (struct detector_condition){
			.op = strcmp(key->name, "any") == 0     ? DETECTOR_ANY
				: strcmp(key->name, "not") == 0 ? DETECTOR_NOT
								: DETECTOR_ALL,
			.first = (uint32_t)first,
			.count = (uint32_t)count,
		};
	}
	return r;
}

static const struct key keys[] = {
	{"all", ON_ALL, compile_group, 0, NULL},
	{"any", ON_ALL, compile_group, 0, NULL},
	{"bundle", ON_FILE, compile_bundle, DETECTOR_BUNDLE, NULL},
	{"command", ON_CONFIG, compile_patterns, DETECTOR_COMMAND, "/"},
	{"dangling", ON_LINK, compile_dangling, DETECTOR_DANGLING, NULL},
	{"db", ON_PACKAGE, compile_patterns, DETECTOR_PACKAGE_DB, "/"},
	{"elf", ON_FILE, compile_elf, DETECTOR_ELF, NULL},
	{"env", ON_CONFIG, compile_patterns, DETECTOR_ENV, "/"},
	{"import", ON_FILE, compile_symbols, DETECTOR_IMPORT, NULL},
	{"kind", ON_FILE, compile_kind, DETECTOR_KIND, NULL},
	{"marker", ON_FILE, compile_markers, DETECTOR_MARKER, NULL},
	{"member", ON_FILE, compile_patterns, DETECTOR_MEMBER, "/"},
	{"mode", ON_FILE | ON_FOLDER, compile_mode, DETECTOR_MODE, NULL},
	{"name", ON_PATHS, compile_patterns, DETECTOR_PATH, "**/"},
	{"need", ON_FILE, compile_patterns, DETECTOR_NEED, "/"},
	{"not", ON_ALL, compile_group, 0, NULL},
	{"package", ON_PACKAGE, compile_patterns, DETECTOR_PACKAGE_NAME, "/"},
	{"path", ON_PATHS, compile_patterns, DETECTOR_PATH, ""},
	{"script", ON_FILE, compile_patterns, DETECTOR_SCRIPT, "/"},
	{"symbol", ON_FILE, compile_symbols, DETECTOR_SYMBOL, NULL},
	{"target", ON_LINK, compile_patterns, DETECTOR_TARGET, "**/"},
	{"user", ON_CONFIG, compile_patterns, DETECTOR_USER, "/"},
	{"xattr", ON_FILE, compile_patterns, DETECTOR_XATTR, "/"},
};

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < countof(keys); i++) {
		if (strcmp(keys[i].name, name) == 0) {
			return &keys[i];
		}
	}
	return NULL;
}

/* A map: all of its keys. One key alone is that. */
static int compile_at(struct detector_compile *compile, const struct yaml *node, uint32_t row)
{
	int first = (int)row;
	int r = 0;

	if (node->type != YAML_MAP || node->count == 0) {
		return detector_fail(compile, node, "a condition is a map such as {kind: elf}");
	}
	if (node->count > 1) {
		first = add_conditions(compile, node->count);
		if (first < 0) {
			return first;
		}
		compile->detectors->conditions[row] = (struct detector_condition){
			DETECTOR_ALL, (uint32_t)first, (uint32_t)node->count};
	}
	for (size_t i = 0; r >= 0 && i < node->count; i++) {
		const struct key *key = find_key(node->keys[i]->text);
		char shown[80];

		peel_text_escape_into(shown, sizeof(shown), node->keys[i]->text,
			node->keys[i]->len);
		if (!key) {
			return detector_fail(compile, node->keys[i], "no such condition: %s",
				shown);
		}
		if (!(key->on & 1u << compile->on)) {
			return detector_fail(compile, node->keys[i],
				"the condition '%s' is for another kind of rule (see 'on')", shown);
		}
		r = key->compile(compile, key, node->items[i], (uint32_t)first + (uint32_t)i);
	}
	return r;
}

int detector_when(struct detector_compile *compile, const struct yaml *node,
	uint32_t *ret_condition)
{
	int row = add_conditions(compile, 1);

	if (row < 0) {
		return row;
	}
	*ret_condition = (uint32_t)row;
	return compile_at(compile, node, *ret_condition);
}
