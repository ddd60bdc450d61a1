/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An open index within the library: the file, a pool of connections, the layers, the bytes.
 */
#ifndef INDEX_PRIV_H
#define INDEX_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/index.h>
#include <peel/query.h>

#include "limit.h"
#include "query_place.h"
#include "store_pool.h"

struct content;
struct store;

/** What of a layer is kept in memory. */
struct index_layer {
	/** Strings as in struct peel_layer_stat, owned by the index. */
	struct peel_layer_stat stat;
	/** Entry ids of the layer: first_id <= id < end_id. */
	uint64_t first_id, end_id;
};

/** What of the facts is kept in memory. */
struct index_facts {
	/** The facts file, read-only, attached to the pool's connections as "facts"; -1: none. */
	int fd;
	/** Why they are not all; NULL: there are none. */
	char *reasons;
	/** Digest of what was looked for, hexadecimal. */
	char *wanted;
	/** In order of ids; strings owned. */
	struct peel_package *packages;
	uint32_t package_count;
	struct peel_package_db *databases;
	uint32_t database_count;
	struct peel_category *categories;
	uint32_t category_count;
};

struct peel_index {
	/** The image that it was built of, where that was standard input: it cannot be opened again. Else NULL. */
	struct peel_image *image;
	/** The index file, read-only; connections read through it. */
	int fd;
	char *path;
	/** Why it is not in the cache, where it should be; else "". */
	char unkept[PEEL_MESSAGE_SIZE];
	bool built;
	bool complete;
	char *reasons;
	/** Entry that is the root of the merged tree. */
	uint64_t root_entry;
	struct index_layer *layers;
	int layer_count;
	struct peel_history *history;
	int history_count;
	/** Key and value pairs of table image. */
	char **values;
	int value_count;
	struct peel_totals totals;
	/** Bytes of entries; thread-safe. */
	struct content *content;
	struct index_facts facts;
	/** What was asked for; what is hit while questions are answered is noted here. */
	struct limit_watch limits;
	/** A line about what an answer wanted and could not read; NULL: nothing. Written once. */
	_Atomic(char *) unread;
	/** Text of peel_index_answer_reason. */
	char answer_reason[128];
	/** The first failure of this machine while questions are answered, an enum peel_code; 0: none. */
	_Atomic int failure;
	/** Connections to fd. */
	struct store_pool pool;
	/** Files listed or read lately. */
	struct query_places places;
};

/**
 * Take a connection for one call. A call that is made from a callback takes a second one.
 * @return 0 and *ret_store, give it back with index_release; PEEL_ENOMEM, PEEL_EFORMAT, PEEL_EIO.
 */
int index_acquire(struct peel_index *index, struct store **ret_store, struct peel_error *err);

/**
 * Remember the outcome of a call for peel_index_failure, where it is a failure of this machine: of memory, of reading,
 * of SQLite. What the image itself lacks or holds broken is none.
 */
void index_note_failure(struct peel_index *index, int code);

/** Remember for peel_index_unread, once, why a file of the image could not be read. */
void index_note_unread(struct peel_index *index, const char *why);

/** Give a connection back; all its statements must be reset. NULL store is fine. */
void index_release(struct peel_index *index, struct store *store);

#endif
