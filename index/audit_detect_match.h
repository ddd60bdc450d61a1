/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which rules a thing fits. What is known of it makes leaves true, one call a fact, with the evidence; then
 * the rules that
 * these trigger are asked, and of each detector the first that holds is told.
 */
#ifndef AUDIT_DETECT_MATCH_H
#define AUDIT_DETECT_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_detectors_priv.h"

/** Most pieces of evidence of one finding, and of one leaf of a rule. */
#define MATCH_EVIDENCE_MAX 32
#define MATCH_LEAF_EVIDENCE_MAX 8

struct match;

/** A set of true leaves for one thing after another. @param wanted by detector, borrowed. @return 0; PEEL_ENOMEM. */
int match_new(const struct peel_detectors *detectors, const bool *wanted, struct match **ret_match,
	struct peel_error *err);
/** Free; NULL is fine. */
void match_free(struct match *match);

/** Begin a thing: no leaf is true. */
void match_begin(struct match *match, enum detector_subject on);

/**
 * A text: patterns of a type that match it make their leaves true.
 * @param name for the pattern's set: "/" and the name, or a canonical path. @param shown the evidence, borrowed until
 *   match_finish; NULL: the pattern itself. @param type of the evidence.
 */
void match_text(struct match *match, enum detector_leaf_type leaf, const char *name, size_t len,
	const char *type, const char *shown, int64_t offset);
/** A number, once a thing and type: leaves of a type whose mask has a bit of it. @param shown as in match_text. */
void match_bits(struct match *match, enum detector_leaf_type leaf, uint64_t bits, const char *type,
	const char *shown);
/** A marker by its name, and where it is. @param shown as in match_text. */
void match_marker(struct match *match, const char *name, const char *shown, int64_t offset);
/** A symbol that is defined, or needed. @param name borrowed until match_finish. */
void match_symbol(struct match *match, const char *name, bool defined);

/** True where any wanted rule asks for a leaf of this type. */
bool match_asks(const struct match *match, enum detector_leaf_type leaf);

/** True where any rule is to be asked by what is known until now. */
bool match_triggered(const struct match *match);

/** Take a rule that holds, and its evidence, valid during the call; less than 0 stops. */
typedef int match_fn(void *arg, uint32_t rule, const struct peel_evidence *evidence, size_t count);

/** Ask the rules. @return 0, or what the callback returned. */
int match_finish(struct match *match, match_fn *each, void *arg);

#endif
