/* SPDX-License-Identifier: Apache-2.0 */
#include "layer_tape_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/error.h>

#include "util_lock.h"

/** Give the piece that was read back, where nobody reads it again. */
static void release(struct tape *tape)
{
	struct tapes *tapes = tape->tapes;
	struct piece *piece = tape->reading;

	if (!piece || tape->keep) {
		return;
	}
	{
		scoped_lock(&tapes->lock);
		tape->first = piece->next;
		if (!tape->first) {
			tape->last = &tape->first;
		}
		if (piece->bytes) {
			tapes->held -= piece->len;
			tape->in_memory--;
		}
		pthread_cond_broadcast(&tapes->moved);
	}
	tape->reading = NULL;
	tape_free_piece(piece);
}

/** The moment when waiting ends. */
static struct timespec deadline(unsigned wait_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += wait_ms / 1000;
	at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

/** The next piece. @return 1, 2 where there is none yet, 0 at the end. */
static int await_piece(struct tape *tape, struct piece **ret_piece, unsigned wait_ms)
{
	struct timespec until = deadline(wait_ms);
	scoped_lock(&tape->tapes->lock);
	struct piece **link = tape->reading ? &tape->reading->next : &tape->first;

	if (tape->tapes->current != tape) {
		tape->tapes->current = tape;
		pthread_cond_broadcast(&tape->tapes->moved);
	}
	while (!*link && !tape->ended) {
		if (wait_ms == 0) {
			pthread_cond_wait(&tape->tapes->moved, &tape->tapes->lock);
		} else if (pthread_cond_timedwait(&tape->tapes->moved, &tape->tapes->lock,
				   &until) == ETIMEDOUT) {
			return 2;
		}
	}
	*ret_piece = *link;
	return *link != NULL;
}

static int read_back(struct tape *tape, const struct piece *piece, struct peel_error *err)
{
	if (!tape->back) {
		tape->back = malloc(TAPE_PIECE);
	}
	if (!tape->back) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return spill_get(tape->tapes->spill, &piece->place, tape->back, piece->len, err);
}

/** Go on to the next piece. @return as await_piece, or less than 0. */
static int advance(struct tape *tape, unsigned wait_ms, struct peel_error *err)
{
	struct piece *piece = NULL;
	int r;

	release(tape);
	r = await_piece(tape, &piece, wait_ms);
	if (r != 1) {
		return r;
	}
	if (!piece->bytes) {
		r = read_back(tape, piece, err);
		if (r < 0) {
			return r;
		}
	}
	tape->reading = piece;
	tape->at = piece->bytes ? piece->bytes : tape->back;
	tape->left = piece->len;
	return 1;
}

static const void *take(struct tape *tape, size_t len)
{
	const void *bytes = tape->at;

	tape->at += len;
	tape->left -= len;
	return bytes;
}

/** Take bytes that run over pieces. */
static int take_over(struct tape *tape, void *buf, size_t len, struct peel_error *err)
{
	uint8_t *to = buf;

	while (len > 0) {
		size_t n = (size_t)min_u64(tape->left, len);

		memcpy(to, take(tape, n), n);
		to += n;
		len -= n;
		if (len > 0) {
			int r = advance(tape, 0, err);

			if (r <= 0) {
				return r < 0 ? r
					     : peel_fail(err, PEEL_ECANCELED,
						       "a layer was not read to its end");
			}
		}
	}
	return 0;
}

static int make_room(struct tape *tape, size_t len, struct peel_error *err)
{
	uint8_t *grown;

	if (len <= tape->joined_room) {
		return 0;
	}
	grown = realloc(tape->joined, len);
	if (!grown) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	tape->joined = grown;
	tape->joined_room = len;
	return 0;
}

int tape_next(struct tape *tape, const void **ret_bytes, size_t *ret_len, unsigned wait_ms,
	struct peel_error *err)
{
	uint32_t len = 0;
	int r;

	if (tape->left == 0) {
		r = advance(tape, wait_ms, err);
		if (r == 0) {
			tape->reading = NULL;
		}
		if (r != 1) {
			return r;
		}
	}
	r = take_over(tape, &len, sizeof(len), err);
	if (r < 0) {
		return r;
	}
	*ret_len = len;
	if (len <= tape->left) {
		*ret_bytes = take(tape, len);
		return 1;
	}
	r = make_room(tape, len, err);
	if (r == 0) {
		r = take_over(tape, tape->joined, len, err);
	}
	*ret_bytes = tape->joined;
	return r < 0 ? r : 1;
}
