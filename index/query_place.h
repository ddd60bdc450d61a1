/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What was listed or asked for lately: where the bytes of files are, so that a read asks no table, and
 * where folders are, so that a walk asks once for each.
 */
#ifndef QUERY_PLACE_H
#define QUERY_PLACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** Files, and folders, remembered, a power of two: more than all folders have but the largest. */
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

/** A folder of the merged tree. */
struct query_folder_place {
	/** dir.id. */
	uint64_t dir;
	/** Node number of the folder that holds it. */
	uint64_t parent;
	/** Cookie of its last name, once it has been listed to the end; 0: not known. */
	uint64_t end;
};

/** Places by node number: each number has one slot, and the last that came is in it. {0} is empty. */
struct query_places {
	pthread_mutex_t lock;
	struct query_place_slot {
		uint64_t ino;
		struct query_place place;
	} slots[QUERY_PLACES];
	struct query_folder_slot {
		uint64_t ino;
		struct query_folder_place place;
	} folders[QUERY_PLACES];
};

/** Set up an empty table. */
void query_places_init(struct query_places *places);

/** Free what query_places_init took. */
void query_places_finish(struct query_places *places);

/** Remember the place of a node. */
void query_places_keep(struct query_places *places, uint64_t ino, const struct query_place *place);

/** @return true where the place is remembered. */
bool query_places_find(struct query_places *places, uint64_t ino, struct query_place *ret_place);

/** Remember a folder. */
void query_places_keep_folder(struct query_places *places, uint64_t ino,
	const struct query_folder_place *place);

/** A folder that is remembered has been listed to the end. */
void query_places_end_folder(struct query_places *places, uint64_t ino, uint64_t end);

/** @return true where the folder is remembered. */
bool query_places_find_folder(struct query_places *places, uint64_t ino,
	struct query_folder_place *ret_place);

#endif
