/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of an image's configuration, exceptions, and the baseline that growth is measured from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "audit_policy_priv.h"
#include "json.h"
#include "util.h"

#define DAY (24 * 60 * 60)

/** Tests being read. */
struct reading {
	struct peel_policy *policy;
	struct policy_test *tests;
	size_t count, room;
	struct peel_error *err;
};

static int add_test(struct reading *reading, const struct yaml *node,
	const struct policy_test *test)
{
	if (reading->count == reading->room) {
		return policy_fail(reading->policy, node, reading->err, "there are too many tests");
	}
	reading->tests[reading->count++] = *test;
	return 0;
}

/* A text, "!TEXT", {regex: PATTERN}; null: whatever it is. */
static int read_value(struct reading *reading, const struct yaml *node, bool negatable,
	struct policy_test *test)
{
	static const char *const known[] = {"regex", NULL};
	struct peel_error why = {0};
	int code;

	if (yaml_is_null(node)) {
		return 0;
	}
	if (node->type == YAML_SCALAR) {
		test->not = negatable && node->text[0] == '!';
		test->value = node->text + test->not ;
		return 0;
	}
	code = policy_keys(reading->policy, node, "a value", known, reading->err);
	if (code == 0) {
		code = policy_word(reading->policy, yaml_get(node, "regex"), "regex", &test->value,
			reading->err);
	}
	if (code == 0) {
		code = policy_re(reading->policy, test->value, &test->re, &why);
		if (code < 0) {
			code = policy_fail(reading->policy, node, reading->err, "regex: %s",
				why.message);
		}
	}
	return code;
}

static int read_single(struct reading *reading, const struct yaml *node, enum policy_field field,
	bool not )
{
	struct policy_test test = {.field = field};
	int code = yaml_is_null(node)
		? policy_fail(reading->policy, node, reading->err, "here stands a text")
		: read_value(reading, node, true, &test);

	(void)not ;
	return code < 0 ? code : add_test(reading, node, &test);
}

static int read_command(struct reading *reading, const struct yaml *node, enum policy_field field,
	bool not )
{
	struct policy_test test = {.field = field};
	const bool none = node->type == YAML_LIST && node->count == 0;
	int code = none
		? 0
		: policy_words(reading->policy, node, "a command", &test.list, reading->err);

	(void)not ;
	return code < 0 ? code : add_test(reading, node, &test);
}

/* Keys that must be there, or must not; a map gives them values. */
static int read_keys(struct reading *reading, const struct yaml *node, enum policy_field field,
	bool not )
{
	struct policy_texts words = {0};
	int code = 0;

	if (node->type == YAML_MAP && node->count == 0) {
		return policy_fail(reading->policy, node, reading->err,
			"here stand names: an empty map asks for nothing");
	}
	if (node->type == YAML_MAP) {
		for (size_t i = 0; code == 0 && i < node->count; i++) {
			struct policy_test test = {
				.field = field, .key = node->keys[i]->text, .not = not };

			code = not ? policy_fail(reading->policy, node, reading->err,
					     "here stands a list of names")
				   : read_value(reading, node->items[i], false, &test);
			code = code < 0 ? code : add_test(reading, node, &test);
		}
		return code;
	}
	code = policy_words(reading->policy, node, "a list of names", &words, reading->err);
	for (size_t i = 0; code == 0 && i < words.count; i++) {
		struct policy_test test = {.field = field, .key = words.list[i], .not = not };

		code = add_test(reading, node, &test);
	}
	return code;
}

static const struct {
	const char *key;
	enum policy_field field;
	bool not ;
	int (*read)(struct reading *reading, const struct yaml *node, enum policy_field field,
		bool not );
} fields[] = {
	{"user", POLICY_USER, false, read_single},
	{"workdir", POLICY_WORKDIR, false, read_single},
	{"stopsignal", POLICY_STOPSIGNAL, false, read_single},
	{"entrypoint", POLICY_ENTRYPOINT, false, read_command},
	{"cmd", POLICY_CMD, false, read_command},
	{"env", POLICY_ENV, false, read_keys},
	{"env_absent", POLICY_ENV, true, read_keys},
	{"labels", POLICY_LABEL, false, read_keys},
	{"labels_absent", POLICY_LABEL, true, read_keys},
	{"ports", POLICY_PORT, false, read_keys},
	{"ports_absent", POLICY_PORT, true, read_keys},
	{"volumes", POLICY_VOLUME, false, read_keys},
	{"volumes_absent", POLICY_VOLUME, true, read_keys},
};

static size_t leaves(const struct yaml *map)
{
	size_t count = 0;

	for (size_t i = 0; i < map->count; i++) {
		count += map->items[i]->type == YAML_SCALAR ? 1 : map->items[i]->count + 1;
	}
	return count;
}

int policy_read_config(struct peel_policy *policy, const struct yaml *map,
	struct policy_config *ret_config, struct peel_error *err)
{
	const char *known[countof(fields) + 1] = {NULL};
	struct reading reading = {.policy = policy, .err = err};
	int code;

	for (size_t i = 0; i < countof(fields); i++) {
		known[i] = fields[i].key;
	}
	code = policy_keys(policy, map, "config", known, err);
	if (code < 0) {
		return code;
	}
	reading.room = leaves(map);
	reading.tests = policy_alloc(policy, reading.room + 1, sizeof(*reading.tests));
	if (!reading.tests) {
		return policy_no_memory(err);
	}
	if (map->count == 0) {
		return policy_fail(policy, map, err, "config asks for nothing");
	}
	for (size_t i = 0; code == 0 && i < map->count; i++) {
		for (size_t k = 0; code == 0 && k < countof(fields); k++) {
			if (strcmp(fields[k].key, map->keys[i]->text) == 0) {
				code = fields[k].read(&reading, map->items[i], fields[k].field,
					fields[k].not );
			}
		}
	}
	*ret_config = (struct policy_config){reading.tests, reading.count};
	return code;
}

/* --- exceptions --- */

/* Days since 1970 of a date in the Gregorian calendar, which repeats each 400 years. */
static int64_t days_of(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	const int64_t years = year - 1;
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return years * 365 + years / 4 - years / 100 + years / 400 + before[month - 1] +
		(leap && month > 2) + day - 719163;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* "2026-12-31": the exception holds on that day too, in UTC. */
static int read_until(struct peel_policy *policy, const struct yaml *node,
	struct policy_allow *allow, struct peel_error *err)
{
	int year;
	int month;
	int day;
	int end = 0;
	const bool date = node->text && node->len == 10 &&
		strspn(node->text, "0123456789-") == 10 &&
		sscanf(node->text, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && end == 10 &&
		year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
		day <= days_in(year, month);

	if (!date) {
		return policy_fail(policy, node, err, "until is a date, as 2026-12-31");
	}
	allow->until = node->text;
	allow->expired = policy->now >= (days_of(year, month, day) + 1) * DAY;
	return 0;
}

static bool rule_there(const struct peel_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (strcmp(policy->rules[i].where, name) == 0 ||
			strcmp(policy_rule_id(&policy->rules[i]), name) == 0 ||
			strcmp(policy->rules[i].title, name) == 0) {
			return true;
		}
	}
	return false;
}

static int read_allow(struct peel_policy *policy, const struct yaml *map,
	struct policy_allow *allow, struct peel_error *err)
{
	static const char *const known[] = {"rule", "paths", "reason", "until", NULL};
	const struct yaml *paths = yaml_get(map, "paths");
	const struct yaml *until = yaml_get(map, "until");
	int code = policy_keys(policy, map, "an exception", known, err);

	if (code < 0) {
		return code;
	}
	allow->line = map->line;
	code = policy_word(policy, yaml_get(map, "rule") ? yaml_get(map, "rule") : map, "rule",
		&allow->rule, err);
	if (code == 0 && !rule_there(policy, allow->rule)) {
		code = policy_fail(policy, yaml_get(map, "rule"), err,
			"there is no rule '%s': name it as forbid[0], by its name, or by its identifier",
			policy_shown(allow->rule));
	}
	if (code == 0) {
		code = policy_word(policy, yaml_get(map, "reason") ? yaml_get(map, "reason") : map,
			"reason (which an exception must have)", &allow->reason, err);
	}
	if (code == 0 && strspn(allow->reason, " \t\n") == strlen(allow->reason)) {
		code = policy_fail(policy, map, err, "an exception has a reason");
	}
	if (code == 0 && paths) {
		code = policy_globs(policy, paths, "paths", "", &allow->paths, err);
	}
	return code == 0 && until ? read_until(policy, until, allow, err) : code;
}

int policy_read_allow(struct peel_policy *policy, const struct yaml *list, struct peel_error *err)
{
	int code = list->type == YAML_LIST
		? 0
		: policy_fail(policy, list, err, "allow is a list of exceptions");

	for (size_t i = 0; code == 0 && i < list->count; i++) {
		struct policy_allow allow = {0};

		if (policy->allow_count == POLICY_ALLOWS_MAX) {
			return policy_fail(policy, list->items[i], err, "more than %d exceptions",
				POLICY_ALLOWS_MAX);
		}
		code = read_allow(policy, list->items[i], &allow, err);
		if (code == 0 &&
			!grow_array(&policy->allows, policy->allow_count, &policy->allow_room,
				sizeof(allow))) {
			return policy_no_memory(err);
		}
		if (code == 0) {
			policy->allows[policy->allow_count++] = allow;
		}
	}
	return code;
}

/* --- the baseline --- */

/* A path of the policy is one beside it. */
static const char *beside(struct peel_policy *policy, const char *path)
{
	const char *slash = strrchr(policy->file, '/');

	return *path == '/' || !slash
		? path
		: policy_text(policy, "%.*s/%s", (int)(slash - policy->file), policy->file, path);
}

/* What `peel check --output json` and `peel history --output json` say of shipped bytes. */
static int find_shipped(const json_t *root, uint64_t *ret_bytes)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const json_t *figures = json_object_get(root, "figures");
	const json_t *number = json_object_get(figures, "shipped_bytes");
	json_int_t value;

	if (!schema || strcmp(schema, "peel/check/1") != 0 ||
		!json_is_true(json_object_get(root, "complete")) || !json_is_integer(number)) {
		return -1;
	}
	value = json_integer_value(number);
	*ret_bytes = value < 0 ? 0 : (uint64_t)value;
	return value < 0 ? -1 : 0;
}

static int read_baseline(struct peel_policy *policy, const struct yaml *node,
	struct policy_limit *limit, struct peel_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *root = NULL;
	struct peel_error why = {0};
	const char *path;
	size_t len = 0;
	int code = policy_word(policy, node, "file", &limit->baseline_file, err);

	if (code < 0) {
		return code;
	}
	path = beside(policy, limit->baseline_file);
	code = path ? policy_read_file(path, &text, &len, &why) : policy_no_memory(err);
	if (code == 0) {
		code = json_parse(policy_shown(limit->baseline_file), text, len, &root, &why);
	}
	if (code == PEEL_ENOMEM) {
		return policy_no_memory(err);
	}
	if (code < 0) {
		policy_fail(policy, node, err, "%s", why.message);
		return code;
	}
	return find_shipped(root, &limit->baseline) < 0
		? policy_fail(policy, node, err,
			  "%s is no baseline: it is what 'peel check --output json' wrote of one whole image",
			  policy_shown(limit->baseline_file))
		: 0;
}

int policy_read_budget(struct peel_policy *policy, const struct yaml *map, struct peel_error *err)
{
	static const char *const known[] = {"file", "grow", NULL};
	static const char *const amounts[] = {"bytes", "percent", "fail", NULL};
	const struct yaml *grow = yaml_get(map, "grow");
	struct policy_limit limit = {0};
	struct policy_rule *rule;
	int code = policy_keys(policy, map, "budgets_vs", known, err);

	if (code == 0) {
		code = policy_keys(policy, grow ? grow : map, "grow", amounts, err);
	}
	if (code == 0) {
		code = policy_read_amounts(policy, grow ? grow : map, "grow", &limit, err);
	}
	if (code == 0) {
		code = read_baseline(policy, yaml_get(map, "file") ? yaml_get(map, "file") : map,
			&limit, err);
	}
	if (code == 0) {
		const char *amount = policy_limit_text(policy, &limit);

		code = policy_add(policy, POLICY_BUDGET, map->line, "budgets_vs",
			amount ? policy_text(policy, "growth over %s: at most %s",
					 policy_shown(limit.baseline_file), amount)
			       : NULL,
			&rule, err);
	}
	if (code == 0) {
		rule->as.limit = limit;
	}
	return code;
}
