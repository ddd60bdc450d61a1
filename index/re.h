/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Regular expressions as Go's package regexp reads them (RE2's syntax without Unicode classes by name), for one
 * question: does a text hold a match? container-structure-test's patterns are such, and peel's policies take the same.
 *
 * Texts are bytes that should be UTF-8; a byte that is not is U+FFFD, as Go takes it. Time is linear in the text and
 * memory is bounded, whatever the pattern and the text are.
 */
#ifndef RE_H
#define RE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct re;
struct re_scan;

/** Longest pattern, bytes; most instructions that one is compiled to; most repetitions of a "{n}", as Go's. */
#define RE_MAX 65536
#define RE_PROGRAM_MAX 20000
#define RE_REPEAT_MAX 1000

/**
 * Compile.
 * @param ret_re free with re_free. @return 0; PEEL_EFORMAT (no pattern for Go either, and why), PEEL_EUNSUPPORTED (one
 *   that is read otherwise or not at all here: \p{…}, letters beyond ASCII under (?i)), PEEL_ELIMIT, PEEL_ENOMEM.
 */
int re_compile(const char *pattern, size_t len, struct re **ret_re, struct peel_error *err);
/** Free; NULL is fine. */
void re_free(struct re *re);

/** One text that is looked at piece by piece. A compiled pattern may serve several scans, one a thread. */
int re_scan_new(const struct re *re, struct re_scan **ret_scan, struct peel_error *err);
/** Free; NULL is fine. */
void re_scan_free(struct re_scan *scan);
/** Begin a text. */
void re_scan_begin(struct re_scan *scan);
/** Take its next bytes. @return 1: it holds a match, whatever follows; 0: not yet; PEEL_ENOMEM. */
int re_scan_feed(struct re_scan *scan, const void *bytes, size_t len, struct peel_error *err);
/** The text ends here. @return 1 it holds a match, 0 it holds none; PEEL_ENOMEM. */
int re_scan_end(struct re_scan *scan, struct peel_error *err);

/** A whole text at once. @return as re_scan_end. */
int re_matches(const struct re *re, const void *bytes, size_t len, struct peel_error *err);

#endif
