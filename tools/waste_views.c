/* SPDX-License-Identifier: Apache-2.0 */
/* The views of peel waste. All of them sum to the same waste, but for rows that --top leaves out. */
#include "waste.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "format.h"

/* What stands behind each cause in a table. */
static const char *const meanings[PEEL_CAUSE_COUNT] = {
	[PEEL_CAUSE_OVERWRITTEN] = "another content above it",
	[PEEL_CAUSE_IDENTICAL] = "the same file again above it",
	[PEEL_CAUSE_METADATA] = "the same content above it with another owner, mode or time",
	[PEEL_CAUSE_DELETED] = "deleted above it",
	[PEEL_CAUSE_DELETED_FOLDER] = "a folder above it in the path deleted",
	[PEEL_CAUSE_OPAQUE] = "a folder above it in the path made anew (opaque)",
	[PEEL_CAUSE_REPLACED] = "something of another type in its place",
	[PEEL_CAUSE_DUPLICATE] = "the same layer has the path again",
	[PEEL_CAUSE_UNREACHABLE] = "its folder is no folder",
	[PEEL_CAUSE_BROKEN_LINK] = "a hard link to nothing",
	[PEEL_CAUSE_MARKER] = "a marker that is no file",
};

static size_t shown(const struct waste_run *run, size_t count)
{
	return count < run->top ? count : run->top;
}

/* Cell for a path; the caller frees. NULL where memory is exhausted. */
static char *path_cell(const struct peel_waste_path *path)
{
	char *cell = NULL;

	return peel_text_escape(path->path, path->path_len, &cell) < 0 ? NULL : cell;
}

/* Cell for a layer that may be none. */
static const char *layer_cell(const struct sheet *sheet, char *buf, int layer)
{
	return layer >= 0                    ? format_number(buf, (uint64_t)layer)
		: sheet->format == SHEET_CSV ? ""
					     : "-";
}

static const char *instruction_of(const struct waste_run *run, int layer)
{
	struct peel_layer_stat stat;

	return layer >= 0 && peel_layer_stat(run->index, layer, &stat, NULL) == 0
		? stat.layer.instruction
		: "";
}

/* Cell for the instruction of a layer; the caller frees. NULL where memory is exhausted. */
static char *instruction_cell(const struct waste_run *run, int layer)
{
	return format_instruction(instruction_of(run, layer), run->instruction_max);
}

static void json_layer(struct json *json, const char *key, int layer)
{
	if (layer < 0) {
		json_null(json, key);
	} else {
		json_integer(json, key, layer);
	}
}

static void json_instruction(const struct waste_run *run, struct json *json, const char *key,
	int layer)
{
	const char *instruction = instruction_of(run, layer);

	json_bytes(json, key, instruction, strlen(instruction));
}

static void json_sums(struct json *json, uint64_t files, uint64_t bytes, uint64_t allocated)
{
	json_unsigned(json, "wasted_files", files);
	json_unsigned(json, "wasted_bytes", bytes);
	json_unsigned(json, "wasted_allocated_bytes", allocated);
}

static uint64_t sum_of(const uint64_t *by_cause)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PEEL_CAUSE_COUNT; i++) {
		sum += by_cause[i];
	}
	return sum;
}

void waste_json_ledger(struct json *json, const struct peel_ledger *ledger)
{
	json_unsigned(json, "files", ledger->files);
	json_unsigned(json, "bytes", ledger->bytes);
	json_unsigned(json, "allocated_bytes", ledger->allocated);
	json_unsigned(json, "visible_files", ledger->visible_files);
	json_unsigned(json, "visible_bytes", ledger->visible_bytes);
	json_unsigned(json, "visible_allocated_bytes", ledger->visible_allocated);
	json_sums(json, sum_of(ledger->wasted_files), peel_ledger_wasted(ledger),
		sum_of(ledger->wasted_allocated));
}

/* By cause. */

static size_t count_causes(const struct waste_run *run)
{
	size_t count = 0;

	for (size_t i = 1; i < PEEL_CAUSE_COUNT; i++) {
		count += run->waste->total.wasted_files[i] > 0;
	}
	return count;
}

static bool cause_rows(const struct waste_run *run, struct sheet *sheet)
{
	const struct peel_ledger *total = &run->waste->total;
	bool fine = true;

	for (size_t i = 1; fine && i < PEEL_CAUSE_COUNT; i++) {
		char cells[3][FORMAT_SIZE];
		const char *row[] = {sheet_bytes(sheet, cells[0], total->wasted_bytes[i]),
			sheet_bytes(sheet, cells[1], total->wasted_allocated[i]),
			format_number(cells[2], total->wasted_files[i]),
			peel_cause_name((enum peel_cause)i), meanings[i]};

		fine = total->wasted_files[i] == 0 || sheet_row(sheet, row);
	}
	return fine;
}

static bool cause_json(const struct waste_run *run, struct json *json)
{
	const struct peel_ledger *total = &run->waste->total;

	for (size_t i = 1; i < PEEL_CAUSE_COUNT; i++) {
		json_object(json, NULL);
		json_string(json, "cause", peel_cause_name((enum peel_cause)i));
		json_sums(json, total->wasted_files[i], total->wasted_bytes[i],
			total->wasted_allocated[i]);
		json_close(json);
	}
	return true;
}

/* By layer: what it shipped, and what it hid. */

static size_t count_layers(const struct waste_run *run)
{
	return run->waste->layer_count;
}

/* Bytes that each layer hid; the caller frees. NULL where memory is exhausted. */
static uint64_t *sum_hidden(const struct waste_run *run)
{
	uint64_t *sums = calloc(run->waste->layer_count + 1, sizeof(*sums));

	for (size_t i = 0; sums && i < run->waste->pair_count; i++) {
		const struct peel_waste_pair *pair = &run->waste->pairs[i];

		if (pair->hidden_by >= 0 && (size_t)pair->hidden_by < run->waste->layer_count) {
			sums[pair->hidden_by] += pair->bytes;
		}
	}
	return sums;
}

static bool layer_rows(const struct waste_run *run, struct sheet *sheet)
{
	cleanup_free uint64_t *hidden = sum_hidden(run);
	bool fine = hidden != NULL;

	for (size_t i = 0; fine && i < run->waste->layer_count; i++) {
		const struct peel_ledger *ledger = &run->waste->layers[i];
		cleanup_free char *instruction = instruction_cell(run, (int)i);
		char cells[6][FORMAT_SIZE];
		const char *row[] = {format_number(cells[0], i),
			sheet_bytes(sheet, cells[1], ledger->bytes),
			sheet_bytes(sheet, cells[2], ledger->visible_bytes),
			sheet_bytes(sheet, cells[3], peel_ledger_wasted(ledger)),
			format_number(cells[4], sum_of(ledger->wasted_files)),
			sheet_bytes(sheet, cells[5], hidden[i]), instruction};

		fine = instruction && sheet_row(sheet, row);
	}
	return fine;
}

static bool layer_json(const struct waste_run *run, struct json *json)
{
	cleanup_free uint64_t *hidden = sum_hidden(run);

	for (size_t i = 0; hidden && i < run->waste->layer_count; i++) {
		const struct peel_ledger *ledger = &run->waste->layers[i];

		json_object(json, NULL);
		json_integer(json, "layer", (int64_t)i);
		json_instruction(run, json, "instruction", (int)i);
		waste_json_ledger(json, ledger);
		json_unsigned(json, "hidden_bytes", hidden[i]);
		json_object(json, "wasted_bytes_by_cause");
		for (size_t cause = 1; cause < PEEL_CAUSE_COUNT; cause++) {
			if (ledger->wasted_files[cause] > 0) {
				json_unsigned(json, peel_cause_name((enum peel_cause)cause),
					ledger->wasted_bytes[cause]);
			}
		}
		json_close(json);
		json_close(json);
	}
	return hidden != NULL;
}

/* By the instruction that shipped, and the one that hid. */

static size_t count_pairs(const struct waste_run *run)
{
	return run->waste->pair_count;
}

static bool pair_rows(const struct waste_run *run, struct sheet *sheet)
{
	bool fine = true;

	for (size_t i = 0; fine && i < shown(run, run->waste->pair_count); i++) {
		const struct peel_waste_pair *pair = &run->waste->pairs[i];
		cleanup_free char *shipped = instruction_cell(run, pair->layer);
		cleanup_free char *hid = instruction_cell(run, pair->hidden_by);
		char cells[4][FORMAT_SIZE];
		const char *row[] = {sheet_bytes(sheet, cells[0], pair->bytes),
			format_number(cells[1], pair->files), peel_cause_name(pair->cause),
			format_number(cells[2], (uint64_t)pair->layer), shipped,
			layer_cell(sheet, cells[3], pair->hidden_by), hid};

		fine = shipped && hid && sheet_row(sheet, row);
	}
	return fine;
}

static bool pair_json(const struct waste_run *run, struct json *json)
{
	for (size_t i = 0; i < shown(run, run->waste->pair_count); i++) {
		const struct peel_waste_pair *pair = &run->waste->pairs[i];

		json_object(json, NULL);
		json_integer(json, "layer", pair->layer);
		json_instruction(run, json, "instruction", pair->layer);
		json_layer(json, "hidden_by", pair->hidden_by);
		json_instruction(run, json, "hidden_by_instruction", pair->hidden_by);
		json_string(json, "cause", peel_cause_name(pair->cause));
		json_sums(json, pair->files, pair->bytes, pair->allocated);
		json_close(json);
	}
	return true;
}

/* By path, and by folder. */

static size_t count_paths(const struct waste_run *run)
{
	return run->waste->path_total;
}

static size_t count_folders(const struct waste_run *run)
{
	return run->waste->folder_total;
}

static bool path_rows(const struct waste_run *run, struct sheet *sheet)
{
	bool fine = true;

	for (size_t i = 0; fine && i < shown(run, run->waste->path_count); i++) {
		const struct peel_waste_path *path = &run->waste->paths[i];
		cleanup_free char *name = path_cell(path);
		char cells[4][FORMAT_SIZE];
		const char *row[] = {sheet_bytes(sheet, cells[0], path->bytes),
			format_number(cells[1], path->files), peel_cause_name(path->cause),
			layer_cell(sheet, cells[2], path->layer),
			layer_cell(sheet, cells[3], path->hidden_by), path->visible ? "yes" : "no",
			name};

		fine = name && sheet_row(sheet, row);
	}
	return fine;
}

static bool folder_rows(const struct waste_run *run, struct sheet *sheet)
{
	bool fine = true;

	for (size_t i = 0; fine && i < shown(run, run->waste->folder_count); i++) {
		const struct peel_waste_path *folder = &run->waste->folders[i];
		cleanup_free char *name = path_cell(folder);
		char cells[2][FORMAT_SIZE];
		const char *row[] = {sheet_bytes(sheet, cells[0], folder->bytes),
			format_number(cells[1], folder->files), peel_cause_name(folder->cause),
			name};

		fine = name && sheet_row(sheet, row);
	}
	return fine;
}

static bool path_json(const struct waste_run *run, struct json *json)
{
	for (size_t i = 0; i < shown(run, run->waste->path_count); i++) {
		const struct peel_waste_path *path = &run->waste->paths[i];

		json_object(json, NULL);
		json_bytes(json, "path", path->path, path->path_len);
		json_sums(json, path->files, path->bytes, path->allocated);
		json_bool(json, "visible", path->visible);
		json_layer(json, "layer", path->layer);
		json_layer(json, "hidden_by", path->hidden_by);
		json_string(json, "cause", peel_cause_name(path->cause));
		json_close(json);
	}
	return true;
}

static bool folder_json(const struct waste_run *run, struct json *json)
{
	for (size_t i = 0; i < shown(run, run->waste->folder_count); i++) {
		const struct peel_waste_path *folder = &run->waste->folders[i];

		json_object(json, NULL);
		json_bytes(json, "folder", folder->path, folder->path_len);
		json_sums(json, folder->files, folder->bytes, folder->allocated);
		json_string(json, "cause", peel_cause_name(folder->cause));
		json_close(json);
	}
	return true;
}

static const struct column cause_columns[] = {{"WASTED", true}, {"ALLOCATED", true},
	{"FILES", true}, {"CAUSE", false}, {"MEANING", false}};
static const struct column folder_columns[] = {
	{"WASTED", true}, {"FILES", true}, {"MAIN CAUSE", false}, {"FOLDER", false}};
static const struct column pair_columns[] = {{"WASTED", true}, {"FILES", true}, {"CAUSE", false},
	{"LAYER", true}, {"INSTRUCTION", false}, {"HIDDEN BY", true},
	{"INSTRUCTION THAT HID", false}};
static const struct column layer_columns[] = {{"LAYER", true}, {"SHIPPED", true}, {"VISIBLE", true},
	{"WASTED", true}, {"WASTED FILES", true}, {"HIDES", true}, {"INSTRUCTION", false}};
static const struct column path_columns[] = {{"WASTED", true}, {"FILES", true}, {"CAUSE", false},
	{"LAYER", true}, {"HIDDEN BY", true}, {"THERE", false}, {"PATH", false}};

#define VIEW(name, title, key, columns, rows, json, count, whole) \
	{ \
		name, title, key, columns, countof(columns), rows, json, count, whole \
	}

/* In order of names. */
static const struct waste_view views[] = {
	VIEW("cause", "By cause", "by_cause", cause_columns, cause_rows, cause_json, count_causes,
		true),
	VIEW("folder", "By folder", "by_folder", folder_columns, folder_rows, folder_json,
		count_folders, false),
	VIEW("instruction", "By instruction", "by_instruction", pair_columns, pair_rows, pair_json,
		count_pairs, false),
	VIEW("layer", "By layer", "by_layer", layer_columns, layer_rows, layer_json, count_layers,
		true),
	VIEW("path", "By path", "by_path", path_columns, path_rows, path_json, count_paths, false),
};

const struct waste_view *waste_view_at(size_t i)
{
	return i < countof(views) ? &views[i] : NULL;
}

const struct waste_view *waste_view_find(const char *name)
{
	for (size_t i = 0; i < countof(views); i++) {
		if (strcmp(views[i].name, name) == 0) {
			return &views[i];
		}
	}
	return NULL;
}
