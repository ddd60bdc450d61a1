/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a folder on the way to an entry a symlink that the same layer made? Nearly never, so nothing is kept for it
 * but a Bloom filter over the layer's symlinks: one word a name, three bits in it. Where that says maybe, the
 * layer's rows so far are gone through once, and its symlinks put into a table, which is kept up to the layer's end.
 */
#include "tree_priv.h"

#include <stdlib.h>
#include <string.h>

#include "store_page.h"
#include "store_rows.h"
#include "util.h"

/**
 * Words of the filter, powers of two: for the first links a part that fits the processor's cache, 32 bits a link;
 * for more the rest, 8 bits a link at a million of them.
 */
#define FIRST_WORDS fuzz_size(1u << 13, 16u)
#define FIRST_LINKS fuzz_size(1u << 14, 3u)
#define MORE_WORDS fuzz_size(1u << 17, 64u)
#define FILTER_WORDS (FIRST_WORDS + MORE_WORDS)

/** Columns of table entry that are read here, by their place. */
enum {
	COLUMN_DIR = 2,
	COLUMN_NAME = 3,
	COLUMN_TYPE = 4,
	COLUMN_LINK = 12,
	COLUMNS,
};

int tree_follow_init(struct tree *tree, struct peel_error *err)
{
	tree->link_filter = calloc(FILTER_WORDS, sizeof(*tree->link_filter));
	return tree->link_filter ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

void tree_follow_begin(struct tree *tree)
{
	size_t used = tree->layer_links > FIRST_LINKS ? FILTER_WORDS : FIRST_WORDS;

	memset(tree->link_filter, 0, used * sizeof(*tree->link_filter));
	tree->layer_links = 0;
}

static uint64_t filter_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
		UINT64_C(1) << (hash >> 12 & 63);
}

/** The word of a name, of the first part or of the rest. */
static uint64_t *filter_word(const struct tree *tree, uint64_t hash, bool more)
{
	return &tree->link_filter[more ? FIRST_WORDS + (hash >> 32 & (MORE_WORDS - 1))
				       : hash >> 32 & (FIRST_WORDS - 1)];
}

bool tree_follow_maybe(const struct tree *tree, uint64_t hash)
{
	const uint64_t bits = filter_bits(hash);

	return tree->layer_links > 0 &&
		((*filter_word(tree, hash, false) & bits) == bits ||
			(tree->layer_links > FIRST_LINKS &&
				(*filter_word(tree, hash, true) & bits) == bits));
}

/** What stands at a name from an entry on; the table has the last one. */
static int put_link(struct tree *tree, const struct tree_name *name, uint64_t id, const void *link,
	size_t link_len, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO temp.layer_link (dir, name, id, link) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT DO UPDATE SET id = excluded.id, link = excluded.link"
		" WHERE excluded.id > layer_link.id";
	sqlite3_stmt *stmt;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, name->dir);
	store_bind_blob(stmt, 2, name->bytes, name->len);
	sqlite3_bind_int64(stmt, 3, (int64_t)id);
	store_bind_blob(stmt, 4, link, link_len);
	return store_run(tree->store, stmt, err);
}

/** A row of this layer that was added before. */
static int take_row(void *arg, const struct page_row *row, struct peel_error *err)
{
	struct tree *tree = arg;
	struct record_column columns[COLUMNS];
	const struct record_column *link = &columns[COLUMN_LINK];
	struct tree_name name;
	char type;

	if (!record_read(row->bytes, row->len, columns, COLUMNS)) {
		return peel_fail(err, PEEL_EINTERNAL, "a page of rows is damaged");
	}
	name = (struct tree_name){
		.dir = (uint32_t)record_column_int(&columns[COLUMN_DIR]),
		.bytes = (const char *)columns[COLUMN_NAME].bytes,
		.len = columns[COLUMN_NAME].len,
	};
	type = (char)columns[COLUMN_TYPE].bytes[0];
	if (type == 'w' || type == 'o' || type == '?' ||
		!tree_follow_maybe(tree, tree_name_hash(tree, name.dir, name.bytes, name.len))) {
		return 0;
	}
	return put_link(tree, &name, row->id, type == 'l' ? link->bytes : NULL, link->len, err);
}

/** Rows of this layer that were too long for store_rows.h. */
static int take_long_rows(struct tree *tree, uint64_t from, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO temp.layer_link (dir, name, id, link)"
		" SELECT dir, name, id, CASE type WHEN 'l' THEN link END FROM temp.long_entry"
		" WHERE id >= ?1 AND type NOT IN ('w', 'o', '?')"
		" ON CONFLICT DO UPDATE SET id = excluded.id, link = excluded.link"
		" WHERE excluded.id > layer_link.id";
	sqlite3_stmt *stmt;
	int code = tree->any_long ? store_get(tree->store, sql, &stmt, err) : 1;

	if (code != 0) {
		return code < 0 ? code : 0;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)from);
	return store_run(tree->store, stmt, err);
}

/** Fill the table with what the layer has so far. */
static int fill(struct tree *tree, struct peel_error *err)
{
	static const char make[] =
		"CREATE TEMP TABLE IF NOT EXISTS layer_link"
		" (dir INTEGER, name BLOB, id INTEGER, link BLOB, PRIMARY KEY (dir, name)) WITHOUT ROWID;"
		"DELETE FROM temp.layer_link";
	uint64_t first = tree->layers[tree->layer].first_id;
	int code = store_exec(tree->store, make, err);

	if (code == 0) {
		code = store_rows_each(tree->rows, first, take_row, tree, err);
	}
	if (code == 0) {
		code = take_long_rows(tree, first, err);
	}
	tree->links_layer = tree->layer;
	return code;
}

int tree_follow_note(struct tree *tree, uint64_t hash, const struct tree_name *name,
	const char *link, size_t link_len, struct peel_error *err)
{
	bool maybe = tree_follow_maybe(tree, hash);

	if (link) {
		*filter_word(tree, hash, tree->layer_links >= FIRST_LINKS) |= filter_bits(hash);
		tree->layer_links++;
	}
	return tree->links_layer == tree->layer && (maybe || link)
		? put_link(tree, name, tree->next_id, link, link_len, err)
		: 0;
}

int tree_follow(struct tree *tree, const struct tree_name *name, const char *rest, size_t rest_len,
	char *to, size_t *ret_to_len, struct peel_error *err)
{
	static const char sql[] =
		"SELECT link FROM temp.layer_link WHERE dir = ?1 AND name = ?2 AND id >= ?3 AND id < ?4"
		" AND link IS NOT NULL";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	const char *link;
	size_t link_len;
	int code = tree->links_layer == tree->layer ? 0 : fill(tree, err);

	if (code == 0) {
		code = tree_ask(tree, sql, name, 0, tree->next_id, &stmt, err);
	}
	if (code <= 0) {
		return code;
	}
	link = sqlite3_column_blob(stmt, 0);
	link_len = (size_t)sqlite3_column_bytes(stmt, 0);
	if (link_len == 0) {
		/* An empty target leads nowhere else, and not to the root. */
		link = ".";
		link_len = 1;
	}
	if (link_len + 1 + rest_len > TREE_PATH_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "path over %d bytes through a symlink",
			TREE_PATH_MAX);
	}
	/* rest may lie in the buffer that to is not: there are two, used in turn. */
	memcpy(to, link, link_len);
	to[link_len] = '/';
	memcpy(to + link_len + 1, rest, rest_len);
	*ret_to_len = link_len + 1 + rest_len;
	return 1;
}
