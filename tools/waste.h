/* SPDX-License-Identifier: Apache-2.0 */
/** What peel waste shows: views of the same waste, each as rows and as JSON. */
#ifndef WASTE_H
#define WASTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <peel/peel.h>

#include "json_writer.h"
#include "sheet.h"

/** One run of peel waste. */
struct waste_run {
	struct peel_index *index;
	const struct peel_waste *waste;
	/** Rows shown at most. */
	size_t top;
	/** Characters of an instruction, 0: whole. */
	size_t instruction_max;
};

/** A view: the waste by one thing. */
struct waste_view {
	/** As --by has it. */
	const char *name;
	const char *title;
	/** Member of the JSON document. */
	const char *key;
	const struct column *columns;
	size_t column_count;
	/** Write the rows. @return false where memory is exhausted. */
	bool (*rows)(const struct waste_run *run, struct sheet *sheet);
	/** Write the elements of an array. @return false where memory is exhausted. */
	bool (*json)(const struct waste_run *run, struct json *json);
	/** Rows that there are. */
	size_t (*count)(const struct waste_run *run);
	/** All rows are shown, whatever the limit. */
	bool whole;
};

/** View i in order of names, NULL past the end. */
const struct waste_view *waste_view_at(size_t i);
/** View by name, NULL: none. */
const struct waste_view *waste_view_find(const char *name);

/** Write the members of a ledger: files, bytes and allocated bytes, shipped, visible and wasted. */
void waste_json_ledger(struct json *json, const struct peel_ledger *ledger);

/**
 * Write what dive prints of the image.
 * @param format "table": as dive's CI mode does; "json": as its --json does. @return an exit status.
 */
int waste_dive(struct peel_index *index, const char *format, size_t top, FILE *out);

#endif
