/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A source read ahead: a thread of its own reads the bytes in order, gives them to somebody (a digest), and keeps a
 * few blocks for whoever reads the same bytes in order here. So hashing costs the decoder nothing.
 */
#ifndef SOURCE_AHEAD_H
#define SOURCE_AHEAD_H

#include <stddef.h>

struct peel_error;
struct source;

/** Bytes of a block, and how many blocks are ahead at most: 1 MiB in all. */
#define AHEAD_BLOCK (256u << 10)
#define AHEAD_BLOCKS 4

/** Takes all bytes of the source, in order, on the thread that reads ahead. */
typedef void source_pass_fn(void *arg, const void *bytes, size_t len);

/**
 * Start reading. The new source is for one thread; reads that do not go on where the last one ended
 * are passed to inner.
 * @param inner grabbed. @param each must be able to take bytes until source_ahead_finish returns or
 *   the source is dropped.
 * @return 0; PEEL_ENOMEM, PEEL_EIO (no thread can be made: read inner instead).
 */
int source_new_ahead(struct source *inner, source_pass_fn *each, void *arg,
	struct source **ret_source, struct peel_error *err);

/** After the last byte has been read: wait until each has had it too. */
void source_ahead_finish(struct source *source);

#endif
