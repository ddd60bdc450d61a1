/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each tree lists a folder in the order of names, which is that of an index of the schema, a batch at a time;
 * so the two
 * lists merge as they come. The walk keeps one level a folder on the way down, and a level no more than a
 * batch of each
 * tree: memory is bounded by the depth, whatever a folder holds. Batches of deep levels are small for that reason.
 *
 * The other way, one sorted list of paths of each tree, costs a sort of all paths twice and finds the same.
 */
#include "diff_walk.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Names read at once, and from which depth on fewer: 2 trees * (16 * 128 + 8000 * 4) * 600 bytes at the worst. */
#define BATCH 128
#define BATCH_DEEP 4
#define DEEP 16

#define LIST_FROM " FROM entry e INDEXED BY entry_path"
#define LIST_WHERE \
	" WHERE e.dir = ?1 AND e.name > ?2 AND " QUERY_VISIBLE " ORDER BY e.name LIMIT ?3"

/* Columns after the row's. */
enum {
	COLUMN_HASH = QUERY_COLUMN_COUNT,
	COLUMN_PACKAGE,
	COLUMN_CATEGORY,
};

static const char list_sql[] = "SELECT " QUERY_COLUMNS ", e.hash, NULL, NULL" LIST_FROM LIST_WHERE;
static const char list_facts_sql[] =
	"SELECT " QUERY_COLUMNS ", coalesce(e.hash, f.hash), f.package, f.category" LIST_FROM
	" LEFT JOIN facts.file f ON f.entry = coalesce(e.inode, e.id)" LIST_WHERE;
/* The name at which a file's bytes count: its own, else the first hard link. */
static const char counting_sql[] =
	"SELECT coalesce((SELECT e.id FROM entry e WHERE e.id = ?1 AND " QUERY_VISIBLE "),"
	" (SELECT min(e.id) FROM entry e INDEXED BY entry_inode WHERE e.inode = ?1 AND " QUERY_VISIBLE
	"))";

/* One tree's part of a level. */
struct list {
	/* dir.id, 0: this tree has no such folder. */
	uint64_t dir;
	struct diff_name *names;
	size_t count, at, room;
	bool ended;
};

struct level {
	struct list lists[2];
	/* Length of the folder's path. */
	size_t path_len;
};

struct walk {
	struct query queries[2];
	struct level *levels;
	size_t depth, room;
	diff_pair_fn *each;
	void *arg;
	struct peel_error *err;
	size_t path_len;
	char path[DIFF_PATH_MAX + 1];
};

static void level_finish(struct level *level)
{
	free(level->lists[0].names);
	free(level->lists[1].names);
}

static void walk_finish(struct walk *walk)
{
	while (walk->depth > 0) {
		level_finish(&walk->levels[--walk->depth]);
	}
	free(walk->levels);
	query_end_(&walk->queries[0]);
	query_end_(&walk->queries[1]);
}

static int read_counting(struct query *q, const struct query_row *row, struct diff_name *name)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r;

	name->counts = row->type == 'f';
	if (row->type != 'h' || name->found.type != 'f') {
		return 0;
	}
	r = store_get(q->store, counting_sql, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)name->found.data);
	r = store_step(q->store, stmt, q->err);
	name->counts = r > 0 && (uint64_t)sqlite3_column_int64(stmt, 0) == row->id;
	return r < 0 ? r : 0;
}

static void read_facts(sqlite3_stmt *stmt, struct diff_name *name)
{
	name->hashed = sqlite3_column_bytes(stmt, COLUMN_HASH) == PEEL_FAST_HASH_SIZE;
	if (name->hashed) {
		memcpy(name->hash, sqlite3_column_blob(stmt, COLUMN_HASH), PEEL_FAST_HASH_SIZE);
	}
	name->package = (uint32_t)sqlite3_column_int64(stmt, COLUMN_PACKAGE);
	name->category = (uint32_t)sqlite3_column_int64(stmt, COLUMN_CATEGORY);
}

/* The name that the statement stands on. @return 1 taken, 0 one that no view shows, or less than 0. */
static int take_name(struct query *q, sqlite3_stmt *stmt, struct diff_name *name)
{
	const char *bytes = sqlite3_column_blob(stmt, QUERY_NAME);
	size_t len = (size_t)sqlite3_column_bytes(stmt, QUERY_NAME);
	struct query_row row;
	int r;

	if (!query_name_valid(bytes, len)) {
		return 0;
	}
	memcpy(name->name, bytes, len);
	name->name_len = len;
	read_facts(stmt, name);
	r = query_row_read(q, stmt, &row);
	if (r == 0) {
		name->entry = row.id;
		r = query_merged_fill(q, &row, &name->found);
	}
	if (r == 0) {
		/* The hash of a sparse file is of the bytes that its tar has. */
		name->hashed = name->hashed && !name->found.node.sparse;
		r = read_counting(q, &row, name);
	}
	return r < 0 ? r : 1;
}

/* The next batch of names, after the last one. */
static int list_fill(struct query *q, struct list *list, size_t batch)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	char after[PEEL_NAME_MAX];
	size_t after_len = 0;
	size_t rows = 0;
	int r = store_get(q->store, peel_has_facts(q->index) ? list_facts_sql : list_sql, &stmt,
		q->err);

	if (r < 0) {
		return r;
	}
	if (!list->names) {
		list->names = malloc(batch * sizeof(*list->names));
		if (!list->names) {
			return peel_fail(q->err, PEEL_ENOMEM, "no memory");
		}
	} else if (list->count > 0) {
		after_len = list->names[list->count - 1].name_len;
		memcpy(after, list->names[list->count - 1].name, after_len);
	}
	list->count = list->at = 0;
	sqlite3_bind_int64(stmt, 1, (int64_t)list->dir);
	store_bind_blob(stmt, 2, after, after_len);
	sqlite3_bind_int64(stmt, 3, (int64_t)batch);
	while ((r = store_step(q->store, stmt, q->err)) > 0) {
		rows++;
		r = take_name(q, stmt, &list->names[list->count]);
		if (r < 0) {
			return r;
		}
		list->count += (size_t)r;
	}
	list->ended = rows < batch;
	/* The next batch goes on after the last name that could be taken. */
	return r == 0 && list->count == 0 && !list->ended
		? peel_fail(q->err, PEEL_EFORMAT,
			  "the index is damaged: it shows names that are none")
		: r;
}

/* The next name of one tree in a level; NULL at the end. */
static int list_peek(struct walk *walk, int side, struct list *list,
	const struct diff_name **ret_name)
{
	int r = 0;

	*ret_name = NULL;
	while (r == 0 && list->dir && list->at == list->count && !list->ended) {
		r = list_fill(&walk->queries[side], list, walk->depth <= DEEP ? BATCH : BATCH_DEEP);
	}
	if (r == 0 && list->at < list->count) {
		*ret_name = &list->names[list->at];
	}
	return r;
}

static int compare_names(const struct diff_name *a, const struct diff_name *b)
{
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->name, b->name, len);

	return order ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int set_path(struct walk *walk, const struct level *level, const struct diff_name *name)
{
	size_t len = level->path_len;

	if (len + 1 + name->name_len > DIFF_PATH_MAX) {
		return peel_fail(walk->err, PEEL_ELIMIT, "a path is longer than %d bytes",
			DIFF_PATH_MAX);
	}
	walk->path[len] = '/';
	memcpy(walk->path + len + 1, name->name, name->name_len);
	walk->path_len = len + 1 + name->name_len;
	walk->path[walk->path_len] = '\0';
	return 0;
}

/* Go down into a folder that at least one tree has. */
static int push_level(struct walk *walk, uint64_t a, uint64_t b, size_t path_len)
{
	if (!grow_array(&walk->levels, walk->depth, &walk->room, sizeof(*walk->levels))) {
		return peel_fail(walk->err, PEEL_ENOMEM, "no memory");
	}
	walk->levels[walk->depth++] = (struct level){
		.lists = {{.dir = a}, {.dir = b}},
		.path_len = path_len,
	};
	return 0;
}

static uint64_t folder_of(const struct diff_name *name)
{
	return name ? name->found.folder : 0;
}

/* Take the next path of the innermost level. @return 1, 0 where the level is at its end, or what stops. */
static int step(struct walk *walk, int *ret_stop)
{
	struct level *level = &walk->levels[walk->depth - 1];
	const struct diff_name *a = NULL;
	const struct diff_name *b = NULL;
	uint64_t folders[2];
	int order;
	int r = list_peek(walk, 0, &level->lists[0], &a);

	if (r == 0) {
		r = list_peek(walk, 1, &level->lists[1], &b);
	}
	if (r < 0 || (!a && !b)) {
		return r;
	}
	order = !b ? -1 : !a ? 1 : compare_names(a, b);
	a = order <= 0 ? a : NULL;
	b = order >= 0 ? b : NULL;
	r = set_path(walk, level, a ? a : b);
	if (r < 0) {
		return r;
	}
	level->lists[0].at += a != NULL;
	level->lists[1].at += b != NULL;
	folders[0] = folder_of(a);
	folders[1] = folder_of(b);
	*ret_stop = walk->each(walk->arg,
		&(struct diff_pair){
			.path = walk->path, .path_len = walk->path_len, .a = a, .b = b});
	if (*ret_stop == 0 && (folders[0] || folders[1])) {
		r = push_level(walk, folders[0], folders[1], walk->path_len);
	}
	return r < 0 ? r : 1;
}

static int root_name(struct query *q, struct diff_name *name)
{
	int r;

	*name = (struct diff_name){.entry = q->index->root_entry};
	r = query_node(q, QUERY_MERGED_ROOT, &name->found);
	return r == 0 ? peel_fail(q->err, PEEL_EFORMAT, "the index has no root") : r < 0 ? r : 0;
}

static int walk_root(struct walk *walk, int *ret_stop)
{
	struct diff_name roots[2];
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		r = root_name(&walk->queries[i], &roots[i]);
	}
	if (r < 0) {
		return r;
	}
	*ret_stop = walk->each(walk->arg,
		&(struct diff_pair){.path = "/", .path_len = 1, .a = &roots[0], .b = &roots[1]});
	/* Not the root's node numbers: names lie under its row of table dir. */
	return push_level(walk, STORE_ROOT_DIR, STORE_ROOT_DIR, 0);
}

int diff_walk(struct peel_index *a, struct peel_index *b, diff_pair_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup(walk_finish) struct walk walk = {.each = each, .arg = arg, .err = err};
	int stop = 0;
	int r = query_begin(&walk.queries[0], a, err);

	if (r == 0) {
		r = query_begin(&walk.queries[1], b, err);
	}
	if (r == 0) {
		r = walk_root(&walk, &stop);
	}
	while (r >= 0 && stop == 0 && walk.depth > 0) {
		r = step(&walk, &stop);
		if (r == 0) {
			level_finish(&walk.levels[--walk.depth]);
		}
	}
	return r < 0 ? r : stop;
}
