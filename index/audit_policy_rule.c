/* SPDX-License-Identifier: Apache-2.0 */
/* Rules under forbid, require and warn of peel's own policy format. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/text.h>

#include "audit_policy_priv.h"
#include "util.h"

/** A rule being read. */
struct reading {
	struct peel_policy *policy;
	const char *where;
	/** The user's own words, NULL: none. */
	const char *name;
	int line;
	bool required, warn;
	/** The rule as a whole. */
	const struct yaml *map;
	struct peel_error *err;
};

static int add(struct reading *reading, enum policy_type type, const char *title,
	struct policy_rule **ret_rule)
{
	int code = policy_add(reading->policy, type, reading->line, reading->where,
		reading->name ? reading->name : title, ret_rule, reading->err);

	if (code == 0) {
		(*ret_rule)->required = reading->required;
		(*ret_rule)->warn = reading->warn;
	}
	return code;
}

/* --- detect --- */

static int read_scope(struct reading *reading, const struct yaml *node, bool *ret_runtime)
{
	const bool runtime = node && node->text && strcmp(node->text, "runtime") == 0;

	if (node && !runtime && (!node->text || strcmp(node->text, "shipped") != 0)) {
		return policy_fail(reading->policy, node, reading->err,
			"scope is 'runtime' (the merged tree) or 'shipped' (any layer)");
	}
	*ret_runtime = node ? runtime : *ret_runtime;
	return 0;
}

static int read_detector(struct reading *reading, const struct yaml *key, const struct yaml *map,
	struct policy_detector *detector)
{
	static const char *const known[] = {"tiers", "scope", "allow", NULL};
	struct policy_texts tiers = {0};
	struct peel_error why = {0};
	const struct yaml *node;
	int code = policy_detector_known(reading->policy, key->text, &why);

	if (code < 0) {
		return policy_fail(reading->policy, key, reading->err, "%s", why.message);
	}
	*detector = (struct policy_detector){.name = key->text, .tiers = POLICY_TIERS_DEFAULT};
	if (!map || yaml_is_null(map)) {
		return 0;
	}
	code = policy_keys(reading->policy, map, "a detector", known, reading->err);
	node = yaml_get(map, "tiers");
	if (code == 0 && node) {
		code = policy_words(reading->policy, node, "tiers", &tiers, reading->err);
		detector->tiers = code == 0 ? policy_tiers(&tiers) : 0;
		if (code == 0 && !detector->tiers) {
			code = policy_fail(reading->policy, node, reading->err,
				"tiers are interpreter, embedder, payload, dependent and declared");
		}
	}
	if (code == 0) {
		code = read_scope(reading, yaml_get(map, "scope"), &detector->runtime);
	}
	node = yaml_get(map, "allow");
	if (code == 0 && node) {
		code = policy_globs(reading->policy, node, "allow", "", &detector->allow,
			reading->err);
	}
	return code;
}

/* A word, a list of words, or a map of words and what counts of each. */
static int read_detect(struct reading *reading, const struct yaml *node)
{
	const size_t count = node->type == YAML_SCALAR ? 1 : node->count;
	struct policy_detector *list = policy_alloc(reading->policy, count + 1, sizeof(*list));
	struct policy_detect detect = {list, count};
	struct policy_rule *rule;
	int code = list ? 0 : policy_no_memory(reading->err);

	if (code == 0 && count == 0) {
		code = policy_fail(reading->policy, node, reading->err, "detect names detectors");
	}
	for (size_t i = 0; code == 0 && i < count; i++) {
		const struct yaml *key = node->type == YAML_SCALAR ? node
			: node->type == YAML_LIST                  ? node->items[i]
								   : node->keys[i];

		code = key->type == YAML_SCALAR
			? read_detector(reading, key,
				  node->type == YAML_MAP ? node->items[i] : NULL, &list[i])
			: policy_fail(reading->policy, key, reading->err,
				  "here stands a detector's name");
	}
	if (code == 0) {
		code = add(reading, POLICY_DETECT,
			policy_detect_title(reading->policy, &detect, reading->required), &rule);
	}
	if (code == 0) {
		rule->as.detect = detect;
	}
	return code;
}

/* --- path --- */

static int read_type(struct reading *reading, const struct yaml *node, uint32_t *ret_type)
{
	static const struct {
		const char *word;
		uint32_t type;
	} types[] = {
		{"file", S_IFREG},
		{"folder", S_IFDIR},
		{"directory", S_IFDIR},
		{"link", S_IFLNK},
		{"char", S_IFCHR},
		{"block", S_IFBLK},
		{"fifo", S_IFIFO},
		{"socket", S_IFSOCK},
	};

	for (size_t i = 0; node->text && i < countof(types); i++) {
		if (strcmp(types[i].word, node->text) == 0) {
			*ret_type = types[i].type;
			return 0;
		}
	}
	return policy_fail(reading->policy, node, reading->err,
		"type is file, folder, link, char, block, fifo or socket");
}

/* Octal digits. YAML 1.1 would read 0755 as 493 and 755 as 755: so they stand in quotes, or have a leading zero. */
static int read_mode(struct reading *reading, const struct yaml *node, const char *what,
	int64_t *ret_mode)
{
	const bool octal = node->text && (node->quoted || node->text[0] == '0') && node->len > 0 &&
		node->len <= 5 && strspn(node->text, "01234567") == node->len;

	if (!octal) {
		return policy_fail(reading->policy, node, reading->err,
			"%s is octal digits in quotes, as '0755'", what);
	}
	*ret_mode = 0;
	for (size_t i = 0; i < node->len; i++) {
		*ret_mode = *ret_mode * 8 + (node->text[i] - '0');
	}
	return *ret_mode <= 07777
		? 0
		: policy_fail(reading->policy, node, reading->err, "%s is at most '7777'", what);
}

/* "UID:GID", "UID", ":GID". */
static int read_owner(struct reading *reading, const struct yaml *node, struct policy_path *path)
{
	unsigned int uid = 0;
	unsigned int gid = 0;
	int end = -1;

	path->uid = -1;
	path->gid = -1;
	if (!node) {
		return 0;
	}
	if (node->text && node->len < 24 && node->text[0] >= '0' && node->text[0] <= '9') {
		if (sscanf(node->text, "%10u:%10u%n", &uid, &gid, &end) == 2 &&
			node->text[end] == 0) {
			path->uid = uid;
			path->gid = gid;
			return 0;
		}
		if (sscanf(node->text, "%10u%n", &uid, &end) == 1 && node->text[end] == 0) {
			path->uid = uid;
			return 0;
		}
	}
	if (node->text && sscanf(node->text, ":%10u%n", &gid, &end) == 1 && node->text[end] == 0) {
		path->gid = gid;
		return 0;
	}
	return policy_fail(reading->policy, node, reading->err,
		"owner is '65532:65532', '65532' or ':65532', numbers of the image's users");
}

static int read_path(struct reading *reading, const struct yaml *map)
{
	static const char *const known[] = {
		"glob", "type", "mode", "any_mode", "owner", "scope", NULL};
	const bool word = map->type != YAML_MAP;
	const struct yaml *globs = word ? map : yaml_get(map, "glob");
	const struct yaml *type = yaml_get(map, "type");
	const struct yaml *mode = yaml_get(map, "mode");
	const struct yaml *any = yaml_get(map, "any_mode");
	struct policy_path path = {.mode = -1};
	bool runtime = true;
	const char *title;
	struct policy_rule *rule;
	int code = word ? 0 : policy_keys(reading->policy, map, "path", known, reading->err);

	if (code == 0) {
		code = policy_globs(reading->policy, globs ? globs : map, "glob", "", &path.globs,
			reading->err);
	}
	if (code == 0 && type) {
		code = read_type(reading, type, &path.type);
	}
	if (code == 0 && mode) {
		code = read_mode(reading, mode, "mode", &path.mode);
	}
	if (code == 0 && any) {
		code = read_mode(reading, any, "any_mode", &path.any_mode);
	}
	if (code == 0) {
		code = read_owner(reading, yaml_get(map, "owner"), &path);
	}
	if (code == 0) {
		code = read_scope(reading, yaml_get(map, "scope"), &runtime);
	}
	if (code == 0 && !runtime && reading->required) {
		code = policy_fail(reading->policy, yaml_get(map, "scope"), reading->err,
			"what is required must be in the merged tree: scope says nothing here");
	}
	if (code < 0) {
		return code;
	}
	path.shipped = !runtime;
	title = policy_joined(reading->policy, path.globs.list, path.globs.count);
	title = title ? policy_text(reading->policy, "%s %s",
				reading->required ? "there is" : "there is no", title)
		      : NULL;
	code = add(reading, POLICY_PATH, title, &rule);
	if (code == 0) {
		rule->as.path = path;
	}
	return code;
}

/* --- package, content, config, sql --- */

static int read_package(struct reading *reading, const struct yaml *map)
{
	static const char *const known[] = {"name", "db", "version", NULL};
	static const char *const databases[] = {"dpkg", "status.d", "apk", "rpm", "pip", "egg",
		"conda", "npm", "gem", "go", "cargo"};
	const bool word = map->type != YAML_MAP;
	const struct yaml *name = word ? map : yaml_get(map, "name");
	const struct yaml *version = yaml_get(map, "version");
	const struct yaml *db = yaml_get(map, "db");
	struct policy_package package = {0};
	struct policy_texts words = {0};
	const char *title;
	struct policy_rule *rule;
	int code = word ? 0 : policy_keys(reading->policy, map, "package", known, reading->err);

	if (code == 0) {
		code = policy_globs(reading->policy, name ? name : map, "name", "/", &package.names,
			reading->err);
	}
	if (code == 0 && version) {
		code = policy_globs(reading->policy, version, "version", "/", &package.versions,
			reading->err);
	}
	if (code == 0 && db) {
		code = policy_words(reading->policy, db, "db", &package.dbs, reading->err);
	}
	for (size_t i = 0; code == 0 && i < package.dbs.count; i++) {
		size_t k = 0;

		while (k < countof(databases) && strcmp(databases[k], package.dbs.list[i]) != 0) {
			k++;
		}
		if (k == countof(databases)) {
			code = policy_fail(reading->policy, db, reading->err,
				"db is dpkg, status.d, apk, rpm, pip, egg, conda, npm, gem, go or cargo");
		}
	}
	if (code < 0) {
		return code;
	}
	/* Patterns of names begin with a slash of their own. */
	code = policy_words(reading->policy, name ? name : map, "name", &words, reading->err);
	for (size_t i = 0; code == 0 && i < words.count; i++) {
		if (!*words.list[i]) {
			return policy_fail(reading->policy, name ? name : map, reading->err,
				"no package has an empty name");
		}
	}
	title = code == 0 ? policy_joined(reading->policy, words.list, words.count) : NULL;
	title = title ? policy_text(reading->policy, "%s package %s",
				reading->required ? "there is" : "there is no", title)
		      : NULL;
	code = add(reading, POLICY_PACKAGE, title, &rule);
	if (code == 0) {
		rule->as.package = package;
	}
	return code;
}

static int read_content(struct reading *reading, const struct yaml *map)
{
	static const char *const known[] = {"glob", "regex", "max_file", "scope", NULL};
	const struct yaml *max_file = yaml_get(map, "max_file");
	const struct yaml *regex = yaml_get(map, "regex");
	struct policy_content content = {.max_file = POLICY_MAX_FILE};
	struct peel_error why = {0};
	bool runtime = true;
	struct policy_rule *rule;
	int code = policy_keys(reading->policy, map, "content", known, reading->err);

	if (code == 0) {
		code = policy_globs(reading->policy,
			yaml_get(map, "glob") ? yaml_get(map, "glob") : map, "glob", "",
			&content.globs, reading->err);
	}
	if (code == 0) {
		code = policy_word(reading->policy, regex ? regex : map, "regex", &content.regex,
			reading->err);
	}
	if (code == 0) {
		code = policy_re(reading->policy, content.regex, &content.re, &why);
		if (code < 0) {
			code = policy_fail(reading->policy, regex, reading->err, "regex: %s",
				why.message);
		}
	}
	if (code == 0 && max_file) {
		code = policy_size(reading->policy, max_file, "max_file", &content.max_file,
			reading->err);
	}
	if (code == 0) {
		code = read_scope(reading, yaml_get(map, "scope"), &runtime);
	}
	if (code < 0) {
		return code;
	}
	content.max_file_given = max_file != NULL;
	content.shipped = !runtime;
	code = add(reading, POLICY_CONTENT,
		policy_text(reading->policy, "%s %s",
			reading->required ? "a file holds" : "no file holds",
			policy_shown(content.regex)),
		&rule);
	if (code == 0) {
		rule->as.content = content;
	}
	return code;
}

static int read_config(struct reading *reading, const struct yaml *map)
{
	struct policy_config config = {0};
	struct policy_rule *rule;
	int code = policy_read_config(reading->policy, map, &config, reading->err);

	if (code == 0) {
		code = add(reading, POLICY_CONFIG,
			reading->required ? "the configuration is as it must be"
					  : "the configuration is not as it must not be",
			&rule);
	}
	if (code == 0) {
		rule->as.config = config;
	}
	return code;
}

/* Whether there is more than blanks, semicolons and comments. */
static bool has_statement(const char *query)
{
	for (;;) {
		query += strspn(query, " \t\r\n\f\v;");
		if (strncmp(query, "--", 2) == 0) {
			query += strcspn(query, "\n");
		} else if (strncmp(query, "/*", 2) == 0) {
			const char *end = strstr(query + 2, "*/");

			query = end ? end + 2 : query + strlen(query);
		} else {
			return *query != 0;
		}
	}
}

static int read_sql(struct reading *reading, const struct yaml *node)
{
	const char *query;
	struct policy_rule *rule;
	int code = policy_word(reading->policy, node, "sql", &query, reading->err);

	if (code == 0 && !has_statement(query)) {
		code = policy_fail(reading->policy, node, reading->err,
			"sql is a query: an empty one has no rows whatever there is");
	}
	if (code == 0) {
		code = add(reading, POLICY_SQL,
			policy_text(reading->policy, "%s: %s",
				reading->required ? "the query has rows" : "the query has no rows",
				policy_shown(query)),
			&rule);
	}
	if (code == 0) {
		rule->as.text = query;
	}
	return code;
}

static int read_warned_limits(struct reading *reading, const struct yaml *node)
{
	return policy_read_limits(reading->policy, node, reading->where, true, reading->err);
}

/* "waste" alone is short for limits: {waste: …}. */
static int read_warned_waste(struct reading *reading, const struct yaml *node)
{
	(void)node;
	return policy_read_limits(reading->policy, reading->map, reading->where, true,
		reading->err);
}

static int read_warned_required(struct reading *reading, const struct yaml *node)
{
	return policy_read_rule(reading->policy, node, reading->where, true, true, reading->err);
}

static const struct {
	const char *key;
	int (*read)(struct reading *reading, const struct yaml *node);
} kinds[] = {
	{"detect", read_detect},
	{"path", read_path},
	{"package", read_package},
	{"content", read_content},
	{"config", read_config},
	{"sql", read_sql},
	{"limits", read_warned_limits},
	{"waste", read_warned_waste},
	{"require", read_warned_required},
};

int policy_read_rule(struct peel_policy *policy, const struct yaml *map, const char *where,
	bool required, bool warn, struct peel_error *err)
{
	static const char *const known[] = {
		"name", "detect", "path", "package", "content", "config", "sql", NULL};
	static const char *const known_warned[] = {"name", "detect", "path", "package", "content",
		"config", "sql", "limits", "waste", "require", NULL};
	const struct yaml *name = yaml_get(map, "name");
	struct reading reading = {.policy = policy,
		.where = where,
		.line = map->line,
		.map = map,
		.required = required,
		.warn = warn,
		.err = err};
	size_t found = countof(kinds);
	int code = policy_keys(policy, map, "a rule", warn && !required ? known_warned : known,
		err);

	if (code == 0 && name) {
		code = policy_word(policy, name, "name", &reading.name, err);
		reading.name = code == 0 ? policy_text(policy, "%s", policy_shown(reading.name))
					 : NULL;
		code = code == 0 && !reading.name ? policy_no_memory(err) : code;
	}
	for (size_t i = 0; code == 0 && i < countof(kinds); i++) {
		if (!yaml_get(map, kinds[i].key)) {
			continue;
		}
		if (found < countof(kinds)) {
			return policy_fail(policy, map, err, "a rule has one of '%s' and '%s'",
				kinds[found].key, kinds[i].key);
		}
		found = i;
	}
	if (code == 0 && found == countof(kinds)) {
		code = policy_fail(policy, map, err,
			"a rule has one of detect, path, package, content, config and sql");
	}
	return code < 0 ? code : kinds[found].read(&reading, yaml_get(map, kinds[found].key));
}
