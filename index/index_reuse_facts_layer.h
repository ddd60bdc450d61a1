/* SPDX-License-Identifier: Apache-2.0 */
/** The facts of one layer, told as records, out of those of another image that has the same layer. */
#ifndef INDEX_REUSE_FACTS_LAYER_H
#define INDEX_REUSE_FACTS_LAYER_H

struct facts_spool;
struct facts_wanted;
struct limit_watch;
struct peel_error;
struct peel_index;

/** The layer, here and there; all is borrowed. */
struct reuse_facts_layer {
	struct peel_index *index;
	int layer;
	/** Its facts are attached, and may be anything. */
	struct peel_index *other;
	int other_layer;
	/** Markers that there are. */
	const struct facts_wanted *wanted;
	struct facts_spool *spool;
	/** Its time is held to. */
	struct limit_watch *limits;
};

/**
 * Tell it.
 * @return 0; PEEL_EFORMAT (both are not of the same files, or the facts are damaged), PEEL_EIO, PEEL_ELIMIT,
 *   PEEL_ENOMEM, or as facts_spool_add.
 */
int reuse_facts_layer_tell(const struct reuse_facts_layer *what, struct peel_error *err);

#endif
