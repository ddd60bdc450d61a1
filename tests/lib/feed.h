/* SPDX-License-Identifier: Apache-2.0 */
/** Bytes that come through standard input, from a process of their own. */
#ifndef FEED_H
#define FEED_H

#include <stddef.h>
#include <sys/types.h>

/** Standard input as it was, and who writes. */
struct feed {
	int old;
	pid_t writer;
};

/**
 * From now on standard input is a pipe that gives these bytes, piece bytes a write (0: all at once).
 * Undo it with feed_stop.
 */
struct feed feed_start(const void *bytes, size_t len, size_t piece);

/** Put standard input back; the writer is gone then. */
void feed_stop(const struct feed *feed);

#endif
