/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in the byte order of whole paths: "/a", "/a-b", "/a/x". The slash counts as the byte that it
 * is, so what is in a folder comes after names that go on with one of the 46 lower bytes.
 *
 * The folders are walked by table dir, the names in one by the index entry_path, both in byte order of the
 * names. A folder "a" has the place of the key "a/" among the names; so names come in portions, up to the
 * key of the next folder, and between two portions that folder is walked. Folders in the order of their keys
 * differ from those in the order of their names only where one's name begins another's: "a" waits while
 * "a-b" and "a.c" pass. All that wait are beginnings of the name at hand, hence of the path at hand, and a
 * length is all that is kept of them. After a folder with the name N the next one to read is the first past "N/".
 *
 * Nothing is sorted and nothing is held but the way down: the memory is that of one path. A folder costs
 * two probes of each index.
 *
 * A file whose own name is hidden while a hard link shows it has the place of its first link. The rows of
 * those links are looked up beforehand: eight bytes for each such file.
 *
 * Rejected: sorting the paths (all of them at once, in memory or on disk); holding a cursor open for each
 * folder on the way down (a statement a level).
 */
#include "query_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* The next folder in a folder; of those that the merged tree has. */
static const char next_folder[] =
	"SELECT id, name FROM dir WHERE parent = ?1 AND name > ?2 ORDER BY name LIMIT 1";
static const char next_folder_visible[] =
	"SELECT id, name FROM dir WHERE parent = ?1 AND name > ?2 AND entry IS NOT NULL ORDER BY name LIMIT 1";
/*
 * Names of files and hard links in folder ?1 from ?2 on and before ?3, files before hard links of the same name; all
 * that it asks for is in the index. The end is the statement's: what is beyond it may be a million folders.
 */
#define NAMES \
	"SELECT e.id, e.name, e.type = 'h' FROM entry e INDEXED BY entry_path" \
	" WHERE e.dir = ?1 AND e.name >= ?2 AND e.type IN ('f', 'h')"
#define IN_ORDER " ORDER BY e.name, e.type, e.id"
static const char portion[] = NAMES " AND e.name < ?3" IN_ORDER;
/* The same to the folder's end. */
static const char rest[] = NAMES IN_ORDER;
/* Links that show a file whose own name is hidden. */
static const char shown_links[] =
	"SELECT h.inode, h.id FROM entry h WHERE h.inode IS NOT NULL AND h.type = 'h' AND h.why IS NULL"
	" AND (SELECT e.why FROM entry e WHERE e.id = h.inode) IS NOT NULL ORDER BY h.inode, h.id";

/* A folder whose key has not come yet. */
struct waiting {
	uint64_t dir;
	/** Of its name, which stands in the path after that of its parent. */
	size_t name_len;
};

/* A folder on the way down. */
struct level {
	uint64_t dir;
	/** Of its path. */
	size_t path_len;
	/** Number of those that wait, of all levels above. */
	size_t waiting;
};

struct walk {
	struct pieces *pieces;
	/** Names are at least one byte, so no path has more of either. */
	struct level levels[FOLDER_DEPTH_MAX];
	size_t depth;
	struct waiting waiting[PEEL_PATH_MAX];
	size_t waiting_count;
	/** Links that stand for a file, ascending. */
	struct shown_link {
		uint64_t id, inode;
	} * links;
	size_t link_count, link_room;
	/** The last name that was read in the folder at hand; all that wait there begin it. */
	char text[PEEL_PATH_MAX];
	/** Names in the folder at hand less than this were handed over. */
	size_t from_len;
	char from[PEEL_PATH_MAX];
};

static int compare_links(const void *a, const void *b)
{
	const struct shown_link *one = a;
	const struct shown_link *two = b;

	return one->id < two->id ? -1 : one->id > two->id;
}

/* The first link of each file that only links show. */
static int find_links(struct walk *walk)
{
	struct query *q = &walk->pieces->q;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int64_t last = -1;
	int r = store_get(q->store, shown_links, &stmt, q->err);

	while (r == 0 && (r = store_step(q->store, stmt, q->err)) > 0) {
		const int64_t inode = sqlite3_column_int64(stmt, 0);

		r = 0;
		if (inode == last) {
			continue;
		}
		if (!grow_array(&walk->links, walk->link_count, &walk->link_room,
			    sizeof(*walk->links))) {
			return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
		}
		walk->links[walk->link_count++] = (struct shown_link){
			.id = (uint64_t)sqlite3_column_int64(stmt, 1), .inode = (uint64_t)inode};
		last = inode;
	}
	if (walk->link_count > 0) {
		qsort(walk->links, walk->link_count, sizeof(*walk->links), compare_links);
	}
	return r;
}

/* The file that a link stands for, 0: none. */
static uint64_t linked_file(const struct walk *walk, uint64_t link)
{
	const struct shown_link wanted = {.id = link};
	const struct shown_link *found = walk->link_count
		? bsearch(&wanted, walk->links, walk->link_count, sizeof(wanted), compare_links)
		: NULL;

	return found ? found->inode : 0;
}

/* Hand over the piece that a name stands for, if it does. */
static int emit_name(struct walk *walk, sqlite3_stmt *stmt, size_t len)
{
	struct pieces *pieces = walk->pieces;
	const uint64_t entry = (uint64_t)sqlite3_column_int64(stmt, 0);
	const bool is_link = sqlite3_column_int(stmt, 2);
	/* Links lead to devices and symlinks too. */
	const uint64_t file = is_link ? linked_file(walk, entry) : entry;
	struct piece_row row;
	const int r = file ? piece_at(pieces, file, &row) : 0;

	if (r <= 0 || (is_link && (!row.visible || row.own)) ||
		(!is_link && (row.visible ? !row.own : pieces->visible_only))) {
		return r < 0 ? r : 0;
	}
	return pieces_emit(pieces, &row, len);
}

/* Names in the folder at hand from where it stands. @param until up to this; NULL: to the end. */
static int emit_names(struct walk *walk, const char *until, size_t until_len)
{
	struct pieces *pieces = walk->pieces;
	struct query *q = &pieces->q;
	const struct level *level = &walk->levels[walk->depth - 1];
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	size_t len;
	int r = store_get(q->store, until ? portion : rest, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)level->dir);
	store_bind_blob(stmt, 2, walk->from, walk->from_len);
	if (until) {
		store_bind_blob(stmt, 3, until, until_len);
	}
	while (r == 0 && (r = store_step(q->store, stmt, q->err)) > 0) {
		r = pieces_append(pieces, level->path_len, sqlite3_column_blob(stmt, 1),
			(size_t)sqlite3_column_bytes(stmt, 1), &len);
		if (r == 0) {
			r = emit_name(walk, stmt, len);
		}
	}
	return r;
}

/* Read the first folder past a name in the folder at hand. @return 1, 0 at the end, or less than 0. */
static int probe(struct walk *walk, sqlite3_stmt *stmt, const char *after, size_t len)
{
	const struct query *q = &walk->pieces->q;
	const struct level *level = &walk->levels[walk->depth - 1];

	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, (int64_t)level->dir);
	store_bind_blob(stmt, 2, after, len);
	return store_step(q->store, stmt, q->err);
}

/* Let the folder that was read wait. */
static int wait_for_key(struct walk *walk, sqlite3_stmt *stmt)
{
	struct query *q = &walk->pieces->q;
	const struct level *level = &walk->levels[walk->depth - 1];
	const int64_t dir = sqlite3_column_int64(stmt, 0);
	const void *name = sqlite3_column_blob(stmt, 1);
	const size_t len = (size_t)sqlite3_column_bytes(stmt, 1);

	/* Ascending ids are what makes every walk end. */
	if (dir <= (int64_t)level->dir || len == 0 || memchr(name, '/', len)) {
		return peel_fail(q->err, PEEL_EFORMAT, STORE_DAMAGED "a folder's name");
	}
	if (len + 1 >= PEEL_PATH_MAX - level->path_len || walk->waiting_count == PEEL_PATH_MAX) {
		return peel_fail(q->err, PEEL_ELIMIT, "a path over %d bytes", PEEL_PATH_MAX - 1);
	}
	memcpy(walk->text, name, len);
	walk->waiting[walk->waiting_count++] = (struct waiting){(uint64_t)dir, len};
	return 0;
}

/* Whether the folder that was read has its key before that of the last one that waits. */
static bool passes(const struct walk *walk, sqlite3_stmt *stmt)
{
	const struct waiting *last = &walk->waiting[walk->waiting_count - 1];
	const unsigned char *name = sqlite3_column_blob(stmt, 1);

	return (size_t)sqlite3_column_bytes(stmt, 1) > last->name_len &&
		memcmp(name, walk->text, last->name_len) == 0 && name[last->name_len] < '/';
}

/*
 * The folder with the next key in the folder at hand; its name stands in text.
 * @return 1, 0 there is none, or less than 0.
 */
static int next_key(struct walk *walk, struct waiting *ret_folder)
{
	struct query *q = &walk->pieces->q;
	const size_t base = walk->levels[walk->depth - 1].waiting;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, walk->pieces->visible_only ? next_folder_visible : next_folder,
		&stmt, q->err);
	int more = r < 0 ? r : probe(walk, stmt, walk->from, walk->from_len);

	while (more > 0 && (walk->waiting_count == base || passes(walk, stmt))) {
		r = wait_for_key(walk, stmt);
		more = r < 0 ? r
			     : probe(walk, stmt, walk->text,
				       walk->waiting[walk->waiting_count - 1].name_len);
	}
	if (more < 0 || walk->waiting_count == base) {
		return more;
	}
	*ret_folder = walk->waiting[--walk->waiting_count];
	return 1;
}

/* Go into a folder whose name stands in text. */
static void descend(struct walk *walk, const struct waiting *folder)
{
	const struct level *level = &walk->levels[walk->depth - 1];
	char *end = walk->pieces->path + level->path_len;

	*end = '/';
	memcpy(end + 1, walk->text, folder->name_len);
	walk->levels[walk->depth++] = (struct level){.dir = folder->dir,
		.path_len = level->path_len + 1 + folder->name_len,
		.waiting = walk->waiting_count};
	walk->from_len = 0;
}

/* Go back to the folder above, past the one that is done. */
static void ascend(struct walk *walk)
{
	const size_t end = walk->levels[--walk->depth].path_len;
	size_t start;

	if (walk->depth == 0) {
		return;
	}
	start = walk->levels[walk->depth - 1].path_len + 1;
	memcpy(walk->text, walk->pieces->path + start, end - start);
	memcpy(walk->from, walk->text, end - start);
	walk->from[end - start] = '/';
	walk->from_len = end - start + 1;
}

/* One portion of names, and the way to the next. */
static int advance(struct walk *walk)
{
	struct waiting folder = {0};
	const int more = next_key(walk, &folder);
	int r;

	if (more < 0) {
		return more;
	}
	if (more > 0) {
		walk->text[folder.name_len] = '/';
	}
	r = emit_names(walk, more ? walk->text : NULL, more ? folder.name_len + 1 : 0);
	if (r != 0) {
		return r;
	}
	if (more > 0) {
		descend(walk, &folder);
	} else {
		ascend(walk);
	}
	return 0;
}

int pieces_by_path(struct pieces *pieces)
{
	cleanup_free struct walk *walk = calloc(1, sizeof(*walk));
	int r;

	if (!walk) {
		return peel_fail(pieces->q.err, PEEL_ENOMEM, "out of memory");
	}
	walk->pieces = pieces;
	walk->levels[0].dir = STORE_ROOT_DIR;
	walk->depth = 1;
	r = find_links(walk);
	while (r == 0 && walk->depth > 0) {
		r = advance(walk);
	}
	free(walk->links);
	return r;
}
