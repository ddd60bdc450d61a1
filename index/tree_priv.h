/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the tree share. */
#ifndef TREE_PRIV_H
#define TREE_PRIV_H

#include "store.h"
#include "store_record.h"
#include "tree.h"
#include "tree_batch.h"
#include "tree_hidden.h"
#include "util.h"

/** Most folders kept in the cache; beyond, it is emptied and the table asked (about 8 MiB). */
#define DIR_CACHE_MAX fuzz_size(131072, 12)
/** Findings whose path is looked up: that costs a query a folder, and no index keeps more findings. */
#define TREE_REPORTS_MAX 100000
/** Most hard links to nothing: engines refuse an image with one, and each is stepped over by later ones. */
#define TREE_BROKEN_MAX 4096
/** Most hops when a parent is a symlink of the same layer, as the kernel's ELOOP. */
#define LINK_HOPS 40

/** A folder in the cache. Marks are valid while they equal the tree's epoch. */
struct dir_slot {
	uint32_t hash;
	/** dir.id; 0: free slot. */
	uint32_t id;
	uint32_t parent;
	uint32_t name_off;
	uint32_t name_len;
	/** The layer has an entry for it, or needs it, or needs it for a whiteout only. */
	uint32_t present;
	uint32_t marked;
};

struct dir_cache {
	struct dir_slot *slots;
	uint32_t room;
	uint32_t count;
	char *names;
	size_t names_len;
	size_t names_room;
	/** True once it was emptied: a miss then proves nothing. */
	bool lossy;
};

struct tree {
	struct store *store;
	tree_finding_fn *finding;
	void *finding_arg;
	struct dir_cache dirs;
	/** What the merge must know of all entries. */
	struct tree_sort *sort;
	/** Rows of table entry; the record of the next one. */
	struct store_rows *rows;
	struct record record;
	/** Some rows are too long for it, and wait in temp.long_entry. */
	bool any_long;
	struct tree_hidden hidden;
	/** NULL: the defaults. */
	struct limit_watch *limits;
	uint32_t next_dir;
	uint64_t next_id;
	/** Layer that is being added. */
	int layer;
	/** Counts layers, and changes within one that make marks of folders stale. */
	uint32_t epoch;
	/** Which (dir, name) may be a symlink of this layer; and how many it has. */
	uint64_t *link_filter;
	uint64_t layer_links;
	/** The last layer whose symlinks are in temp.layer_link; -1: none. */
	int links_layer;
	/** The parent folder of the last entry, as text, and what it came to. */
	char *last_parent;
	size_t last_parent_len;
	uint32_t last_parent_dir;
	uint32_t last_parent_epoch;
	bool last_parent_whiteout;
	bool last_parent_passed_over;
	bool last_parent_followed;
	/** A folder in it has a whiteout's name. */
	bool last_parent_odd;
	/** Scratch for paths, TREE_PATH_MAX bytes each. */
	char *path;
	char *rest[2];
	/** Owner names of the last entry. */
	char *last_uname, *last_gname;
	int64_t last_owner;
	uint64_t hardlinks;
	/** Hard links that are bound to nothing. */
	uint64_t broken_links;
	/** Anomalies told by their place in the tree. */
	uint64_t reports;
	/** Makes hash values of names, and fingerprints, unforeseeable. */
	uint64_t seed;
	struct tree_layer *layers;
	size_t layer_count, layer_room;
	struct tree_totals totals;
};

/** Entries of all layers so far. */
static inline uint64_t tree_count(const struct tree *tree)
{
	return tree->next_id - STORE_FIRST_ENTRY;
}

/* A look into index entry_path for each type: one path may have a million entries. */
#define TREE_LAST_OF(type, also) \
	"SELECT max(id) AS id FROM entry WHERE dir = ?1 AND name = ?2 AND type = '" type \
	"' AND id >= ?3 AND id < ?4" also

/** SQL: as TREE_LAST_ENTRY, folders left out. */
#define TREE_LAST_OTHER(also) \
	"(SELECT max(id) FROM (" TREE_LAST_OF("f", "") " UNION ALL " TREE_LAST_OF("l", \
		"") " UNION ALL " TREE_LAST_OF("h", also) " UNION ALL " TREE_LAST_OF("c", \
		"") " UNION ALL " TREE_LAST_OF("b", "") " UNION ALL " TREE_LAST_OF("p", "") "))"

/**
 * SQL: id of the last entry at folder ?1, name ?2 that is no marker, of ids from ?3 to below ?4.
 * @param also a condition on hard links.
 */
#define TREE_LAST_ENTRY(also) \
	"(SELECT max(id) FROM (" TREE_LAST_OF("f", "") " UNION ALL " TREE_LAST_OF("d", \
		"") " UNION ALL " TREE_LAST_OF("l", "") " UNION ALL " TREE_LAST_OF("h", \
		also) " UNION ALL " TREE_LAST_OF("c", "") " UNION ALL " TREE_LAST_OF("b", \
		"") " UNION ALL " TREE_LAST_OF("p", "") "))"

/* tree_dir.c */

/** Make the cache and the root's row. */
int tree_dirs_init(struct tree *tree, struct peel_error *err);
void tree_dirs_finish(struct tree *tree);

/** Of a name in a folder, unforeseeable. */
uint64_t tree_name_hash(const struct tree *tree, uint32_t parent, const char *name, size_t len);

/**
 * The folder's slot, with a new row where no layer named it before.
 * @param hash tree_name_hash of the same. ret_slot is valid until the
 * next call.
 */
int tree_dir_get(struct tree *tree, uint64_t hash, uint32_t parent, const char *name, size_t len,
	struct dir_slot **ret_slot, struct peel_error *err);

/** The slot if it is cached, else NULL. */
struct dir_slot *tree_dir_cached(struct tree *tree, uint64_t hash, uint32_t parent,
	const char *name, size_t len);

/** What a walk is told, and what it finds. */
struct tree_walk {
	/** Entry that needs the folders. */
	uint64_t id;
	/** True: only a whiteout needs them. */
	bool whiteout;
	/** True: the entry is passed over, and needs none. */
	bool passed_over;
	/** Out: the folder. */
	uint32_t dir;
	/** Out: a symlink of this layer was followed. */
	bool followed;
	/**
	 * Out: more than LINK_HOPS hops; dir is the folder that the first link's own name makes.
	 */
	bool loop;
};

/**
 * Walk a clean path of this layer to the folder that holds the entry. @return 0, or less than 0.
 */
int tree_walk(struct tree *tree, const char *path, size_t len, struct tree_walk *walk,
	struct peel_error *err);

/** A name in a folder, in table dir or entry. */
struct tree_name {
	uint32_t dir;
	const char *bytes;
	size_t len;
};

/* tree_follow.c: the symlinks of the layer that is being added. */

/** @return 0; PEEL_ENOMEM. */
int tree_follow_init(struct tree *tree, struct peel_error *err);
/** A layer begins. */
void tree_follow_begin(struct tree *tree);

/** May there be a symlink of this layer? Never false where there is one. @param hash tree_name_hash of its name. */
bool tree_follow_maybe(const struct tree *tree, uint64_t hash);

/**
 * An entry of this layer stands at (dir, name) from now on.
 * @param link its target where it is a symlink, else NULL. @return 0, or less than 0.
 */
int tree_follow_note(struct tree *tree, uint64_t hash, const struct tree_name *name,
	const char *link, size_t link_len, struct peel_error *err);

/**
 * Where (dir, name) is a symlink in this layer as it stands now: its target before the rest of the path, in to.
 * @param to TREE_PATH_MAX bytes, not those of rest.
 * @return 1 it is, 0 it is not, or less than 0.
 */
int tree_follow(struct tree *tree, const struct tree_name *name, const char *rest, size_t rest_len,
	char *to, size_t *ret_to_len, struct peel_error *err);

/**
 * Run a query over a folder ?1 and a name ?2 in it, and two ids: from ?3, below ?4.
 * @param ret_stmt at the row; reset it (store_done). @return 1, 0 where there is no row, or less than 0.
 */
int tree_ask(struct tree *tree, const char *sql, const struct tree_name *name, uint64_t from,
	uint64_t to, sqlite3_stmt **ret_stmt, struct peel_error *err);

/* tree_link.c: bind every hard link to the entry that holds its data. */
int tree_bind_links(struct tree *tree, struct peel_error *err);
/* After the merge: names and metadata of files with several names. */
int tree_count_links(struct tree *tree, struct peel_error *err);

/* tree_merge.c: decide what is visible. */
int tree_merge(struct tree *tree, struct peel_error *err);

/** Layer of an entry id. */
int tree_layer_of(const struct tree *tree, uint64_t id);

/** Hand an anomaly of any layer to the callback. */
int tree_report(struct tree *tree, const char *code, int layer, const void *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err);

/**
 * Hand an anomaly at (dir, name) to the callback. Of a path over PEEL_PATH_MAX bytes the start is left out; past
 * TREE_REPORTS_MAX there is no path.
 */
int tree_report_at(struct tree *tree, const char *what, int layer, uint32_t dir, const void *name,
	size_t len, const char *detail, struct peel_error *err);

#endif
