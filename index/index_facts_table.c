/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is comes in the order of entries, so its row is made as SQLite would make it and goes to the facts file
 * a page at a time (store_bulk.h). Whose it is, its category and what hid it are known later: packages when their
 * databases were read, categories when owners are known. To write them without moving other rows a record keeps its
 * length: the last column takes all of eight bytes that the others do not use yet. SQLite reads a number in as many
 * bytes as it says it has.
 *
 *	types  … | why - | package - | claim - | category - | … | looked 8     as it is added
 *	types  … | why - | package 3 | claim 1 | category - | … | looked 4     a package owns it
 *	types  … | why - | package 3 | claim 1 | category 2 | … | looked 2     and it is in a category
 *
 * Each pass goes through the pages once, in order, and writes those that it changes. That costs 0.15 us a row where an
 * UPDATE is 1 to 2 us and the INSERT before it one: on 128,000 files 0.2 s of the 2.7 that facts take.
 *
 * Rejected: holding all rows back until their owners and categories are known. What decides a category (programs,
 * packages) stands in tables of the same file, which SQLite would have to read while its pages grow past it; causes
 * compare hashes of any two rows, and would need an index of their own; and a patch is needed all the same for what is
 * hidden, whose owner is that of a later row. Tables of their own for owners and categories: every question joins them.
 */
#include "index_facts_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_record.h"
#include "pkgdb_owners.h"
#include "store_bulk.h"
#include "store_leaf.h"
#include "store_record.h"
#include "store_rows.h"
#include "util.h"

/** Memory of the rows until they are written, bytes; beyond it they go to a temporary file. */
#define ROWS_BUDGET (1u << 20)

/** Columns of table file, as facts_schema.sql has them. */
enum column {
	COLUMN_ENTRY,
	COLUMN_KIND,
	COLUMN_HASH,
	COLUMN_WHY,
	COLUMN_PACKAGE,
	COLUMN_CLAIM,
	COLUMN_CATEGORY,
	COLUMN_HEAD,
	COLUMN_LOOKED,
	COLUMN_COUNT,
};

/** What is known of a row beyond what it is; bits of a place in widths. */
enum known {
	KNOWN_OWNER = 1,
	KNOWN_CATEGORY = 2,
	KNOWN_WHY = 4,
	KNOWN_COUNT = 8,
};

/** A package's number and a category's, at most. */
#define PACKAGE_MAX ((1u << 23) - 1)
#define CATEGORY_MAX ((1u << 15) - 1)
static_assert(PKGDB_PACKAGES_MAX <= PACKAGE_MAX, "three bytes");

/** Bytes of the columns that come later, and of the last one; together always eight. */
static const struct widths {
	uint8_t why, package, claim, category, looked;
} widths[KNOWN_COUNT] = {
	[0] = {.looked = 8},
	[KNOWN_OWNER] = {.package = 3, .claim = 1, .looked = 4},
	[KNOWN_CATEGORY] = {.category = 2, .looked = 6},
	[KNOWN_OWNER | KNOWN_CATEGORY] = {.package = 3, .claim = 1, .category = 2, .looked = 2},
	[KNOWN_WHY] = {.why = 2, .looked = 6},
	[KNOWN_WHY | KNOWN_OWNER] = {.why = 1, .package = 3, .claim = 1, .looked = 3},
	[KNOWN_WHY | KNOWN_CATEGORY] = {.why = 2, .category = 2, .looked = 4},
	[KNOWN_WHY | KNOWN_OWNER |
		KNOWN_CATEGORY] = {.why = 1, .package = 3, .claim = 1, .category = 2, .looked = 1},
};

/** A whole row; 0 where a number is not known. */
struct values {
	struct facts_table_row row;
	unsigned why, claim;
	uint32_t package, category;
};

struct facts_table {
	struct store *store;
	/** Until they are written. */
	struct store_rows *rows;
	/** While a pass is under way. */
	struct leaf *leaf;
	struct record record;
};

int facts_table_new(struct store *store, struct facts_table **ret_table, struct peel_error *err)
{
	struct facts_table *table = calloc(1, sizeof(*table));
	int code = table ? store_rows_new(store_spill_dir(store), &table->rows, err)
			 : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code < 0) {
		facts_table_free(table);
		return code;
	}
	table->store = store;
	store_rows_set_limits(table->rows, store_limits(store));
	store_rows_set_budget(table->rows, ROWS_BUDGET);
	*ret_table = table;
	return 0;
}

void facts_table_free(struct facts_table *table)
{
	if (table) {
		store_rows_free(table->rows);
		leaf_free(table->leaf);
		free(table);
	}
}

static void put_blob(struct record *record, const void *bytes, size_t len)
{
	if (bytes) {
		record_blob(record, bytes, len);
	} else {
		record_null(record);
	}
}

/** A number in its width, NULL where that is none. */
static void put_number(struct record *record, int64_t value, unsigned width)
{
	if (width > 0) {
		record_int_wide(record, value, width);
	} else {
		record_null(record);
	}
}

/** Make a row's record. @return its length. */
static size_t pack_row(struct record *record, const struct values *values)
{
	const unsigned known = (values->package ? KNOWN_OWNER : 0u) |
		(values->category ? KNOWN_CATEGORY : 0u) | (values->why ? KNOWN_WHY : 0u);
	const struct widths *width = &widths[known];

	record_begin(record);
	record_null(record);
	record_int(record, values->row.kind);
	put_blob(record, values->row.hash, PEEL_FAST_HASH_SIZE);
	put_number(record, values->why, width->why);
	put_number(record, values->package, width->package);
	put_number(record, values->claim, width->claim);
	put_number(record, values->category, width->category);
	put_blob(record, values->row.head, values->row.head_len);
	put_number(record, values->row.looked, width->looked);
	return record_end(record);
}

int facts_table_add(struct facts_table *table, const struct facts_table_row *row,
	struct peel_error *err)
{
	const struct values values = {.row = *row};
	const size_t len = pack_row(&table->record, &values);

	return store_rows_add(table->rows, row->entry, &table->record, len, err);
}

int facts_table_write(struct facts_table *table, struct peel_error *err)
{
	struct bulk_tree *tree = NULL;
	struct bulk *bulk = NULL;
	int code = bulk_begin(table->store, &bulk, err);

	if (code == 0) {
		code = bulk_tree_new(bulk, "file", BULK_TABLE, &tree, err);
	}
	if (code == 0) {
		code = store_rows_write(table->rows, tree, err);
	}
	if (code < 0) {
		bulk_tree_free(tree);
		bulk_free(bulk);
		return code;
	}
	code = bulk_tree_end(tree, err);
	if (code < 0) {
		bulk_free(bulk);
		return code;
	}
	store_rows_free(steal_pointer(&table->rows));
	return bulk_end(bulk, err);
}

/** Bytes of a column, NULL where it has none. */
static const void *get_blob(const struct record_column *column)
{
	return column->type ? column->bytes : NULL;
}

/** Find a row in its page and read it. @return 1; 0 there is none; as leaf_find. */
static int find_row(struct facts_table *table, uint64_t entry, struct page_row *ret_place,
	struct values *ret_values, struct peel_error *err)
{
	struct record_column columns[COLUMN_COUNT];
	int r = table->leaf ? 0 : leaf_open(table->store, "file", &table->leaf, err);

	if (r == 0) {
		r = leaf_find(table->leaf, entry, ret_place, err);
	}
	if (r <= 0) {
		return r;
	}
	if (!record_read(ret_place->bytes, ret_place->len, columns, COLUMN_COUNT)) {
		return peel_fail(err, PEEL_EINTERNAL, "a row of facts is damaged");
	}
	*ret_values = (struct values){
		.row =
			{
				.entry = entry,
				.kind = (enum peel_kind)record_column_int(&columns[COLUMN_KIND]),
				.hash = get_blob(&columns[COLUMN_HASH]),
				.head = get_blob(&columns[COLUMN_HEAD]),
				.head_len = columns[COLUMN_HEAD].len,
				.looked = (enum facts_looked)
					record_column_int(&columns[COLUMN_LOOKED]),
			},
		.why = (unsigned)record_column_int(&columns[COLUMN_WHY]),
		.package = (uint32_t)record_column_int(&columns[COLUMN_PACKAGE]),
		.claim = (unsigned)record_column_int(&columns[COLUMN_CLAIM]),
		.category = (uint32_t)record_column_int(&columns[COLUMN_CATEGORY]),
	};
	return 1;
}

/** Write a row in its place. */
static int change_row(struct facts_table *table, const struct page_row *place,
	const struct values *values, struct peel_error *err)
{
	const struct record *record = &table->record;

	if (pack_row(&table->record, values) != place->len) {
		return peel_fail(err, PEEL_EINTERNAL, "a row of facts is damaged");
	}
	memcpy(place->bytes, record->head, record->head_len);
	memcpy(place->bytes + record->head_len, record->body, record->body_len);
	leaf_changed(table->leaf);
	return 0;
}

int facts_table_own(struct facts_table *table, uint64_t entry, uint32_t package,
	enum peel_claim claim, struct peel_error *err)
{
	struct page_row place;
	struct values values;
	int r = package <= PACKAGE_MAX
		? find_row(table, entry, &place, &values, err)
		: peel_fail(err, PEEL_EINTERNAL, "a package's number is %u", package);

	if (r <= 0 || values.package) {
		return r < 0 ? r : 0;
	}
	values.package = package;
	values.claim = claim;
	return change_row(table, &place, &values, err);
}

int facts_table_sort(struct facts_table *table, uint64_t entry, uint32_t category,
	struct peel_error *err)
{
	struct page_row place;
	struct values values;
	int r = category <= CATEGORY_MAX
		? find_row(table, entry, &place, &values, err)
		: peel_fail(err, PEEL_EINTERNAL, "a category's number is %u", category);

	if (r <= 0) {
		return r;
	}
	values.category = category;
	return change_row(table, &place, &values, err);
}

int facts_table_explain(struct facts_table *table, uint64_t entry, enum store_why why,
	struct peel_error *err)
{
	struct page_row place;
	struct values values;
	int r = find_row(table, entry, &place, &values, err);

	if (r <= 0) {
		return r;
	}
	values.why = why;
	return change_row(table, &place, &values, err);
}

int facts_table_pass(struct facts_table *table, struct peel_error *err)
{
	struct bulk *bulk = NULL;
	int code = table->leaf ? leaf_write(table->leaf, err) : 0;

	if (!table->leaf) {
		return 0;
	}
	leaf_free(steal_pointer(&table->leaf));
	if (code == 0) {
		code = bulk_begin(table->store, &bulk, err);
	}
	return code < 0 ? code : bulk_end(bulk, err);
}
