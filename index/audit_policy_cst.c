/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container-structure-test's files, as its code (pkg/types/v1, v2) reads them: schemaVersion "2.0.0", and "1.0.0"
 * too, whose tests of files are the same. Booleans may be YAML 1.1's, as its reader takes them. An unknown key is an
 * error there for YAML; here for JSON too, where it would pass over a test that is misspelt.
 */
#include <stdio.h>
#include <string.h>

#include <peel/text.h>

#include "audit_policy_priv.h"
#include "util.h"

/** One file being read. */
struct reading {
	struct peel_policy *policy;
	bool old;
	/** globalEnvVars. */
	struct policy_config env;
	struct peel_error *err;
};

static int read_bool(struct reading *reading, const struct yaml *node, bool *ret_value)
{
	static const char *const yes[] = {
		"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"};
	static const char *const no[] = {
		"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"};

	for (size_t i = 0; node->text && !node->quoted && i < countof(yes); i++) {
		if (strcmp(node->text, yes[i]) == 0 || strcmp(node->text, no[i]) == 0) {
			*ret_value = strcmp(node->text, yes[i]) == 0;
			return 0;
		}
	}
	return policy_fail(reading->policy, node, reading->err, "here stands true or false");
}

static int read_number(struct reading *reading, const struct yaml *node, int64_t *ret_number)
{
	return !node ? 0
		: yaml_integer(node, ret_number) < 0
		? policy_fail(reading->policy, node, reading->err, "here stands a number")
		: 0;
}

/* A text that may be missing or empty; plain numbers are texts too, as its reader has it. */
static int read_text(struct reading *reading, const struct yaml *map, const char *key,
	const char **ret_text)
{
	const struct yaml *node = yaml_get(map, key);

	if (!node || yaml_is_null(node)) {
		return 0;
	}
	return policy_word(reading->policy, node, key, ret_text, reading->err);
}

static int read_required(struct reading *reading, const struct yaml *map, const char *key,
	const char **ret_text)
{
	int code = read_text(reading, map, key, ret_text);

	return code == 0 && (!*ret_text || !**ret_text)
		? policy_fail(reading->policy, map, reading->err, "a test has a %s", key)
		: code;
}

/* A list that may be missing, null or empty. */
static int read_texts(struct reading *reading, const struct yaml *node,
	struct policy_texts *ret_texts)
{
	if (!node || yaml_is_null(node) || (node->type == YAML_LIST && node->count == 0)) {
		*ret_texts = (struct policy_texts){0};
		return 0;
	}
	if (node->type != YAML_LIST) {
		return policy_fail(reading->policy, node, reading->err, "here stands a list");
	}
	return policy_words(reading->policy, node, "here", ret_texts, reading->err);
}

static int add(struct reading *reading, enum policy_type type, const struct yaml *node,
	const char *where, const char *title, struct policy_rule **ret_rule)
{
	return policy_add(reading->policy, type, node->line, where,
		title ? policy_text(reading->policy, "%s", policy_shown(title)) : NULL, ret_rule,
		reading->err);
}

/*
 * A pattern of Go's. One that is none fails its test, as it does there; one that cannot be read as Go does leaves
 * the test undecided.
 */
static int read_pattern(struct reading *reading, const char *text, struct re **ret_re,
	const char **ret_unsure, bool *ret_broken)
{
	struct peel_error why = {0};
	int code = policy_re(reading->policy, text, ret_re, &why);

	*ret_broken = code == PEEL_EFORMAT;
	if (code == PEEL_EUNSUPPORTED || code == PEEL_ELIMIT) {
		*ret_unsure = policy_text(reading->policy, "%s", why.message);
		return *ret_unsure ? 0 : policy_no_memory(reading->err);
	}
	return code == PEEL_ENOMEM ? policy_no_memory(reading->err) : 0;
}

static int read_command_test(struct reading *reading, const struct yaml *map, const char *where)
{
	static const char *const known[] = {"name", "setup", "teardown", "envVars", "exitCode",
		"command", "args", "expectedOutput", "excludedOutput", "expectedError",
		"excludedError", NULL};
	struct policy_cst cst = {.skipped = reading->policy->skip_command_tests};
	const struct yaml *command = yaml_get(map, "command");
	struct policy_rule *rule;
	int code = policy_keys(reading->policy, map, "a command test", known, reading->err);

	if (code == 0) {
		code = read_required(reading, map, "name", &cst.name);
	}
	if (code == 0 && (!command || command->type != (reading->old ? YAML_LIST : YAML_SCALAR))) {
		code = policy_fail(reading->policy, map, reading->err,
			"a command test has a command");
	}
	if (code == 0) {
		code = add(reading, POLICY_CST_COMMAND, map, where, cst.name, &rule);
	}
	if (code == 0) {
		rule->as.cst = cst;
	}
	return code;
}

static int read_existence_test(struct reading *reading, const struct yaml *map, const char *where)
{
	static const char *const known[] = {
		"name", "path", "shouldExist", "permissions", "uid", "gid", "isExecutableBy", NULL};
	struct policy_cst cst = {.should_exist = true,
		.uid = -1,
		.gid = -1,
		.env = reading->env.tests,
		.env_count = reading->env.count};
	const struct yaml *exist = yaml_get(map, "shouldExist");
	struct policy_rule *rule;
	int code = policy_keys(reading->policy, map, "a file existence test", known, reading->err);

	if (code == 0) {
		code = read_required(reading, map, "name", &cst.name);
	}
	if (code == 0) {
		code = read_required(reading, map, "path", &cst.path);
	}
	if (code == 0 && exist) {
		code = read_bool(reading, exist, &cst.should_exist);
	}
	if (code == 0) {
		code = read_text(reading, map, "permissions", &cst.permissions);
	}
	if (code == 0) {
		code = read_text(reading, map, "isExecutableBy", &cst.executable_by);
	}
	if (code == 0) {
		code = read_number(reading, yaml_get(map, "uid"), &cst.uid);
	}
	if (code == 0) {
		code = read_number(reading, yaml_get(map, "gid"), &cst.gid);
	}
	if (code == 0) {
		code = add(reading, POLICY_CST_EXISTENCE, map, where, cst.name, &rule);
	}
	if (code == 0) {
		rule->as.cst = cst;
	}
	return code;
}

static int read_patterns(struct reading *reading, const struct policy_texts *texts,
	struct policy_cst *cst)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < texts->count; i++) {
		struct policy_pattern *pattern = &cst->patterns[cst->count++];
		bool broken;

		pattern->text = texts->list[i];
		code = read_pattern(reading, pattern->text, &pattern->re, &pattern->unsure,
			&broken);
	}
	return code;
}

static int read_content_test(struct reading *reading, const struct yaml *map, const char *where)
{
	static const char *const known[] = {
		"name", "path", "expectedContents", "excludedContents", NULL};
	struct policy_cst cst = {.should_exist = true};
	struct policy_texts expected = {0};
	struct policy_texts excluded = {0};
	struct policy_rule *rule;
	int code = policy_keys(reading->policy, map, "a file content test", known, reading->err);

	if (code == 0) {
		code = read_required(reading, map, "name", &cst.name);
	}
	if (code == 0) {
		code = read_required(reading, map, "path", &cst.path);
	}
	if (code == 0) {
		code = read_texts(reading, yaml_get(map, "expectedContents"), &expected);
	}
	if (code == 0) {
		code = read_texts(reading, yaml_get(map, "excludedContents"), &excluded);
	}
	if (code < 0) {
		return code;
	}
	cst.patterns = policy_alloc(reading->policy, expected.count + excluded.count + 1,
		sizeof(*cst.patterns));
	code = cst.patterns ? read_patterns(reading, &expected, &cst)
			    : policy_no_memory(reading->err);
	cst.expected = cst.count;
	if (code == 0) {
		code = read_patterns(reading, &excluded, &cst);
	}
	if (code == 0) {
		code = add(reading, POLICY_CST_CONTENT, map, where, cst.name, &rule);
	}
	if (code == 0) {
		rule->as.cst = cst;
	}
	return code;
}

static int read_license_test(struct reading *reading, const struct yaml *map, const char *where)
{
	static const char *const known[] = {"debian", "files", NULL};
	const struct yaml *debian = yaml_get(map, "debian");
	struct policy_cst cst = {.name = "licences"};
	struct policy_rule *rule;
	int code = policy_keys(reading->policy, map, "a licence test", known, reading->err);

	if (code == 0 && debian) {
		code = read_bool(reading, debian, &cst.debian);
	}
	if (code == 0) {
		code = read_texts(reading, yaml_get(map, "files"), &cst.files);
	}
	if (code == 0 && !cst.debian && cst.files.count == 0) {
		code = policy_fail(reading->policy, map, reading->err,
			"a licence test names 'debian: true' or files: else it looks at nothing");
	}
	if (code == 0) {
		code = add(reading, POLICY_CST_LICENSE, map, where, "licences", &rule);
	}
	if (code == 0) {
		rule->as.cst = cst;
	}
	return code;
}

/* --- metadata --- */

static int add_pair(struct reading *reading, const struct yaml *map, enum policy_field field,
	bool not, struct policy_config *config)
{
	static const char *const known[] = {"key", "value", "isRegex", NULL};
	struct policy_test test = {.field = field, .not = not };
	const struct yaml *is_regex = yaml_get(map, "isRegex");
	bool regex = false;
	int code = policy_keys(reading->policy, map, "a variable or label", known, reading->err);

	if (code == 0) {
		code = read_required(reading, map, "key", &test.key);
	}
	if (code == 0) {
		code = read_text(reading, map, "value", &test.value);
	}
	if (code == 0 && is_regex) {
		code = read_bool(reading, is_regex, &regex);
	}
	test.value = not ? NULL : test.value ? test.value : "";
	if (code == 0 && regex && !not ) {
		code = read_pattern(reading, test.value, &test.re, &test.unsure, &test.broken);
	}
	config->tests[config->count++] = test;
	return code;
}

static int add_pairs(struct reading *reading, const struct yaml *list, enum policy_field field,
	bool not, struct policy_config *config)
{
	int code = list->type == YAML_LIST || yaml_is_null(list)
		? 0
		: policy_fail(reading->policy, list, reading->err,
			  "here stands a list of keys and values");

	for (size_t i = 0; code == 0 && list->type == YAML_LIST && i < list->count; i++) {
		code = add_pair(reading, list->items[i], field, not, config);
	}
	return code;
}

static int add_keys(struct reading *reading, const struct yaml *list, enum policy_field field,
	bool not, struct policy_config *config)
{
	struct policy_texts texts;
	int code = read_texts(reading, list, &texts);

	for (size_t i = 0; code == 0 && i < texts.count; i++) {
		config->tests[config->count++] = (struct policy_test){.field = field,
			.key = texts.list[i],
			.not = not,
			.bare_port = field == POLICY_PORT};
	}
	return code;
}

static int add_words(struct reading *reading, const struct yaml *list, enum policy_field field,
	bool not, struct policy_config *config)
{
	struct policy_test test = {.field = field};
	int code = read_texts(reading, list, &test.list);

	(void)not ;
	if (!yaml_is_null(list)) {
		config->tests[config->count++] = test;
	}
	return code;
}

static int add_word(struct reading *reading, const struct yaml *node, enum policy_field field,
	bool not, struct policy_config *config)
{
	struct policy_test test = {.field = field};
	int code = yaml_is_null(node)
		? 0
		: policy_word(reading->policy, node, "here", &test.value, reading->err);

	(void)not ;
	if (test.value && *test.value) {
		config->tests[config->count++] = test;
	}
	return code;
}

static const struct {
	const char *key;
	enum policy_field field;
	bool not ;
	int (*add)(struct reading *reading, const struct yaml *node, enum policy_field field,
		bool not, struct policy_config *config);
} fields[] = {
	{"envVars", POLICY_ENV, false, add_pairs},
	{"unboundEnvVars", POLICY_ENV, true, add_pairs},
	{"exposedPorts", POLICY_PORT, false, add_keys},
	{"unexposedPorts", POLICY_PORT, true, add_keys},
	{"entrypoint", POLICY_ENTRYPOINT, false, add_words},
	{"cmd", POLICY_CMD, false, add_words},
	{"workdir", POLICY_WORKDIR, false, add_word},
	{"volumes", POLICY_VOLUME, false, add_keys},
	{"unmountedVolumes", POLICY_VOLUME, true, add_keys},
	{"labels", POLICY_LABEL, false, add_pairs},
	{"user", POLICY_USER, false, add_word},
};

static int read_metadata(struct reading *reading, const struct yaml *map,
	struct policy_config *config)
{
	const char *known[countof(fields) + 1] = {NULL};
	size_t room = 0;
	int code;

	for (size_t i = 0; i < countof(fields); i++) {
		known[i] = fields[i].key;
	}
	code = policy_keys(reading->policy, map, "metadataTest", known, reading->err);
	if (code < 0) {
		return code;
	}
	for (size_t i = 0; i < map->count; i++) {
		room += map->items[i]->count + 1;
	}
	config->tests = policy_alloc(reading->policy, room + 1, sizeof(*config->tests));
	if (!config->tests) {
		return policy_no_memory(reading->err);
	}
	for (size_t i = 0; code == 0 && i < map->count; i++) {
		for (size_t k = 0; code == 0 && k < countof(fields); k++) {
			if (strcmp(fields[k].key, map->keys[i]->text) == 0) {
				code = fields[k].add(reading, map->items[i], fields[k].field,
					fields[k].not, config);
			}
		}
	}
	return code;
}

static int read_metadata_test(struct reading *reading, const struct yaml *map)
{
	struct policy_config config = {0};
	struct policy_rule *rule;
	int code = yaml_is_null(map) ? 0 : read_metadata(reading, map, &config);

	if (code < 0 || config.count == 0) {
		return code;
	}
	code = add(reading, POLICY_CST_METADATA, map, "metadataTest", "metadata", &rule);
	if (code == 0) {
		rule->as.config = config;
	}
	return code;
}

static int read_env(struct reading *reading, const struct yaml *list)
{
	if (!list || yaml_is_null(list)) {
		return 0;
	}
	reading->env.tests = policy_alloc(reading->policy, list->count + 1,
		sizeof(*reading->env.tests));
	return reading->env.tests ? add_pairs(reading, list, POLICY_ENV, false, &reading->env)
				  : policy_no_memory(reading->err);
}

static int read_tests(struct reading *reading, const struct yaml *list, const char *name,
	int (*read)(struct reading *reading, const struct yaml *map, const char *where))
{
	int code = list->type == YAML_LIST || yaml_is_null(list)
		? 0
		: policy_fail(reading->policy, list, reading->err, "%s is a list of tests", name);

	for (size_t i = 0; code == 0 && list->type == YAML_LIST && i < list->count; i++) {
		const char *where = policy_text(reading->policy, "%s[%zu]", name, i);

		code = where ? read(reading, list->items[i], where)
			     : policy_no_memory(reading->err);
	}
	return code;
}

static int read_part(struct reading *reading, const char *key, const struct yaml *value)
{
	static const struct {
		const char *key;
		int (*read)(struct reading *reading, const struct yaml *map, const char *where);
	} lists[] = {
		{"commandTests", read_command_test},
		{"fileExistenceTests", read_existence_test},
		{"fileContentTests", read_content_test},
		{"licenseTests", read_license_test},
	};

	for (size_t i = 0; i < countof(lists); i++) {
		if (strcmp(lists[i].key, key) == 0) {
			return read_tests(reading, value, key, lists[i].read);
		}
	}
	return strcmp(key, "metadataTest") == 0 ? read_metadata_test(reading, value) : 0;
}

int policy_read_cst(struct peel_policy *policy, const struct yaml *root, struct peel_error *err)
{
	static const char *const known[] = {"schemaVersion", "globalEnvVars", "commandTests",
		"fileExistenceTests", "fileContentTests", "metadataTest", "licenseTests",
		"containerRunOptions", NULL};
	const struct yaml *version = yaml_get(root, "schemaVersion");
	struct reading reading = {.policy = policy, .err = err};
	int code = policy_keys(policy, root, "a file of container-structure-test", known, err);

	if (code == 0 &&
		(!version->text ||
			(strcmp(version->text, "2.0.0") != 0 &&
				strcmp(version->text, "1.0.0") != 0))) {
		code = policy_fail(policy, version, err, "schemaVersion is '2.0.0' or '1.0.0'");
	}
	if (code == 0) {
		reading.old = version->text[0] == '1';
		code = read_env(&reading, yaml_get(root, "globalEnvVars"));
	}
	for (size_t i = 0; code == 0 && i < root->count; i++) {
		code = read_part(&reading, root->keys[i]->text, root->items[i]);
	}
	if (code == 0 && policy->rule_count == 0) {
		code = policy_fail(policy, root, err, "there are no tests, so they prove nothing");
	}
	return code;
}
