/* SPDX-License-Identifier: Apache-2.0 */
/* peel history: instructions as `docker history` lists them, newest first, with every size by its name. */
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "json_writer.h"
#include "sheet.h"

/* Characters of the instruction in the table. */
#define INSTRUCTION_MAX 60

struct history_values {
	bool no_trunc;
};

static const struct opt history_options[] = {
	{0, "no-trunc", NULL, OPT_FLAG, offsetof(struct history_values, no_trunc),
		"instructions and digests whole"},
	{0},
};

static const char legend[] =
	"SIZE: payload of regular files, hard links once; docker history with a graph driver (overlay2) adds the\n"
	"lengths of symlinks. ALLOCATED: the same in 4 KiB blocks, less holes; docker history with containerd's store\n"
	"adds the blocks of folders (4 KiB each on ext4). TAR: the layer as an uncompressed tar: podman history.\n"
	"STORED: bytes of the layer in the image file. VISIBLE: SIZE that the merged tree shows in the end; WASTED:\n"
	"the rest of it. CHECKED: whether the layer's digest was computed from its bytes.\n";

/* Records in the order of the table, and what is left of a history that has fewer records than layers. */
struct records {
	struct peel_history *items;
	int count;
};

static bool is_recorded(struct peel_index *index, int layer)
{
	for (int i = 0; i < peel_history_count(index); i++) {
		if (peel_history(index, i)->layer == layer) {
			return true;
		}
	}
	return false;
}

/* Newest first; layers that the history leaves out (a root filesystem has none) come before all. */
static bool collect_records(struct peel_index *index, struct records *ret_records)
{
	int layers = peel_layer_count(index);
	int count = peel_history_count(index);
	struct peel_history *items = calloc((size_t)layers + (size_t)count + 1, sizeof(*items));
	int n = 0;

	if (!items) {
		return false;
	}
	for (int i = layers - 1; i >= 0; i--) {
		struct peel_layer_stat stat;

		if (!is_recorded(index, i) && peel_layer_stat(index, i, &stat, NULL) >= 0) {
			items[n++] = (struct peel_history){i, stat.layer.created,
				stat.layer.instruction, stat.layer.comment, ""};
		}
	}
	for (int i = count - 1; i >= 0; i--) {
		items[n++] = *peel_history(index, i);
	}
	*ret_records = (struct records){items, n};
	return true;
}

/* The columns that have sums. */
struct sizes {
	uint64_t bytes, allocated, tar, stored, files, visible, wasted;
};

/* What is known of the layer's bytes. */
static const char *checked(const struct peel_layer_stat *stat)
{
	if (stat->layer.state != PEEL_LAYER_OK) {
		return format_state(stat->layer.state);
	}
	return *stat->blob_hashed || *stat->diff_hashed ? "verified" : "unverified";
}

static struct sizes sizes_of(const struct peel_layer_stat *stat)
{
	const uint64_t visible = stat->visible_bytes < stat->bytes ? stat->visible_bytes
								   : stat->bytes;

	return (struct sizes){
		.bytes = stat->bytes,
		.allocated = stat->allocated,
		.tar = stat->tar_size,
		.stored = stat->layer.stored_size,
		.files = stat->files,
		.visible = visible,
		.wasted = stat->bytes - visible,
	};
}

/* Sums over the layers, not over the records: each layer counts once, whatever the history says. */
static int sum_up(struct peel_index *index, struct sizes *ret_sums)
{
	struct sizes sums = {0};
	struct peel_error err = {0};

	for (int i = 0; i < peel_layer_count(index); i++) {
		struct peel_layer_stat stat;
		struct sizes sizes;

		if (peel_layer_stat(index, i, &stat, &err) < 0) {
			return complain_error(&err);
		}
		sizes = sizes_of(&stat);
		sums.bytes += sizes.bytes;
		sums.allocated += sizes.allocated;
		sums.tar += sizes.tar;
		sums.stored += sizes.stored;
		sums.files += sizes.files;
		sums.visible += sizes.visible;
		sums.wasted += sizes.wasted;
	}
	*ret_sums = sums;
	return STATUS_OK;
}

static const char *show_created(char *buf, const char *created)
{
	return format_rfc3339(buf, created)
		? buf
		: peel_text_escape_into(buf, FORMAT_SIZE, created, strlen(created));
}

static const char *show_digest(char *buf, size_t size, const struct peel_layer *layer, bool whole)
{
	const char *digest = *layer->digest ? layer->digest : layer->diff_id;

	return whole ? peel_text_escape_into(buf, size, digest, strlen(digest))
		     : format_short_digest(buf, digest);
}

/* The columns of one table; SIZES stand between CREATED and CHECKED. */
static const struct column columns[] = {{"LAYER", true}, {"CREATED", false}, {"SIZE", true},
	{"ALLOCATED", true}, {"TAR", true}, {"STORED", true}, {"FILES", true}, {"VISIBLE", true},
	{"WASTED", true}, {"CHECKED", false}, {"DIGEST", false}, {"INSTRUCTION", false}};

/* Place of the files among the sizes. */
#define FILES 4

enum {
	COLUMN_LAYER,
	COLUMN_CREATED,
	COLUMN_SIZES,
	COLUMN_CHECKED = COLUMN_SIZES + 7,
	COLUMN_DIGEST,
	COLUMN_INSTRUCTION,
	COLUMN_COUNT,
};

/* Fill the cells of sizes. */
static void set_sizes(const struct sheet *sheet, const struct sizes *sizes, const char **row,
	char cells[7][FORMAT_SIZE])
{
	const uint64_t bytes[] = {sizes->bytes, sizes->allocated, sizes->tar, sizes->stored,
		sizes->files, sizes->visible, sizes->wasted};

	for (size_t i = 0; i < countof(bytes); i++) {
		row[COLUMN_SIZES + i] = i == FILES ? format_number(cells[i], bytes[i])
						   : sheet_bytes(sheet, cells[i], bytes[i]);
	}
}

/* One instruction; stat is NULL for one that made no layer. */
static bool print_record(struct sheet *sheet, const struct peel_history *record,
	const struct peel_layer_stat *stat, bool whole)
{
	cleanup_free char *instruction = format_instruction(record->instruction,
		whole ? 0 : INSTRUCTION_MAX);
	const char *row[COLUMN_COUNT] = {"-"};
	char created[FORMAT_SIZE];
	char number[FORMAT_SIZE];
	char cells[7][FORMAT_SIZE];
	char digest[256];

	if (!instruction) {
		return false;
	}
	row[COLUMN_CREATED] = show_created(created, record->created);
	row[COLUMN_INSTRUCTION] = instruction;
	if (stat) {
		const struct sizes sizes = sizes_of(stat);

		row[COLUMN_LAYER] = format_number(number, (uint64_t)record->layer);
		set_sizes(sheet, &sizes, row, cells);
		row[COLUMN_CHECKED] = checked(stat);
		row[COLUMN_DIGEST] = show_digest(digest, sizeof(digest), &stat->layer, whole);
	}
	return sheet_row(sheet, row);
}

static bool print_sums(struct sheet *sheet, const struct sizes *sums)
{
	const char *row[COLUMN_COUNT] = {"all"};
	char cells[7][FORMAT_SIZE];

	set_sizes(sheet, sums, row, cells);
	return sheet_row(sheet, row);
}

/* True where it is known which instruction made which layer. */
static bool is_matched(struct peel_index *index)
{
	for (int i = 0; i < peel_layer_count(index); i++) {
		if (!is_recorded(index, i)) {
			return false;
		}
	}
	return true;
}

static bool print_records(struct peel_index *index, struct sheet *sheet,
	const struct records *records, bool whole)
{
	bool fine = true;

	for (int i = 0; fine && i < records->count; i++) {
		const struct peel_history *record = &records->items[i];
		struct peel_layer_stat stat;
		const bool has_layer = record->layer >= 0 &&
			peel_layer_stat(index, record->layer, &stat, NULL) >= 0;

		fine = print_record(sheet, record, has_layer ? &stat : NULL, whole);
	}
	return fine;
}

static int emit_sheet(struct call *call, struct peel_index *index, const struct records *records,
	enum sheet_format format, FILE *out)
{
	const struct history_values *values = call->values;
	const bool whole = values->no_trunc || format == SHEET_CSV;
	struct sizes sums = {0};
	struct sheet sheet;
	bool fine;
	int status = sum_up(index, &sums);

	if (status != STATUS_OK) {
		return status;
	}
	fine = sheet_begin(&sheet, out, format, columns, countof(columns)) &&
		print_records(index, &sheet, records, whole) &&
		(format == SHEET_CSV || print_sums(&sheet, &sums));
	sheet_end(&sheet);
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	if (format != SHEET_CSV && peel_history_count(index) > 0 && !is_matched(index)) {
		fputs("The history tells of another number of layers than there are: which instruction made which\n"
		      "layer is not known.\n",
			out);
	}
	if (format != SHEET_CSV && !call->shared.quiet) {
		fputs(legend, out);
	}
	return STATUS_OK;
}

static void json_sizes(struct json *json, const struct sizes *sizes)
{
	json_unsigned(json, "files", sizes->files);
	json_unsigned(json, "bytes", sizes->bytes);
	json_unsigned(json, "allocated_bytes", sizes->allocated);
	json_unsigned(json, "stored_bytes", sizes->stored);
	json_unsigned(json, "tar_bytes", sizes->tar);
	json_unsigned(json, "visible_bytes", sizes->visible);
	json_unsigned(json, "wasted_bytes", sizes->wasted);
}

static void json_layer(struct json *json, const struct peel_layer_stat *stat)
{
	const struct peel_layer *layer = &stat->layer;
	const struct sizes sizes = sizes_of(stat);

	json_bytes(json, "digest", layer->digest, strlen(layer->digest));
	json_bytes(json, "diff_id", layer->diff_id, strlen(layer->diff_id));
	json_string(json, "checked", checked(stat));
	json_unsigned(json, "entries", stat->entries);
	json_sizes(json, &sizes);
}

static void json_text(struct json *json, const char *key, const char *text)
{
	json_bytes(json, key, text, strlen(text));
}

static void json_record(struct json *json, struct peel_index *index,
	const struct peel_history *record)
{
	struct peel_layer_stat stat;

	json_object(json, NULL);
	if (record->layer < 0) {
		json_null(json, "layer");
	} else {
		json_integer(json, "layer", record->layer);
	}
	json_text(json, "created", record->created);
	json_text(json, "instruction", record->instruction);
	json_text(json, "comment", record->comment);
	json_text(json, "author", record->author);
	if (record->layer >= 0 && peel_layer_stat(index, record->layer, &stat, NULL) >= 0) {
		json_layer(json, &stat);
	}
	json_close(json);
}

static int emit_json(struct peel_index *index, const struct records *records, FILE *out)
{
	struct json json = {.out = out};
	struct sizes sums = {0};
	int status = sum_up(index, &sums);

	if (status != STATUS_OK) {
		return status;
	}
	json_document(&json, "history", index);
	json_bool(&json, "matched", is_matched(index));
	json_array(&json, "history");
	for (int i = 0; i < records->count; i++) {
		json_record(&json, index, &records->items[i]);
	}
	json_close(&json);
	json_object(&json, "total");
	json_sizes(&json, &sums);
	json_close(&json);
	json_close(&json);
	return STATUS_OK;
}

static int emit_history(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	return strcmp(format, "json") == 0
		? emit_json(index, arg, out)
		: emit_sheet(call, index, arg, sheet_format(format), out);
}

static int run_history(struct call *call)
{
	cleanup_index struct peel_index *index = NULL;
	struct records records = {0};
	int status = open_for_reading(call, &index);

	if (status != STATUS_OK) {
		return status;
	}
	if (!collect_records(index, &records)) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	status = emit_all(call, index, emit_history, &records);
	free(records.items);
	return status == STATUS_ERROR ? status : reading_status(index, status);
}

const struct verb cmd_history = {
	.name = "history",
	.operands = "IMAGE",
	.summary = "show layers and instructions, newest first, with their sizes",
	.details = legend,
	.options = history_options,
	.values_size = sizeof(struct history_values),
	.image = true,
	.headers_only = true,
	.formats = "table json csv markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_history,
};
