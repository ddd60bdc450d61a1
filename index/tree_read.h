/* SPDX-License-Identifier: Apache-2.0 */
/** Reading one layer into the tree: decode, hash, scan. */
#ifndef TREE_READ_H
#define TREE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/image.h>

#include "digest.h"

struct peel_error;
struct point_sink;
struct source;
struct tree;

/** What to read and how. */
struct layer_job {
	const struct peel_layer *layer;
	/** The stored bytes. */
	struct source *raw;
	/** Takes access points; NULL: none are wanted. */
	const struct point_sink *points;
	/** Hash plain layers too. */
	bool verify;
	/**
	 * Called now and then with the stored bytes read so far. Return 0, or less than 0 to stop.
	 */
	int (*progress)(void *arg, uint64_t in, struct peel_error *err);
	void *progress_arg;
};

/** What reading came to. */
struct layer_outcome {
	enum peel_layer_state state;
	/** Why state is not OK: one escaped line. */
	char reason[PEEL_MESSAGE_SIZE];
	/** Uncompressed bytes. */
	uint64_t tar_size;
	/** Digests of what was read, "" where not computed. */
	char blob_hashed[DIGEST_TEXT_SIZE];
	char diff_hashed[DIGEST_TEXT_SIZE];
};

/**
 * Read a layer whole into the tree, between tree_begin_layer and tree_end_layer.
 * @return 0 (also for a layer that turns out damaged: see the outcome); PEEL_EIO, PEEL_ECHANGED,
 *   PEEL_ELIMIT, PEEL_ENOMEM, PEEL_EINTERNAL, PEEL_ECANCELED: building cannot go on.
 */
int tree_read_layer(struct tree *tree, const struct layer_job *job,
	struct layer_outcome *ret_outcome, struct peel_error *err);

#endif
