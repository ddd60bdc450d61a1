/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leaf page says nothing of where it is, so it can be made before its place is known: SQLite is adding pages
 * of its own to the file (folders, access points, programs, …) as long as layers come.
 */
#include "store_rows.h"

#include <stdlib.h>

#include <peel/error.h>

#include "limit.h"
#include "spill.h"
#include "store_bulk.h"
#include "store_page.h"
#include "util.h"

#define CHUNK_PAGES (SPILL_PIECE_MAX / STORE_PAGE_SIZE)

/** Pages that follow each other. */
struct chunk {
	/** NULL: spilled. */
	uint8_t *pages;
	struct spill_place place;
	/** Of each page, the id of its last row. */
	uint64_t last[CHUNK_PAGES];
	unsigned count;
};

struct store_rows {
	int folder;
	struct limit_watch *limits;
	size_t budget;
	/** Bytes of chunks in memory. */
	size_t held;
	struct spill *spill;
	struct chunk *chunks;
	size_t chunk_count, chunk_room;
	/** The page being filled, the last one of the last chunk, and its last row. */
	struct page page;
	uint64_t last;
};

int store_rows_new(int folder, struct store_rows **ret_rows, struct peel_error *err)
{
	struct store_rows *rows = calloc(1, sizeof(*rows));

	if (!rows) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	rows->folder = folder;
	rows->budget = STORE_ROWS_BUDGET;
	*ret_rows = rows;
	return 0;
}

void store_rows_free(struct store_rows *rows)
{
	if (!rows) {
		return;
	}
	for (size_t i = 0; i < rows->chunk_count; i++) {
		free(rows->chunks[i].pages);
	}
	free(rows->chunks);
	spill_free(rows->spill);
	free(rows);
}

void store_rows_set_limits(struct store_rows *rows, struct limit_watch *limits)
{
	rows->limits = limits;
}

void store_rows_set_budget(struct store_rows *rows, size_t budget)
{
	rows->budget = budget;
}

/** The page is full. */
static void seal_page(struct store_rows *rows)
{
	struct chunk *chunk = rows->chunk_count ? &rows->chunks[rows->chunk_count - 1] : NULL;

	if (chunk && rows->page.bytes) {
		page_end(&rows->page);
		chunk->last[chunk->count++] = rows->last;
		rows->page = (struct page){0};
	}
}

/** Make room in memory: what came last goes, which is read last. */
static int spill_chunk(struct store_rows *rows, struct chunk *chunk, struct peel_error *err)
{
	int code = rows->spill ? 0 : spill_new(rows->folder, &rows->spill, err);

	if (code == 0) {
		spill_set_limits(rows->spill, rows->limits);
	}
	if (code == 0) {
		code = spill_put(rows->spill, chunk->pages, (size_t)chunk->count * STORE_PAGE_SIZE,
			&chunk->place, err);
	}
	if (code == 0) {
		free(steal_pointer(&chunk->pages));
		rows->held -= SPILL_PIECE_MAX;
	}
	return code;
}

static int add_chunk(struct store_rows *rows, struct peel_error *err)
{
	struct chunk *chunk;
	/* All of it will be in the index. */
	int code = limits_check(rows->limits, PEEL_LIMIT_INDEX_SIZE,
		(rows->chunk_count + 1) * SPILL_PIECE_MAX, err);

	if (code == 0 && rows->folder >= 0 && rows->chunks && rows->chunk_count > 0 &&
		rows->held + SPILL_PIECE_MAX > rows->budget) {
		code = spill_chunk(rows, &rows->chunks[rows->chunk_count - 1], err);
	}
	if (code < 0) {
		return code;
	}
	if (!grow_array(&rows->chunks, rows->chunk_count, &rows->chunk_room, sizeof(*chunk)) ||
		!rows->chunks) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	chunk = &rows->chunks[rows->chunk_count];
	*chunk = (struct chunk){.pages = malloc(SPILL_PIECE_MAX)};
	if (!chunk->pages) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	rows->chunk_count++;
	rows->held += SPILL_PIECE_MAX;
	return 0;
}

static int next_page(struct store_rows *rows, struct peel_error *err)
{
	struct chunk *chunk;
	int code = 0;

	seal_page(rows);
	chunk = rows->chunk_count ? &rows->chunks[rows->chunk_count - 1] : NULL;
	if (!chunk || chunk->count == CHUNK_PAGES) {
		code = add_chunk(rows, err);
		chunk = &rows->chunks[rows->chunk_count - 1];
	}
	if (code == 0) {
		page_begin(&rows->page, chunk->pages + (size_t)chunk->count * STORE_PAGE_SIZE,
			PAGE_TABLE_LEAF);
	}
	return code;
}

int store_rows_add(struct store_rows *rows, uint64_t id, const struct record *record, size_t len,
	struct peel_error *err)
{
	if (!page_add_row(&rows->page, id, record, len)) {
		int code = next_page(rows, err);

		if (code < 0) {
			return code;
		}
		if (!page_add_row(&rows->page, id, record, len)) {
			return peel_fail(err, PEEL_EINTERNAL, "a row of %zu bytes", len);
		}
	}
	rows->last = id;
	return 0;
}

/** Gives out the pages of a chunk, out of memory or in a buffer. */
static int get_chunk(struct store_rows *rows, const struct chunk *chunk, uint8_t **buf,
	uint8_t **ret_pages, struct peel_error *err)
{
	*ret_pages = chunk->pages;
	if (chunk->pages) {
		return 0;
	}
	if (!*buf) {
		*buf = malloc(SPILL_PIECE_MAX);
	}
	if (!*buf) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*ret_pages = *buf;
	return spill_get(rows->spill, &chunk->place, *buf, (size_t)chunk->count * STORE_PAGE_SIZE,
		err);
}

static int each_row(uint8_t *page, uint64_t from, store_row_fn *each, void *arg,
	struct peel_error *err)
{
	unsigned count = page_row_count(page);

	for (unsigned i = 0; i < count; i++) {
		struct page_row row;
		int code = 0;

		if (!page_get_row(page, i, &row)) {
			return peel_fail(err, PEEL_EINTERNAL, "a page of rows is damaged");
		}
		if (row.id >= from) {
			code = each(arg, &row, err);
		}
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int store_rows_each(struct store_rows *rows, uint64_t from, store_row_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup_free uint8_t *buf = NULL;
	int code = 0;

	seal_page(rows);
	for (size_t i = 0; i < rows->chunk_count; i++) {
		const struct chunk *chunk = &rows->chunks[i];
		uint8_t *pages = NULL;

		if (chunk->count == 0 || chunk->last[chunk->count - 1] < from) {
			continue;
		}
		code = get_chunk(rows, chunk, &buf, &pages, err);
		for (unsigned p = 0; code == 0 && p < chunk->count; p++) {
			if (chunk->last[p] >= from) {
				code = each_row(pages + (size_t)p * STORE_PAGE_SIZE, from, each,
					arg, err);
			}
		}
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int store_rows_write(struct store_rows *rows, struct bulk_tree *table, struct peel_error *err)
{
	cleanup_free uint8_t *buf = NULL;
	int code = 0;

	seal_page(rows);
	for (size_t i = 0; code == 0 && i < rows->chunk_count; i++) {
		struct chunk *chunk = &rows->chunks[i];
		uint8_t *pages = NULL;

		code = get_chunk(rows, chunk, &buf, &pages, err);
		for (unsigned p = 0; code == 0 && p < chunk->count; p++) {
			code = bulk_add_leaf(table, pages + (size_t)p * STORE_PAGE_SIZE,
				chunk->last[p], err);
		}
		free(steal_pointer(&chunk->pages));
		chunk->count = 0;
	}
	return code;
}
