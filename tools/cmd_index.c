/* SPDX-License-Identifier: Apache-2.0 */
/* peel index: build the index ahead of time. */
#include <string.h>

#include "cmd.h"
#include "format.h"

static void print_fact(const char *name, const char *value)
{
	printf("%-10s", name);
	peel_text_print(stdout, value, strlen(value));
	putchar('\n');
}

static void print_bytes(const char *name, uint64_t bytes)
{
	char text[FORMAT_SIZE];

	printf("%-10s%s (%llu bytes)\n", name, format_bytes(text, bytes),
		(unsigned long long)bytes);
}

struct index_values {
	bool facts;
};

static const struct opt index_options_own[] = {
	{0, "facts", NULL, OPT_FLAG, offsetof(struct index_values, facts),
		"gather facts about contents too, which other verbs want"},
	{0},
};

/* Facts and their reasons are said only where they were asked for. */
static void print_facts(const struct peel_index *index)
{
	print_fact("facts", *peel_facts_incomplete_reasons(index) ? "incomplete" : "complete");
}

static int run_index(struct call *call)
{
	const struct index_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct peel_totals totals;
	struct peel_error err = {0};
	const char *path;
	char text[FORMAT_SIZE];
	int status;

	call->wants_facts = values->facts;
	status = open_for_reading(call, &index);
	if (status != STATUS_OK) {
		return status;
	}
	if (peel_totals(index, &totals, &err) < 0) {
		return complain_error(&err);
	}
	path = peel_index_path(index);
	print_fact("index", *path ? path : "not kept");
	print_fact("state", peel_index_built(index) ? "built" : "was at hand");
	print_fact("complete", peel_index_complete(index) ? "yes" : "no");
	print_fact("layers", format_number(text, (uint64_t)peel_layer_count(index)));
	print_fact("entries", format_number(text, totals.entries));
	print_fact("files", format_number(text, totals.nodes));
	print_bytes("size", totals.bytes);
	print_bytes("allocated", totals.allocated);
	if (values->facts) {
		print_facts(index);
	}
	return reading_status(index, STATUS_OK);
}

const struct verb cmd_index = {
	.name = "index",
	.operands = "IMAGE",
	.summary = "build the index ahead of time, and say where it is",
	.details =
		"entries: rows of all layers' tars. files: inodes of the merged tree, folders and links too.\n"
		"size: payload of its regular files; allocated: the same in 4 KiB blocks, less holes.\n",
	.options = index_options_own,
	.values_size = sizeof(struct index_values),
	.image = true,
	.headers_only = true,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_index,
};
