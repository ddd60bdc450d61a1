/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints of rules, exceptions from them, and patterns as an image reads them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/query.h>
#include <peel/text.h>

#include "audit_check_priv.h"
#include "glob_priv.h"
#include "util.h"

/* Memory of one allocation, in a list. */
struct check_block {
	struct check_block *next;
	max_align_t bytes[];
};

void *check_alloc(struct check *check, size_t size)
{
	struct check_block *block = NULL;

	if (size > CHECK_MEMORY_MAX || check->bytes + size > CHECK_MEMORY_MAX) {
		peel_fail(check->err, PEEL_ELIMIT, "the complaints need more than %zu bytes",
			CHECK_MEMORY_MAX);
		return NULL;
	}
	block = calloc(1, sizeof(*block) + size + 1);
	if (!block) {
		peel_fail(check->err, PEEL_ENOMEM, "no memory");
		return NULL;
	}
	check->bytes += size + sizeof(*block);
	block->next = check->blocks;
	check->blocks = block;
	return block->bytes;
}

void check_release(struct check *check)
{
	while (check->blocks) {
		struct check_block *block = check->blocks;

		check->blocks = block->next;
		free(block);
	}
}

char *check_copy(struct check *check, const char *text)
{
	size_t len = strlen(text);
	char *copy = check_alloc(check, len + 1);

	if (copy) {
		memcpy(copy, text, len + 1);
	}
	return copy;
}

/* The same for text for people, which a buffer may have cut within a character. */
static char *copy_cut(struct check *check, const char *text)
{
	char *copy = check_copy(check, text);

	if (copy) {
		peel_text_trim(copy);
	}
	return copy;
}

int check_failed(const struct check *check)
{
	return check->err->code ? check->err->code : PEEL_ENOMEM;
}

/* --- complaints --- */

static bool rule_named(const struct policy_rule *rule, const char *name)
{
	return strcmp(rule->where, name) == 0 || strcmp(policy_rule_id(rule), name) == 0 ||
		strcmp(rule->title, name) == 0;
}

static bool all_names_match(const struct glob_set *set, const struct peel_violation *violation)
{
	uint32_t id;

	for (size_t i = 0; i < violation->path_count; i++) {
		if (!glob_set_first(set, violation->paths[i], strlen(violation->paths[i]), &id)) {
			return false;
		}
	}
	return violation->path_count > 0;
}

static bool allowed(const struct check *check, const struct policy_rule *rule,
	struct outcome *outcome, const struct peel_violation *violation)
{
	for (size_t i = 0; i < check->policy->allow_count; i++) {
		const struct policy_allow *allow = &check->policy->allows[i];

		if (!rule_named(rule, allow->rule) ||
			(allow->paths.count > 0 && !all_names_match(check->allows[i], violation))) {
			continue;
		}
		if (!allow->expired) {
			return true;
		}
		outcome->expired = allow;
	}
	return false;
}

static int copy_lists(struct check *check, struct peel_violation *violation)
{
	const size_t names = min_u64(violation->path_count, CHECK_NAMES_MAX);
	const size_t pieces = min_u64(violation->evidence_count, CHECK_NAMES_MAX);
	const char **paths = check_alloc(check, (names + 1) * sizeof(*paths));
	struct peel_evidence *evidence = check_alloc(check, (pieces + 1) * sizeof(*evidence));
	bool good = paths && evidence;

	for (size_t i = 0; good && i < names; i++) {
		paths[i] = check_copy(check, violation->paths[i]);
		good = paths[i];
	}
	for (size_t i = 0; good && i < pieces; i++) {
		evidence[i] = violation->evidence[i];
		evidence[i].type = check_copy(check, violation->evidence[i].type);
		evidence[i].text = check_copy(check,
			violation->evidence[i].text ? violation->evidence[i].text : "");
		good = evidence[i].type && evidence[i].text;
	}
	violation->paths = paths;
	violation->path_count = names;
	violation->evidence = evidence;
	violation->evidence_count = pieces;
	return good ? 0 : check_failed(check);
}

int check_complain(struct check *check, const struct policy_rule *rule,
	const struct peel_violation *violation)
{
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	struct peel_violation copy = *violation;
	int code;

	if (allowed(check, rule, outcome, violation)) {
		outcome->allowed++;
		return 0;
	}
	outcome->total++;
	if (outcome->count == CHECK_VIOLATIONS_MAX) {
		return 0;
	}
	if (!grow_array(&outcome->violations, outcome->count, &outcome->room, sizeof(copy))) {
		return peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	copy.history = copy.layer >= 0 && copy.layer < check->layers ? check->history[copy.layer]
								     : -1;
	copy.instruction = copy.layer >= 0 && copy.layer < check->layers
		? check->instructions[copy.layer]
		: "";
	copy.what = copy_cut(check, violation->what);
	code = copy.what ? copy_lists(check, &copy) : check_failed(check);
	if (code == 0) {
		outcome->violations[outcome->count++] = copy;
	}
	return code;
}

int check_complain_text(struct check *check, const struct policy_rule *rule, const char *path,
	const char *format, ...)
{
	struct peel_violation violation = {.paths = &path,
		.path_count = path ? 1 : 0,
		.layer = -1,
		.hidden_by = -1,
		.visible = true};
	char what[CHECK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	violation.what = what;
	return check_complain(check, rule, &violation);
}

static int set_detail(struct check *check, const struct policy_rule *rule, const char *text)
{
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];

	outcome->detail = copy_cut(check, text);
	return outcome->detail ? 0 : check_failed(check);
}

int check_detail(struct check *check, const struct policy_rule *rule, const char *format, ...)
{
	char text[CHECK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return set_detail(check, rule, text);
}

int check_unsure(struct check *check, const struct policy_rule *rule, const char *format, ...)
{
	char text[CHECK_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	check->outcomes[check_number(check, rule)].unsure = true;
	return set_detail(check, rule, text);
}

/* Whether a line is among the reasons. */
static bool has_reason(const struct check *check, const char *reason, size_t len)
{
	const char *line = check->reasons;

	while (line && *line) {
		size_t line_len = strcspn(line, "\n");

		if (line_len == len && memcmp(line, reason, len) == 0) {
			return true;
		}
		line += line_len + (line[line_len] == '\n');
	}
	return false;
}

int check_reason(struct check *check, const char *reason, size_t len)
{
	char *grown;

	if (has_reason(check, reason, len)) {
		return 0;
	}
	grown = realloc(check->reasons, check->reasons_len + len + 2);
	if (!grown) {
		return peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	check->reasons = grown;
	if (check->reasons_len > 0) {
		grown[check->reasons_len++] = '\n';
	}
	memcpy(grown + check->reasons_len, reason, len);
	check->reasons_len += len;
	grown[check->reasons_len] = 0;
	return 0;
}

/* --- patterns --- */

/* Bytes of a pattern before the component with the first wildcard; the last component is never part of it. */
static size_t fixed_prefix(const char *pattern)
{
	size_t wild = strcspn(pattern, "*?[\\");
	const char *slash = memrchr(pattern, '/', wild);

	return pattern[0] == '/' && slash ? (size_t)(slash - pattern) : 0;
}

/* "/bin" of "/bin/python*" resolved, and its special characters with backslashes; the pattern has no braces. */
static int add_resolved(struct check *check, const char *pattern, struct glob_set *set, uint32_t id)
{
	const size_t prefix = fixed_prefix(pattern);
	cleanup_free char *canonical = NULL;
	char resolved[2 * GLOB_MAX + PEEL_PATH_MAX];
	struct peel_node node;
	struct peel_error why = {0};
	size_t len = 0;
	int code;

	if (prefix == 0) {
		return 0;
	}
	code = peel_resolve(check->index, PEEL_VIEW_MERGED, 0, pattern, prefix, true, &node,
		&canonical, &why);
	if (code == PEEL_ENOMEM || code == PEEL_EINTERNAL) {
		*check->err = why;
		return code;
	}
	if (code < 0 || (strlen(canonical) == prefix && memcmp(canonical, pattern, prefix) == 0)) {
		return 0;
	}
	for (const char *at = canonical; *at && strcmp(canonical, "/") != 0; at++) {
		if (len + 2 >= sizeof(resolved)) {
			return 0;
		}
		if (strchr("*?[]{},\\!^-", *at)) {
			resolved[len++] = '\\';
		}
		resolved[len++] = *at;
	}
	if ((size_t)snprintf(resolved + len, sizeof(resolved) - len, "%s", pattern + prefix) >=
			sizeof(resolved) - len ||
		strlen(resolved) > GLOB_MAX) {
		return peel_fail(check->err, PEEL_ELIMIT,
			"%s: in this image the pattern is too long", policy_shown(pattern));
	}
	return glob_set_add(set, resolved, id, check->err);
}

/* Each alternative by itself: "/{bin,sbin}/sh" begins with two folders, and both may be links. */
static int add_alternatives(struct check *check, const char *pattern, struct glob_set *set,
	uint32_t id)
{
	struct glob_braces braces;
	char alternative[GLOB_MAX + 1];
	int code = glob_braces_init(&braces, pattern, check->err);

	while (code == 0 && glob_braces_next(&braces, alternative)) {
		code = add_resolved(check, alternative, set, id);
	}
	return code;
}

int check_globs(struct check *check, const struct policy_globs *globs, struct glob_set *set,
	uint32_t id, bool by_number)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < globs->count; i++) {
		const uint32_t number = by_number ? id + (uint32_t)i : id;

		code = glob_set_add(set, globs->list[i], number, check->err);
		if (code == 0) {
			code = add_alternatives(check, globs->list[i], set, number);
		}
	}
	return code;
}
