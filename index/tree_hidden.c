/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are written while layers are read, and what hides an entry is known only when all were. To change a row
 * without moving others, its record keeps its length: flags take four bytes as long as nothing hides the entry, and
 * one when a layer (two bytes) and a reason (one) do. SQLite reads a number in as many bytes as it says it has.
 *
 *	types  … | flags 4 | hash | NULL | NULL |    values … | flags, 4 bytes | hash |
 *	types  … | flags 1 | hash |  2   |  1   |    values … | flags, 1 | hash | layer, 2 | why, 1 |
 *
 * Changes are made in the order of ids, so that each page is read and written once. Rows that SQLite has written
 * (long ones, hard links that were bound) are left to SQLite, after all others: it must not know a page that is
 * changed behind it.
 *
 * Rejected: UPDATE (1.4 us a row, a fifth of a first mount where a layer changes the owner of all), and a table of its
 * own for what hides entries (63,000 rows more, and every query joins it).
 */
#include "tree_hidden.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "store_bulk.h"
#include "store_leaf.h"
#include "store_record.h"
#include "util.h"

/** Bits of a change below the id. */
#define LAYER_SHIFT 8
#define ID_SHIFT 24
/** Serial types of the columns at the end of a record. */
enum {
	TYPE_FLAGS_WIDE = 4,
	TYPE_FLAGS = 1,
	TYPE_LAYER = 2,
	TYPE_WHY = 1,
	TYPE_HASH = 44,
	HASH_BYTES = 16,
	/** flags, hash, hidden_by, why. */
	TAIL_COLUMNS = 4,
};

void tree_hidden_free(struct tree_hidden *hidden)
{
	free(hidden->changes);
	hidden->changes = NULL;
	hidden->count = 0;
	hidden->room = 0;
}

void tree_hidden_put(struct record *record, uint32_t flags, const void *hash, int layer,
	enum store_why why)
{
	if (layer < 0) {
		record_int_wide(record, (int32_t)flags, 4);
	} else {
		record_int(record, flags);
	}
	if (hash) {
		record_blob(record, hash, HASH_BYTES);
	} else {
		record_null(record);
	}
	if (layer < 0) {
		record_null(record);
		record_null(record);
	} else {
		record_int(record, layer);
		record_int(record, why);
	}
}

/** Change a record in place. @return false where it does not end as tree_hidden_put made it. */
static bool hide(const struct page_row *row, unsigned layer, unsigned why)
{
	uint64_t head = 0;
	uint8_t *end = row->bytes + row->len;
	size_t hash_len;
	uint8_t *types;
	uint8_t *values;

	if (record_get_varint(row->bytes, end, &head) == 0 || head > row->len ||
		head < TAIL_COLUMNS + 1) {
		return false;
	}
	types = row->bytes + head - TAIL_COLUMNS;
	hash_len = types[1] == TYPE_HASH ? HASH_BYTES : 0;
	if (types[0] != TYPE_FLAGS_WIDE || (types[1] != 0 && types[1] != TYPE_HASH) ||
		types[2] != 0 || types[3] != 0 || row->len - head < 4 + hash_len) {
		return false;
	}
	types[0] = TYPE_FLAGS;
	types[2] = TYPE_LAYER;
	types[3] = TYPE_WHY;
	values = end - hash_len - 4;
	values[0] = values[3];
	memmove(values + 1, values + 4, hash_len);
	end[-3] = (uint8_t)(layer >> 8);
	end[-2] = (uint8_t)layer;
	end[-1] = (uint8_t)why;
	return true;
}

/** For SQLite, in the end. */
static int add_late(struct tree_hidden *hidden, uint64_t id, unsigned layer, unsigned why,
	struct peel_error *err)
{
	static const char make[] =
		"CREATE TEMP TABLE IF NOT EXISTS late (id INTEGER PRIMARY KEY, layer INTEGER, why INTEGER)";
	static const char sql[] = "INSERT INTO temp.late (id, layer, why) VALUES (?1, ?2, ?3)";
	sqlite3_stmt *stmt = NULL;
	int code = hidden->late ? 0 : store_exec(hidden->store, make, err);

	hidden->late = true;
	if (code == 0) {
		code = store_get(hidden->store, sql, &stmt, err);
	}
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	sqlite3_bind_int64(stmt, 2, layer);
	sqlite3_bind_int64(stmt, 3, why);
	return store_run(hidden->store, stmt, err);
}

static int compare_changes(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a;
	const uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int write_change(struct tree_hidden *hidden, struct leaf *leaf, uint64_t change,
	struct peel_error *err)
{
	const uint64_t id = change >> ID_SHIFT;
	const unsigned layer = change >> LAYER_SHIFT & 0xffff;
	const unsigned why = change & 0xff;
	struct page_row row;
	int code = leaf_find(leaf, id, &row, err);

	if (code < 0) {
		return code;
	}
	if (code > 0 && hide(&row, layer, why)) {
		leaf_changed(leaf);
		return 0;
	}
	return add_late(hidden, id, layer, why, err);
}

/** Write those that wait. */
static int write_waiting(struct tree_hidden *hidden, struct peel_error *err)
{
	struct leaf *leaf = NULL;
	int code;

	if (hidden->count == 0) {
		return 0;
	}
	qsort(hidden->changes, hidden->count, sizeof(*hidden->changes), compare_changes);
	code = leaf_open(hidden->store, "entry", &leaf, err);
	for (size_t i = 0; code == 0 && i < hidden->count; i++) {
		code = write_change(hidden, leaf, hidden->changes[i], err);
	}
	if (code == 0) {
		code = leaf_write(leaf, err);
	}
	leaf_free(leaf);
	hidden->count = 0;
	return code;
}

int tree_hidden_add(struct tree_hidden *hidden, uint64_t id, int layer, enum store_why why,
	struct peel_error *err)
{
	if (!grow_array(&hidden->changes, hidden->count, &hidden->room, sizeof(*hidden->changes))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	hidden->changes[hidden->count++] = id << ID_SHIFT | (uint64_t)layer << LAYER_SHIFT | why;
	return hidden->count == TREE_HIDDEN_MAX ? write_waiting(hidden, err) : 0;
}

int tree_hidden_write(struct tree_hidden *hidden, struct peel_error *err)
{
	static const char sql[] =
		"UPDATE entry SET hidden_by = late.layer, why = late.why FROM temp.late WHERE late.id = entry.id";
	struct bulk *bulk = NULL;
	int code = write_waiting(hidden, err);

	tree_hidden_free(hidden);
	if (code == 0) {
		code = bulk_begin(hidden->store, &bulk, err);
	}
	if (code == 0) {
		code = bulk_end(bulk, err);
	}
	return code < 0 || !hidden->late ? code : store_exec(hidden->store, sql, err);
}
