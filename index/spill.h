/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pieces that memory has no room for, packed, in a file without a name. Any thread may use it at any time.
 */
#ifndef SPILL_H
#define SPILL_H

#include <stddef.h>
#include <stdint.h>

struct limit_watch;
struct peel_error;
struct spill;

/** Most bytes of a piece. */
#define SPILL_PIECE_MAX (64u << 10)

/** Where a piece is. */
struct spill_place {
	uint64_t offset;
	/** Bytes there; where they are those of the piece, it is not packed. */
	uint32_t packed;
};

/**
 * @param folder of the file, borrowed; the file is made when the first piece comes.
 * @return 0; PEEL_ENOMEM. Free with spill_free.
 */
int spill_new(int folder, struct spill **ret_spill, struct peel_error *err);
/** Free; NULL is fine. */
void spill_free(struct spill *spill);

/** Hold the file against the index's limit. @param limits borrowed; may be NULL. */
void spill_set_limits(struct spill *spill, struct limit_watch *limits);

/** Write a piece. @return 0; PEEL_EIO (disk full), PEEL_ELIMIT, PEEL_ENOMEM. */
int spill_put(struct spill *spill, const void *bytes, size_t len, struct spill_place *ret_place,
	struct peel_error *err);

/** Read a piece back. @param len as it was put. @return 0; PEEL_EIO (also where it is damaged), PEEL_ENOMEM. */
int spill_get(struct spill *spill, const struct spill_place *place, void *buf, size_t len,
	struct peel_error *err);

#endif
