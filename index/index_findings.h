/* SPDX-License-Identifier: Apache-2.0 */
/** The findings of an index that is being built, in their order and within their number. */
#ifndef INDEX_FINDINGS_H
#define INDEX_FINDINGS_H

#include <stdint.h>

#include <peel/image.h>

struct findings;
struct peel_error;
struct store;

/** Most findings kept in an index; a last one says that there were more. */
#define INDEX_FINDINGS_MAX 100000

/** @param spill_dir as build_options.spill_dir. @return 0; PEEL_ENOMEM. */
int findings_new(struct store *store, int spill_dir, struct findings **ret_findings,
	struct peel_error *err);
/** Free; NULL is fine. */
void findings_free(struct findings *findings);

/** From now on those of a layer wait: they are stored when its entries are. */
void findings_begin_layer(struct findings *findings, int layer);
/** Store what waits. @return 0, or as store_step. */
int findings_end_layer(struct findings *findings, struct peel_error *err);

/** tree_finding_fn: take one. @return 0; PEEL_EIO, PEEL_ENOMEM, PEEL_EINTERNAL. */
int findings_add(void *arg, const struct peel_finding *finding, struct peel_error *err);

/** How many are stored. */
uint64_t findings_count(const struct findings *findings);

#endif
