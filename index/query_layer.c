/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of one layer, as its tar has it: its own entries less those that the same layer hides,
 * whiteouts as empty files with their .wh. names, and the folders that the layer needs without
 * having an entry for them.
 *
 * A folder is listed in two parts, entries by id, then implied folders by dir.id; the cookies of
 * the second part have QUERY_FOLDER_BIT set, so a cookie says where to go on. Both parts give
 * ascending numbers.
 */
#include "query_priv.h"

#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "util.h"

/* Implied folders read at once: each batch sorts the folder's subfolders. */
#define IMPLIED_BATCH 512
#define IMPLIED_MODE 0755

/*
 * What the layer's view shows of its entries ?1 <= id < ?2: what the layer itself does not hide;
 * markers (11); and what is unreachable (9), for that may be a lower layer's doing, and if it is
 * not then no folder leads there.
 */
#define OWN \
	"e.id >= ?1 AND e.id < ?2 AND (e.why IS NULL OR e.hidden_by <> e.layer OR e.why IN (9, 11))"
/* The same for a name that stands for itself, and for the second of two equal whiteouts. */
#define OWN_NAME OWN " AND e.type NOT IN ('w', 'o') AND NOT e.flags & 32"
#define LAST_OF_ITS_KIND \
	"NOT EXISTS (SELECT 1 FROM entry f WHERE f.dir = e.dir AND f.name = e.name AND f.type = e.type" \
	" AND f.id > e.id AND f.id < ?2)"

/* The planner would rather scan the folder, for the range of ids or for their order. */
#define BY_NAME "entry e INDEXED BY entry_path"

/* The folder d is needed by the layer, and no name of the layer stands for it. */
#define IMPLIED \
	"EXISTS (SELECT 1 FROM touch t WHERE t.dir = d.id AND t.id >= ?1 AND t.id < ?2)" \
	" AND NOT EXISTS (SELECT 1 FROM " BY_NAME \
	" WHERE e.dir = d.parent AND e.name = d.name AND " OWN_NAME ")"

static const char own_name[] = "SELECT " QUERY_COLUMNS " FROM " BY_NAME
			       " WHERE e.dir = ?3 AND e.name = ?4 AND " OWN_NAME
			       " ORDER BY e.id DESC LIMIT 1";
static const char own_whiteout[] = "SELECT " QUERY_COLUMNS " FROM " BY_NAME
				   " WHERE e.dir = ?3 AND e.name = ?4 AND e.type = ?5 AND " OWN
				   " ORDER BY e.id DESC LIMIT 1";
static const char own_list[] =
	"SELECT " QUERY_COLUMNS " FROM entry e WHERE e.dir = ?3 AND e.id > ?4 AND " OWN
	" AND NOT e.flags & 32 AND (e.type NOT IN ('w', 'o') OR " LAST_OF_ITS_KIND
	") ORDER BY e.id";
static const char own_root[] = "SELECT " QUERY_COLUMNS
			       " FROM entry e WHERE e.dir = 0 AND e.type = 'd' AND " OWN
			       " ORDER BY e.id DESC LIMIT 1";
static const char implied_name[] =
	"SELECT d.id FROM dir d WHERE d.parent = ?3 AND d.name = ?4 AND " IMPLIED;
static const char implied_id[] = "SELECT d.id FROM dir d WHERE d.id = ?3 AND " IMPLIED;
static const char implied_list[] =
	"SELECT d.id, d.name FROM dir d WHERE d.parent = ?3 AND d.id > ?4 AND " IMPLIED
	" ORDER BY d.id LIMIT ?5";
static const char count_subdirs[] =
	"SELECT count(*) FROM dir d WHERE d.parent = ?3 AND ("
	"EXISTS (SELECT 1 FROM " BY_NAME
	" WHERE e.dir = d.parent AND e.name = d.name AND e.type = 'd' AND " OWN_NAME ")"
	" OR (" IMPLIED "))";
static const char count_names[] = "SELECT count(*), max(e.id) FROM entry e"
				  " WHERE e.inode = ?3 AND e.type = 'h' AND " OWN_NAME;

/* As OWN says it: hidden by the layer itself, or by nothing that could be named. */
static bool hidden_in_own(const struct query_row *row)
{
	return row->why && row->why != WHY_MARKER && row->why != WHY_UNREACHABLE &&
		(row->hidden_by == row->layer || row->hidden_by < 0);
}

/* A statement with the layer's range bound. */
static int get_bound(struct query *q, int layer, const char *sql, sqlite3_stmt **ret_stmt)
{
	const struct index_layer *own = &q->index->layers[layer];
	int r = store_get(q->store, sql, ret_stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(*ret_stmt, 1, (int64_t)own->first_id);
	sqlite3_bind_int64(*ret_stmt, 2, (int64_t)own->end_id);
	return 0;
}

int query_layer_subdirs(struct query *q, int layer, uint64_t dir, uint32_t *ret_nlink)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = get_bound(q, layer, count_subdirs, &stmt);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)dir);
	r = store_step(q->store, stmt, q->err);
	if (r > 0) {
		*ret_nlink = 2 + (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	return r < 0 ? r : 0;
}

int query_layer_names(struct query *q, int layer, const struct query_row *data,
	struct query_found *found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct peel_node node;
	struct query_row meta;
	uint64_t last;
	uint32_t names;
	int r = get_bound(q, layer, count_names, &stmt);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)data->id);
	r = store_step(q->store, stmt, q->err);
	if (r <= 0) {
		return r;
	}
	names = (uint32_t)sqlite3_column_int64(stmt, 0);
	last = (uint64_t)sqlite3_column_int64(stmt, 1);
	if (names == 0) {
		return 0;
	}
	/* The last link's header sets the metadata of all names. */
	r = query_row_get(q, last, &meta);
	if (r <= 0) {
		return r;
	}
	node = found->node;
	query_node_fill(&found->node, data, &meta);
	found->node.ino = node.ino;
	found->node.view = node.view;
	found->node.nlink = names + !hidden_in_own(data);
	found->xattrs = meta.flags & ENTRY_XATTRS ? meta.id : data->id;
	return 0;
}

static int implied_fill(struct query *q, int layer, uint64_t dir, struct query_found *ret_found)
{
	*ret_found = (struct query_found){
		.node =
			{
				.ino = (uint64_t)(layer + 1) << QUERY_VIEW_SHIFT |
					QUERY_FOLDER_BIT | dir,
				.mode = S_IFDIR | IMPLIED_MODE,
				.layer = layer,
				.view = layer,
				.implied = true,
				.hidden_by = -1,
				.why = "",
			},
		.type = 'd',
		.folder = dir,
	};
	return query_layer_subdirs(q, layer, dir, &ret_found->node.nlink);
}

/* Step and fill from a statement of entries. */
static int step_entry(struct query *q, int layer, sqlite3_stmt *stmt, struct query_found *ret_found)
{
	struct query_row row;
	int r = store_step(q->store, stmt, q->err);

	if (r <= 0) {
		return r;
	}
	r = query_row_read(q, stmt, &row);
	if (r == 0) {
		r = query_layer_fill(q, layer, &row, ret_found);
	}
	return r < 0 ? r : 1;
}

/* Step and fill from a statement of implied folders. */
static int step_implied(struct query *q, int layer, sqlite3_stmt *stmt,
	struct query_found *ret_found)
{
	int64_t dir;
	int r = store_step(q->store, stmt, q->err);

	if (r <= 0) {
		return r;
	}
	dir = sqlite3_column_int64(stmt, 0);
	if (dir <= STORE_ROOT_DIR || (uint64_t)dir >= QUERY_FOLDER_BIT) {
		return peel_fail(q->err, PEEL_EFORMAT,
			STORE_DAMAGED "a folder's id is out of range");
	}
	r = implied_fill(q, layer, (uint64_t)dir, ret_found);
	return r < 0 ? r : 1;
}

static int find_whiteout(struct query *q, int layer, uint64_t dir, const char *name, size_t len,
	struct query_found *ret_found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	const enum path_kind kind = path_classify(name, len, NULL);
	const size_t skip = kind == PATH_OPAQUE ? len : strlen(WHITEOUT_PREFIX);
	int r;

	if (kind != PATH_OPAQUE && kind != PATH_WHITEOUT) {
		return 0;
	}
	r = get_bound(q, layer, own_whiteout, &stmt);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)dir);
	store_bind_blob(stmt, 4, name + skip, len - skip);
	store_bind_text(stmt, 5, kind == PATH_OPAQUE ? "o" : "w");
	return step_entry(q, layer, stmt, ret_found);
}

/* One name by a statement whose parameters 3 and 4 are the folder and the name. */
static int find_by(struct query *q, int layer, const char *sql, uint64_t dir, const void *name,
	size_t len, struct query_found *ret_found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = get_bound(q, layer, sql, &stmt);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)dir);
	store_bind_blob(stmt, 4, name, len);
	return sql == own_name ? step_entry(q, layer, stmt, ret_found)
			       : step_implied(q, layer, stmt, ret_found);
}

int query_layer_name(struct query *q, int layer, uint64_t dir, const void *name, size_t len,
	struct query_found *ret_found)
{
	int r = find_by(q, layer, own_name, dir, name, len, ret_found);

	if (r == 0) {
		r = find_whiteout(q, layer, dir, name, len, ret_found);
	}
	if (r == 0) {
		r = find_by(q, layer, implied_name, dir, name, len, ret_found);
	}
	return r;
}

static int root_node(struct query *q, int layer, struct query_found *ret_found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = get_bound(q, layer, own_root, &stmt);

	if (r == 0) {
		r = step_entry(q, layer, stmt, ret_found);
	}
	if (r == 0) {
		r = implied_fill(q, layer, STORE_ROOT_DIR, ret_found);
		return r < 0 ? r : 1;
	}
	return r;
}

int query_layer_node(struct query *q, const struct query_number *number,
	struct query_found *ret_found)
{
	const struct index_layer *own = &q->index->layers[number->view];
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct query_row row;
	int r;

	if (number->folder && number->id == STORE_ROOT_DIR) {
		return root_node(q, number->view, ret_found);
	}
	if (number->folder) {
		r = get_bound(q, number->view, implied_id, &stmt);
		if (r < 0) {
			return r;
		}
		sqlite3_bind_int64(stmt, 3, (int64_t)number->id);
		return step_implied(q, number->view, stmt, ret_found);
	}
	if (number->id < own->first_id || number->id >= own->end_id) {
		return 0;
	}
	r = query_row_get(q, number->id, &row);
	if (r <= 0) {
		return r;
	}
	/* Hidden by its own layer: only another name may still lead to it. */
	if (hidden_in_own(&row) && !(row.flags & ENTRY_LINKED)) {
		return 0;
	}
	r = query_layer_fill(q, number->view, &row, ret_found);
	return r < 0 ? r : 1;
}

int query_layer_folder(struct query *q, int layer, uint64_t dir, struct query_found *ret_found)
{
	char name[PEEL_PATH_MAX];
	uint64_t parent;
	size_t len;
	int r;

	if (dir == STORE_ROOT_DIR) {
		return root_node(q, layer, ret_found);
	}
	r = query_dir(q, dir, &parent, name, &len);
	if (r < 0) {
		return r;
	}
	r = query_layer_name(q, layer, parent, name, len, ret_found);
	return r > 0 && ret_found->folder != dir ? 0 : r;
}

/* The name that a row has in the view. @return its length; 0: none that can be shown. */
static size_t shown_name(sqlite3_stmt *stmt, char type, char *buf)
{
	const char *prefix = type == 'w' ? WHITEOUT_PREFIX : type == 'o' ? WHITEOUT_OPAQUE : "";
	const size_t prefix_len = strlen(prefix);
	const void *name = sqlite3_column_blob(stmt, QUERY_NAME);
	size_t len = type == 'o' ? 0 : (size_t)sqlite3_column_bytes(stmt, QUERY_NAME);

	if (len > PEEL_NAME_MAX - prefix_len || (len == 0 && type != 'o')) {
		return 0;
	}
	memcpy(buf, prefix, prefix_len);
	if (len) {
		memcpy(buf + prefix_len, name, len);
	}
	return prefix_len + len;
}

static int list_entries(struct query *q, int layer, uint64_t dir, uint64_t cookie,
	peel_dirent_fn *each, void *arg)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = get_bound(q, layer, own_list, &stmt);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)dir);
	sqlite3_bind_int64(stmt, 4, (int64_t)cookie);
	while ((r = store_step(q->store, stmt, q->err)) > 0) {
		char name[PEEL_NAME_MAX];
		struct query_row row;
		struct query_found found;
		struct peel_dirent entry = {.name = name};

		r = query_row_read(q, stmt, &row);
		if (r == 0) {
			r = query_layer_fill(q, layer, &row, &found);
		}
		if (r < 0) {
			return r;
		}
		entry.cookie = row.id;
		entry.name_len = shown_name(stmt, row.type, name);
		entry.node = found.node;
		if (query_name_valid(name, entry.name_len) && each(arg, &entry)) {
			return 1;
		}
	}
	return r;
}

/*
 * One batch of implied folders. @return how many there were, -1 less the error, … see list_implied.
 */
static int list_implied_batch(struct query *q, int layer, uint64_t dir, uint64_t *cookie,
	peel_dirent_fn *each, void *arg, bool *ret_stopped)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int count = 0;
	int r = get_bound(q, layer, implied_list, &stmt);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 3, (int64_t)dir);
	sqlite3_bind_int64(stmt, 4, (int64_t)(*cookie & ~QUERY_FOLDER_BIT));
	sqlite3_bind_int(stmt, 5, IMPLIED_BATCH);
	for (;;) {
		struct query_found found;
		struct peel_dirent entry;

		r = step_implied(q, layer, stmt, &found);
		if (r <= 0) {
			return r < 0 ? r : count;
		}
		count++;
		*cookie = QUERY_FOLDER_BIT | found.folder;
		entry.cookie = *cookie;
		entry.name = sqlite3_column_blob(stmt, 1);
		entry.name_len = (size_t)sqlite3_column_bytes(stmt, 1);
		entry.node = found.node;
		if (!query_name_valid(entry.name, entry.name_len)) {
			continue;
		}
		if (each(arg, &entry)) {
			*ret_stopped = true;
			return count;
		}
	}
}

int query_layer_list(struct query *q, int layer, uint64_t dir, uint64_t cookie,
	peel_dirent_fn *each, void *arg)
{
	bool stopped = false;
	int r;

	if (!(cookie & QUERY_FOLDER_BIT)) {
		r = list_entries(q, layer, dir, cookie, each, arg);
		if (r != 0) {
			return r;
		}
		cookie = QUERY_FOLDER_BIT;
	}
	do {
		r = list_implied_batch(q, layer, dir, &cookie, each, arg, &stopped);
	} while (r == IMPLIED_BATCH && !stopped);
	return r < 0 ? r : stopped;
}
