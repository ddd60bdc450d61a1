/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One run of a policy against an image. What many rules ask of one pass (detection, the tree, the ledger) is
 * gathered first, each rule's complaints in its own outcome; then the rest is asked rule by rule, and results are
 * told in order.
 */
#ifndef AUDIT_CHECK_PRIV_H
#define AUDIT_CHECK_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/audit.h>
#include <peel/waste.h>

#include "audit_policy_priv.h"
#include "json.h"

struct glob_set;

/** Most complaints of one rule that are told; more are counted. */
#define CHECK_VIOLATIONS_MAX 1000
/** Most names, and pieces of evidence, of one complaint that are told. */
#define CHECK_NAMES_MAX 64
/** Bytes of all complaints together; beyond it there is no answer. */
#define CHECK_MEMORY_MAX ((size_t)256 << 20)
/** Longest text that is made up here. */
#define CHECK_TEXT_MAX 1024

/** What a rule has come to so far. */
struct outcome {
	struct peel_violation *violations;
	size_t count, room;
	/** Complaints in all: count, those omitted, and not those that are allowed. */
	size_t total, allowed;
	/** An exception that would allow some of them and has expired; NULL: none. */
	const struct policy_allow *expired;
	/** Of a rule that requires: things that fit, and which of its patterns do (a bit each by number). */
	size_t found;
	bool *fits;
	/** It cannot be decided; why is in detail. */
	bool unsure;
	bool skipped;
	/** NULL: by what the numbers say. */
	char *detail;
};

struct check_block;

struct check {
	struct peel_index *index;
	const struct peel_policy *policy;
	struct outcome *outcomes;
	/** By number of exception: its patterns in this image; NULL: all. */
	struct glob_set **allows;
	/** Rows of the history by layer; -1 unknown. */
	int *history;
	const char **instructions;
	int layers;
	json_t *config;
	/** Sums over the ledger, once they are asked for. */
	struct peel_waste *waste;
	struct peel_dive *dive;
	uint64_t *category_bytes;
	/** Why the verdict is not conclusive, a line each. */
	char *reasons;
	size_t reasons_len;
	struct check_block *blocks;
	size_t bytes;
	struct peel_error *err;
};

/** A rule's number. */
static inline size_t check_number(const struct check *check, const struct policy_rule *rule)
{
	return (size_t)(rule - check->policy->rules);
}

/** Zeroed memory for the run. @return NULL where memory, or CHECK_MEMORY_MAX, is exhausted: the message is set. */
void *check_alloc(struct check *check, size_t size);
/** Free all that check_alloc gave. */
void check_release(struct check *check);
/** A copy. @return as check_alloc. */
char *check_copy(struct check *check, const char *text);
/** What check_alloc set. */
int check_failed(const struct check *check);

/**
 * Complain, unless an exception allows it: one whose patterns fit every name.
 * @param violation instruction and history are filled in here by its layer; strings are copied.
 * @return 0; PEEL_ENOMEM, PEEL_ELIMIT.
 */
int check_complain(struct check *check, const struct policy_rule *rule,
	const struct peel_violation *violation);
/** Complain of the image as a whole, or of one path (NULL: none); printf form. @return as check_complain. */
int check_complain_text(struct check *check, const struct policy_rule *rule, const char *path,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/** Say how a rule came out (printf form). @return 0; PEEL_ENOMEM, PEEL_ELIMIT. */
int check_detail(struct check *check, const struct policy_rule *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** The rule cannot be decided (printf form: why, escaped). @return as check_detail. */
int check_unsure(struct check *check, const struct policy_rule *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Why the verdict is not conclusive, once each. @return as check_detail. */
int check_reason(struct check *check, const char *reason, size_t len);

/**
 * Patterns as this image reads them: the folders before the first wildcard are resolved, so that "/bin/sh" is found in
 * /usr/bin where /bin is a link there. The patterns as written are kept too.
 * @param id for all of them; or, where by_number, id + number of the pattern. @return 0; PEEL_ENOMEM, PEEL_ELIMIT,
 * PEEL_EINTERNAL.
 */
int check_globs(struct check *check, const struct policy_globs *globs, struct glob_set *set,
	uint32_t id, bool by_number);

/** Gather for all rules: detection; the tree and the ledger. @return 0, or less than 0. */
int check_gather_detections(struct check *check);
int check_gather_paths(struct check *check);
/** Search the files that content rules name; filled by check_gather_paths. */
struct content_job {
	uint64_t ino;
	uint32_t rule;
	/** NULL: the ledger's. */
	const char *path;
};
/** @param jobs is sorted here. @return 0, or less than 0. */
int check_gather_contents(struct check *check, struct content_job *jobs, size_t count);

/** Ask one rule that nothing was gathered for. @return 0, or less than 0. */
int check_package(struct check *check, const struct policy_rule *rule);
int check_config(struct check *check, const struct policy_rule *rule);
int check_sql(struct check *check, const struct policy_rule *rule);
int check_limit(struct check *check, const struct policy_rule *rule);
int check_waste(struct check *check, const struct policy_rule *rule);
int check_waste_path(struct check *check, const struct policy_rule *rule);
int check_category(struct check *check, const struct policy_rule *rule);
int check_budget(struct check *check, const struct policy_rule *rule);
int check_platform(struct check *check, const struct policy_rule *rule);
int check_dive(struct check *check, const struct policy_rule *rule);
int check_cst_existence(struct check *check, const struct policy_rule *rule);
int check_cst_content(struct check *check, const struct policy_rule *rule);
int check_cst_license(struct check *check, const struct policy_rule *rule);
int check_cst_command(struct check *check, const struct policy_rule *rule);

/**
 * Whether a file holds patterns.
 * @param ret_matches one for each pattern; a NULL pattern is left alone. @return 0; peel_read's codes, PEEL_ENOMEM.
 */
int check_search(struct check *check, uint64_t ino, struct re *const *res, size_t count,
	bool *ret_matches, struct peel_error *err);

#endif
