/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rebuilt images: what is known of the contents of a compressed layer need not be gathered again where the facts of
 * another image of the cache have it.
 */
#ifndef INDEX_REUSE_FACTS_H
#define INDEX_REUSE_FACTS_H

#include <stdbool.h>

struct cache_entry;
struct facts_rules;
struct facts_spool;
struct limit_watch;
struct peel_error;
struct peel_index;
struct reuse_facts;

/**
 * Look for the layers of an index in those images of a cache folder that have facts by the same rules. A layer is
 * found by the digest that was computed from its stored bytes, in both.
 * @param folder as cache_open gave it, borrowed; or a broker (broker.h); -1: there is none.
 * @param index, rules borrowed until it is freed.
 * @return 0 (also where nothing is found or can be read); PEEL_ENOMEM.
 */
int reuse_facts_new(int folder, struct peel_index *index, const struct facts_rules *rules,
	struct reuse_facts **ret_reuse, struct peel_error *err);
/** Free; NULL is fine. */
void reuse_facts_free(struct reuse_facts *reuse);
/**
 * Open the facts of an index that reuse_open opens (index_reuse.h).
 * @param digest as facts_digest gives it. @return as reuse_open.
 */
int reuse_facts_open(int folder, const struct cache_entry *entries, int count, int number,
	const char *digest);

/** Was the layer found? @param reuse NULL: no. */
bool reuse_facts_has(const struct reuse_facts *reuse, int layer);
/**
 * Add the records of a layer that was found to the spool, as if it had been read: all of its files but the sparse
 * ones. From several threads at once, for different layers.
 * @param limits its time is held to.
 * @return 0; PEEL_EFORMAT, PEEL_EIO (they cannot be used after all); PEEL_ELIMIT, PEEL_ENOMEM, or as facts_spool_add.
 */
int reuse_facts_tell(const struct reuse_facts *reuse, int layer, struct facts_spool *spool,
	struct limit_watch *limits, struct peel_error *err);

#endif
