/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tape is a list of pieces of equal size; items run on from one piece into the next, each after its length. Pieces
 * change hands when they are full, so the lock is taken once in a thousand entries.
 *
 * Layers are read side by side but stored in their order, so what was read waits, and is more than memory may hold
 * where an image has millions of files. Beyond the budget pieces go to an unlinked file; but a
 * writer that is faster than the reader, as it is where layers are not compressed, waits instead
 * (patient): then nothing is written at all. That cannot lock up: such writers start in the order in
 * which they are read, so the one whose tape is being read is at work, and where it has no piece in
 * memory it may always add one.
 */
#include "layer_tape_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <peel/error.h>

#include "util_lock.h"

/** Longest item: an entry's headers (8 MiB) and what they are decoded to. */
#define ITEM_MAX (32u << 20)

int tapes_new(size_t budget, int folder, struct tapes **ret_tapes, struct peel_error *err)
{
	struct tapes *tapes = calloc(1, sizeof(*tapes));
	pthread_condattr_t attributes;

	if (!tapes) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	tapes->budget = budget;
	if (folder >= 0 && spill_new(folder, &tapes->spill, err) < 0) {
		free(tapes);
		return PEEL_ENOMEM;
	}
	pthread_mutex_init(&tapes->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&tapes->moved, &attributes);
	pthread_condattr_destroy(&attributes);
	*ret_tapes = tapes;
	return 0;
}

void tapes_set_limits(struct tapes *tapes, struct limit_watch *limits)
{
	if (tapes->spill) {
		spill_set_limits(tapes->spill, limits);
	}
}

void tapes_free(struct tapes *tapes)
{
	if (!tapes) {
		return;
	}
	spill_free(tapes->spill);
	pthread_cond_destroy(&tapes->moved);
	pthread_mutex_destroy(&tapes->lock);
	free(tapes);
}

void tapes_cancel(struct tapes *tapes)
{
	scoped_lock(&tapes->lock);

	tapes->canceled = true;
	pthread_cond_broadcast(&tapes->moved);
}

int tape_new(struct tapes *tapes, bool patient, bool keep, struct tape **ret_tape,
	struct peel_error *err)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	if (!tape) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	tape->tapes = tapes;
	tape->patient = patient;
	tape->keep = keep;
	tape->last = &tape->first;
	*ret_tape = tape;
	return 0;
}

/*
 * Pieces are made in one thread and freed in another, thousands of them: an allocator that has an
 * arena a thread would keep their memory. The kernel gets it back at once, and of the last piece of
 * a small layer only the pages that were written count.
 */
static uint8_t *map_piece(void)
{
	void *bytes = mmap(NULL, TAPE_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	return bytes == MAP_FAILED ? NULL : bytes;
}

static void unmap_piece(uint8_t *bytes)
{
	if (bytes) {
		munmap(bytes, TAPE_PIECE);
	}
}

void tape_free_piece(struct piece *piece)
{
	unmap_piece(piece->bytes);
	free(piece);
}

void tape_free(struct tape *tape)
{
	if (!tape) {
		return;
	}
	while (tape->first) {
		struct piece *next = tape->first->next;

		tape_free_piece(tape->first);
		tape->first = next;
	}
	unmap_piece(tape->filling);
	free(tape->back);
	free(tape->joined);
	free(tape);
}

/** What becomes of a piece that is full. */
enum fate {
	FATE_MEMORY,
	FATE_FILE,
	FATE_CANCELED,
};

/** Decide, and where it is memory account for it. Waits, where the tape does. */
static enum fate decide(struct tape *tape)
{
	struct tapes *tapes = tape->tapes;
	scoped_lock(&tapes->lock);

	while (!tapes->canceled && tapes->spill && tapes->held + tape->fill > tapes->budget) {
		if (!tape->patient || tape->hurry) {
			return FATE_FILE;
		}
		if (tape == tapes->current && tape->in_memory == 0) {
			break;
		}
		pthread_cond_wait(&tapes->moved, &tapes->lock);
	}
	if (tapes->canceled) {
		return FATE_CANCELED;
	}
	tapes->held += tape->fill;
	tape->in_memory++;
	return FATE_MEMORY;
}

static void append(struct tape *tape, struct piece *piece)
{
	scoped_lock(&tape->tapes->lock);

	*tape->last = piece;
	tape->last = &piece->next;
	pthread_cond_broadcast(&tape->tapes->moved);
}

/** Hand the piece over to the reader. */
static int hand_over(struct tape *tape, struct peel_error *err)
{
	enum fate fate = decide(tape);
	struct piece *piece = calloc(1, sizeof(*piece));
	int code = piece ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");

	if (code == 0 && fate == FATE_CANCELED) {
		code = peel_fail(err, PEEL_ECANCELED, "canceled");
	}
	if (code == 0 && fate == FATE_FILE) {
		code = spill_put(tape->tapes->spill, tape->filling, tape->fill, &piece->place, err);
	}
	if (code < 0) {
		free(piece);
		return code;
	}
	piece->len = tape->fill;
	if (fate == FATE_MEMORY) {
		piece->bytes = steal_pointer(&tape->filling);
	}
	tape->fill = 0;
	append(tape, piece);
	return 0;
}

static int put_bytes(struct tape *tape, const void *bytes, size_t len, struct peel_error *err)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		size_t n = (size_t)min_u64(TAPE_PIECE - tape->fill, len);

		if (!tape->filling) {
			tape->filling = map_piece();
		}
		if (!tape->filling) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		memcpy(tape->filling + tape->fill, at, n);
		tape->fill += n;
		at += n;
		len -= n;
		if (tape->fill == TAPE_PIECE) {
			int code = hand_over(tape, err);

			if (code < 0) {
				return code;
			}
		}
	}
	return 0;
}

void tape_set_hurry(struct tape *tape, bool hurry)
{
	tape->hurry = hurry;
}

int tape_write(struct tape *tape, const void *bytes, size_t len, struct peel_error *err)
{
	uint32_t size = (uint32_t)len;
	int code;

	if (len > ITEM_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "an entry of %zu bytes", len);
	}
	code = put_bytes(tape, &size, sizeof(size), err);
	return code < 0 ? code : put_bytes(tape, bytes, len, err);
}

int tape_flush(struct tape *tape, struct peel_error *err)
{
	return tape->fill > 0 ? hand_over(tape, err) : 0;
}

void tape_end(struct tape *tape)
{
	scoped_lock(&tape->tapes->lock);

	tape->ended = true;
	pthread_cond_broadcast(&tape->tapes->moved);
}
