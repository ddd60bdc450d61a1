/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the configuration: peel's own, and container-structure-test's metadata test. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/image.h>
#include <peel/query.h>
#include <peel/text.h>

#include "audit_check_priv.h"
#include "re.h"
#include "util.h"

/* Most bytes of the image's /etc/passwd that are looked through for a user's number. */
#define PASSWD_MAX ((size_t)1 << 20)

static const char *const words[] = {
	[POLICY_USER] = "user",
	[POLICY_WORKDIR] = "working directory",
	[POLICY_STOPSIGNAL] = "stop signal",
	[POLICY_ENTRYPOINT] = "entrypoint",
	[POLICY_CMD] = "command",
	[POLICY_ENV] = "variable",
	[POLICY_LABEL] = "label",
	[POLICY_PORT] = "port",
	[POLICY_VOLUME] = "volume",
};

static const char *const members[] = {
	[POLICY_USER] = "User",
	[POLICY_WORKDIR] = "WorkingDir",
	[POLICY_STOPSIGNAL] = "StopSignal",
	[POLICY_ENTRYPOINT] = "Entrypoint",
	[POLICY_CMD] = "Cmd",
	[POLICY_ENV] = "Env",
	[POLICY_LABEL] = "Labels",
	[POLICY_PORT] = "ExposedPorts",
	[POLICY_VOLUME] = "Volumes",
};

/** A test being asked. */
struct asking {
	struct check *check;
	const struct policy_rule *rule;
	const json_t *config;
	/** Why it could not be decided; NULL: it could. */
	const char *unsure;
	/** What the configuration has instead, escaped. */
	char actual[400];
};

static void show(struct asking *asking, const char *text)
{
	peel_text_escape_into(asking->actual, sizeof(asking->actual), text, strlen(text));
}

/* Whether text is a number other than 0, as runtimes read it: with a sign, or none. What is no number is 0 to them. */
static bool is_other(const char *text, size_t len)
{
	const size_t sign = len > 0 && (*text == '+' || *text == '-');
	const size_t digits = strspn(text + sign, "0123456789");

	return sign + digits == len && strspn(text + sign, "0") < digits;
}

/* A line of /etc/passwd, as runtimes read it: blanks around it do not count. */
static bool line_is_root(const char *line, size_t len, const char *name, size_t name_len)
{
	const char *end = line + len;
	const char *uid;

	while (line < end && isspace((unsigned char)*line)) {
		line++;
	}
	if ((size_t)(end - line) <= name_len || memcmp(line, name, name_len) != 0 ||
		line[name_len] != ':') {
		return false;
	}
	uid = memchr(line + name_len + 1, ':', (size_t)(end - line) - name_len - 1);
	return !uid || !is_other(uid + 1, strcspn(uid + 1, ": \t\r\v\f\n"));
}

/* Is a user of the image root by its name? Where the image says nothing of it, it is not. */
static bool root_by_name(struct asking *asking, const char *name, size_t len)
{
	static const char path[] = "/etc/passwd";
	struct check *check = asking->check;
	cleanup_free char *text = malloc(PASSWD_MAX + 1);
	struct peel_node node;
	ssize_t got;

	if (peel_resolve(check->index, PEEL_VIEW_MERGED, 0, path, strlen(path), true, &node, NULL,
		    NULL) < 0) {
		return false;
	}
	got = text ? peel_read(check->index, node.ino, 0, text, PASSWD_MAX, NULL) : -1;
	if (got < 0 || node.size > PASSWD_MAX) {
		asking->unsure = "/etc/passwd could not be read";
		return false;
	}
	text[got] = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (line_is_root(line, strcspn(line, "\n"), name, len)) {
			return true;
		}
	}
	return false;
}

/* Root is "", "root", "0", "+0", with any group, and every name that the image's /etc/passwd gives the number 0. */
static bool is_root(struct asking *asking, const char *user)
{
	const size_t len = strcspn(user, ":");
	const size_t sign = len > 1 && (*user == '+' || *user == '-');

	return len == 0 || sign + strspn(user + sign, "0") == len ||
		(len == 4 && memcmp(user, "root", 4) == 0) || root_by_name(asking, user, len);
}

/* A text against what a test wants of it. */
static bool text_fits(struct asking *asking, const struct policy_test *test, const char *text)
{
	int match;

	if (test->unsure) {
		asking->unsure = test->unsure;
		return true;
	}
	if (test->broken) {
		return false;
	}
	if (!test->re) {
		return !test->value || strcmp(test->value, text) == 0;
	}
	match = re_matches(test->re, text, strlen(text), NULL);
	asking->unsure = match < 0 ? "no memory" : asking->unsure;
	return match != 0;
}

static bool single_fits(struct asking *asking, const struct policy_test *test)
{
	const char *text = json_text(asking->config, members[test->field]);
	bool fits;

	show(asking, text);
	if (test->field == POLICY_USER && asking->rule->type == POLICY_CONFIG && test->value &&
		strcmp(test->value, "root") == 0) {
		fits = is_root(asking, text);
	} else {
		fits = text_fits(asking, test, text);
	}
	return fits != test->not ;
}

static bool command_fits(struct asking *asking, const struct policy_test *test)
{
	const json_t *list = json_member(asking->config, members[test->field]);
	const size_t count = json_array_size(list);
	size_t len = 0;
	bool fits = count == test->list.count;

	asking->actual[0] = 0;
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (len + 8 < sizeof(asking->actual)) {
			char shown[200];

			len += (size_t)snprintf(asking->actual + len, sizeof(asking->actual) - len,
				"%s%s", i ? " " : "",
				peel_text_escape_into(shown, sizeof(shown), word ? word : "",
					strlen(word ? word : "")));
		}
		fits = fits && word && i < test->list.count &&
			strcmp(word, test->list.list[i]) == 0;
	}
	return fits;
}

/* The last of several: as a process would see it. */
static const char *find_variable(const json_t *list, const char *name)
{
	const size_t len = strlen(name);
	const char *found = NULL;
	size_t i;
	json_t *entry;

	json_array_foreach (list, i, entry) {
		const char *text = json_string_value(entry);

		if (text && strncmp(text, name, len) == 0 && text[len] == '=') {
			found = text + len + 1;
		}
	}
	return found;
}

/* "80" is "80/tcp"; container-structure-test drops the protocol. */
static bool port_fits(const struct policy_test *test, const char *port)
{
	const size_t len = strcspn(port, "/");
	const size_t wanted = strcspn(test->key, "/");

	if (test->bare_port) {
		return strlen(test->key) == len && memcmp(test->key, port, len) == 0;
	}
	return wanted == len && memcmp(test->key, port, len) == 0 &&
		strcmp(port[len] ? port + len : "/tcp",
			test->key[wanted] ? test->key + wanted : "/tcp") == 0;
}

static bool key_fits(struct asking *asking, const struct policy_test *test)
{
	json_t *map = json_member(asking->config, members[test->field]);
	const char *value = NULL;
	const char *key;
	json_t *member;

	if (test->field == POLICY_ENV) {
		value = find_variable(map, test->key);
	} else if (test->field == POLICY_LABEL) {
		value = json_string_value(json_object_get(map, test->key));
	} else {
		json_object_foreach (map, key, member) {
			if (test->field == POLICY_PORT ? port_fits(test, key)
						       : strcmp(key, test->key) == 0) {
				value = key;
			}
		}
	}
	show(asking, value ? value : "");
	if (test->not ) {
		return !value;
	}
	return value && text_fits(asking, test, value);
}

static bool test_fits(struct asking *asking, const struct policy_test *test)
{
	if (test->key) {
		return key_fits(asking, test);
	}
	return test->field == POLICY_ENTRYPOINT || test->field == POLICY_CMD
		? command_fits(asking, test)
		: single_fits(asking, test);
}

static int complain(struct asking *asking, const struct policy_test *test)
{
	const char *key = test->key ? policy_shown(test->key) : "";

	if (!asking->actual[0]) {
		return check_complain_text(asking->check, asking->rule, NULL, "%s%s%s is not set",
			words[test->field], *key ? " " : "", key);
	}
	return check_complain_text(asking->check, asking->rule, NULL, "%s%s%s is '%s'",
		words[test->field], *key ? " " : "", key, asking->actual);
}

int check_config(struct check *check, const struct policy_rule *rule)
{
	struct asking asking = {
		.check = check, .rule = rule, .config = json_member(check->config, "config")};
	const bool wanted = rule->type == POLICY_CST_METADATA || rule->required;
	const char *unsure = NULL;
	int code = 0;

	if (!check->config) {
		return check_unsure(check, rule, "the image has no configuration");
	}
	for (size_t i = 0; code == 0 && i < rule->as.config.count; i++) {
		const struct policy_test *test = &rule->as.config.tests[i];

		asking.unsure = NULL;
		if (test_fits(&asking, test) != wanted && !asking.unsure) {
			code = complain(&asking, test);
		}
		unsure = asking.unsure ? asking.unsure : unsure;
	}
	return code == 0 && unsure ? check_unsure(check, rule, "%s", unsure) : code;
}

int check_platform(struct check *check, const struct policy_rule *rule)
{
	const char *platform = peel_image_value(check->index, "platform");

	if (!*platform) {
		return check_unsure(check, rule, "the image does not say for which platform it is");
	}
	return strcmp(platform, rule->as.text) == 0
		? check_detail(check, rule, "%s", policy_shown(platform))
		: check_complain_text(check, rule, NULL, "the platform is %s",
			  policy_shown(platform));
}
