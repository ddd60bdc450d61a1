/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel waste: bytes that the image ships and its merged tree does not show, by cause, by layer, by the pair of
 * instructions that shipped and hid them, by folder and by path. Every view sums to shipped less visible.
 */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "waste.h"

/* Rows of a view where --top says nothing, and levels of folders. */
#define TOP_DEFAULT 10
#define DEPTH_DEFAULT 3
/* Characters of an instruction in a table, which has two of them a line. */
#define INSTRUCTION_MAX 50

struct waste_values {
	const char *by;
	struct opt_number top, depth;
	bool dive, no_trunc;
};

/* What is written without --by, in this order. */
static const char *const table_views[] = {"cause", "instruction", "path", NULL};
static const char *const csv_views[] = {"path", NULL};
static const char *const json_views[] = {"cause", "layer", "instruction", "folder", "path", NULL};

static const char *const *views_of(const struct waste_values *values, const char *format,
	const char *const one[2])
{
	return values->by                     ? one
		: strcmp(format, "json") == 0 ? json_views
		: strcmp(format, "csv") == 0  ? csv_views
					      : table_views;
}

/* "1.7 GB (28.9 %)": a share of what is shipped. */
static const char *format_share(char *buf, size_t size, uint64_t part, uint64_t whole)
{
	char bytes[FORMAT_SIZE];

	if (whole == 0) {
		return format_bytes(buf, part);
	}
	snprintf(buf, size, "%s (%.1f %%)", format_bytes(bytes, part),
		100.0 * (double)part / (double)whole);
	return buf;
}

static void print_total(const struct peel_ledger *total, enum sheet_format format, FILE *out)
{
	char cells[2][FORMAT_SIZE];
	char share[2 * FORMAT_SIZE];

	fprintf(out, "shipped %s = visible %s + wasted %s%s", format_bytes(cells[0], total->bytes),
		format_bytes(cells[1], total->visible_bytes),
		format_share(share, sizeof(share), peel_ledger_wasted(total), total->bytes),
		format == SHEET_MARKDOWN ? "\n\n" : "\n");
}

static bool print_view(const struct waste_run *run, const struct waste_view *view,
	enum sheet_format format, FILE *out)
{
	const size_t count = view->count(run);
	struct sheet sheet;
	bool fine;

	if (format != SHEET_CSV) {
		fprintf(out, format == SHEET_MARKDOWN ? "### %s\n\n" : "\n%s\n", view->title);
	}
	fine = sheet_begin(&sheet, out, format, view->columns, view->column_count) &&
		view->rows(run, &sheet);
	sheet_end(&sheet);
	if (!view->whole && count > run->top && format != SHEET_CSV) {
		fprintf(out, "and %zu more: --top 0 shows all\n%s", count - run->top,
			format == SHEET_MARKDOWN ? "\n" : "");
	}
	return fine;
}

static bool print_json(const struct waste_run *run, const char *const *names, FILE *out)
{
	struct json json = {.out = out};
	bool fine = true;

	json_document(&json, "waste", run->index);
	json_object(&json, "total");
	waste_json_ledger(&json, &run->waste->total);
	json_close(&json);
	for (; *names; names++) {
		const struct waste_view *view = waste_view_find(*names);
		const size_t count = view->count(run);

		json_array(&json, view->key);
		fine = view->json(run, &json) && fine;
		json_close(&json);
		if (!view->whole) {
			char key[FORMAT_SIZE];

			snprintf(key, sizeof(key), "%s_omitted", view->key);
			json_unsigned(&json, key, count > run->top ? count - run->top : 0);
		}
	}
	json_close(&json);
	return fine;
}

/* What only programs read, and cannot say that it leaves something out, is whole. */
static size_t top_of(const struct waste_values *values, bool csv)
{
	return opt_top(&values->top, csv ? PEEL_TOP_ALL : TOP_DEFAULT);
}

static bool print_sheets(const struct waste_run *run, const char *const *names,
	enum sheet_format format, FILE *out)
{
	bool fine = true;

	if (format != SHEET_CSV) {
		print_total(&run->waste->total, format, out);
	}
	for (; fine && *names; names++) {
		fine = print_view(run, waste_view_find(*names), format, out);
	}
	return fine;
}

static int emit_waste(struct call *call, struct peel_index *index, const char *name, FILE *out,
	void *arg)
{
	const struct waste_values *values = call->values;
	const enum sheet_format format = sheet_format(name);
	const char *const one[] = {values->by, NULL};
	const char *const *views = views_of(values, name, one);
	struct waste_run run = *(const struct waste_run *)arg;
	bool fine;

	run.index = index;
	run.top = top_of(values, format == SHEET_CSV);
	run.instruction_max = values->no_trunc || format == SHEET_CSV ? 0 : INSTRUCTION_MAX;
	fine = strcmp(name, "json") == 0 ? print_json(&run, views, out)
					 : print_sheets(&run, views, format, out);
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return fine ? STATUS_OK : STATUS_ERROR;
}

static int emit_dive(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	(void)call;
	return waste_dive(index, format, *(const size_t *)arg, out);
}

static bool has_csv(const struct call *call)
{
	for (int i = 0; i < call->shared.outputs.count; i++) {
		if (strncmp(call->shared.outputs.items[i], "csv", 3) == 0) {
			return true;
		}
	}
	return false;
}

static int sum_up(struct call *call, struct peel_index *index)
{
	const struct waste_values *values = call->values;
	const struct peel_waste_options options = {
		.top = top_of(values, has_csv(call)),
		.depth = values->depth.set ? values->depth.value : DEPTH_DEFAULT,
	};
	struct waste_run run = {0};
	struct peel_waste *waste = NULL;
	struct peel_error err = {0};
	int status;

	if (peel_waste(index, &options, &waste, &err) < 0) {
		return complain_error(&err);
	}
	run.waste = waste;
	status = emit_all(call, index, emit_waste, &run);
	peel_waste_free(waste);
	return status;
}

static int check_values(const struct call *call)
{
	const struct waste_values *values = call->values;
	char word[64];

	if (values->by && !waste_view_find(values->by)) {
		return complain_usage(call,
			"--by takes cause, folder, instruction, layer or path, not '%s'",
			peel_text_escape_into(word, sizeof(word), values->by, strlen(values->by)));
	}
	if (values->by && values->dive) {
		return complain_usage(call, "--dive-compat has one view, so --by says nothing");
	}
	for (int i = 0; values->dive && i < call->shared.outputs.count; i++) {
		const char *output = call->shared.outputs.items[i];

		if (has_csv(call) || strncmp(output, "markdown", 8) == 0) {
			return complain_usage(call, "--dive-compat writes table and json only");
		}
	}
	return STATUS_OK;
}

static int run_waste(struct call *call)
{
	const struct waste_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	size_t top = top_of(values, false);
	int status = check_values(call);

	if (status != STATUS_OK) {
		return status;
	}
	call->wants_facts = !values->dive;
	status = open_for_reading(call, &index);
	if (status != STATUS_OK) {
		return status;
	}
	status = values->dive ? emit_all(call, index, emit_dive, &top) : sum_up(call, index);
	return status == STATUS_ERROR ? status : reading_status(index, status);
}

#define AT(member) offsetof(struct waste_values, member)

static const struct opt waste_options[] = {
	{0, "by", "cause|folder|instruction|layer|path", OPT_STRING, AT(by), "this view alone"},
	{0, "depth", "N", OPT_NUMBER, AT(depth), "levels of folders, / being 0 (3)"},
	{0, "dive-compat", NULL, OPT_FLAG, AT(dive),
		"what dive says of the image, with its formulas"},
	{0, "no-trunc", NULL, OPT_FLAG, AT(no_trunc), "instructions whole"},
	{0, "top", "N", OPT_NUMBER, AT(top), "rows of a view (10); 0: all"},
	{0},
};

const struct verb cmd_waste = {
	.name = "waste",
	.operands = "IMAGE",
	.summary = "show what is shipped in vain, and which instructions wasted it",
	.details =
		"Bytes are apparent: payload of regular files, hard links once, where the data is.\n"
		"Wasted is what is shipped and not visible. Contents decide the cause: a file that a\n"
		"layer has again with another owner is \"metadata\".\n",
	.options = waste_options,
	.values_size = sizeof(struct waste_values),
	.image = true,
	.formats = "table json csv markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_waste,
};
