/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Detectors as they are asked. A condition is a tree whose leaves each ask one thing of one fact; leaves of all
 * detectors are numbered through, so that a fact of a file ("it has this marker", "its path matches that
 * pattern") turns
 * leaves true, and a rule is looked at only where one of its triggers is true: leaves without which it cannot hold.
 */
#ifndef AUDIT_DETECTORS_PRIV_H
#define AUDIT_DETECTORS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/audit.h>

#include "audit_detectors.h"
#include "facts_wanted.h"

struct glob_set;
struct yaml;
struct yaml_document;

/** Most detectors, rules, conditions and patterns of all files together. */
#define DETECTORS_MAX 1000
#define DETECTOR_RULES_MAX 10000
#define DETECTOR_CONDITIONS_MAX 100000
#define DETECTOR_PATTERNS_MAX 50000
/** Longest name of a detector, a rule and a marker, bytes. */
#define DETECTOR_NAME_MAX 63

/** What a rule is asked about. */
enum detector_subject {
	DETECTOR_FILE,
	DETECTOR_LINK,
	DETECTOR_FOLDER,
	DETECTOR_PACKAGE,
	DETECTOR_CONFIG,
	DETECTOR_SUBJECTS,
};

/** What a leaf asks. Those before DETECTOR_TEXTS are patterns of glob.h, each in a set of its own. */
enum detector_leaf_type {
	/** Any name of a file, link or folder, whole. */
	DETECTOR_PATH,
	/** Last component of a DT_NEEDED. */
	DETECTOR_NEED,
	/** Name of the interpreter in a script's first line. */
	DETECTOR_SCRIPT,
	/** Member of a ZIP or a static library. */
	DETECTOR_MEMBER,
	/** Target of a link as stored. */
	DETECTOR_TARGET,
	/** Name of an xattr. */
	DETECTOR_XATTR,
	/** Package and its database. */
	DETECTOR_PACKAGE_NAME,
	DETECTOR_PACKAGE_DB,
	/** Last component of a word of a command of the configuration. */
	DETECTOR_COMMAND,
	/** Name of a variable of the configuration's environment. */
	DETECTOR_ENV,
	/** The configuration's user. */
	DETECTOR_USER,
	DETECTOR_TEXTS,
	/** One of the kinds in mask, a bit each. */
	DETECTOR_KIND = DETECTOR_TEXTS,
	/** Any of the flags in mask. */
	DETECTOR_ELF,
	DETECTOR_MODE,
	DETECTOR_BUNDLE,
	/** At least so many of its markers. */
	DETECTOR_MARKER,
	/** A symbol that the file defines, or needs. */
	DETECTOR_SYMBOL,
	DETECTOR_IMPORT,
	/** A link that leads to nothing. */
	DETECTOR_DANGLING,
};

/** Words of the condition "elf" beside enum facts_elf_flag. */
#define DETECTOR_ELF_RELOCATABLE (UINT64_C(1) << 32)
#define DETECTOR_ELF_LIBRARY (UINT64_C(1) << 33)
#define DETECTOR_ELF_CORE (UINT64_C(1) << 34)

struct detector_leaf {
	enum detector_leaf_type type;
	/** DETECTOR_KIND: bits by enum peel_kind; DETECTOR_ELF, DETECTOR_MODE, DETECTOR_BUNDLE: flags. */
	uint64_t mask;
	/** DETECTOR_MARKER: how many of them. */
	uint32_t least;
};

/** A text that makes a leaf true: a pattern, a symbol. */
struct detector_pattern {
	uint32_t leaf;
	/** As the file of detectors has it. */
	const char *text;
};

/** A marker, and a leaf that it counts for. */
struct detector_pair {
	uint32_t marker;
	uint32_t leaf;
};

enum detector_op {
	DETECTOR_LEAF,
	DETECTOR_ALL,
	DETECTOR_ANY,
	DETECTOR_NOT,
};

/** A node of a condition. */
struct detector_condition {
	enum detector_op op;
	/** DETECTOR_LEAF: number of the leaf. Else the first of its children in table children. */
	uint32_t first;
	uint32_t count;
};

struct detector_rule {
	/** "python/interpreter". */
	char *id;
	const char *title;
	/** 0: what it fits is none of the detector's later rules' business. */
	enum peel_tier tier;
	enum detector_subject on;
	uint32_t detector;
	uint32_t condition;
};

struct detector {
	struct peel_detector public;
	/** Usual names of its programs: patterns of glob.h for "/NAME"; NULL: none. */
	struct glob_set *names;
	/** Rules first_rule <= i < end_rule, in order of the file. */
	uint32_t first_rule, end_rule;
	/** Where it was read. */
	const struct yaml_document *document;
	const struct yaml *node;
	const char *key;
};

/** Numbers by number: those of row i are items[start[i]] up to items[start[i + 1]]. */
struct detector_lists {
	uint32_t *start;
	uint32_t *items;
};

struct peel_detectors {
	struct yaml_document **documents;
	size_t document_count;
	/** By name. */
	struct detector *list;
	size_t count;
	struct detector_rule *rules;
	size_t rule_count, rule_room;
	struct detector_condition *conditions;
	size_t condition_count, condition_room;
	uint32_t *children;
	size_t child_count, child_room;
	struct detector_leaf *leaves;
	size_t leaf_count, leaf_room;
	struct detector_pattern *patterns;
	size_t pattern_count, pattern_room;
	/** Patterns by type of leaf; ids are rows of patterns. NULL: none. */
	struct glob_set *sets[DETECTOR_TEXTS];
	/** By name; bytes and names belong to it. */
	struct facts_marker *markers;
	size_t marker_count, marker_room;
	/** Leaves that markers count for, ascending by marker. */
	struct detector_pair *marker_leaves;
	size_t marker_leaf_count, marker_leaf_room;
	/** Symbols asked for: pairs of leaf and text; a "*" at the end of text: its begin. */
	struct detector_pattern *symbols;
	size_t symbol_count, symbol_room;
	struct facts_symbol *wanted_symbols;
	/** Rules that a leaf triggers, and leaves that a marker counts for. */
	struct detector_lists triggers, marker_leaves_of;
	struct facts_wanted wanted;
};

/** One detector being compiled: where messages go, and what names mean. */
struct detector_compile {
	struct peel_detectors *detectors;
	uint32_t detector;
	/** Of the rule at hand. */
	enum detector_subject on;
	struct peel_error *err;
};

/** Set a message with file and line. @return PEEL_EFORMAT. */
int detector_fail(struct detector_compile *compile, const struct yaml *node, const char *format,
	...) __attribute__((format(printf, 3, 4)));

/** The same of a pattern that glob_set_add did not take. @return its code. */
int detector_fail_pattern(struct detector_compile *compile, const struct yaml *node,
	const struct peel_error *why);

/**
 * Compile a condition.
 * @param ret_condition its row.
 * @return 0; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int detector_when(struct detector_compile *compile, const struct yaml *node,
	uint32_t *ret_condition);

/** Take a detector's markers. @return as detector_when. */
int detector_markers(struct detector_compile *compile, const struct yaml *map);
/** Sort the markers once all are there. */
void detector_markers_sort(struct peel_detectors *detectors);
/**
 * Row of a marker by its name: "x" is the detector's own, "other.x" another's.
 * @return false: there is none.
 */
bool detector_marker_find(const struct detector_compile *compile, const char *name,
	uint32_t *ret_row);
/** Make what is wanted of markers and symbols, with its digest. @return 0; PEEL_ENOMEM, PEEL_ELIMIT. */
int detector_want(struct peel_detectors *detectors, struct peel_error *err);

/** True where something must hold for a condition to hold; one of "not" alone has nothing. */
bool detector_has_triggers(const struct peel_detectors *detectors, uint32_t condition);
/** Find the triggers of all rules. @return 0; PEEL_ENOMEM. */
int detector_triggers(struct peel_detectors *detectors, struct peel_error *err);

#endif
