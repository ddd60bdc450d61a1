/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel dup: the same content at several paths of the merged tree, or in several layers. The two are told apart: what
 * the merged tree shows twice could be one file with two names; what only layers have twice is waste, too.
 */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "json_writer.h"
#include "sheet.h"

/* Groups where --top says nothing, and paths a group in tables. */
#define TOP_DEFAULT 20
#define PATHS_SHOWN 3
/* Paths a group in JSON. */
#define PATHS_LISTED 1000
/* Escaped characters of the paths of a group. */
#define PATHS_SIZE 2048

struct dup_values {
	struct opt_number top;
	uint64_t min_size;
	bool visible;
};

/* One document that is being written. */
struct dup_run {
	struct sheet sheet;
	struct json json;
	bool csv;
	bool fine;
};

/* Where a path is: a layer's number where the merged tree does not show it. */
static void append_path(char *buf, size_t size, const struct peel_duplicate_path *path)
{
	const size_t used = strlen(buf);
	char name[PATHS_SIZE / PATHS_SHOWN - 32];
	char layer[32] = "";

	if (!path->visible) {
		snprintf(layer, sizeof(layer), " (layer %d)", path->layer);
	}
	peel_text_escape_into(name, sizeof(name), path->path, path->path_len);
	snprintf(buf + used, size - used, "%s%s%s", used ? " = " : "", name, layer);
}

static int take_row(void *arg, const struct peel_duplicate *group)
{
	struct dup_run *run = arg;
	char cells[5][FORMAT_SIZE];
	char paths[PATHS_SIZE] = "";
	const char *row[] = {sheet_bytes(&run->sheet, cells[0], group->saved),
		sheet_bytes(&run->sheet, cells[1], group->visible_saved),
		sheet_bytes(&run->sheet, cells[2], group->bytes),
		format_number(cells[3], group->files),
		format_number(cells[4], group->visible_files), paths};

	for (size_t i = 0; i < group->path_count; i++) {
		append_path(paths, sizeof(paths), &group->paths[i]);
	}
	if (group->files > group->path_count) {
		const size_t used = strlen(paths);

		snprintf(paths + used, sizeof(paths) - used, " and %" PRIu64 " more",
			group->files - group->path_count);
	}
	run->fine = sheet_row(&run->sheet, row);
	return !run->fine;
}

/* A row a file: the group is its digest. */
static int take_csv(void *arg, const struct peel_duplicate *group)
{
	struct dup_run *run = arg;

	for (size_t i = 0; run->fine && i < group->path_count; i++) {
		const struct peel_duplicate_path *path = &group->paths[i];
		cleanup_free char *name = NULL;
		char cells[2][FORMAT_SIZE];
		const char *row[] = {group->sha256, format_number(cells[0], group->bytes),
			format_number(cells[1], (uint64_t)path->layer), path->visible ? "1" : "0",
			NULL};

		run->fine = peel_text_escape(path->path, path->path_len, &name) == 0;
		row[4] = name;
		run->fine = run->fine && sheet_row(&run->sheet, row);
	}
	return !run->fine;
}

static int take_json(void *arg, const struct peel_duplicate *group)
{
	struct json *json = &((struct dup_run *)arg)->json;

	json_object(json, NULL);
	json_string(json, "sha256", group->sha256);
	json_unsigned(json, "bytes", group->bytes);
	json_unsigned(json, "files", group->files);
	json_unsigned(json, "visible_files", group->visible_files);
	json_unsigned(json, "saved_bytes", group->saved);
	json_unsigned(json, "visible_saved_bytes", group->visible_saved);
	json_array(json, "paths");
	for (size_t i = 0; i < group->path_count; i++) {
		json_object(json, NULL);
		json_bytes(json, "path", group->paths[i].path, group->paths[i].path_len);
		json_integer(json, "layer", group->paths[i].layer);
		json_bool(json, "visible", group->paths[i].visible);
		json_close(json);
	}
	json_close(json);
	json_unsigned(json, "paths_omitted", group->files - group->path_count);
	json_close(json);
	return 0;
}

static void print_sums(const struct peel_duplicates *sums, size_t top, enum sheet_format format,
	FILE *out)
{
	char saved[FORMAT_SIZE];
	char visible[FORMAT_SIZE];

	if (sums->groups > top) {
		fprintf(out, "and %" PRIu64 " more: --top 0 shows all\n%s", sums->groups - top,
			format == SHEET_MARKDOWN ? "\n" : "");
	}
	fprintf(out,
		"one copy of each would save %s of what is shipped (%" PRIu64 " files, %" PRIu64
		" contents),\n%s of what is visible (%" PRIu64 " files, %" PRIu64 " contents)\n",
		format_bytes(saved, sums->saved), sums->files, sums->groups,
		format_bytes(visible, sums->visible_saved), sums->visible_files,
		sums->visible_groups);
}

static void json_sums(struct json *json, const struct peel_duplicates *sums, size_t top)
{
	json_unsigned(json, "groups_omitted", sums->groups > top ? sums->groups - top : 0);
	json_object(json, "total");
	json_unsigned(json, "groups", sums->groups);
	json_unsigned(json, "files", sums->files);
	json_unsigned(json, "saved_bytes", sums->saved);
	json_unsigned(json, "visible_groups", sums->visible_groups);
	json_unsigned(json, "visible_files", sums->visible_files);
	json_unsigned(json, "visible_saved_bytes", sums->visible_saved);
	json_unsigned(json, "unread_files", sums->unread);
	json_close(json);
}

static const struct column columns[] = {{"SAVED", true}, {"SAVED VISIBLE", true}, {"SIZE", true},
	{"FILES", true}, {"VISIBLE", true}, {"PATHS", false}};
static const struct column csv_columns[] = {
	{"SHA256", false}, {"BYTES", true}, {"LAYER", true}, {"VISIBLE", true}, {"PATH", false}};

/* What only programs read, and cannot say that it leaves something out, is whole. */
static size_t top_of(const struct dup_values *values, bool csv)
{
	return opt_top(&values->top, csv ? PEEL_TOP_ALL : TOP_DEFAULT);
}

/* Find the groups, and hand each to one of the functions above. */
static int find(struct call *call, struct peel_index *index, peel_duplicate_fn *each,
	struct dup_run *run, struct peel_duplicates *ret_sums)
{
	const struct dup_values *values = call->values;
	struct peel_index_options shared;
	struct peel_duplicates_options options = {
		.min_size = values->min_size,
		.visible_only = values->visible,
		.groups = top_of(values, each == take_csv),
		.paths = each == take_row  ? PATHS_SHOWN
			: each == take_csv ? PEEL_TOP_ALL
					   : PATHS_LISTED,
	};
	struct peel_error err = {0};
	int r;

	index_options(call, &shared);
	options.progress = shared.progress;
	options.progress_arg = shared.progress_arg;
	r = peel_duplicates(index, &options, each, run, ret_sums, &err);

	progress_clear();
	if (r < 0) {
		return complain_error(&err);
	}
	if (!run->fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	return ret_sums->unread ? STATUS_INCONCLUSIVE : STATUS_OK;
}

static int emit_json(struct call *call, struct peel_index *index, FILE *out)
{
	struct dup_run run = {.json = {.out = out}, .fine = true};
	struct peel_duplicates sums = {0};
	int status;

	json_document(&run.json, "dup", index);
	json_array(&run.json, "groups");
	status = find(call, index, take_json, &run, &sums);
	json_close(&run.json);
	json_sums(&run.json, &sums, top_of(call->values, false));
	json_close(&run.json);
	return status;
}

static int emit_dup(struct call *call, struct peel_index *index, const char *name, FILE *out,
	void *arg)
{
	const enum sheet_format format = sheet_format(name);
	struct dup_run run = {.fine = true, .csv = format == SHEET_CSV};
	struct peel_duplicates sums = {0};
	int status;

	(void)arg;
	if (strcmp(name, "json") == 0) {
		return emit_json(call, index, out);
	}
	run.fine = run.csv ? sheet_begin(&run.sheet, out, format, csv_columns, countof(csv_columns))
			   : sheet_begin(&run.sheet, out, format, columns, countof(columns));
	status = find(call, index, run.csv ? take_csv : take_row, &run, &sums);
	sheet_end(&run.sheet);
	if (!run.csv && status != STATUS_ERROR) {
		print_sums(&sums, top_of(call->values, false), format, out);
	}
	return status;
}

static int run_dup(struct call *call)
{
	cleanup_index struct peel_index *index = NULL;
	int status = open_for_reading(call, &index);

	if (status != STATUS_OK) {
		return status;
	}
	status = emit_all(call, index, emit_dup, NULL);
	return status == STATUS_ERROR ? status : reading_status(index, status);
}

#define AT(member) offsetof(struct dup_values, member)

static const struct opt dup_options[] = {
	{0, "min-size", "SIZE", OPT_SIZE, AT(min_size), "files of at least SIZE (1)"},
	{0, "top", "N", OPT_NUMBER, AT(top), "groups that are shown (20); 0: all"},
	{0, "visible", NULL, OPT_FLAG, AT(visible), "only files that the merged tree shows"},
	{0},
};

const struct verb cmd_dup = {
	.name = "dup",
	.operands = "IMAGE",
	.summary = "show contents that are there more than once",
	.details =
		"SAVED is what one copy instead of all would save of the shipped bytes, SAVED VISIBLE\n"
		"of those that the merged tree shows. Hard links are one file. Contents are the same\n"
		"where their SHA-256 is. CSV has a row a file.\n",
	.options = dup_options,
	.values_size = sizeof(struct dup_values),
	.image = true,
	.facts = true,
	.formats = "table json csv markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_dup,
};
