/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of `peel bloat` share. */
#ifndef BLOAT_H
#define BLOAT_H

#include "advice.h"
#include "buckets.h"
#include "cmd.h"
#include "sheet.h"

/** A program or library that could be smaller. Path is owned. */
struct bloat_program {
	char *path;
	size_t path_len;
	int layer;
	uint64_t bytes, debug_bytes, strip_bytes;
};

/** All that is shown. */
struct bloat {
	struct peel_index *index;
	/** Rows shown at most, SIZE_MAX: all. */
	size_t top;
	/** --top was given: it holds for CSV, too. */
	bool top_set;
	struct peel_ledger total;
	/** By category id from 1; 0 is not used. */
	struct bucket_sum *categories;
	uint32_t category_count;
	/** Of a category's group. */
	struct buckets groups;
	/** Files of one category, where it was asked for: a path a bucket. */
	const char *category;
	struct buckets paths;
	/** Programs that strip makes smaller, most bytes first. */
	struct bloat_program *programs;
	size_t program_count, program_room;
	uint64_t strip_bytes;
	/** Libraries by their name for the linker: files are the copies; paths of each in order of the ledger. */
	struct buckets sonames;
	struct bloat_copy {
		char *soname, *path;
		uint64_t bytes;
	} * copies;
	size_t copy_count, copy_room;
	/** Code for GPUs, by kind. */
	struct buckets gpus;
	struct advice_list advice;
	bool no_memory;
};

/** A view. */
struct bloat_view {
	/** As --by has it. */
	const char *name;
	const char *title;
	const struct column *columns;
	size_t column_count;
	/** Rows there are. */
	size_t (*count)(const struct bloat *bloat);
	/** Write row i. @return false: no memory. */
	bool (*row)(const struct bloat *bloat, struct sheet *sheet, size_t i);
	/** Write element i of the array "<name>". */
	void (*json)(const struct bloat *bloat, struct json *json, size_t i);
};

/**
 * Sum up; index, top and category are set. @return 0; PEEL_ENOMEM, as peel_pieces. Free with bloat_finish,
 * always.
 */
int bloat_gather(struct bloat *bloat, struct peel_error *err);
/** Free what it holds. */
void bloat_finish(struct bloat *bloat);

/** View i, NULL past the end; view by name, NULL: none. */
const struct bloat_view *bloat_view_at(size_t i);
const struct bloat_view *bloat_view_find(const char *name);

#endif
