/* SPDX-License-Identifier: Apache-2.0 */
/** What writing (layer_tape.c) and reading (layer_tape_read.c) of a tape share. */
#ifndef LAYER_TAPE_PRIV_H
#define LAYER_TAPE_PRIV_H

#include <pthread.h>

#include "layer_tape.h"
#include "spill.h"

struct tapes {
	size_t budget;
	/** Guards what follows, and all lists of pieces. */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	/** Bytes in memory. */
	size_t held;
	/** The tape that is being read. */
	const struct tape *current;
	bool canceled;
	/** NULL: all stays in memory. */
	struct spill *spill;
};

struct piece {
	struct piece *next;
	size_t len;
	/** NULL: spilled. */
	uint8_t *bytes;
	struct spill_place place;
};

struct tape {
	struct tapes *tapes;
	bool patient, keep;
	/** Under the lock: pieces that were written, oldest first, and how many of them are in memory. */
	struct piece *first;
	struct piece **last;
	unsigned in_memory;
	bool ended;
	/** The writer's: see tape_set_hurry; and the piece being filled. */
	bool hurry;
	uint8_t *filling;
	size_t fill;
	/** The reader's: the piece being read, and where; room for one out of the file. */
	struct piece *reading;
	const uint8_t *at;
	size_t left;
	uint8_t *back;
	/** An item that is not in one piece. */
	uint8_t *joined;
	size_t joined_room;
};

/** Free a piece that is in no list. */
void tape_free_piece(struct piece *piece);

#endif
