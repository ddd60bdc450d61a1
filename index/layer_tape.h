/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tapes: bytes that one thread writes and another one reads later, in order, some of them at once. All tapes of a
 * build share a budget of memory; what is beyond goes to one unlinked file, packed, or waits.
 */
#ifndef LAYER_TAPE_H
#define LAYER_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit_watch;
struct peel_error;
struct tape;
struct tapes;

/** Bytes that change hands at once. */
#define TAPE_PIECE (64u << 10)

/**
 * The tapes of a build.
 * @param budget bytes held in memory, in all; beside them each writer and each reader has a piece at hand.
 * @param folder of the unlinked file, borrowed; -1: all stays in memory.
 * @return 0; PEEL_ENOMEM.
 */
int tapes_new(size_t budget, int folder, struct tapes **ret_tapes, struct peel_error *err);
/** Hold the file against the index's limit. @param limits borrowed; may be NULL. */
void tapes_set_limits(struct tapes *tapes, struct limit_watch *limits);
/** Free, once all tapes are freed; NULL is fine. */
void tapes_free(struct tapes *tapes);
/** Wake all who wait, and let all writers fail with PEEL_ECANCELED. */
void tapes_cancel(struct tapes *tapes);

/**
 * A tape.
 * @param patient where the budget is used up, wait for the reader: only for writers whose reader does not wait for
 *   another writer that is yet to start. @param keep it is read more than once. Both do not go together.
 * @return 0; PEEL_ENOMEM.
 */
int tape_new(struct tapes *tapes, bool patient, bool keep, struct tape **ret_tape,
	struct peel_error *err);
/** Free; NULL is fine. Nobody may be using it. */
void tape_free(struct tape *tape);

/* For the thread that writes. */

/** While set, a patient tape does not wait either: its writer holds what others may be waiting for. */
void tape_set_hurry(struct tape *tape, bool hurry);
/** Append an item. @return 0; PEEL_ENOMEM, PEEL_EIO (disk full), PEEL_ELIMIT, PEEL_ECANCELED. */
int tape_write(struct tape *tape, const void *bytes, size_t len, struct peel_error *err);
/** Hand over what was written so far. @return as tape_write. */
int tape_flush(struct tape *tape, struct peel_error *err);
/** No more follows. What was not flushed is lost. */
void tape_end(struct tape *tape);

/* For the thread that reads. */

/**
 * The next item.
 * @param ret_bytes valid until the next call. @param wait_ms give up after so many milliseconds; 0:
 *   never.
 * @return 1; 2 where there is none yet; 0 at the end (then from the start again, where it is kept);
 *   PEEL_EIO, PEEL_ENOMEM.
 */
int tape_next(struct tape *tape, const void **ret_bytes, size_t *ret_len, unsigned wait_ms,
	struct peel_error *err);

#endif
