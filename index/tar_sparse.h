/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Maps of sparse files: old GNU headers, and pax formats 0.0, 0.1 and 1.0. A map lists where the
 * stored bytes belong; all else is a hole.
 */
#ifndef TAR_SPARSE_H
#define TAR_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scan.h"
#include "tar_pax.h"

struct limit_watch;
struct peel_error;

/** A map in the making. Start with {0} and tar_sparse_clear. */
struct tar_sparse {
	struct scan_extent *extents;
	size_t count, room;
	/**
	 * Of a 1.0 map: numbers still to come, -1 before the first; the number that is being read.
	 */
	int64_t pending;
	int64_t offset;
	bool have_offset;
	char digits[24];
	size_t digits_len;
	/** How many extents there may be; borrowed, NULL: the default. */
	struct limit_watch *limits;
};

/** Start a new map, keep the memory. */
void tar_sparse_clear(struct tar_sparse *sparse);

/** Free the memory; sparse is then empty. NULL is fine. */
void tar_sparse_finish(struct tar_sparse *sparse);

/**
 * Add the extents of an old GNU header block (first) or of a block that continues it.
 * @param ret_more set where another block follows (on failure too).
 * @return 0; PEEL_EFORMAT (a bad number); PEEL_ELIMIT (more extents than allowed); PEEL_ENOMEM.
 */
int tar_sparse_gnu(struct tar_sparse *sparse, const void *block, bool first, bool *ret_more,
	struct peel_error *err);

/**
 * Add the extents that pax records list: format 0.0 (pax->map) or 0.1 (GNU.sparse.map), with
 * GNU.sparse.numblocks.
 * @return as tar_sparse_gnu.
 */
int tar_sparse_records(struct tar_sparse *sparse, const struct tar_pax *pax,
	struct peel_error *err);

/**
 * Add what one block of the data of a format 1.0 file says: the number of extents and the extents,
 * a line a number.
 * @return 1 where the map ends in this block, 0 where it goes on; else as tar_sparse_gnu.
 */
int tar_sparse_data(struct tar_sparse *sparse, const void *block, struct peel_error *err);

/**
 * Check a complete map, and drop its empty extents.
 * @param size logical size. @param stored bytes that the tar holds.
 * @return NULL where it is right, or what is wrong: order, overlap, past the end, more or less data
 *   than stored.
 */
const char *tar_sparse_check(struct tar_sparse *sparse, uint64_t size, uint64_t stored);

#endif
