/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Limits while an image is read: what was asked for, what was reached, and what was hit. The table and its texts are
 * peel/limits.h's (limit_table.c).
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/limits.h>

struct peel_error;

/** Longest text that limits_reached_text makes, with its NUL. */
#define LIMIT_REACHED_TEXT 1024

/**
 * Limits of one opening. Several threads may use it at once. Where a function takes a NULL watch, the defaults hold and
 * nothing is noted.
 */
struct limit_watch {
	struct peel_limits asked;
	/** Keeps what is written off the cache lines that all threads read. */
	char apart[64];
	/** The greatest value of each that was within its limit or hit it. */
	atomic_ullong reached[PEEL_LIMITS];
	/** Bits of those that cut a layer, and of those that end everything. */
	atomic_uint cut, stopped;
	/** Bytes decoded in all: compressed, and what came out. */
	atomic_ullong in, out;
	/** When it began, and when time and memory were looked at last, milliseconds. */
	int64_t started;
	atomic_llong looked;
	/** Bytes that the process had allocated when it began. */
	size_t heap;
};

/** Begin: time runs from now. @param asked NULL: defaults. */
void limits_begin(struct limit_watch *watch, const struct peel_limits *asked);
/** The same with every limit as high as its row allows: for what was accepted before. */
void limits_begin_widest(struct limit_watch *watch);
/** Let the time run from now: what passed was spent waiting for others. */
void limits_restart(struct limit_watch *watch);

/** What holds. */
uint64_t limits_value(const struct limit_watch *watch, enum peel_limit limit);

/**
 * Note a value, and hold it against its limit.
 * @return 0; PEEL_ELIMIT: the message names the limit, the value, and the option that raises it. The caller says where.
 */
int limits_check(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err);
/** The same without a note of the value: for what is counted up, and noted at its end. */
int limits_count(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err);
/** Fail as limits_check does, with a value that is over the limit. @return PEEL_ELIMIT. */
int limits_fail(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err);
/** The same of a zstd window, which needs more of the memory than it may have; it cuts the layer. */
int limits_fail_window(struct limit_watch *watch, uint64_t window, struct peel_error *err);
/** Was a limit hit that ends everything? PEEL_ELIMIT then is no matter of a single layer. */
bool limits_stopped(const struct limit_watch *watch);

/**
 * Note what a decoder took and gave: total bytes and the ratio.
 * @return 0; PEEL_ELIMIT.
 */
int limits_decoded(struct limit_watch *watch, uint64_t in, uint64_t out, struct peel_error *err);
/** What was decoded so far will be decoded again: it counts once. */
void limits_forget_decoded(struct limit_watch *watch);
/**
 * Look at the clock and at memory, at most ten times a second; cheap in between. @return 0; PEEL_ELIMIT.
 */
int limits_tick(struct limit_watch *watch, struct peel_error *err);

/** Largest zstd window that the memory limit allows, as a power of two. Notes nothing. */
unsigned int limits_window_log(const struct limit_watch *watch);
/** A window of so many bytes, within that, is used: note what memory allows it. */
void limits_note_window(struct limit_watch *watch, uint64_t window);

/**
 * What was reached and what was hit, for the index: "depth=12 entries=345 !path-length=4096 …"; a limit that cut a
 * layer has "!" and the value that was asked for. @param text LIMIT_REACHED_TEXT bytes.
 */
void limits_reached_text(const struct limit_watch *watch, char *text);
/**
 * Would an image that came to what such a text says come to the same under these limits? See limit_reached.c.
 * @param text untrusted. @param image false: of what concerns single layers only.
 */
bool limits_allow(const struct limit_watch *watch, const char *text, bool image);
/** Note what such a text says was reached: it was taken over from there. */
void limits_take_over(struct limit_watch *watch, const char *text);

#endif
