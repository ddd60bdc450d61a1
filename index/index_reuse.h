/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rebuilt images: a compressed layer whose stored bytes an index of the cache has already need not be decoded again.
 */
#ifndef INDEX_REUSE_H
#define INDEX_REUSE_H

#include "layer_crew.h"

struct cache_entry;
struct reuse;

/** Most indexes of the cache that are looked into, the last used ones. */
#define REUSE_INDEXES_MAX 32
/** Least stored bytes of a layer that is worth a look. */
#define REUSE_SIZE_MIN (64u << 10)

/**
 * Look for layers of the image in the indexes of a cache folder, by the digests that the image claims. An index whose
 * layers came to more than the image's limits allow is passed over.
 * @param folder as cache_open gave it, borrowed; or a broker (broker.h); -1: there is none.
 * @return 0 (also where nothing is found or can be read); PEEL_ENOMEM.
 */
int reuse_new(int folder, struct peel_image *image, struct reuse **ret_reuse,
	struct peel_error *err);
/**
 * Open one of the indexes that reuse_new looks into.
 * @param entries as cache_list gives them. @param number from 0, the last used one first.
 * @return a descriptor that the caller closes, or -1 with errno: ENOENT (there are no more), EAGAIN (not this one).
 */
int reuse_open(int folder, const struct cache_entry *entries, int count, int number);
/** Free; NULL is fine. */
void reuse_free(struct reuse *reuse);

/** What was found, for the crew; NULL: nothing. Lives as long as reuse. */
const struct crew_known *reuse_known(const struct reuse *reuse);

#endif
