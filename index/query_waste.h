/* SPDX-License-Identifier: Apache-2.0 */
/** The rows of peel_waste while they are gathered: the largest ones, and those of pairs of layers. */
#ifndef QUERY_WASTE_H
#define QUERY_WASTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/waste.h>

/** The largest rows that came: a heap whose first row is the smallest of them. Start with {.limit = N}. */
struct waste_top {
	size_t limit;
	struct peel_waste_path *rows;
	size_t count, room;
	/** Rows that came. */
	size_t total;
};

/** Offer a row; its path is borrowed, and copied where the row is kept. @return 0; PEEL_ENOMEM. */
int waste_top_add(struct waste_top *top, const struct peel_waste_path *row, struct peel_error *err);

/** Bring the rows into order, the one with the most bytes first, then by path. They are the caller's. */
void waste_top_sort(struct waste_top *top);

/** Free rows and what they hold. */
void waste_rows_free(struct peel_waste_path *rows, size_t count);

/** Rows by layer, hiding layer and cause: an open-addressing map into an array. {0} is empty. */
struct waste_pairs {
	struct peel_waste_pair *rows;
	size_t count, room;
	/** Places in rows plus 1, 0: free; slot_count is a power of two, at least twice count. */
	uint32_t *slots;
	size_t slot_count;
};

/** Add a hidden piece to its row. @return 0; PEEL_ENOMEM. */
int waste_pairs_add(struct waste_pairs *pairs, const struct peel_piece *piece,
	struct peel_error *err);

/** Bring the rows into order: the one with the most bytes first, then by layers and cause. They are the caller's. */
void waste_pairs_sort(struct waste_pairs *pairs);

#endif
