/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors out of files. The documents are read first, because a later file replaces a detector of an earlier one as a
 * whole; then what is left is compiled in order of names, markers before rules, because rules may name any marker.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/text.h>

#include "audit_detectors_priv.h"
#include "detectors_yaml.h"
#include "glob.h"
#include "util.h"
#include "yaml.h"

/* Name of the built-in file in messages. */
#define BUILT_IN "built-in detectors"

static const char *const tiers[] = {
	[PEEL_TIER_INTERPRETER] = "interpreter",
	[PEEL_TIER_EMBEDDER] = "embedder",
	[PEEL_TIER_PAYLOAD] = "payload",
	[PEEL_TIER_DEPENDENT] = "dependent",
	[PEEL_TIER_DECLARED] = "declared",
};

static const char *const subjects[DETECTOR_SUBJECTS] = {
	[DETECTOR_FILE] = "file",
	[DETECTOR_LINK] = "link",
	[DETECTOR_FOLDER] = "folder",
	[DETECTOR_PACKAGE] = "package",
	[DETECTOR_CONFIG] = "config",
};

const char *peel_tier_name(enum peel_tier tier)
{
	return tier >= PEEL_TIER_INTERPRETER && tier <= PEEL_TIER_DECLARED ? tiers[tier] : "";
}

enum peel_tier peel_tier_parse(const char *word)
{
	for (size_t i = PEEL_TIER_INTERPRETER; i < countof(tiers); i++) {
		if (strcmp(word, tiers[i]) == 0) {
			return (enum peel_tier)i;
		}
	}
	return (enum peel_tier)0;
}

int detector_fail(struct detector_compile *compile, const struct yaml *node, const char *format,
	...)
{
	char message[PEEL_MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return yaml_fail(compile->detectors->list[compile->detector].document, node, compile->err,
		"%s", message);
}

int detector_fail_pattern(struct detector_compile *compile, const struct yaml *node,
	const struct peel_error *why)
{
	return why->code == PEEL_EFORMAT ? detector_fail(compile, node, "%s", why->message)
					 : peel_fail(compile->err, why->code, "%s", why->message);
}

/* What a name of a detector, rule or marker is: it stands in options, identifiers and evidence. */
static bool name_valid(const char *name, size_t len)
{
	return len > 0 && len <= DETECTOR_NAME_MAX && name[0] != '-' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* A text that every map of a kind has. */
static int take_title(struct detector_compile *compile, const struct yaml *map, const char **ret)
{
	const struct yaml *title = yaml_get(map, "title");

	if (!title || title->type != YAML_SCALAR || title->len == 0) {
		return detector_fail(compile, map, "it needs a title");
	}
	*ret = title->text;
	return 0;
}

static int take_tier(struct detector_compile *compile, const struct yaml *rule, enum peel_tier *ret)
{
	const struct yaml *tier = yaml_get(rule, "tier");

	if (!tier || tier->type != YAML_SCALAR ||
		(strcmp(tier->text, "none") != 0 && !peel_tier_parse(tier->text))) {
		return detector_fail(compile, tier ? tier : rule,
			"tier is one of interpreter, embedder, payload, dependent, declared, none");
	}
	*ret = peel_tier_parse(tier->text);
	return 0;
}

static int take_subject(struct detector_compile *compile, const struct yaml *rule)
{
	const struct yaml *on = yaml_get(rule, "on");

	compile->on = DETECTOR_FILE;
	for (size_t i = 0; on && on->type == YAML_SCALAR && i < countof(subjects); i++) {
		if (strcmp(on->text, subjects[i]) == 0) {
			compile->on = (enum detector_subject)i;
			return 0;
		}
	}
	return on ? detector_fail(compile, on, "on is one of file, link, folder, package, config")
		  : 0;
}

/* The rule's identifier, "python/interpreter"; no other rule of the detector has it. */
static int take_id(struct detector_compile *compile, const struct yaml *map,
	struct detector_rule *rule)
{
	const struct peel_detectors *detectors = compile->detectors;
	const struct detector *detector = &detectors->list[compile->detector];
	const struct yaml *id = yaml_get(map, "id");

	if (!id || id->type != YAML_SCALAR || !name_valid(id->text, id->len)) {
		return detector_fail(compile, id ? id : map,
			"it needs an id of small letters, digits and dashes");
	}
	if (asprintf(&rule->id, "%s/%s", detector->public.name, id->text) < 0) {
		rule->id = NULL;
		return peel_fail(compile->err, PEEL_ENOMEM, "no memory for detectors");
	}
	for (uint32_t i = detector->first_rule; i < detectors->rule_count; i++) {
		if (&detectors->rules[i] != rule && strcmp(detectors->rules[i].id, rule->id) == 0) {
			return detector_fail(compile, id, "there is a rule '%s' already", id->text);
		}
	}
	return 0;
}

static int compile_rule(struct detector_compile *compile, const struct yaml *map)
{
	static const char *const known[] = {"id", "tier", "title", "on", "when", NULL};
	struct peel_detectors *detectors = compile->detectors;
	const struct yaml *when = yaml_get(map, "when");
	const struct yaml *unknown = yaml_unknown(map, known);
	struct detector_rule *rule;
	char shown[80];
	int r;

	if (map->type != YAML_MAP || !when) {
		return detector_fail(compile, map, "a rule has id, tier, title and when");
	}
	if (unknown) {
		return detector_fail(compile, unknown, "a rule has no '%s'",
			peel_text_escape_into(shown, sizeof(shown), unknown->text, unknown->len));
	}
	if (detectors->rule_count >= DETECTOR_RULES_MAX) {
		return peel_fail(compile->err, PEEL_ELIMIT, "more than %d rules of detectors",
			DETECTOR_RULES_MAX);
	}
	if (!grow_array(&detectors->rules, detectors->rule_count, &detectors->rule_room,
		    sizeof(*detectors->rules))) {
		return peel_fail(compile->err, PEEL_ENOMEM, "no memory for detectors");
	}
	rule = &detectors->rules[detectors->rule_count++];
	*rule = (struct detector_rule){.detector = compile->detector};
	r = take_id(compile, map, rule);
	r = r < 0 ? r : take_title(compile, map, &rule->title);
	r = r < 0 ? r : take_tier(compile, map, &rule->tier);
	r = r < 0 ? r : take_subject(compile, map);
	rule->on = compile->on;
	r = r < 0 ? r : detector_when(compile, when, &rule->condition);
	if (r >= 0 && !detector_has_triggers(detectors, rule->condition)) {
		return detector_fail(compile, when,
			"a rule needs something that holds, beside what does not");
	}
	return r;
}

/* Usual names of its programs. */
static int take_names(struct detector_compile *compile, const struct yaml *names,
	struct detector *detector)
{
	struct peel_error why = {0};
	int r;

	if (names && (names->type != YAML_LIST || names->count == 0)) {
		return detector_fail(compile, names, "names is a list of patterns");
	}
	if (!names) {
		return 0;
	}
	r = glob_set_new(&detector->names, compile->err);
	for (size_t i = 0; r >= 0 && i < names->count; i++) {
		char pattern[GLOB_MAX];

		if (names->items[i]->type != YAML_SCALAR) {
			return detector_fail(compile, names->items[i],
				"names is a list of patterns");
		}
		snprintf(pattern, sizeof(pattern), "**/%s", names->items[i]->text);
		if (glob_set_add(detector->names, pattern, 0, &why) < 0) {
			return detector_fail_pattern(compile, names->items[i], &why);
		}
	}
	return r;
}

/* What a detector has but its rules, and its markers. */
static int compile_head(struct detector_compile *compile)
{
	static const char *const known[] = {"title", "about", "names", "markers", "rules", NULL};
	struct detector *detector = &compile->detectors->list[compile->detector];
	const struct yaml *node = detector->node;
	const struct yaml *unknown = yaml_unknown(node, known);
	char shown[80];
	int r;

	detector->public.name = detector->key;
	if (node->type != YAML_MAP) {
		return detector_fail(compile, node, "a detector has title and rules");
	}
	if (unknown) {
		return detector_fail(compile, unknown, "a detector has no '%s'",
			peel_text_escape_into(shown, sizeof(shown), unknown->text, unknown->len));
	}
	r = take_title(compile, node, &detector->public.title);
	r = r < 0 ? r : take_names(compile, yaml_get(node, "names"), detector);
	return r < 0 ? r : detector_markers(compile, yaml_get(node, "markers"));
}

static int compile_rules(struct detector_compile *compile)
{
	struct detector *detector = &compile->detectors->list[compile->detector];
	const struct yaml *rules = yaml_get(detector->node, "rules");

	if (!rules || rules->type != YAML_LIST || rules->count == 0) {
		return detector_fail(compile, rules ? rules : detector->node,
			"a detector has a list of rules");
	}
	detector->first_rule = (uint32_t)compile->detectors->rule_count;
	for (size_t i = 0; i < rules->count; i++) {
		int r = compile_rule(compile, rules->items[i]);

		if (r < 0) {
			return r;
		}
	}
	detector->end_rule = (uint32_t)compile->detectors->rule_count;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct detector *x = a;
	const struct detector *y = b;

	return strcmp(x->key, y->key);
}

static int compile_all(struct peel_detectors *detectors, struct peel_error *err)
{
	struct detector_compile compile = {.detectors = detectors, .err = err};
	int r = 0;

	if (detectors->count > 0) {
		qsort(detectors->list, detectors->count, sizeof(*detectors->list), compare_keys);
	}
	for (uint32_t i = 0; r >= 0 && i < detectors->count; i++) {
		compile.detector = i;
		r = compile_head(&compile);
	}
	detector_markers_sort(detectors);
	for (uint32_t i = 0; r >= 0 && i < detectors->count; i++) {
		compile.detector = i;
		r = compile_rules(&compile);
	}
	r = r < 0 ? r : detector_triggers(detectors, err);
	return r < 0 ? r : detector_want(detectors, err);
}

/* Put a detector in, or in the place of one of its name. */
static int add_detector(struct peel_detectors *detectors, const struct yaml_document *document,
	const struct yaml *key, const struct yaml *node, struct peel_error *err)
{
	const struct detector one = {.document = document, .node = node, .key = key->text};
	struct detector *grown;

	if (!name_valid(key->text, key->len)) {
		return yaml_fail(document, key, err,
			"a detector's name has small letters, digits and dashes, %d at most",
			DETECTOR_NAME_MAX);
	}
	for (size_t i = 0; i < detectors->count; i++) {
		if (strcmp(detectors->list[i].key, key->text) == 0) {
			detectors->list[i] = one;
			return 0;
		}
	}
	if (detectors->count >= DETECTORS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more than %d detectors", DETECTORS_MAX);
	}
	grown = reallocarray(detectors->list, detectors->count + 1, sizeof(*grown));
	if (!grown) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	detectors->list = grown;
	detectors->list[detectors->count++] = one;
	return 0;
}

/* Read one document. */
static int add_document(struct peel_detectors *detectors, const char *what, const char *text,
	size_t len, struct peel_error *err)
{
	static const char *const known[] = {"version", "detectors", NULL};
	struct yaml_document **document = &detectors->documents[detectors->document_count];
	const struct yaml *root;
	const struct yaml *map;
	int64_t version;
	int r = yaml_parse(what, text, len, document, err);

	if (r < 0) {
		return r;
	}
	detectors->document_count++;
	root = yaml_root(*document);
	map = yaml_get(root, "detectors");
	if (yaml_integer(yaml_get(root, "version"), &version) < 0 || version != 1) {
		return yaml_fail(*document, root, err, "a file of detectors has 'version: 1'");
	}
	if (!map || map->type != YAML_MAP || yaml_unknown(root, known)) {
		return yaml_fail(*document, yaml_unknown(root, known), err,
			"a file of detectors has 'version' and 'detectors', nothing else");
	}
	for (size_t i = 0; r >= 0 && i < map->count; i++) {
		r = add_detector(detectors, *document, map->keys[i], map->items[i], err);
	}
	return r;
}

/* Read a file whole. */
static int read_file(const char *path, char **ret_text, size_t *ret_len, struct peel_error *err)
{
	cleanup_free char *text = malloc(YAML_MAX + 1);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char shown[256];
	size_t len = 0;
	ssize_t got = 1;

	peel_text_escape_into(shown, sizeof(shown), path, strlen(path));
	if (fd < 0) {
		return peel_fail(err, errno == ENOENT ? PEEL_ENOENT : PEEL_EIO, "%s: %s", shown,
			strerror(errno));
	}
	if (!text) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for %s", shown);
	}
	while (got > 0 && len <= YAML_MAX) {
		got = read(fd, text + len, YAML_MAX + 1 - len);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got < 0) {
			return peel_fail(err, PEEL_EIO, "%s: %s", shown, strerror(errno));
		}
		len += (size_t)got;
	}
	*ret_text = steal_pointer(&text);
	*ret_len = len;
	return 0;
}

static void cleanup_detectors(struct peel_detectors **detectors)
{
	peel_detectors_free(*detectors);
}

/* An empty set with room for documents. */
static int new_detectors(size_t documents, struct peel_detectors **ret_detectors,
	struct peel_error *err)
{
	cleanup(cleanup_detectors) struct peel_detectors *detectors = calloc(1, sizeof(*detectors));

	if (!detectors ||
		!(detectors->documents = calloc(documents, sizeof(*detectors->documents)))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	*ret_detectors = steal_pointer(&detectors);
	return 0;
}

int detectors_parse(const char *what, const char *text, size_t len,
	struct peel_detectors **ret_detectors, struct peel_error *err)
{
	cleanup(cleanup_detectors) struct peel_detectors *detectors = NULL;
	int r = new_detectors(1, &detectors, err);

	r = r < 0 ? r : add_document(detectors, what, text, len, err);
	r = r < 0 ? r : compile_all(detectors, err);
	if (r == 0) {
		*ret_detectors = steal_pointer(&detectors);
	}
	return r;
}

int peel_detectors_load(const char *const *files, size_t count,
	struct peel_detectors **ret_detectors, struct peel_error *err)
{
	cleanup(cleanup_detectors) struct peel_detectors *detectors = NULL;
	int r = new_detectors(count + 1, &detectors, err);

	if (r < 0) {
		return r;
	}
	r = add_document(detectors, BUILT_IN, detectors_yaml, sizeof(detectors_yaml) - 1, err);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		cleanup_free char *text = NULL;
		size_t len;

		r = read_file(files[i], &text, &len, err);
		r = r < 0 ? r : add_document(detectors, files[i], text, len, err);
	}
	r = r < 0 ? r : compile_all(detectors, err);
	if (r < 0) {
		return r;
	}
	*ret_detectors = steal_pointer(&detectors);
	return 0;
}

void peel_detectors_free(struct peel_detectors *detectors)
{
	if (!detectors) {
		return;
	}
	for (size_t i = 0; i < detectors->count; i++) {
		glob_set_free(detectors->list[i].names);
	}
	for (size_t i = 0; i < detectors->rule_count; i++) {
		free(detectors->rules[i].id);
	}
	for (size_t i = 0; i < countof(detectors->sets); i++) {
		glob_set_free(detectors->sets[i]);
	}
	for (size_t i = 0; i < detectors->marker_count; i++) {
		free((char *)detectors->markers[i].name);
		free((void *)detectors->markers[i].bytes);
	}
	for (size_t i = 0; i < detectors->wanted.symbol_count; i++) {
		free((char *)detectors->wanted_symbols[i].text);
	}
	for (size_t i = 0; i < detectors->document_count; i++) {
		yaml_release(detectors->documents[i]);
	}
	free(detectors->documents);
	free(detectors->list);
	free(detectors->rules);
	free(detectors->conditions);
	free(detectors->children);
	free(detectors->leaves);
	free(detectors->patterns);
	free(detectors->markers);
	free(detectors->marker_leaves);
	free(detectors->symbols);
	free(detectors->wanted_symbols);
	free(detectors->triggers.start);
	free(detectors->triggers.items);
	free(detectors->marker_leaves_of.start);
	free(detectors->marker_leaves_of.items);
	free(detectors);
}

size_t peel_detector_count(const struct peel_detectors *detectors)
{
	return detectors->count;
}

const struct peel_detector *peel_detector_get(const struct peel_detectors *detectors, size_t i)
{
	return i < detectors->count ? &detectors->list[i].public : NULL;
}

const struct facts_wanted *detectors_wanted(const struct peel_detectors *detectors)
{
	return &detectors->wanted;
}
