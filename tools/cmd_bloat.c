/* SPDX-License-Identifier: Apache-2.0 */
/* peel bloat: every visible byte in one category, what of programs could go, and advice. */
#include <string.h>

#include "bloat.h"
#include "packages.h"
#include "format.h"

/* Rows of a view where --top says nothing. */
#define TOP_DEFAULT 10

struct bloat_values {
	const char *by, *category;
	struct opt_number top;
};

static const struct opt bloat_options[] = {
	{0, "by", "category|group|strip|library|gpu|advice", OPT_STRING,
		offsetof(struct bloat_values, by), "this view alone"},
	{0, "category", "NAME", OPT_STRING, offsetof(struct bloat_values, category),
		"the files of one category"},
	{0, "top", "N", OPT_NUMBER, offsetof(struct bloat_values, top),
		"rows of a view (10, in csv all); 0: all"},
	{0},
};

static void print_sum(const struct bloat *bloat, enum sheet_format format, FILE *out)
{
	char cells[3][FORMAT_SIZE];

	fprintf(out, "visible %s in %s files; strip would save %s\n%s",
		format_bytes(cells[0], bloat->total.visible_bytes),
		format_number(cells[1], bloat->total.visible_files),
		format_bytes(cells[2], bloat->strip_bytes), format == SHEET_MARKDOWN ? "\n" : "");
}

static bool print_view(const struct bloat *bloat, const struct bloat_view *view,
	enum sheet_format format, FILE *out)
{
	/* What only programs read, and cannot say that it leaves something out, is whole. */
	const size_t top = format == SHEET_CSV && !bloat->top_set ? SIZE_MAX : bloat->top;
	size_t count = view->count(bloat);
	struct sheet sheet;
	bool fine;

	if (format != SHEET_CSV) {
		fprintf(out, format == SHEET_MARKDOWN ? "### %s\n\n" : "\n%s\n", view->title);
	}
	fine = sheet_begin(&sheet, out, format, view->columns, view->column_count);
	for (size_t i = 0; fine && i < count && i < top; i++) {
		fine = view->row(bloat, &sheet, i);
	}
	sheet_end(&sheet);
	if (count > top && format != SHEET_CSV) {
		fprintf(out, "and %zu more: --top 0 shows all\n%s", count - top,
			format == SHEET_MARKDOWN ? "\n" : "");
	}
	return fine;
}

static void print_advice(const struct bloat *bloat, enum sheet_format format, FILE *out)
{
	fputs(format == SHEET_MARKDOWN ? "### What to do next\n\n" : "\nWhat to do next\n", out);
	advice_print(&bloat->advice, bloat->top, format, out);
}

/* True where a view is to be shown: the one that was asked for, or each that has rows. */
static bool is_wanted(const struct bloat *bloat, const struct bloat_values *values,
	const char *name)
{
	const struct bloat_view *view = bloat_view_find(name);

	if (values->category) {
		return strcmp(name, "path") == 0;
	}
	return values->by ? strcmp(values->by, name) == 0 : !view || view->count(bloat) > 0;
}

static bool print_json(const struct bloat *bloat, const struct bloat_values *values, FILE *out)
{
	struct json json = {.out = out};

	/* What is whose decides categories and advice. */
	packages_json_document(&json, "bloat", bloat->index);
	json_unsigned(&json, "visible_files", bloat->total.visible_files);
	json_unsigned(&json, "visible_bytes", bloat->total.visible_bytes);
	json_unsigned(&json, "visible_allocated_bytes", bloat->total.visible_allocated);
	json_unsigned(&json, "strip_bytes", bloat->strip_bytes);
	for (size_t i = 0; bloat_view_at(i); i++) {
		const struct bloat_view *view = bloat_view_at(i);

		if (!is_wanted(bloat, values, view->name)) {
			continue;
		}
		json_array(&json, view->name);
		for (size_t k = 0; k < view->count(bloat); k++) {
			view->json(bloat, &json, k);
		}
		json_close(&json);
	}
	if (is_wanted(bloat, values, "advice")) {
		advice_json(&bloat->advice, &json);
	}
	json_close(&json);
	return true;
}

static int emit_bloat(struct call *call, struct peel_index *index, const char *name, FILE *out,
	void *arg)
{
	const struct bloat_values *values = call->values;
	const struct bloat *bloat = arg;
	enum sheet_format format = sheet_format(name);
	bool fine = true;

	(void)index;
	if (strcmp(name, "json") == 0) {
		return print_json(bloat, values, out) ? STATUS_OK : STATUS_ERROR;
	}
	if (format == SHEET_CSV) {
		const char *view = values->category ? "path" : values->by ? values->by : "category";

		fine = print_view(bloat, bloat_view_find(view), format, out);
	} else {
		print_sum(bloat, format, out);
		for (size_t i = 0; fine && bloat_view_at(i); i++) {
			if (is_wanted(bloat, values, bloat_view_at(i)->name)) {
				fine = print_view(bloat, bloat_view_at(i), format, out);
			}
		}
		if (is_wanted(bloat, values, "advice")) {
			print_advice(bloat, format, out);
		}
	}
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

static int check_values(struct call *call)
{
	const struct bloat_values *values = call->values;
	char shown[128];

	if (values->by && strcmp(values->by, "advice") != 0 &&
		(!bloat_view_find(values->by) || strcmp(values->by, "path") == 0)) {
		return complain_usage(call,
			"--by %s: use category, group, strip, library, gpu or advice",
			peel_text_escape_into(shown, sizeof(shown), values->by,
				strlen(values->by)));
	}
	for (int i = 0;
		values->by && strcmp(values->by, "advice") == 0 && i < call->shared.outputs.count;
		i++) {
		if (strncmp(call->shared.outputs.items[i], "csv", 3) == 0) {
			return complain_usage(call, "advice is text, and has no form as csv");
		}
	}
	return STATUS_OK;
}

static int check_category(const struct call *call, struct peel_index *index)
{
	const struct bloat_values *values = call->values;
	char shown[128];

	for (uint32_t id = 1; values->category && id <= peel_category_count(index); id++) {
		if (strcmp(peel_category_get(index, id)->name, values->category) == 0) {
			return STATUS_OK;
		}
	}
	return !values->category
		? STATUS_OK
		: complain_usage(call, "there is no category '%s': peel bloat --top 0 shows them",
			  peel_text_escape_into(shown, sizeof(shown), values->category,
				  strlen(values->category)));
}

static int run_bloat(struct call *call)
{
	const struct bloat_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct bloat bloat = {.top = opt_top(&values->top, TOP_DEFAULT),
		.top_set = values->top.set,
		.category = values->category};
	struct peel_error err = {0};
	int status = check_values(call);

	if (status == STATUS_OK) {
		status = open_for_reading(call, &index);
	}
	if (status == STATUS_OK) {
		status = check_category(call, index);
	}
	if (status != STATUS_OK) {
		return status;
	}
	bloat.index = index;
	status = bloat_gather(&bloat, &err) < 0 ? complain_error(&err)
						: emit_all(call, index, emit_bloat, &bloat);
	bloat_finish(&bloat);
	return status == STATUS_OK
		? worse_status(reading_status(index, status), packages_complain(index))
		: status;
}

const struct verb cmd_bloat = {
	.name = "bloat",
	.operands = "IMAGE",
	.summary = "put every visible byte into one category, and say what could go",
	.details =
		"Categories sum to what is visible. strip: sections that strip removes. library: shared libraries\n"
		"of one name in several places. gpu: code in fat binaries by architecture. advice: what to\n"
		"change, and the bytes that it saves, each counted once.\n",
	.options = bloat_options,
	.values_size = sizeof(struct bloat_values),
	.image = true,
	.facts = true,
	.formats = "table json csv markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_bloat,
};
