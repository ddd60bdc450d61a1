/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is not there: detectors, and policies over them. Needs an index that was opened with facts, made with the same
 * detectors (peel_index_options.detectors).
 */
#ifndef PEEL_AUDIT_H
#define PEEL_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/facts.h>
#include <peel/index.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Detectors, as data: the built-in ones and those of files. Immutable once loaded; may serve several indexes. */
struct peel_detectors;

/**
 * Load detectors.
 * @param files paths of detector files that add to the built-in ones (or replace one by its name); may be NULL where
 *   count is 0.
 * @param ret_detectors free with peel_detectors_free when no index uses them any more.
 * @return 0; PEEL_EFORMAT (with file and line), PEEL_EIO, PEEL_ENOENT, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int peel_detectors_load(const char *const *files, size_t count,
	struct peel_detectors **ret_detectors, struct peel_error *err);
/** Free; NULL is fine. */
void peel_detectors_free(struct peel_detectors *detectors);

/** A detector: name ("python", "compiler"), and what it stands for in a line. */
struct peel_detector {
	const char *name;
	const char *title;
};

/** Detectors: number, detector i from 0 in order of names, NULL past the end. */
size_t peel_detector_count(const struct peel_detectors *detectors);
const struct peel_detector *peel_detector_get(const struct peel_detectors *detectors, size_t i);

/** What a finding means for "X is not there". */
enum peel_tier {
	/** It can run X's programs. */
	PEEL_TIER_INTERPRETER = 1,
	/** It holds or loads one. */
	PEEL_TIER_EMBEDDER = 2,
	/** What one would run: sources, bytecode, modules. */
	PEEL_TIER_PAYLOAD = 3,
	/** It needs one. */
	PEEL_TIER_DEPENDENT = 4,
	/** A database or the configuration says so. */
	PEEL_TIER_DECLARED = 5,
};

/** Word for a tier: "interpreter", "embedder", "payload", "dependent", "declared". */
const char *peel_tier_name(enum peel_tier tier);
/** Tier of a word. @return it, or 0: none. */
enum peel_tier peel_tier_parse(const char *word);

/** One piece of evidence. */
struct peel_evidence {
	/**
	 * "path", "marker", "need", "symbol", "kind", "elf", "script", "member", "package", "config", "link",
	 * "xattr" or "mode". "link" is a symlink that leads to the file, or what a script's interpreter or a
	 * command comes to in the image.
	 */
	const char *type;
	/** What matched, raw bytes, NUL-terminated: a pattern, a marker's name, a library, a line. */
	const char *text;
	/** Where in the file; -1: of no use. */
	int64_t offset;
};

/**
 * One finding: a file (an inode with all its names), a link, or a statement of the configuration. Valid during
 * the call.
 */
struct peel_detection {
	const char *detector;
	enum peel_tier tier;
	/** Rule of the detector, stable: "python/interpreter-content". */
	const char *rule;
	/** A few words: "python interpreter (static, renamed)". */
	const char *title;
	/** In the merged tree. */
	bool visible;
	/** In a layer's bytes: always true but for what the configuration alone says (that is always visible). */
	bool shipped;
	/** Node number as in struct peel_piece; 0: no file. */
	uint64_t ino;
	/**
	 * All names, canonical, raw bytes, ascending; the first is the one to show. Of the configuration:
	 * "config:Entrypoint".
	 */
	const char *const *paths;
	size_t path_count;
	/** Layer that ships it, -1 none; layer that hides it, -1 none, and why. */
	int layer, hidden_by;
	enum peel_cause cause;
	/** The layer's instruction, "" unknown; and of the layer that hides it. */
	const char *instruction, *hidden_instruction;
	/** Owning package, NULL none. */
	const struct peel_package *package;
	uint64_t bytes;
	const struct peel_evidence *evidence;
	size_t evidence_count;
};

/** Take a finding; nonzero stops. */
typedef int peel_detection_fn(void *arg, const struct peel_detection *detection);

/** What detection came to besides findings. */
struct peel_detect_summary {
	uint64_t findings[6]; /* by tier */
	/** Visible, and shipped. */
	uint64_t visible, shipped;
	/**
	 * Archives that could hold more and were not looked into, all and visible ones (detector "archive"
	 * lists them).
	 */
	uint64_t unexpanded, unexpanded_visible;
	/** Archives that were looked into and whose members are not all known; the reasons name them. */
	uint64_t partial;
	/**
	 * Why the answer is not conclusive, as peel_detect_reasons tells; NULL where it is. The caller frees it.
	 */
	char *reasons;
};

/**
 * Find what detectors name, in every layer. Findings come by detector, tier, then path.
 * @param names detectors asked for; count 0: all.
 * @param ret_summary may be NULL.
 * @return 0, 1 where the callback stopped it; PEEL_ENOENT (no such detector), PEEL_EUSAGE (an index without
 *   facts, or made with other detectors), PEEL_ELIMIT, PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int peel_detect(struct peel_index *index, const struct peel_detectors *detectors,
	const char *const *names, size_t count, peel_detection_fn *each, void *arg,
	struct peel_detect_summary *ret_summary, struct peel_error *err);

/**
 * Why no answer about an image can be conclusive: layers, facts, package databases that could not be read, archives
 * that were listed in part.
 * @param ret_reasons one escaped line a reason, newline between, those of peel_index_incomplete_reasons first;
 * NULL where
 *   there are none. The caller frees it. @return 0; PEEL_ENOMEM, PEEL_EFORMAT, PEEL_EIO.
 */
int peel_detect_reasons(struct peel_index *index, char **ret_reasons, struct peel_error *err);

/* --- policies --- */

/** A policy: peel's own YAML, container-structure-test v2 or .dive-ci; by its content. */
struct peel_policy;

/** What loading a policy needs to know. */
struct peel_policy_options {
	/** Detectors that its names mean. */
	const struct peel_detectors *detectors;
	/** Today, seconds since 1970, for the expiry of exceptions. */
	int64_t now;
	/** Command tests of container-structure-test are left out; else they make the verdict inconclusive. */
	bool skip_command_tests;
};

/**
 * Load a policy file.
 * @return 0; PEEL_EFORMAT (file, line, what), PEEL_EIO, PEEL_ENOENT, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int peel_policy_load(const char *file, const struct peel_policy_options *options,
	struct peel_policy **ret_policy, struct peel_error *err);
/**
 * A policy that denies what `--deny` words name: "python", "python@runtime", "python:payload",
 * "python:payload@runtime",
 * "compiler,shell".
 * @return 0; PEEL_EUSAGE (no such detector or tier, with what there is), PEEL_ENOMEM.
 */
int peel_policy_deny(const char *const *words, size_t count,
	const struct peel_policy_options *options, struct peel_policy **ret_policy,
	struct peel_error *err);
/** Free; NULL is fine. */
void peel_policy_free(struct peel_policy *policy);

/** How a rule came out. */
enum peel_result_state {
	PEEL_RESULT_PASS = 1,
	PEEL_RESULT_FAIL,
	/** A rule under "warn". */
	PEEL_RESULT_WARN,
	/** Not run (command tests, a rule that is turned off). */
	PEEL_RESULT_SKIP,
	/** It could not be decided. */
	PEEL_RESULT_UNSURE,
};

/**
 * One thing that a rule complains of; the file may be none. Strings are raw bytes but for what, NUL-terminated, valid
 * during the call.
 */
struct peel_violation {
	/** Names as in struct peel_detection; count 0: the image as a whole. */
	const char *const *paths;
	size_t path_count;
	/** "python interpreter (static, renamed)": one line, escaped. */
	const char *what;
	int layer, hidden_by;
	const char *instruction;
	/** Row of the history (peel_history) that made the layer, -1 unknown. */
	int history;
	bool visible;
	uint64_t bytes;
	/** Evidence, may be none. */
	const struct peel_evidence *evidence;
	size_t evidence_count;
	/** Owning package, NULL none. */
	const struct peel_package *package;
};

/** A rule's result. All strings but file are one escaped line. */
struct peel_result {
	/**
	 * Stable: "PEEL2001" and the like: group 1 files, 2 detectors, 3 bytes, 4 configuration, 5 packages, 6
	 * SQL, 7 image.
	 */
	const char *id;
	/** File of the policy ("--deny" for those), line from 1 (0 none), and the rule as a path in it: "forbid[2]". */
	const char *file;
	int line;
	const char *rule;
	/** One line: what was asked for. */
	const char *title;
	/** One line: how it came out, figures included. */
	const char *detail;
	enum peel_result_state state;
	const struct peel_violation *violations;
	size_t violation_count;
	/** Violations that an exception allows, and those left out above a cap. */
	size_t allowed, omitted;
};

/**
 * What rules with an identifier are about, in a few words: "Software that must not be there".
 * @return NULL: no such identifier.
 */
const char *peel_rule_title(const char *id);

/** Take a result; nonzero stops. */
typedef int peel_result_fn(void *arg, const struct peel_result *result);

/** What a check came to. */
struct peel_check_summary {
	size_t passed, failed, warned, skipped, unsure;
	/** One escaped line a reason, newline between, the caller frees; NULL where the verdict is conclusive. */
	char *reasons;
};

/**
 * Check an image against a policy. Results come in order of the file.
 * @return 0 (the summary tells the verdict), 1 stopped; as peel_detect.
 */
int peel_check(struct peel_index *index, const struct peel_policy *policy, peel_result_fn *each,
	void *arg, struct peel_check_summary *ret_summary, struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
