/* SPDX-License-Identifier: Apache-2.0 */
/* peel history: instructions as `docker history` lists them, newest first, with every size by its name. */
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "json_writer.h"

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
	"SIZE: payload of regular files, hard links once (docker's classic store). ALLOCATED: the same in 4 KiB\n"
	"blocks, less holes (du). STORED: bytes of the layer in the image file. WASTED: SIZE that the merged tree\n"
	"no longer shows. CHECKED: whether the layer's digest was computed from its bytes.\n";

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

/* Sums of the columns. */
struct sums {
	uint64_t bytes;
	uint64_t allocated;
	uint64_t stored;
	uint64_t wasted;
};

/* What is known of the layer's bytes. */
static const char *checked(const struct peel_layer_stat *stat)
{
	if (stat->layer.state != PEEL_LAYER_OK) {
		return format_state(stat->layer.state);
	}
	return *stat->blob_hashed || *stat->diff_hashed ? "verified" : "unverified";
}

static uint64_t wasted(const struct peel_layer_stat *stat)
{
	return stat->bytes > stat->visible_bytes ? stat->bytes - stat->visible_bytes : 0;
}

static void add_up(struct sums *sums, const struct peel_layer_stat *stat)
{
	sums->bytes += stat->bytes;
	sums->allocated += stat->allocated;
	sums->stored += stat->layer.stored_size;
	sums->wasted += wasted(stat);
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

/* One instruction; stat is NULL for one that made no layer. */
static bool print_record(struct table *table, const struct peel_history *record,
	const struct peel_layer_stat *stat, bool whole)
{
	cleanup_free char *instruction = format_instruction(record->instruction,
		whole ? 0 : INSTRUCTION_MAX);
	char created[FORMAT_SIZE];
	char cells[7][FORMAT_SIZE];
	char digest[256];

	if (!instruction) {
		return false;
	}
	show_created(created, record->created);
	if (!stat) {
		const char *row[] = {"-", created, "", "", "", "", "", "", instruction};

		return table_row(table, row);
	}
	const char *row[] = {
		format_number(cells[0], (uint64_t)record->layer),
		created,
		format_bytes(cells[1], stat->bytes),
		format_bytes(cells[2], stat->allocated),
		format_bytes(cells[3], stat->layer.stored_size),
		format_bytes(cells[4], wasted(stat)),
		checked(stat),
		show_digest(digest, sizeof(digest), &stat->layer, whole),
		instruction,
	};

	return table_row(table, row);
}

static bool print_sums(struct table *table, const struct sums *sums)
{
	char cells[4][FORMAT_SIZE];
	const char *row[] = {"all", "", format_bytes(cells[0], sums->bytes),
		format_bytes(cells[1], sums->allocated), format_bytes(cells[2], sums->stored),
		format_bytes(cells[3], sums->wasted), "", "", ""};

	return table_row(table, row);
}

static int emit_table(struct call *call, struct peel_index *index, const struct records *records,
	FILE *out)
{
	static const struct column columns[] = {{"LAYER", true}, {"CREATED", false}, {"SIZE", true},
		{"ALLOCATED", true}, {"STORED", true}, {"WASTED", true}, {"CHECKED", false},
		{"DIGEST", false}, {"INSTRUCTION", false}};
	const struct history_values *values = call->values;
	struct table *table = table_new(out, columns, countof(columns), true);
	struct sums sums = {0};
	struct peel_error err = {0};
	bool fine = table != NULL;

	for (int i = 0; fine && i < records->count; i++) {
		const struct peel_history *record = &records->items[i];
		struct peel_layer_stat stat;

		if (record->layer < 0) {
			fine = print_record(table, record, NULL, values->no_trunc);
			continue;
		}
		if (peel_layer_stat(index, record->layer, &stat, &err) < 0) {
			table_finish(table);
			return complain_error(&err);
		}
		add_up(&sums, &stat);
		fine = print_record(table, record, &stat, values->no_trunc);
	}
	fine = fine && print_sums(table, &sums);
	table_finish(table);
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	if (!call->shared.quiet) {
		fputs(legend, out);
	}
	return STATUS_OK;
}

static void json_layer(struct json *json, const struct peel_layer_stat *stat)
{
	const struct peel_layer *layer = &stat->layer;

	json_bytes(json, "digest", layer->digest, strlen(layer->digest));
	json_bytes(json, "diff_id", layer->diff_id, strlen(layer->diff_id));
	json_string(json, "checked", checked(stat));
	json_unsigned(json, "entries", stat->entries);
	json_unsigned(json, "files", stat->files);
	json_unsigned(json, "bytes", stat->bytes);
	json_unsigned(json, "allocated_bytes", stat->allocated);
	json_unsigned(json, "stored_bytes", layer->stored_size);
	json_unsigned(json, "tar_bytes", stat->tar_size);
	json_unsigned(json, "visible_bytes", stat->visible_bytes);
	json_unsigned(json, "wasted_bytes", wasted(stat));
}

static void json_text(struct json *json, const char *key, const char *text)
{
	json_bytes(json, key, text, strlen(text));
}

static int emit_json(struct peel_index *index, const struct records *records, FILE *out)
{
	struct json json = {.out = out};
	struct peel_error err = {0};
	int status = STATUS_OK;

	json_document(&json, "history", index);
	json_array(&json, "history");
	for (int i = 0; i < records->count; i++) {
		const struct peel_history *record = &records->items[i];
		struct peel_layer_stat stat;

		json_object(&json, NULL);
		if (record->layer < 0) {
			json_null(&json, "layer");
		} else {
			json_integer(&json, "layer", record->layer);
		}
		json_text(&json, "created", record->created);
		json_text(&json, "instruction", record->instruction);
		json_text(&json, "comment", record->comment);
		json_text(&json, "author", record->author);
		if (record->layer >= 0 && peel_layer_stat(index, record->layer, &stat, &err) < 0) {
			status = complain_error(&err);
		} else if (record->layer >= 0) {
			json_layer(&json, &stat);
		}
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return status;
}

static int emit_history(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	return strcmp(format, "json") == 0 ? emit_json(index, arg, out)
					   : emit_table(call, index, arg, out);
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
	.formats = "table json",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_history,
};
