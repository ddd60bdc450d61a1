/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the query files share: node numbers, rows of table entry, names in a view, walking a path.
 *
 * Node numbers. The merged view shows entry ids (of the entry that holds the data), and 1 for its
 * root. The view of layer L sets L + 1 above bit 40; below it is an entry id, or with bit 39 a
 * dir.id: of a folder that the layer only implies, or 1 for the view's root. So a number says its
 * view, and reading one needs no table.
 */
#ifndef QUERY_PRIV_H
#define QUERY_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index_priv.h"
#include "store.h"

/** Bits of a node number below those of the layer. */
#define QUERY_VIEW_SHIFT 40
/** Set where the number is a folder's dir.id. Row ids of tables entry and dir are less. */
#define QUERY_FOLDER_BIT (UINT64_C(1) << 39)
/** Node number of the merged root. */
#define QUERY_MERGED_ROOT 1

/**
 * True where a name can be shown: what no kernel takes as a name, or takes as something else, is
 * left out.
 */
static inline bool query_name_valid(const char *name, size_t len)
{
	return len > 0 && len <= PEEL_NAME_MAX && !memchr(name, '/', len) &&
		!memchr(name, '\0', len) &&
		!(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/** One public call: the index, its connection, where errors go. It stays where query_begin found it. */
struct query {
	struct peel_index *index;
	struct store *store;
	/** The caller's, or ours where he wants none; never NULL once the query has begun. */
	struct peel_error *err;
	struct peel_error own;
};

/** Take a connection for a call. @return 0, or as index_acquire. */
int query_begin(struct query *q, struct peel_index *index, struct peel_error *err);

static inline void query_end_(struct query *q)
{
	if (q->err) {
		index_note_failure(q->index, q->err->code);
	}
	if (q->store) {
		index_release(q->index, q->store);
	}
}

/** Give the connection back at the end of the scope; declare statements after it. */
#define cleanup_query __attribute__((__cleanup__(query_end_)))

/** Forget a failure that was not one in the end. */
static inline void query_forgive(struct query *q)
{
	*q->err = (struct peel_error){0};
}

/** A node number taken apart. */
struct query_number {
	int view;
	/** True where id is a dir.id. */
	bool folder;
	/** Of the merged root: the entry. */
	uint64_t id;
};

/** Take a number apart. @return 0; PEEL_ENOENT (no view has such a number). */
int query_number(struct query *q, uint64_t ino, struct query_number *ret_number);

/** A row of table entry, checked. */
struct query_row {
	uint64_t id;
	uint64_t dir;
	uint64_t size;
	/** Of folders: dir.id; of hard links: the entry with the data. 0: none. */
	uint64_t self;
	uint64_t inode;
	/** Of sparse files. */
	uint64_t allocated;
	int64_t mtime;
	uint32_t nsec;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t flags;
	/** Of folders, in the merged tree. */
	uint32_t subdirs;
	/** Of devices. */
	uint32_t major;
	uint32_t minor;
	size_t link_len;
	/** Of symlinks: the target is shown as stored. */
	bool plain_link;
	/** Of files: offset in the uncompressed layer. */
	uint64_t data;
	int layer;
	/** Layer that hid it, -1: none. */
	int hidden_by;
	/** An enum store_why. */
	int why;
	char type;
};

/**
 * Columns of a row, for SELECT … FROM entry e. What few entries have is looked up only for those:
 * SQLite does not evaluate the branches of CASE that are not taken. A folder whose row of table dir
 * has another place has no count: the depth of a folder must be what its names make it.
 */
#define QUERY_COLUMNS \
	"e.id, e.dir, e.type, e.mode, e.uid, e.gid, e.size, e.mtime, e.nsec, e.link, e.self, e.inode, e.flags," \
	" e.layer, e.hidden_by, e.why, e.name," \
	" CASE WHEN e.type = 'd' THEN (SELECT d.subdirs FROM dir d WHERE d.id = e.self AND d.parent = e.dir" \
	" AND (e.dir = 0 OR d.name = e.name))" \
	" WHEN e.type IN ('b', 'c') THEN (SELECT x.major FROM extra x WHERE x.entry = e.id)" \
	" WHEN e.flags & 4 THEN (SELECT x.allocated FROM extra x WHERE x.entry = e.id) END," \
	" CASE WHEN e.type IN ('b', 'c') THEN (SELECT x.minor FROM extra x WHERE x.entry = e.id) END," \
	" e.data"

/** Columns by number. */
enum query_column {
	QUERY_ID,
	QUERY_DIR,
	QUERY_TYPE,
	QUERY_MODE,
	QUERY_UID,
	QUERY_GID,
	QUERY_SIZE,
	QUERY_MTIME,
	QUERY_NSEC,
	QUERY_LINK,
	QUERY_SELF,
	QUERY_INODE,
	QUERY_FLAGS,
	QUERY_LAYER,
	QUERY_HIDDEN_BY,
	QUERY_WHY,
	QUERY_NAME,
	QUERY_DETAIL,
	QUERY_MINOR,
	QUERY_DATA,
	/** Where the columns of a statement's own begin. */
	QUERY_COLUMN_COUNT,
};

/** True where a row is an entry that the merged tree shows, as a condition of SQL. */
#define QUERY_VISIBLE "e.why IS NULL AND e.type NOT IN ('w', 'o') AND NOT e.flags & 32"

/** Numbers of a row as they are stored, unchecked. */
struct query_stored {
	int64_t id, dir, size, self, inode, mtime, nsec, mode, uid, gid, flags, data;
	int layer;
	/** -1: NULL. */
	int hidden_by;
	int why;
	/** '\0': what is stored is no single letter. */
	char type;
};

/** Check a row, without what few entries have beside it. @return 0; PEEL_EFORMAT. */
int query_row_take(struct query *q, const struct query_stored *stored, struct query_row *ret_row);

/** Read and check the row that a statement stands on. @return 0; PEEL_EFORMAT. */
int query_row_read(struct query *q, sqlite3_stmt *stmt, struct query_row *ret_row);

/** The entry with an id. @return 1 and the row, 0 where there is none, or less than 0. */
int query_row_get(struct query *q, uint64_t id, struct query_row *ret_row);

/** Word for an enum store_why as table reason has it; "" for what is visible, and for what is no such number. */
const char *query_reason(int why);

/** PEEL_EFORMAT with a message about an entry. */
int query_corrupt(struct query *q, uint64_t entry, const char *what);

/** A name or a number that was found in a view. */
struct query_found {
	struct peel_node node;
	/** Type letter of the entry that holds the data. */
	char type;
	/** Entries that hold the data and the xattrs; 0: none (an implied folder). */
	uint64_t data;
	uint64_t xattrs;
	/** dir.id of a folder; 0: it is none. */
	uint64_t folder;
	/**
	 * dir.id of the folder that holds the data's own name, and whether the view shows that
	 * name.
	 */
	uint64_t parent;
	bool own_name;
	/** True where no other name can lead to this number. */
	bool single;
	/** Of a regular file: where its bytes are. */
	struct query_place place;
};

/** True where a place can be: the layer exists, the bytes have offsets. Sparse files say nothing of theirs. */
bool query_place_valid(const struct peel_index *index, const struct query_place *place);

/** True where a symlink's target leads out of no tree whatever folder it is in, and is shown as stored. */
bool query_target_plain(const char *text, size_t len);

/** Set what a row alone says: type, owner, times, sizes. The link count is 1, the number 0. */
void query_node_fill(struct peel_node *node, const struct query_row *data,
	const struct query_row *meta);

/** The node of a row of the merged tree (a name or the data itself). @return 0; PEEL_EFORMAT, … */
int query_merged_fill(struct query *q, const struct query_row *row, struct query_found *ret_found);

/** The node of a row of a layer's view. @return as query_merged_fill. */
int query_layer_fill(struct query *q, int layer, const struct query_row *row,
	struct query_found *ret_found);

/** A node by its number. @return 1 found, 0 not, or less than 0. */
int query_node(struct query *q, uint64_t ino, struct query_found *ret_found);

/** The same in the view of a layer. */
int query_layer_node(struct query *q, const struct query_number *number,
	struct query_found *ret_found);

/** A folder by its dir.id. @return 1 found, 0 where the view does not have it, or less than 0. */
int query_folder_node(struct query *q, int view, uint64_t dir, struct query_found *ret_found);

/** The same in the view of a layer. */
int query_layer_folder(struct query *q, int layer, uint64_t dir, struct query_found *ret_found);

/** A name in a folder. @param dir dir.id. @return 1 found, 0 not, or less than 0. */
int query_name(struct query *q, int view, uint64_t dir, const void *name, size_t len,
	struct query_found *ret_found);

/** The same in the view of a layer. */
int query_layer_name(struct query *q, int layer, uint64_t dir, const void *name, size_t len,
	struct query_found *ret_found);

/** Link count of a folder in a layer's view. @return 0, or less than 0. */
int query_layer_subdirs(struct query *q, int layer, uint64_t dir, uint32_t *ret_nlink);

/**
 * Link count and metadata in a layer's view of a file that has several names. @return 0, or less
 * than 0.
 */
int query_layer_names(struct query *q, int layer, const struct query_row *data,
	struct query_found *found);

/** List a folder in the view of a layer; see peel_list. */
int query_layer_list(struct query *q, int layer, uint64_t dir, uint64_t cookie,
	peel_dirent_fn *each, void *arg);

/** View and dir.id of a folder by its number. @return 0; PEEL_ENOENT, PEEL_ENOTDIR. */
int query_folder(struct query *q, uint64_t ino, int *ret_view, uint64_t *ret_dir);

/** Parent of a folder by dir.id, and its name. @param ret_name, ret_len may be NULL; else at least PEEL_PATH_MAX bytes.
 * @return 0; PEEL_EFORMAT (no such row, no ascending ids, a name too long). */
int query_dir(struct query *q, uint64_t dir, uint64_t *ret_parent, char *ret_name, size_t *ret_len);

/** Stored target of the symlink whose data an entry holds, NUL-terminated. @return 0; PEEL_EUSAGE (no symlink),
 * PEEL_ENOENT, PEEL_ENOMEM. */
int query_target(struct query *q, uint64_t entry, char **ret_target, size_t *ret_len);

/** Where a walk stands, and what is left of its budget of symlinks. */
struct query_walk {
	int view;
	/** dir.id of the folder where it stands; of a leaf: the folder that holds it. */
	uint64_t dir;
	int hops;
	/** True where the last step led to something that is no folder. */
	bool leaf;
	/** True where found is what the walk stands on. */
	bool known;
	struct query_found found;
	size_t name_len;
	/** Name of the leaf. */
	char name[PEEL_NAME_MAX];
};

/**
 * Walk a path from where the walk stands, as the kernel would in a chroot of the view.
 * @return 0; PEEL_ENOENT, PEEL_ENOTDIR, PEEL_ELOOP, PEEL_ELIMIT (a target too long); on these the
 *   place is not
 * defined.
 */
int query_walk_path(struct query *q, struct query_walk *walk, const char *path, size_t len,
	bool follow_last);

/**
 * Canonical path of a folder: "" for the root, else "/a/b".
 * @param buf at least PEEL_PATH_MAX bytes; receives no NUL. @return 0; PEEL_ELIMIT.
 */
int query_dir_path(struct query *q, uint64_t dir, char *buf, size_t *ret_len);

/**
 * As peel_sha256, of a file that no view may show: its layer has the path again.
 * @param size of the file, bytes.
 */
int query_sha256(struct peel_index *index, uint64_t ino, uint64_t size,
	char ret_hex[PEEL_SHA256_SIZE], struct peel_error *err);

#endif
