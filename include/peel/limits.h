/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Limits: how much of everything an image may ask for before peel stops and says so (PEEL_ELIMIT).
 *
 * One table has all that a user may raise or lower, each with its reason. Honest images of tens of gigabytes, millions
 * of files and 127 layers are far below all of them. Limits that protect an algorithm and not the machine (repeats in
 * a pattern, say) stand beside that algorithm.
 */
#ifndef PEEL_LIMITS_H
#define PEEL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** The limits, in order of their names. */
enum peel_limit {
	PEEL_LIMIT_DEPTH,
	PEEL_LIMIT_ENTRIES,
	PEEL_LIMIT_FOLDERS,
	PEEL_LIMIT_HEADER_SIZE,
	PEEL_LIMIT_INDEX_SIZE,
	PEEL_LIMIT_JSON_DEPTH,
	PEEL_LIMIT_JSON_SIZE,
	PEEL_LIMIT_LAYER_BYTES,
	PEEL_LIMIT_LAYERS,
	PEEL_LIMIT_MANIFESTS,
	PEEL_LIMIT_MEMBERS,
	PEEL_LIMIT_MEMORY,
	PEEL_LIMIT_PATH_LENGTH,
	PEEL_LIMIT_RATIO,
	PEEL_LIMIT_RATIO_FROM,
	PEEL_LIMIT_SPARSE_EXTENTS,
	PEEL_LIMIT_SPOOL,
	PEEL_LIMIT_SYMLINK_HOPS,
	PEEL_LIMIT_TIME,
	PEEL_LIMIT_TOTAL_BYTES,
	PEEL_LIMIT_XATTR_SIZE,
	PEEL_LIMITS,
};

/** What a limit counts. */
enum peel_limit_unit {
	PEEL_UNIT_COUNT,
	PEEL_UNIT_BYTES,
	PEEL_UNIT_SECONDS,
	/** So many to one. */
	PEEL_UNIT_RATIO,
};

/** A value that lifts a limit, where its row's most is that. */
#define PEEL_NO_LIMIT UINT64_MAX
/** Room for a limit's value as text, with its NUL. */
#define PEEL_LIMIT_TEXT 32

/** What happens where a limit is hit. */
enum peel_limit_end {
	/** Opening, building or gathering ends, and nothing is kept: what was seen would not be worth its cost. */
	PEEL_LIMIT_STOPS,
	/** The layer ends there and counts as broken; what came before is shown, and the image is incomplete. */
	PEEL_LIMIT_CUTS,
};

/** A row of the table; all static. */
struct peel_limit_info {
	/** As in --limit NAME=VALUE. */
	const char *name;
	enum peel_limit_unit unit;
	enum peel_limit_end end;
	/** What holds where nothing else was said, and the range of what may be said. */
	uint64_t standard, least, most;
	/** What it counts, and why the default is what it is: a line each. */
	const char *holds;
	const char *reason;
	/** Why it cannot be raised further; "" where it can be lifted. */
	const char *bound;
};

/** Values of limits. {0}: all as they stand in the table. */
struct peel_limits {
	/** By enum peel_limit; 0: the default. */
	uint64_t values[PEEL_LIMITS];
};

/** Row of a limit; NULL past the end. */
const struct peel_limit_info *peel_limit_info(unsigned int limit);

/** What holds: the value, or the default where it is 0, within the row's range. @param limits NULL: defaults. */
uint64_t peel_limit_value(const struct peel_limits *limits, enum peel_limit limit);

/**
 * Write a value as people give it: "4096", "1M", "90s", "none".
 * @param buf PEEL_LIMIT_TEXT bytes. @return buf.
 */
const char *peel_limit_text(char *buf, enum peel_limit limit, uint64_t value);

/**
 * Take "NAME=VALUE", or several separated by commas. A value is a number, with K, M, G or T (times 1024) after it; of
 * a time with s, m, h or d; or "none".
 * @param limits is unchanged on failure.
 * @return 0; PEEL_EUSAGE (no such limit, no value, or beyond the row's range, and why).
 */
int peel_limits_set(struct peel_limits *limits, const char *text, struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
