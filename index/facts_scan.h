/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Finds many markers in a stream of bytes at the speed at which it is decoded: gigabytes a second where nothing is
 * found. A marker that lies across two pieces is found.
 */
#ifndef FACTS_SCAN_H
#define FACTS_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "facts_wanted.h"

struct facts_scanner;
struct facts_scan;
struct peel_error;

/** The search tables of a set, immutable, for any number of scans and threads. @param wanted borrowed.
 *  @return 0; PEEL_ENOMEM, PEEL_EUSAGE (a marker too short or too long). */
int facts_scanner_new(const struct facts_wanted *wanted, struct facts_scanner **ret_scanner,
	struct peel_error *err);
/** Free; NULL is fine. */
void facts_scanner_free(struct facts_scanner *scanner);

/** Marker number i of the set at an offset of the file; told once a file, at its first place. */
typedef void facts_found_fn(void *arg, size_t marker, uint64_t offset);

/** A scan's state, for one file after another. @return 0; PEEL_ENOMEM. */
int facts_scan_new(const struct facts_scanner *scanner, struct facts_scan **ret_scan,
	struct peel_error *err);
/** Free; NULL is fine. */
void facts_scan_free(struct facts_scan *scan);
/** Begin a file. @param in which markers count: a set of enum facts_in (0: none, feeding costs nothing). */
void facts_scan_begin(struct facts_scan *scan, unsigned in, facts_found_fn *found, void *arg);
/** The next bytes of the file. */
void facts_scan_feed(struct facts_scan *scan, const void *bytes, size_t len);

#endif
