/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of container-structure-test, with the outcomes of its code (pkg/types/v2) for an image that is a file: the
 * last link of a path is looked at itself, but read through. Links are those of the image, never of this machine.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/query.h>
#include <peel/text.h>

#include "audit_check_priv.h"
#include "re.h"
#include "util.h"

/* Longest path after variables are put in. */
#define EXPANDED_MAX 4096
/* Most bytes of a licence that are read; theirs has no limit. */
#define LICENSE_MAX ((size_t)16 << 20)

/* The last one counts, as in a process's environment; the file's variables before the image's. */
static const char *variable(struct check *check, const struct policy_cst *cst, const char *name,
	size_t len)
{
	const char *found = "";
	const json_t *list = json_member(json_member(check->config, "config"), "Env");
	size_t i;
	json_t *entry;

	for (size_t k = cst->env_count; k > 0; k--) {
		if (strlen(cst->env[k - 1].key) == len &&
			memcmp(cst->env[k - 1].key, name, len) == 0) {
			return cst->env[k - 1].value;
		}
	}
	json_array_foreach (list, i, entry) {
		const char *text = json_string_value(entry);

		if (text && strncmp(text, name, len) == 0 && text[len] == '=') {
			found = text + len + 1;
		}
	}
	return found;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "$NAME" and "${NAME}", as Go's os.Expand. @return false: too long. */
static bool expand(struct check *check, const struct policy_cst *cst, char *path)
{
	const char *at = cst->path;
	size_t len = 0;

	while (*at) {
		const bool braced = at[0] == '$' && at[1] == '{' && strchr(at, '}');
		const char *name = at + (braced ? 2 : 1);
		size_t name_len = 0;
		const char *value = at;
		size_t value_len = 1;

		if (braced) {
			name_len = strcspn(name, "}");
		} else {
			while (*at == '$' && name_char(name[name_len])) {
				name_len++;
			}
		}
		if (*at == '$' && name_len > 0) {
			value = variable(check, cst, name, name_len);
			value_len = strlen(value);
			at = name + name_len + braced;
		} else {
			at++;
		}
		if (len + value_len >= EXPANDED_MAX) {
			return false;
		}
		memcpy(path + len, value, value_len);
		len += value_len;
	}
	path[len] = 0;
	return true;
}

/* Go's FileMode.String: letters of type and special bits, then the nine. */
static const char *go_mode(uint32_t mode, char *buf)
{
	static const char bits[] = "rwxrwxrwx";
	size_t len = 0;

	if (S_ISDIR(mode)) {
		buf[len++] = 'd';
	} else if (S_ISLNK(mode)) {
		buf[len++] = 'L';
	} else if (S_ISBLK(mode) || S_ISCHR(mode)) {
		buf[len++] = 'D';
	} else if (S_ISFIFO(mode)) {
		buf[len++] = 'p';
	} else if (S_ISSOCK(mode)) {
		buf[len++] = 'S';
	}
	if (mode & S_ISUID) {
		buf[len++] = 'u';
	}
	if (mode & S_ISGID) {
		buf[len++] = 'g';
	}
	if (S_ISCHR(mode)) {
		buf[len++] = 'c';
	}
	if (mode & S_ISVTX) {
		buf[len++] = 't';
	}
	if (len == 0) {
		buf[len++] = '-';
	}
	for (int i = 0; i < 9; i++) {
		buf[len++] = mode & (0400u >> i) ? bits[i] : '-';
	}
	buf[len] = 0;
	return buf;
}

static int check_executable(struct check *check, const struct policy_rule *rule, const char *path,
	uint32_t mode)
{
	static const struct {
		const char *word;
		uint32_t bits;
	} who[] = {{"any", 0111}, {"owner", 0100}, {"group", 0010}, {"other", 0001}};
	const char *by = rule->as.cst.executable_by;
	char shown[20];

	for (size_t i = 0; i < countof(who); i++) {
		if (strcmp(who[i].word, by) == 0) {
			return mode & who[i].bits
				? 0
				: check_complain_text(check, rule, path, "not executable by %s: %s",
					  by, go_mode(mode, shown));
		}
	}
	return check_complain_text(check, rule, path,
		"isExecutableBy is owner, group, other or any, not %s", policy_shown(by));
}

static int check_attributes(struct check *check, const struct policy_rule *rule, const char *path,
	const struct peel_node *node)
{
	const struct policy_cst *cst = &rule->as.cst;
	char shown[20];
	int code = 0;

	go_mode(node->mode, shown);
	if (cst->permissions && *cst->permissions && strcmp(shown, cst->permissions) != 0) {
		code = check_complain_text(check, rule, path, "permissions are %s, not %s", shown,
			policy_shown(cst->permissions));
	}
	if (code == 0 && cst->executable_by && *cst->executable_by) {
		code = check_executable(check, rule, path, node->mode);
	}
	if (code == 0 && cst->uid >= 0 && node->uid != (uint64_t)cst->uid) {
		code = check_complain_text(check, rule, path, "owner is %u, not %lld", node->uid,
			(long long)cst->uid);
	}
	if (code == 0 && cst->gid >= 0 && node->gid != (uint64_t)cst->gid) {
		code = check_complain_text(check, rule, path, "group is %u, not %lld", node->gid,
			(long long)cst->gid);
	}
	return code;
}

/* @return 1 it is there, 0 it is not, or less than 0. */
static int find(struct check *check, const char *path, bool follow, struct peel_node *ret_node)
{
	struct peel_error why = {0};
	int code = peel_resolve(check->index, PEEL_VIEW_MERGED, 0, path, strlen(path), follow,
		ret_node, NULL, &why);

	if (code == PEEL_ENOMEM || code == PEEL_EINTERNAL || code == PEEL_EFORMAT) {
		*check->err = why;
		return code;
	}
	return code == 0;
}

int check_cst_existence(struct check *check, const struct policy_rule *rule)
{
	const struct policy_cst *cst = &rule->as.cst;
	char path[EXPANDED_MAX];
	struct peel_node node;
	int found;

	if (!expand(check, cst, path)) {
		return check_unsure(check, rule, "the path is too long");
	}
	found = find(check, path, false, &node);
	if (found < 0) {
		return found;
	}
	if (found != cst->should_exist) {
		return check_complain_text(check, rule, path, "%s",
			found ? "it exists and should not" : "it does not exist");
	}
	return found ? check_attributes(check, rule, path, &node) : 0;
}

static int check_patterns(struct check *check, const struct policy_rule *rule,
	const struct peel_node *node)
{
	const struct policy_cst *cst = &rule->as.cst;
	cleanup_free struct re **res = calloc(cst->count + 1, sizeof(*res));
	cleanup_free bool *matches = calloc(cst->count + 1, sizeof(*matches));
	struct peel_error why = {0};
	int code;

	if (!res || !matches) {
		return peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < cst->count; i++) {
		res[i] = cst->patterns[i].re;
	}
	code = check_search(check, node->ino, res, cst->count, matches, &why);
	if (code == PEEL_ENOMEM || code == PEEL_ECHANGED) {
		*check->err = why;
		return code;
	}
	if (code < 0) {
		return check_unsure(check, rule, "%s: %s", policy_shown(cst->path), why.message);
	}
	for (size_t i = 0; code == 0 && i < cst->count; i++) {
		const struct policy_pattern *pattern = &cst->patterns[i];

		if (pattern->unsure) {
			code = check_unsure(check, rule, "%s: %s", policy_shown(pattern->text),
				pattern->unsure);
		} else if (!pattern->re) {
			code = check_complain_text(check, rule, cst->path,
				"%s is no regular expression", policy_shown(pattern->text));
		} else if (matches[i] != (i < cst->expected)) {
			code = check_complain_text(check, rule, cst->path,
				i < cst->expected ? "it does not hold %s" : "it holds %s",
				policy_shown(pattern->text));
		}
	}
	return code;
}

int check_cst_content(struct check *check, const struct policy_rule *rule)
{
	const char *path = rule->as.cst.path;
	struct peel_node node;
	int found = find(check, path, true, &node);

	if (found < 0) {
		return found;
	}
	if (!found || !S_ISREG(node.mode)) {
		return check_complain_text(check, rule, path,
			found ? "it is no file" : "it does not exist");
	}
	return check_patterns(check, rule, &node);
}

int check_cst_command(struct check *check, const struct policy_rule *rule)
{
	if (rule->as.cst.skipped) {
		check->outcomes[check_number(check, rule)].skipped = true;
		return check_detail(check, rule, "not run: --skip-command-tests");
	}
	return check_unsure(check, rule, "not run: peel runs nothing of an image");
}

/* --- licences --- */

/* Whether a text has a word in it, whatever its case. */
static bool has_word(const char *text, size_t len, const char *word)
{
	const size_t word_len = strlen(word);

	for (size_t i = 0; i + word_len <= len; i++) {
		size_t k = 0;

		while (k < word_len && toupper((unsigned char)text[i + k]) == word[k]) {
			k++;
		}
		if (k == word_len) {
			return true;
		}
	}
	return false;
}

static int check_license(struct check *check, const struct policy_rule *rule, const char *path)
{
	static const char *const refused[] = {"AGPL", "WTFPL"};
	cleanup_free char *text = malloc(LICENSE_MAX);
	struct peel_error why = {0};
	struct peel_node node;
	ssize_t got;
	int found = find(check, path, true, &node);

	if (found < 0 || !text) {
		return text ? found : peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	if (!found || !S_ISREG(node.mode)) {
		return check_complain_text(check, rule, path, "it cannot be read");
	}
	got = peel_read(check->index, node.ino, 0, text, LICENSE_MAX, &why);
	if (got < 0 || node.size > LICENSE_MAX) {
		return check_unsure(check, rule, "%s: %s", policy_shown(path),
			got < 0 ? why.message : "too large");
	}
	for (size_t i = 0; i < countof(refused); i++) {
		if (has_word(text, (size_t)got, refused[i])) {
			return check_complain_text(check, rule, path, "the licence has %s in it",
				refused[i]);
		}
	}
	return 0;
}

struct listing {
	struct check *check;
	const struct policy_rule *rule;
	int code;
};

static int take_package(void *arg, const struct peel_dirent *entry)
{
	static const char passed[] = "libgnutls30";
	struct listing *listing = arg;
	char path[PEEL_PATH_MAX];

	if (!S_ISDIR(entry->node.mode) ||
		(entry->name_len == strlen(passed) &&
			memcmp(entry->name, passed, strlen(passed)) == 0)) {
		return 0;
	}
	snprintf(path, sizeof(path), "/usr/share/doc/%.*s/copyright", (int)entry->name_len,
		(const char *)entry->name);
	listing->code = check_license(listing->check, listing->rule, path);
	return listing->code;
}

int check_cst_license(struct check *check, const struct policy_rule *rule)
{
	static const char root[] = "/usr/share/doc";
	struct listing listing = {.check = check, .rule = rule};
	struct peel_node node;
	int code = 0;

	if (rule->as.cst.debian) {
		code = find(check, root, true, &node);
		if (code == 0 || (code > 0 && !S_ISDIR(node.mode))) {
			code = check_complain_text(check, rule, root, "it is no folder");
		} else if (code > 0) {
			code = peel_list(check->index, node.ino, 0, take_package, &listing,
				check->err);
			code = listing.code < 0 ? listing.code : code;
		}
	}
	for (size_t i = 0; code == 0 && i < rule->as.cst.files.count; i++) {
		code = check_license(check, rule, rule->as.cst.files.list[i]);
	}
	return code;
}
