/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy files: peel's own, container-structure-test's, .dive-ci, and what --deny takes. Messages are one line without
 * control characters and name the file. A byte 0x1e ends the policy; behind it is the baseline that its budget names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "audit_detectors.h"
#include "audit_policy_priv.h"
#include "fuzz.h"

#define SEPARATOR 0x1e
#define WORD_MAX 512

static struct peel_detectors *detectors;
static struct fuzz_input baseline;

/* In the place of the real one (--wrap): no file is read. */
int __wrap_policy_read_file(const char *path, char **ret_text, size_t *ret_len,
	struct peel_error *err);

int __wrap_policy_read_file(const char *path, char **ret_text, size_t *ret_len,
	struct peel_error *err)
{
	if (baseline.left == 0) {
		return peel_fail(err, PEEL_ENOENT, "%s: there is none", policy_shown(path));
	}
	*ret_text = malloc(baseline.left);
	fuzz_check(*ret_text);
	memcpy(*ret_text, baseline.at, baseline.left);
	*ret_len = baseline.left;
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char text[] =
		"version: 1\ndetectors:\n  python:\n    title: Python\n    rules:\n"
		"      - {id: a, tier: interpreter, title: t, when: {path: /usr/bin/python*}}\n"
		"  shell:\n    title: a shell\n    rules:\n"
		"      - {id: a, tier: interpreter, title: t, when: {path: /bin/sh}}\n";
	struct peel_error err = {0};

	(void)argc;
	(void)argv;
	if (detectors_parse("detectors", text, sizeof(text) - 1, &detectors, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.message);
		abort();
	}
	return 0;
}

static void deny(struct fuzz_input *input, const struct peel_policy_options *options)
{
	struct peel_policy *policy = NULL;
	struct peel_error err = {0};
	const char *words[1];
	const uint8_t *bytes;
	char word[WORD_MAX];
	const size_t len = fuzz_bytes(input, sizeof(word) - 1, &bytes);

	memcpy(word, bytes, len);
	word[len] = '\0';
	words[0] = word;
	if (peel_policy_deny(words, 1, options, &policy, &err) < 0) {
		fuzz_check_text(err.message);
	}
	peel_policy_free(policy);
}

/* All that a rule says is one line. */
static void check_rules(const struct peel_policy *policy)
{
	fuzz_check(policy->rule_count <= POLICY_RULES_MAX);
	fuzz_check(policy->allow_count <= POLICY_ALLOWS_MAX);
	for (size_t i = 0; i < policy->rule_count; i++) {
		fuzz_check(policy->rules[i].title[0]);
		fuzz_check_text(policy->rules[i].title);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct peel_policy_options options = {.detectors = detectors, .now = 1700000000};
	const uint8_t *end = len ? memchr(data, SEPARATOR, len) : NULL;
	struct fuzz_input input = {data, end ? (size_t)(end - data) : len};
	struct peel_policy *policy = NULL;
	struct peel_error err = {0};

	baseline = (struct fuzz_input){
		end ? end + 1 : data, end ? len - (size_t)(end + 1 - data) : 0};
	if (input.left && input.at[0] == '-') {
		(void)fuzz_byte(&input);
		deny(&input, &options);
		return 0;
	}
	if (policy_parse("dir/it.yaml", (const char *)input.at, input.left, &options, &policy,
		    &err) < 0) {
		fuzz_check(!policy && strncmp(err.message, "dir/it.yaml", 11) == 0);
		fuzz_check_text(err.message);
		return 0;
	}
	check_rules(policy);
	peel_policy_free(policy);
	return 0;
}
