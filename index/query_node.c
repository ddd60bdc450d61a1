/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes: from rows to what stat shows. Most nodes of the merged tree are one row; only hard links
 * need the rows of the data, of the link count and of the header that sets the metadata.
 */
#include "query_priv.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

static const char hardlink_by_inode[] = "SELECT nlink, meta FROM hardlink WHERE inode = ?1";
static const char dir_entry[] = "SELECT entry FROM dir WHERE id = ?1";
static const char folder_by_id[] = "SELECT type, self, why IS NULL FROM entry WHERE id = ?1";

/* Whiteouts and entries of unknown types are shown by layer views, as files. */
static const struct {
	char letter;
	uint32_t mode;
} types[] = {
	{'?', S_IFREG},
	{'b', S_IFBLK},
	{'c', S_IFCHR},
	{'d', S_IFDIR},
	{'f', S_IFREG},
	{'l', S_IFLNK},
	{'o', S_IFREG},
	{'p', S_IFIFO},
	{'w', S_IFREG},
};

static uint32_t type_mode(char type)
{
	for (size_t i = 0; i < countof(types); i++) {
		if (types[i].letter == type) {
			return types[i].mode;
		}
	}
	return 0;
}

uint64_t peel_root(int view)
{
	if (view == PEEL_VIEW_MERGED) {
		return QUERY_MERGED_ROOT;
	}
	return ((uint64_t)view + 1) << QUERY_VIEW_SHIFT | QUERY_FOLDER_BIT | STORE_ROOT_DIR;
}

int query_number(struct query *q, uint64_t ino, struct query_number *ret_number)
{
	uint64_t layer = ino >> QUERY_VIEW_SHIFT;
	uint64_t low = ino & ((UINT64_C(1) << QUERY_VIEW_SHIFT) - 1);

	if (layer > (uint64_t)q->index->layer_count || (layer == 0 && low >= QUERY_FOLDER_BIT)) {
		return peel_fail(q->err, PEEL_ENOENT, "no node has the number %" PRIu64, ino);
	}
	ret_number->view = (int)layer - 1;
	ret_number->folder = low & QUERY_FOLDER_BIT;
	ret_number->id = low & ~QUERY_FOLDER_BIT;
	if (ino == QUERY_MERGED_ROOT) {
		ret_number->id = q->index->root_entry;
	}
	return 0;
}

void query_node_fill(struct peel_node *node, const struct query_row *data,
	const struct query_row *meta)
{
	*node = (struct peel_node){
		/* Linux knows no other for links, and no engine applies another. */
		.mode = type_mode(data->type) | (data->type == 'l' ? 0777 : meta->mode),
		.nlink = data->type == 'd' ? 2 + data->subdirs : 1,
		.uid = meta->uid,
		.gid = meta->gid,
		.size = data->type == 'l' ? data->link_len : data->size,
		.allocated = data->allocated,
		.mtime_sec = meta->mtime,
		.mtime_nsec = meta->nsec,
		.rdev_major = data->major,
		.rdev_minor = data->minor,
		.layer = meta->layer,
		.implied = meta->flags & ENTRY_IMPLIED,
		.has_xattrs = (data->flags | meta->flags) & ENTRY_XATTRS,
		.sparse = data->flags & ENTRY_SPARSE,
		.plain_link = data->plain_link,
		.hidden_by = -1,
		.why = "",
	};
}

/* Link count and metadata row of a file that has several names. */
static int read_hardlink(struct query *q, const struct query_row *data, uint32_t *ret_nlink,
	uint64_t *ret_meta)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, hardlink_by_inode, &stmt, q->err);

	*ret_nlink = 1;
	*ret_meta = data->id;
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)data->id);
	r = store_step(q->store, stmt, q->err);
	if (r > 0) {
		*ret_nlink = (uint32_t)sqlite3_column_int64(stmt, 0);
		*ret_meta = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	return r < 0 ? r : 0;
}

/* The row that a hard link's entry points to. */
static int follow_hardlink(struct query *q, const struct query_row *name,
	struct query_row *ret_data)
{
	int r = query_row_get(q, name->inode, ret_data);

	if (r < 0) {
		return r;
	}
	if (r == 0 || strchr("dhwo", ret_data->type)) {
		return query_corrupt(q, name->id, "a hard link to nothing");
	}
	return 0;
}

static int read_meta(struct query *q, uint64_t id, struct query_row *ret_meta)
{
	int r = query_row_get(q, id, ret_meta);

	return r == 0 ? query_corrupt(q, id, "a hard link's metadata is missing") : r < 0 ? r : 0;
}

static void set_found(struct query_found *found, const struct query_row *data,
	const struct query_row *meta)
{
	query_node_fill(&found->node, data, meta);
	found->type = data->type;
	found->data = data->id;
	found->xattrs = meta->flags & ENTRY_XATTRS ? meta->id : data->id;
	found->folder = data->type == 'd' ? data->self : 0;
	found->parent = data->dir;
	found->own_name = !data->why;
	found->single = data->type == 'd';
	found->place = (struct query_place){
		.entry = data->id,
		.size = data->size,
		.data = data->data,
		.layer = data->layer,
		.sparse = data->flags & ENTRY_SPARSE,
	};
}

int query_merged_fill(struct query *q, const struct query_row *row, struct query_found *ret_found)
{
	struct query_row target;
	struct query_row header;
	const struct query_row *data = row;
	const struct query_row *meta;
	uint32_t nlink;
	uint64_t meta_id;
	int r;

	if (row->type == 'h') {
		r = follow_hardlink(q, row, &target);
		if (r < 0) {
			return r;
		}
		data = &target;
	}
	meta = data;
	if (data->flags & ENTRY_LINKED) {
		r = read_hardlink(q, data, &nlink, &meta_id);
		if (r == 0 && meta_id != data->id) {
			r = read_meta(q, meta_id, &header);
			meta = &header;
		}
		if (r < 0) {
			return r;
		}
	}
	set_found(ret_found, data, meta);
	if (data->flags & ENTRY_LINKED) {
		ret_found->node.nlink = nlink;
	}
	ret_found->node.view = PEEL_VIEW_MERGED;
	ret_found->node.ino = data->id;
	if (data->id == q->index->root_entry) {
		ret_found->node.ino = QUERY_MERGED_ROOT;
		ret_found->node.layer = ret_found->node.implied ? -1 : ret_found->node.layer;
	}
	return 0;
}

/* What became of a name of a layer's view: not what the layer itself does, and not what no layer shows. */
static void set_fate(const struct query_row *row, struct peel_node *node)
{
	if (row->why && row->hidden_by > row->layer) {
		node->hidden_by = row->hidden_by;
		node->why = query_reason(row->why);
	}
}

int query_layer_fill(struct query *q, int layer, const struct query_row *row,
	struct query_found *ret_found)
{
	const struct index_layer *own = &q->index->layers[layer];
	const uint64_t base = (uint64_t)(layer + 1) << QUERY_VIEW_SHIFT;
	struct query_row target;
	const struct query_row *data = row;
	uint64_t number = row->id;
	int r = 0;

	if (row->type == 'h') {
		r = follow_hardlink(q, row, &target);
		if (r < 0) {
			return r;
		}
		data = &target;
		if (data->id >= own->first_id && data->id < own->end_id) {
			number = data->id;
		}
	}
	set_found(ret_found, data, data);
	ret_found->node.view = layer;
	ret_found->node.ino = base | number;
	ret_found->own_name = !(data->why && data->hidden_by == layer);
	if (number != data->id) {
		/* A lower layer's file under a number of its own: this name alone leads to it. */
		ret_found->parent = row->dir;
		ret_found->single = true;
	}
	if (row->dir == 0) {
		ret_found->node.ino = peel_root(layer);
	}
	if (data->type == 'd') {
		r = query_layer_subdirs(q, layer, data->self, &ret_found->node.nlink);
	} else if (data->flags & ENTRY_LINKED && number == data->id) {
		r = query_layer_names(q, layer, data, ret_found);
	}
	set_fate(row, &ret_found->node);
	return r;
}

/* Whether the merged tree shows the data of an entry: under its own name, or under another one. */
static int is_shown(struct query *q, const struct query_row *row)
{
	uint32_t nlink;
	uint64_t meta;
	int r;

	if (strchr("hwo", row->type)) {
		return 0;
	}
	if (!row->why && !(row->flags & ENTRY_UNSHOWABLE)) {
		return 1;
	}
	if (!(row->flags & ENTRY_LINKED)) {
		return 0;
	}
	r = read_hardlink(q, row, &nlink, &meta);
	return r < 0 ? r : nlink > 0;
}

int query_node(struct query *q, uint64_t ino, struct query_found *ret_found)
{
	struct query_number number;
	struct query_row row;
	int r = query_number(q, ino, &number);

	if (r < 0) {
		return r == PEEL_ENOENT ? 0 : r;
	}
	if (number.view != PEEL_VIEW_MERGED) {
		return query_layer_node(q, &number, ret_found);
	}
	r = query_row_get(q, number.id, &row);
	if (r <= 0) {
		return r;
	}
	r = is_shown(q, &row);
	if (r <= 0) {
		return r;
	}
	r = query_merged_fill(q, &row, ret_found);
	return r < 0 ? r : 1;
}

int query_folder_node(struct query *q, int view, uint64_t dir, struct query_found *ret_found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	uint64_t entry;
	int r;

	if (view != PEEL_VIEW_MERGED) {
		return query_layer_folder(q, view, dir, ret_found);
	}
	if (dir == STORE_ROOT_DIR) {
		return query_node(q, QUERY_MERGED_ROOT, ret_found);
	}
	r = store_get(q->store, dir_entry, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	r = store_step(q->store, stmt, q->err);
	if (r <= 0) {
		return r;
	}
	entry = (uint64_t)sqlite3_column_int64(stmt, 0);
	return entry == 0 ? 0 : query_node(q, entry, ret_found);
}

int query_folder(struct query *q, uint64_t ino, int *ret_view, uint64_t *ret_dir)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct query_number number = {0};
	int r = query_number(q, ino, &number);

	if (r < 0) {
		return r;
	}
	*ret_view = number.view;
	if (number.folder) {
		*ret_dir = number.id;
		return 0;
	}
	r = store_get(q->store, folder_by_id, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)number.id);
	r = store_step(q->store, stmt, q->err);
	if (r < 0) {
		return r;
	}
	if (r == 0 || (number.view == PEEL_VIEW_MERGED && !sqlite3_column_int(stmt, 2))) {
		return peel_fail(q->err, PEEL_ENOENT, "no node has the number %" PRIu64, ino);
	}
	if (strcmp(store_text(stmt, 0), "d") != 0) {
		return peel_fail(q->err, PEEL_ENOTDIR, "not a folder");
	}
	*ret_dir = (uint64_t)sqlite3_column_int64(stmt, 1);
	return *ret_dir < QUERY_FOLDER_BIT ? 0
					   : query_corrupt(q, number.id, "an id is out of range");
}

int peel_node_get(struct peel_index *index, uint64_t ino, struct peel_node *ret_node,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_found found;
	int r = query_begin(&q, index, err);

	if (r < 0) {
		return r;
	}
	r = query_node(&q, ino, &found);
	if (r <= 0) {
		return r < 0 ? r
			     : peel_fail(err, PEEL_ENOENT, "no node has the number %" PRIu64, ino);
	}
	*ret_node = found.node;
	return 0;
}
