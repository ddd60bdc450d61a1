/* SPDX-License-Identifier: Apache-2.0 */
/** Where the bytes of files are that were asked for or listed lately, so that a read asks no table. */
#ifndef QUERY_PLACE_H
#define QUERY_PLACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** Files remembered, a power of two: more than the files of all folders but the largest. */
#define QUERY_PLACES 8192

/** A regular file: where its bytes are. */
struct query_place {
	/** Entry that holds the data. */
	uint64_t entry;
	uint64_t size;
	/** Offset in the uncompressed layer; of no use for sparse files. */
	uint64_t data;
	int layer;
	bool sparse;
};

/** Places by node number: each number has one slot, and the last that came is in it. {0} is empty. */
struct query_places {
	pthread_mutex_t lock;
	struct query_place_slot {
		uint64_t ino;
		struct query_place place;
	} slots[QUERY_PLACES];
};

/** Set up an empty table. */
void query_places_init(struct query_places *places);

/** Free what query_places_init took. */
void query_places_finish(struct query_places *places);

/** Remember the place of a node. */
void query_places_keep(struct query_places *places, uint64_t ino, const struct query_place *place);

/** @return true where the place is remembered. */
bool query_places_find(struct query_places *places, uint64_t ino, struct query_place *ret_place);

#endif
