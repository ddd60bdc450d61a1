/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The ledger within the library: paths of folders (query_pieces_folder.c), pieces out of rows
 * (query_pieces.c), rows and the pass in their order (query_pieces_entry.c), and the walk in that of paths
 * (query_pieces_path.c).
 */
#ifndef QUERY_PIECES_H
#define QUERY_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "query_priv.h"

/** Folders whose paths are kept, a power of two: a tar goes through them in order, so few are asked for twice. */
#define FOLDER_SLOTS 1024
/** Most folders on one path. */
#define FOLDER_DEPTH_MAX (PEEL_PATH_MAX / 2)

/** Paths of folders by dir.id; each id has one slot, and the last that came is in it. {0} is empty. */
struct folder_paths {
	struct folder_slot {
		/** 0: free. */
		uint64_t dir;
		size_t len, room;
		char *path;
	} slots[FOLDER_SLOTS];
	/** Folders on the way up that are not kept yet, and how far from the end of the path each of them ends. */
	struct folder_step {
		uint64_t dir;
		size_t end;
	} steps[FOLDER_DEPTH_MAX];
};

/**
 * Canonical path of a folder: "" for the root, else "/a/b".
 * @param buf PEEL_PATH_MAX bytes; receives no NUL. @return 0; PEEL_ELIMIT (no room for it), PEEL_EFORMAT, PEEL_ENOMEM.
 */
int folder_path(struct query *q, struct folder_paths *paths, uint64_t dir, char *buf,
	size_t *ret_len);

/** Free what paths hold. */
void folder_paths_finish(struct folder_paths *paths);

/** Rows of files, read past SQLite (query_pieces_entry.c). */
struct piece_tables;

/** One pass over the ledger. */
struct pieces {
	struct query q;
	/** Connections have the tables of facts. */
	bool facts;
	bool visible_only;
	/** Rows of the pass by entry: from this one on, before end. */
	uint64_t from, end;
	peel_piece_fn *each;
	void *arg;
	struct piece_tables *tables;
	struct folder_paths folders;
	/** The folder whose path stands in path, and how long that is; 0: none. */
	uint64_t dir;
	size_t dir_len;
	/** Path of the piece at hand; one more for the NUL. */
	char path[PEEL_PATH_MAX + 1];
};

/** A row that holds data, what facts say of it, and what the merged tree makes of it. */
struct piece_row {
	struct query_row row;
	struct query_found found;
	/** Any name of it is visible; its own is. */
	bool visible, own;
	/** All 0 without facts. */
	struct piece_facts {
		enum peel_kind kind;
		/** As it is stored. */
		int why;
		/** PEEL_FAST_HASH_SIZE bytes, NULL: none. Valid until the next row is read. */
		const void *hash;
		uint32_t package, category;
		enum peel_claim claim;
	} facts;
};

/** Begin to read rows, for a pass in this order. @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOMEM. */
int piece_tables_new(struct pieces *pieces, enum peel_piece_order order);
/** End; NULL is fine. */
void piece_tables_free(struct piece_tables *tables);

/** The file with an entry; for walks. @return 1; 0: none, or none that is told; PEEL_EFORMAT, … */
int piece_at(struct pieces *pieces, uint64_t entry, struct piece_row *ret_row);

/**
 * Hand over a piece.
 * @param len bytes of pieces->path, which is the piece's.
 * @return 0, 1 where the callback stopped it, or less than 0.
 */
int pieces_emit(struct pieces *pieces, const struct piece_row *row, size_t len);

/** Append "/name" to the first dir_len bytes of pieces->path. @return 0; PEEL_ELIMIT, PEEL_EFORMAT (no name). */
int pieces_append(struct pieces *pieces, size_t dir_len, const void *name, size_t name_len,
	size_t *ret_len);

/**
 * What peel_pieces tells by entry of the rows from the entry from on, before end: passes may run side by side.
 * @return as peel_pieces.
 */
int query_pieces_between(struct peel_index *index, uint64_t from, uint64_t end, peel_piece_fn *each,
	void *arg, struct peel_error *err);

/** The pieces of the rows from pieces->from on, before end, in their order. @return as peel_pieces. */
int pieces_by_entry(struct pieces *pieces);

/** All pieces in the order of paths. @return as peel_pieces. */
int pieces_by_path(struct pieces *pieces);

#endif
