/* SPDX-License-Identifier: Apache-2.0 */
/** One layer of an index, told as the scanner told it when the index was built. */
#ifndef INDEX_REUSE_LAYER_H
#define INDEX_REUSE_LAYER_H

#include <stdint.h>

struct item_writer;
struct layer_outcome;
struct peel_error;
struct peel_layer;
struct store;

/**
 * Find the layer whose stored bytes had the digest that another one claims, and that was read without fault.
 * @param ret_row its id. @return 1; 0 where there is none or the index cannot be read.
 */
int reuse_layer_find(struct store *store, const struct peel_layer *like, int64_t *ret_row);

/**
 * Tell its entries and findings, and its access points where points is not NULL.
 * @param ret_outcome its tar_size is set. @return 0; PEEL_EFORMAT (damaged), PEEL_EIO, PEEL_ENOMEM, or what
 *   putting an item gave.
 */
int reuse_layer_tell(struct store *store, int64_t row, struct item_writer *entries,
	struct item_writer *points, struct layer_outcome *ret_outcome, struct peel_error *err);

#endif
