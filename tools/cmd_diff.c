/* SPDX-License-Identifier: Apache-2.0 */
/* peel diff: two images, every byte of the difference once. */
#include <string.h>

#include "diff.h"
#include "packages.h"

#define DEPTH_DEFAULT 2
#define DEPTH_MAX 64

struct diff_values {
	const char *by;
	const char *ignore;
	struct opt_number depth, top;
	uint64_t min_size;
	bool stat, all;
};

static const struct opt diff_options[] = {
	{0, "by", "path|folder|package|category|layer", OPT_STRING,
		offsetof(struct diff_values, by), "what a row is (default path)"},
	{0, "depth", "N", OPT_NUMBER, offsetof(struct diff_values, depth),
		"components of --by folder (default 2)"},
	{0, "stat", NULL, OPT_FLAG, offsetof(struct diff_values, stat), "totals only"},
	{0, "all", NULL, OPT_FLAG, offsetof(struct diff_values, all),
		"every path of a folder that one image alone has"},
	{0, "min-size", "SIZE", OPT_SIZE, offsetof(struct diff_values, min_size),
		"put smaller changes into one row"},
	{0, "top", "N", OPT_NUMBER, offsetof(struct diff_values, top),
		"the N largest changes only"},
	{0, "ignore", "LIST", OPT_STRING, offsetof(struct diff_values, ignore),
		"no difference: mode, owner, mtime, xattrs, separated by commas"},
	{0},
};

static bool set_by(struct diff_run *run, const char *word)
{
	static const char *const words[] = {"path", "folder", "package", "category", "layer"};

	for (size_t i = 0; i < countof(words); i++) {
		if (!word || strcmp(word, words[i]) == 0) {
			run->by = (enum diff_by)i;
			return true;
		}
	}
	return false;
}

static bool set_ignore(struct diff_run *run, const char *list)
{
	static const unsigned bits[] = {
		PEEL_DIFFERS_MODE, PEEL_DIFFERS_OWNER, PEEL_DIFFERS_MTIME, PEEL_DIFFERS_XATTRS};

	while (list && *list) {
		size_t len = strcspn(list, ",");
		size_t i = 0;

		while (i < countof(bits) &&
			!(strlen(peel_differs_name(bits[i])) == len &&
				memcmp(peel_differs_name(bits[i]), list, len) == 0)) {
			i++;
		}
		if (i == countof(bits)) {
			return false;
		}
		run->options.ignore |= bits[i];
		list += len + (list[len] == ',');
	}
	return true;
}

static int read_options(struct call *call, struct diff_run *run)
{
	const struct diff_values *values = call->values;
	char shown[128];

	if (!set_by(run, values->by)) {
		return complain_usage(call, "--by %s: use path, folder, package, category or layer",
			peel_text_escape_into(shown, sizeof(shown), values->by,
				strlen(values->by)));
	}
	if (!set_ignore(run, values->ignore)) {
		return complain_usage(call, "--ignore %s: use mode, owner, mtime and xattrs",
			peel_text_escape_into(shown, sizeof(shown), values->ignore,
				strlen(values->ignore)));
	}
	run->depth = values->depth.set ? values->depth.value : DEPTH_DEFAULT;
	if (run->depth < 1 || run->depth > DEPTH_MAX) {
		return complain_usage(call, "--depth takes 1 to %d", DEPTH_MAX);
	}
	if (values->top.set && (values->top.value < 1 || values->top.value > DIFF_TOP_MAX)) {
		return complain_usage(call, "--top takes 1 to %d", DIFF_TOP_MAX);
	}
	run->stat = values->stat;
	run->all = values->all;
	run->min_size = values->min_size;
	run->top = values->top.set ? values->top.value : 0;
	return STATUS_OK;
}

static int emit_diff(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	static const struct {
		const char *name;
		int (*print)(struct diff_run *run, FILE *out);
	} formats[] = {
		{"text", diff_print_text},
		{"json", diff_print_json},
		{"csv", diff_print_csv},
		{"markdown", diff_print_markdown},
	};

	(void)call;
	(void)index;
	for (size_t i = 0; i < countof(formats); i++) {
		if (strcmp(format, formats[i].name) == 0) {
			return formats[i].print(arg, out);
		}
	}
	return STATUS_ERROR;
}

static int run_diff(struct call *call)
{
	struct peel_index *images[2] = {NULL, NULL};
	struct peel_index_options shared;
	struct diff_run run = {0};
	int status = read_options(call, &run);

	if (status != STATUS_OK) {
		return status;
	}
	status = open_operands(call, 2, images);

	cleanup_index struct peel_index *a = images[0];
	cleanup_index struct peel_index *b = images[1];

	if (status != STATUS_OK) {
		return status;
	}
	index_options(call, &shared);
	run.a = a;
	run.b = b;
	run.options.progress = shared.progress;
	run.options.progress_arg = shared.progress_arg;
	status = emit_all(call, a, emit_diff, &run);
	if (status == STATUS_ERROR) {
		return status;
	}
	status = worse_status(reading_status(a, status), reading_status(b, status));
	/* Categories rest on owners, too. */
	return run.by == DIFF_BY_PACKAGE || run.by == DIFF_BY_CATEGORY
		? worse_status(status, worse_status(packages_complain(a), packages_complain(b)))
		: status;
}

const struct verb cmd_diff = {
	.name = "diff",
	.operands = "A B",
	.summary = "compare two images: every byte of the difference once",
	.details =
		"+ only in B, - only in A, ~ in both. CHANGE: apparent bytes of B less those\nof A. "
		"Exit status 1 where they differ. Equal contents are proved by bytes or digests, "
		"never by a fast hash.\n",
	.options = diff_options,
	.values_size = sizeof(struct diff_values),
	.image = true,
	.facts = true,
	.formats = "text json csv markdown",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_diff,
};
