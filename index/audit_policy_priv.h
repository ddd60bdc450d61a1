/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A policy in memory: a list of rules, whatever the file's format, each with the figures that its check needs. Readers
 * (audit_policy_*.c) fill it, checks (audit_check_*.c) ask it. It is immutable once loaded, and owns all that it
 * points to.
 */
#ifndef AUDIT_POLICY_PRIV_H
#define AUDIT_POLICY_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/audit.h>

#include "yaml.h"

struct re;

/** Most rules, patterns of all rules, and exceptions of one policy. */
#define POLICY_RULES_MAX 1000
#define POLICY_GLOBS_MAX 10000
#define POLICY_ALLOWS_MAX 1000
/** Largest file that a content rule searches where it names no max_file, bytes. */
#define POLICY_MAX_FILE (UINT64_C(64) << 20)

/** What a rule asks, by the check that answers it; the identifier's table is in audit_policy.c. */
enum policy_type {
	POLICY_DETECT,
	POLICY_PATH,
	POLICY_CONTENT,
	POLICY_PACKAGE,
	POLICY_CONFIG,
	POLICY_SQL,
	POLICY_LIMIT,
	POLICY_WASTE,
	POLICY_WASTE_PATH,
	POLICY_CATEGORY,
	POLICY_BUDGET,
	POLICY_PLATFORM,
	POLICY_COMPLETE,
	POLICY_EXPANDED,
	POLICY_CST_EXISTENCE,
	POLICY_CST_CONTENT,
	POLICY_CST_METADATA,
	POLICY_CST_LICENSE,
	POLICY_CST_COMMAND,
	POLICY_DIVE_EFFICIENCY,
	POLICY_DIVE_BYTES,
	POLICY_DIVE_PERCENT,
	POLICY_TYPES,
};

/** Path patterns of glob.h, each known to be right. */
struct policy_globs {
	const char *const *list;
	size_t count;
};

/** Texts of a list, as the file has them. */
struct policy_texts {
	const char *const *list;
	size_t count;
};

/** One detector of a rule. */
struct policy_detector {
	const char *name;
	/** Bit 1 << tier for each tier that counts. */
	unsigned int tiers;
	/** Only what the merged tree shows; else hidden layers' files too. */
	bool runtime;
	struct policy_globs allow;
};

struct policy_detect {
	struct policy_detector *list;
	size_t count;
};

struct policy_path {
	struct policy_globs globs;
	/** S_IFMT bits, 0: any type. */
	uint32_t type;
	/** Permission bits as asked for, -1: any; and those of which one is enough, 0: none asked for. */
	int64_t mode, any_mode;
	/** -1: any. */
	int64_t uid, gid;
	/** Forbidden in hidden layers too. */
	bool shipped;
};

struct policy_content {
	struct policy_globs globs;
	const char *regex;
	struct re *re;
	uint64_t max_file;
	/** The policy says so: larger files are left out on its word. */
	bool max_file_given;
	bool shipped;
};

struct policy_package {
	/** Patterns for "/NAME", and for "/VERSION"; count 0: any. */
	struct policy_globs names, versions;
	/** Databases; count 0: any. */
	struct policy_texts dbs;
};

/** What a test of the configuration looks at. */
enum policy_field {
	POLICY_USER,
	POLICY_WORKDIR,
	POLICY_STOPSIGNAL,
	POLICY_ENTRYPOINT,
	POLICY_CMD,
	POLICY_ENV,
	POLICY_LABEL,
	POLICY_PORT,
	POLICY_VOLUME,
};

/** One test of the configuration. */
struct policy_test {
	enum policy_field field;
	/** Variable, label, port or volume. */
	const char *key;
	/** Value wanted; NULL: any (of a key), or see list. */
	const char *value;
	/** The value is a pattern that it holds; NULL: it is the text itself. */
	struct re *re;
	/** Why the pattern could not be read as Go does; NULL: it could. */
	const char *unsure;
	/** The pattern is none: the test cannot be passed. */
	bool broken;
	/** Words of a command. */
	struct policy_texts list;
	/** It must not be so. */
	bool not ;
	/** Ports as container-structure-test compares them: without their protocol. */
	bool bare_port;
};

struct policy_config {
	struct policy_test *tests;
	size_t count;
};

/** Figures of an image that limits are set for. */
enum policy_figure {
	POLICY_FIGURE_SHIPPED,
	POLICY_FIGURE_VISIBLE,
	POLICY_FIGURE_COMPRESSED,
	POLICY_FIGURE_LAYERS,
	POLICY_FIGURES,
};

/** A limit; each of the two may be missing. */
struct policy_limit {
	enum policy_figure figure;
	/** Of POLICY_CATEGORY. */
	const char *category;
	bool has_bytes, has_percent;
	uint64_t bytes;
	double percent;
	/** Both must be exceeded. */
	bool both;
	/** Of POLICY_BUDGET: what the baseline had, and its name. */
	uint64_t baseline;
	const char *baseline_file;
};

/** A test of container-structure-test. */
struct policy_cst {
	const char *name;
	const char *path;
	bool should_exist;
	const char *permissions;
	int64_t uid, gid;
	const char *executable_by;
	/** Patterns, those expected first. */
	struct policy_pattern {
		const char *text;
		struct re *re;
		const char *unsure;
	} * patterns;
	size_t expected, count;
	/** Of a licence test. */
	bool debian;
	struct policy_texts files;
	/** Commands are left out on the user's word. */
	bool skipped;
	/** globalEnvVars of the file: for "$NAME" in paths. */
	const struct policy_test *env;
	size_t env_count;
};

/** A rule of .dive-ci. */
struct policy_dive {
	bool disabled;
	/** As the file has it. */
	const char *text;
	double ratio;
	uint64_t bytes;
};

struct policy_rule {
	enum policy_type type;
	/** From 1; 0: none. */
	int line;
	/** "forbid[2]". */
	const char *where;
	const char *title;
	bool warn;
	/** What matches must be there; else it must not. */
	bool required;
	union {
		struct policy_detect detect;
		struct policy_path path;
		struct policy_content content;
		struct policy_package package;
		struct policy_config config;
		struct policy_limit limit;
		struct policy_cst cst;
		struct policy_dive dive;
		struct policy_texts texts;
		const char *text;
	} as;
};

/** An exception. */
struct policy_allow {
	int line;
	const char *rule;
	/** count 0: whatever the rule complains of. */
	struct policy_globs paths;
	const char *reason;
	/** As written, NULL: for ever. */
	const char *until;
	bool expired;
};

struct policy_block;

struct peel_policy {
	/** As named by the user; escaped for messages elsewhere. */
	const char *file;
	const struct peel_detectors *detectors;
	int64_t now;
	bool skip_command_tests;
	struct yaml_document *document;
	struct policy_rule *rules;
	size_t rule_count, rule_room;
	struct policy_allow *allows;
	size_t allow_count, allow_room;
	size_t glob_count;
	/** Memory of all else, and patterns to be freed. */
	struct policy_block *blocks;
	struct re **res;
	size_t re_count, re_room;
};

/** Identifier of a rule: "PEEL2001". */
const char *policy_rule_id(const struct policy_rule *rule);

/* --- for readers --- */

/** Zeroed memory that lives as long as the policy. @return NULL where memory is exhausted. */
void *policy_alloc(struct peel_policy *policy, size_t count, size_t size);
/** Text in the policy's memory (printf form). @return NULL where memory is exhausted. */
const char *policy_text(struct peel_policy *policy, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/**
 * Add a rule.
 * @param where and title may be NULL where memory was exhausted: that is the failure then.
 * @param ret_rule zeroed but for type, line, where and title; valid until the next is added.
 * @return 0; PEEL_ELIMIT, PEEL_ENOMEM.
 */
int policy_add(struct peel_policy *policy, enum policy_type type, int line, const char *where,
	const char *title, struct policy_rule **ret_rule, struct peel_error *err);
/** Compile a pattern that lives as long as the policy. @return as re_compile. */
int policy_re(struct peel_policy *policy, const char *text, struct re **ret_re,
	struct peel_error *err);

/** yaml_fail with the policy's document. @return PEEL_EFORMAT. */
int policy_fail(struct peel_policy *policy, const struct yaml *node, struct peel_error *err,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/** What exhausted memory comes to. @return PEEL_ENOMEM. */
int policy_no_memory(struct peel_error *err);
/** An escaped text for messages, cut where it is long; of four buffers in turn. */
const char *policy_shown(const char *text);
/** Refuse what is no map, or has other keys than the known, NULL-terminated. @return 0; PEEL_EFORMAT. */
int policy_keys(struct peel_policy *policy, const struct yaml *map, const char *what,
	const char *const *known, struct peel_error *err);
/** A scalar's text. @return 0; PEEL_EFORMAT. */
int policy_word(struct peel_policy *policy, const struct yaml *node, const char *what,
	const char **ret_text, struct peel_error *err);
/** A scalar or a list of scalars. @return 0; PEEL_EFORMAT (none at all, too), PEEL_ENOMEM. */
int policy_words(struct peel_policy *policy, const struct yaml *node, const char *what,
	struct policy_texts *ret_texts, struct peel_error *err);
/**
 * The same as patterns of paths. @param prefix "/" for patterns of names, else "". @return as
 * policy_words; PEEL_ELIMIT.
 */
int policy_globs(struct peel_policy *policy, const struct yaml *node, const char *what,
	const char *prefix, struct policy_globs *ret_globs, struct peel_error *err);
/** A size: "8GiB", "20MB", "512". @return 0; PEEL_EFORMAT. */
int policy_size(struct peel_policy *policy, const struct yaml *node, const char *what,
	uint64_t *ret_bytes, struct peel_error *err);
/** true or false. @return 0; PEEL_EFORMAT. */
int policy_bool(struct peel_policy *policy, const struct yaml *node, const char *what,
	bool *ret_value, struct peel_error *err);
/** Words joined by ", ", cut where they are many. @return NULL where memory is exhausted. */
const char *policy_joined(struct peel_policy *policy, const char *const *list, size_t count);
/**
 * A size as people write it: digits, a point, and nothing, B, k, M, G, T (powers of 1000, with or without B), KiB,
 * MiB, … (powers of 1024), small or capital letters, blanks between: what dive's humanize takes. @return 0, or -1.
 */
int policy_parse_size(const char *text, uint64_t *ret_bytes);
/** Set the tiers of words. @return the bits; 0: one is no tier. */
unsigned int policy_tiers(const struct policy_texts *words);
/** Tiers that count where none are named: interpreter and embedder. */
#define POLICY_TIERS_DEFAULT ((1u << PEEL_TIER_INTERPRETER) | (1u << PEEL_TIER_EMBEDDER))
/** Refuse a detector that is not there. @return 0; PEEL_EUSAGE with a list of those that are. */
int policy_detector_known(const struct peel_policy *policy, const char *name,
	struct peel_error *err);
/** The title of a rule about detectors. @return NULL where memory is exhausted. */
const char *policy_detect_title(struct peel_policy *policy, const struct policy_detect *detect,
	bool required);

/** peel_policy_load of a file's bytes. @param file names it, and what it names lies beside it. @return as that. */
int policy_parse(const char *file, const char *text, size_t len,
	const struct peel_policy_options *options, struct peel_policy **ret_policy,
	struct peel_error *err);

/** Read peel's own format, container-structure-test's, dive's. @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOENT, … */
int policy_read_native(struct peel_policy *policy, const struct yaml *root, struct peel_error *err);
int policy_read_cst(struct peel_policy *policy, const struct yaml *root, struct peel_error *err);
int policy_read_dive(struct peel_policy *policy, const struct yaml *root, struct peel_error *err);
/** Read limits, under "limits" or under "warn". @return as policy_read_native. */
int policy_read_limits(struct peel_policy *policy, const struct yaml *map, const char *where,
	bool warn, struct peel_error *err);
/** Read bytes and percent of a limit, and whether one of them is enough. @return as policy_read_native. */
int policy_read_amounts(struct peel_policy *policy, const struct yaml *map, const char *what,
	struct policy_limit *limit, struct peel_error *err);
/** A limit's amounts in words. @return NULL where memory is exhausted. */
const char *policy_limit_text(struct peel_policy *policy, const struct policy_limit *limit);
/** Read budgets_vs. @return as policy_read_native. */
int policy_read_budget(struct peel_policy *policy, const struct yaml *map, struct peel_error *err);
/** Read one rule of "forbid", "require" or "warn". @return as policy_read_native. */
int policy_read_rule(struct peel_policy *policy, const struct yaml *map, const char *where,
	bool required, bool warn, struct peel_error *err);
/** Read the tests of a "config" rule. @return as policy_read_native. */
int policy_read_config(struct peel_policy *policy, const struct yaml *map,
	struct policy_config *ret_config, struct peel_error *err);
/** Read exceptions; all rules are there. @return as policy_read_native. */
int policy_read_allow(struct peel_policy *policy, const struct yaml *list, struct peel_error *err);
/**
 * Read a file of at most YAML_MAX bytes. @return 0; PEEL_EIO, PEEL_ENOENT, PEEL_ELIMIT, PEEL_ENOMEM;
 * the caller frees.
 */
int policy_read_file(const char *path, char **ret_text, size_t *ret_len, struct peel_error *err);

#endif
