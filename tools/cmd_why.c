/* SPDX-License-Identifier: Apache-2.0 */
/* peel why: every layer that touched a path, what it did, and the instruction that did it. */
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "json_writer.h"
#include "packages.h"

/* Characters of the instruction in the table. */
#define INSTRUCTION_MAX 100

struct why_values {
	bool no_trunc;
};

static const struct opt why_options[] = {
	{0, "no-trunc", NULL, OPT_FLAG, offsetof(struct why_values, no_trunc),
		"instructions whole"},
	{0},
};

/* One emission: where steps go, and how many came. */
struct why_run {
	struct table *table;
	struct json json;
	size_t max;
	bool out_of_memory;
};

static int take_row(void *arg, const struct peel_step *step)
{
	struct why_run *run = arg;
	cleanup_free char *instruction = format_instruction(step->instruction, run->max);
	cleanup_free char *package = NULL;
	char layer[FORMAT_SIZE];
	char size[FORMAT_SIZE];
	bool has_size = step->type == '-' || step->type == 'h';

	snprintf(layer, sizeof(layer), "layer %d", step->layer);
	if (!instruction || peel_text_escape(step->package, strlen(step->package), &package) < 0) {
		run->out_of_memory = true;
		return 1;
	}
	const char *cells[] = {layer, peel_action_name(step->action),
		has_size ? format_bytes(size, step->size) : "", package, instruction};
	run->out_of_memory = !table_row(run->table, cells);
	return run->out_of_memory;
}

static int take_json(void *arg, const struct peel_step *step)
{
	struct why_run *run = arg;
	struct json *json = &run->json;
	char type[] = {step->type, 0};
	char mode[8];

	json_object(json, NULL);
	json_integer(json, "layer", step->layer);
	json_string(json, "action", peel_action_name(step->action));
	json_string(json, "type", type);
	snprintf(mode, sizeof(mode), "%04o", (unsigned int)(step->mode & 07777));
	json_string(json, "mode", mode);
	json_unsigned(json, "uid", step->uid);
	json_unsigned(json, "gid", step->gid);
	json_unsigned(json, "size", step->size);
	if (step->link) {
		json_bytes(json, "link", step->link, step->link_len);
	}
	json_bool(json, "visible", step->visible);
	if (!step->visible && step->hidden_by >= 0) {
		json_integer(json, "hidden_by", step->hidden_by);
		json_string(json, "why", step->why);
	}
	json_bytes(json, "instruction", step->instruction, strlen(step->instruction));
	json_bytes(json, "package", step->package, strlen(step->package));
	json_close(json);
	return 0;
}

static int emit_table(struct peel_index *index, FILE *out, const char *path, struct why_run *run,
	struct peel_error *err)
{
	static const struct column columns[] = {
		{"", false}, {"", false}, {"", true}, {"", false}, {"", false}};
	int steps;

	run->table = table_new(out, columns, countof(columns), false);
	if (!run->table) {
		return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	}
	steps = peel_why(index, path, strlen(path), take_row, run, err);
	table_finish(run->table);
	return run->out_of_memory ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM))
				  : steps;
}

static int emit_json(struct peel_index *index, FILE *out, const char *path, struct why_run *run,
	struct peel_error *err)
{
	int steps;

	run->json = (struct json){.out = out};
	json_document(&run->json, "why", index);
	json_bytes(&run->json, "path", path, strlen(path));
	json_array(&run->json, "steps");
	steps = peel_why(index, path, strlen(path), take_json, run, err);
	json_close(&run->json);
	json_close(&run->json);
	return steps;
}

static int emit_why(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	const struct why_values *values = call->values;
	const char *path = call->argv[1];
	struct why_run run = {.max = values->no_trunc ? 0 : INSTRUCTION_MAX};
	struct peel_error err = {0};
	int steps;

	(void)arg;
	steps = strcmp(format, "json") == 0 ? emit_json(index, out, path, &run, &err)
					    : emit_table(index, out, path, &run, &err);
	if (steps < 0) {
		return complain_error(&err);
	}
	return steps > 0 ? STATUS_OK : STATUS_NO;
}

static int run_why(struct call *call)
{
	cleanup_index struct peel_index *index = NULL;
	char shown[PEEL_MESSAGE_SIZE];
	int status = open_for_reading(call, &index);

	if (status != STATUS_OK) {
		return status;
	}
	status = emit_all(call, index, emit_why, NULL);
	if (status == STATUS_NO) {
		complain("no layer has '%s'",
			peel_text_escape_into(shown, sizeof(shown), call->argv[1],
				strlen(call->argv[1])));
	}
	if (status == STATUS_ERROR) {
		return status;
	}
	/* What kinds of databases there are is known where facts are at hand. */
	return worse_status(reading_status(index, status), packages_complain(index));
}

const struct verb cmd_why = {
	.name = "why",
	.operands = "IMAGE PATH",
	.summary = "show every layer that touched a path, and its instruction",
	.details = "Layers are numbered from 0, the lowest.\n",
	.options = why_options,
	.values_size = sizeof(struct why_values),
	.image = true,
	.formats = "table json",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_why,
};
