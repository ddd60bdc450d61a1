/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What peel_why is made of: the events of a path (query_why_events.c), and what each of them did
 * (query_why.c).
 */
#ifndef QUERY_WHY_H
#define QUERY_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include "query_priv.h"

/** Most events of one path. */
#define WHY_EVENTS_MAX 65536
/** Bytes of entry.hash that are compared. */
#define WHY_HASH_SIZE 16

/** Events of one layer happen in this order: what it takes away are only lower layers' files. */
enum why_rank {
	/** A folder above the path was deleted, made opaque or replaced. */
	WHY_RANK_ABOVE,
	/** The path's own whiteout. */
	WHY_RANK_WHITEOUT,
	/** The path's entry. */
	WHY_RANK_ENTRY,
};

/** Something that a layer did to a path. */
struct why_event {
	enum why_rank rank;
	struct query_row row;
	bool hashed;
	unsigned char hash[WHY_HASH_SIZE];
	/** Path of the row, owned; link target, owned, or NULL. */
	char *path;
	char *link;
	size_t link_len;
	/** Owning package as this layer's databases have it, owned, and the one to tell: this or an earlier event's. */
	char *package;
	const char *owner;
};

struct why_events {
	struct why_event *events;
	size_t count;
	size_t room;
};

/**
 * Collect the events of a path, lowest layer first.
 * @param dir dir.id of the folder that holds the name; 0 with an empty name: the root.
 * @param events empty; free with why_events_free, on failure too.
 * @return 0; PEEL_ELIMIT, PEEL_ENOMEM, PEEL_EFORMAT.
 */
int why_events_read(struct query *q, uint64_t dir, const char *name, size_t len,
	struct why_events *events);

/** Free what events hold. */
void why_events_free(struct why_events *events);

/** Where a path is: a name in a folder. */
struct why_place {
	/** dir.id; 0: this is the root. */
	uint64_t dir;
	size_t len;
	char name[PEEL_PATH_MAX];
};

/**
 * The place of a path: its parents are resolved in the merged tree, and where that has them no
 * more, by the names that any layer has. The last component is not followed.
 * @param len at most PEEL_PATH_MAX. @return 1 found, 0 no layer knows the folder, or less than 0.
 */
int why_place(struct query *q, const char *path, size_t len, struct why_place *ret_place);

#endif
