/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: which format a file has, what they own, and those of --deny. */
#include "audit_policy_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "re.h"
#include "util.h"

/* Memory of one allocation, in a list. */
struct policy_block {
	struct policy_block *next;
	max_align_t bytes[];
};

static const struct {
	const char *id;
	/* Where the rule requires. */
	const char *required_id;
} ids[POLICY_TYPES] = {
	[POLICY_DETECT] = {"PEEL2001", "PEEL2002"},
	[POLICY_PATH] = {"PEEL1001", "PEEL1002"},
	[POLICY_CONTENT] = {"PEEL1003", "PEEL1004"},
	[POLICY_PACKAGE] = {"PEEL5001", "PEEL5002"},
	[POLICY_CONFIG] = {"PEEL4001", "PEEL4002"},
	[POLICY_SQL] = {"PEEL6001", "PEEL6002"},
	[POLICY_LIMIT] = {"PEEL3001", NULL},
	[POLICY_WASTE] = {"PEEL3002", NULL},
	[POLICY_WASTE_PATH] = {"PEEL3003", NULL},
	[POLICY_CATEGORY] = {"PEEL3004", NULL},
	[POLICY_BUDGET] = {"PEEL3005", NULL},
	[POLICY_PLATFORM] = {"PEEL7001", NULL},
	[POLICY_COMPLETE] = {"PEEL7002", NULL},
	[POLICY_EXPANDED] = {"PEEL7003", NULL},
	[POLICY_CST_EXISTENCE] = {"PEEL1101", NULL},
	[POLICY_CST_CONTENT] = {"PEEL1102", NULL},
	[POLICY_CST_METADATA] = {"PEEL4101", NULL},
	[POLICY_CST_LICENSE] = {"PEEL1103", NULL},
	[POLICY_CST_COMMAND] = {"PEEL7101", NULL},
	[POLICY_DIVE_EFFICIENCY] = {"PEEL3101", NULL},
	[POLICY_DIVE_BYTES] = {"PEEL3102", NULL},
	[POLICY_DIVE_PERCENT] = {"PEEL3103", NULL},
};

static const struct {
	const char *id;
	const char *title;
} titles[] = {
	{"PEEL1001", "A path that must not be there"},
	{"PEEL1002", "A path that must be there"},
	{"PEEL1003", "Contents that must not be there"},
	{"PEEL1004", "Contents that must be there"},
	{"PEEL1101", "File existence (container-structure-test)"},
	{"PEEL1102", "File content (container-structure-test)"},
	{"PEEL1103", "Licences (container-structure-test)"},
	{"PEEL2001", "Software that must not be there"},
	{"PEEL2002", "Software that must be there"},
	{"PEEL3001", "Limit of the image's size or layers"},
	{"PEEL3002", "Limit of bytes that are shipped in vain"},
	{"PEEL3003", "Limit of bytes that one path wastes"},
	{"PEEL3004", "Limit of a category of bytes"},
	{"PEEL3005", "Growth since the baseline"},
	{"PEEL3101", "Efficiency by dive's formula"},
	{"PEEL3102", "Wasted bytes by dive's formula"},
	{"PEEL3103", "Wasted share by dive's formula"},
	{"PEEL4001", "Configuration that must not be so"},
	{"PEEL4002", "Configuration that must be so"},
	{"PEEL4101", "Metadata (container-structure-test)"},
	{"PEEL5001", "A package that must not be there"},
	{"PEEL5002", "A package that must be there"},
	{"PEEL6001", "A query that must have no rows"},
	{"PEEL6002", "A query that must have rows"},
	{"PEEL7001", "The image's platform"},
	{"PEEL7002", "All of the image could be read"},
	{"PEEL7003", "All archives were looked into"},
	{"PEEL7101", "A command (container-structure-test)"},
};

const char *peel_rule_title(const char *id)
{
	for (size_t i = 0; i < countof(titles); i++) {
		if (strcmp(titles[i].id, id) == 0) {
			return titles[i].title;
		}
	}
	return NULL;
}

const char *policy_rule_id(const struct policy_rule *rule)
{
	const char *required = ids[rule->type].required_id;

	return rule->required && required ? required : ids[rule->type].id;
}

void *policy_alloc(struct peel_policy *policy, size_t count, size_t size)
{
	struct policy_block *block;
	uint64_t bytes;

	if (!checked_mul(count, size, &bytes) || !checked_add(bytes, sizeof(*block) + 1, &bytes)) {
		return NULL;
	}
	block = calloc(1, bytes);
	if (!block) {
		return NULL;
	}
	block->next = policy->blocks;
	policy->blocks = block;
	return block->bytes;
}

const char *policy_text(struct peel_policy *policy, const char *format, ...)
{
	va_list args;
	va_list again;
	char *text;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	text = len < 0 ? NULL : policy_alloc(policy, (size_t)len + 1, 1);
	if (text) {
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	va_end(args);
	return text;
}

int policy_no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "no memory for the policy");
}

int policy_add(struct peel_policy *policy, enum policy_type type, int line, const char *where,
	const char *title, struct policy_rule **ret_rule, struct peel_error *err)
{
	struct policy_rule *rule;

	if (policy->rule_count == POLICY_RULES_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "%s: more than %d rules",
			policy_shown(policy->file), POLICY_RULES_MAX);
	}
	if (!where || !title ||
		!grow_array(&policy->rules, policy->rule_count, &policy->rule_room,
			sizeof(*policy->rules))) {
		return policy_no_memory(err);
	}
	rule = &policy->rules[policy->rule_count++];
	*rule = (struct policy_rule){.type = type, .line = line, .where = where, .title = title};
	*ret_rule = rule;
	return 0;
}

int policy_re(struct peel_policy *policy, const char *text, struct re **ret_re,
	struct peel_error *err)
{
	struct re *re = NULL;
	int code;

	if (!grow_array(&policy->res, policy->re_count, &policy->re_room, sizeof(struct re *))) {
		return policy_no_memory(err);
	}
	code = re_compile(text, strlen(text), &re, err);
	if (code == 0) {
		policy->res[policy->re_count++] = re;
		*ret_re = re;
	}
	return code;
}

int policy_read_file(const char *path, char **ret_text, size_t *ret_len, struct peel_error *err)
{
	cleanup_free char *text = malloc(YAML_MAX + 1);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0) {
		return peel_fail(err, errno == ENOENT ? PEEL_ENOENT : PEEL_EIO, "%s: %s",
			policy_shown(path), strerror(errno));
	}
	if (!text) {
		return policy_no_memory(err);
	}
	while (got > 0 && len <= YAML_MAX) {
		got = read(fd, text + len, YAML_MAX + 1 - len);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got < 0) {
			return peel_fail(err, PEEL_EIO, "%s: %s", policy_shown(path),
				strerror(errno));
		}
		len += (size_t)got;
	}
	if (len > YAML_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "%s: more than %u bytes", policy_shown(path),
			YAML_MAX);
	}
	*ret_text = steal_pointer(&text);
	*ret_len = len;
	return 0;
}

static struct peel_policy *new_policy(const char *file, const struct peel_policy_options *options)
{
	struct peel_policy *policy = calloc(1, sizeof(*policy));

	if (policy) {
		policy->detectors = options->detectors;
		policy->now = options->now;
		policy->skip_command_tests = options->skip_command_tests;
		policy->file = policy_text(policy, "%s", file);
	}
	if (policy && !policy->file) {
		peel_policy_free(policy);
		policy = NULL;
	}
	return policy;
}

void peel_policy_free(struct peel_policy *policy)
{
	if (!policy) {
		return;
	}
	for (size_t i = 0; i < policy->re_count; i++) {
		re_free(policy->res[i]);
	}
	while (policy->blocks) {
		struct policy_block *block = policy->blocks;

		policy->blocks = block->next;
		free(block);
	}
	yaml_release(policy->document);
	free(policy->res);
	free(policy->rules);
	free(policy->allows);
	free(policy);
}

static void cleanup_policy(struct peel_policy **policy)
{
	peel_policy_free(*policy);
}

/* Which of the three formats: each has a key that the others lack. */
static int read_root(struct peel_policy *policy, const struct yaml *root, struct peel_error *err)
{
	if (!root || root->type != YAML_MAP) {
		return policy_fail(policy, root, err,
			"a policy is a map: peel's own has 'version: 1', container-structure-test's "
			"'schemaVersion', dive's 'rules'");
	}
	if (yaml_get(root, "schemaVersion")) {
		return policy_read_cst(policy, root, err);
	}
	if (yaml_get(root, "version")) {
		return policy_read_native(policy, root, err);
	}
	if (yaml_get(root, "rules")) {
		return policy_read_dive(policy, root, err);
	}
	return policy_fail(policy, root, err,
		"no policy that is known: peel's own has 'version: 1', container-structure-test's "
		"'schemaVersion', dive's 'rules'");
}

int policy_parse(const char *file, const char *text, size_t len,
	const struct peel_policy_options *options, struct peel_policy **ret_policy,
	struct peel_error *err)
{
	cleanup(cleanup_policy) struct peel_policy *policy = new_policy(file, options);
	int code = policy ? yaml_parse(file, text, len, &policy->document, err)
			  : policy_no_memory(err);

	if (code == 0) {
		code = read_root(policy, yaml_root(policy->document), err);
	}
	if (code == 0) {
		*ret_policy = steal_pointer(&policy);
	}
	return code;
}

int peel_policy_load(const char *file, const struct peel_policy_options *options,
	struct peel_policy **ret_policy, struct peel_error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int code = policy_read_file(file, &text, &len, err);

	return code < 0 ? code : policy_parse(file, text, len, options, ret_policy, err);
}

/* --- --deny --- */

/* "python:payload@runtime" into a detector. */
static int read_denied(struct peel_policy *policy, const char *word, struct policy_detector *ret,
	struct peel_error *err)
{
	char *name = (char *)policy_text(policy, "%s", word);
	char *at = name ? strchr(name, '@') : NULL;
	char *colon = name ? strchr(name, ':') : NULL;

	if (!name) {
		return policy_no_memory(err);
	}
	if (at && colon && colon > at) {
		return peel_fail(err, PEEL_EUSAGE,
			"'%s': a tier stands before @runtime, as in python:payload@runtime",
			policy_shown(word));
	}
	*ret = (struct policy_detector){.name = name, .tiers = POLICY_TIERS_DEFAULT};
	if (at) {
		*at++ = 0;
		if (strcmp(at, "runtime") != 0) {
			return peel_fail(err, PEEL_EUSAGE,
				"'%s': only @runtime may follow the name", policy_shown(word));
		}
		ret->runtime = true;
	}
	while (colon) {
		char *tier = colon + 1;

		*colon = 0;
		colon = strchr(tier, ':');
		if (colon) {
			*colon = 0;
		}
		if (!peel_tier_parse(tier)) {
			return peel_fail(err, PEEL_EUSAGE,
				"'%s' is no tier: there are interpreter, embedder, payload, dependent, declared",
				policy_shown(tier));
		}
		ret->tiers |= 1u << peel_tier_parse(tier);
	}
	return policy_detector_known(policy, name, err);
}

static int add_denied(struct peel_policy *policy, const char *word, struct peel_error *err)
{
	struct policy_detector *detector = policy_alloc(policy, 1, sizeof(*detector));
	struct policy_detect detect = {.list = detector, .count = 1};
	struct policy_rule *rule;
	int code = detector ? read_denied(policy, word, detector, err) : policy_no_memory(err);

	if (code == 0) {
		code = policy_add(policy, POLICY_DETECT, 0, policy_text(policy, "%s", word),
			policy_detect_title(policy, &detect, false), &rule, err);
	}
	if (code == 0) {
		rule->as.detect = detect;
	}
	return code;
}

int peel_policy_deny(const char *const *words, size_t count,
	const struct peel_policy_options *options, struct peel_policy **ret_policy,
	struct peel_error *err)
{
	cleanup(cleanup_policy) struct peel_policy *policy = new_policy("--deny", options);
	int code = policy ? 0 : policy_no_memory(err);

	for (size_t i = 0; code == 0 && i < count; i++) {
		const char *rest = words[i];

		do {
			size_t len = strcspn(rest, ",");
			const char *word = policy_text(policy, "%.*s", (int)len, rest);

			code = word ? add_denied(policy, word, err) : policy_no_memory(err);
			rest += len;
		} while (code == 0 && *rest++ == ',');
	}
	if (code == 0) {
		*ret_policy = steal_pointer(&policy);
	}
	return code;
}
