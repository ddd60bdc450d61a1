/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An OCI image of eight layers, of each kind of storing, with one repeated, one cut off and two that hold oddities;
 * and its index in memory.
 */
#ifndef LAYERED_H
#define LAYERED_H

#include <stdbool.h>
#include <stddef.h>

#include <peel/index.h>

#include "imagemaker.h"

/** How the image is made. */
enum layered_variant {
	LAYERED_FIRST,
	/** Two layers are others. */
	LAYERED_REBUILT,
	/** One layer claims to be the first image's. */
	LAYERED_LYING,
};

/** Bytes of an index; the caller frees them. */
struct built {
	void *bytes;
	size_t len;
};

/** Append the image's files. */
void layered_make(struct imagemaker *maker, enum layered_variant variant);

/**
 * Build the index of an image file; index_build must return what is expected.
 * @param workers as build_options.workers. @param cache as build_options.cache_folder.
 */
struct built layered_build(const char *path, unsigned workers, bool verify, int cache,
	peel_progress_fn *progress, void *progress_arg, int expected);

#endif
