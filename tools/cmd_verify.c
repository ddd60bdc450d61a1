/* SPDX-License-Identifier: Apache-2.0 */
/* peel verify: hash everything and compare. */
#include <string.h>

#include "cage.h"
#include "cmd.h"
#include "format.h"
#include "json_writer.h"

/* Verdicts are kept, so that several documents can be written of one pass over the image. */
struct verdict {
	int layer;
	char blob[16];
	char diff_id[16];
	char tar[16];
	char *detail;
};

struct verdicts {
	struct verdict *items;
	size_t count;
	size_t room;
	/* What peel_verify returned. */
	int result;
};

static int take_verdict(void *arg, const struct peel_verdict *verdict)
{
	struct verdicts *verdicts = arg;
	struct verdict *item;

	if (verdicts->count == verdicts->room) {
		size_t room = verdicts->room ? verdicts->room * 2 : 32;
		struct verdict *items = reallocarray(verdicts->items, room, sizeof(*items));

		if (!items) {
			return 1;
		}
		verdicts->items = items;
		verdicts->room = room;
	}
	item = &verdicts->items[verdicts->count];
	*item = (struct verdict){.layer = verdict->layer, .detail = strdup(verdict->detail)};
	if (!item->detail) {
		return 1;
	}
	snprintf(item->blob, sizeof(item->blob), "%s", verdict->blob);
	snprintf(item->diff_id, sizeof(item->diff_id), "%s", verdict->diff_id);
	snprintf(item->tar, sizeof(item->tar), "%s", verdict->tar);
	verdicts->count++;
	return 0;
}

static const char *result_word(int result)
{
	return result == STATUS_OK ? "ok" : result == STATUS_NO ? "differs" : "inconclusive";
}

static int emit_table(const struct verdicts *verdicts, FILE *out)
{
	static const struct column columns[] = {{"LAYER", true}, {"BLOB", false},
		{"DIFF_ID", false}, {"TAR", false}, {"DETAIL", false}};
	struct table *table = table_new(out, columns, countof(columns), true);
	bool fine = table != NULL;

	for (size_t i = 0; fine && i < verdicts->count; i++) {
		const struct verdict *verdict = &verdicts->items[i];
		char layer[FORMAT_SIZE];
		const char *row[] = {format_number(layer, (uint64_t)verdict->layer), verdict->blob,
			verdict->diff_id, verdict->tar, verdict->detail};

		fine = table_row(table, row);
	}
	table_finish(table);
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	fprintf(out, "%s\n", result_word(verdicts->result));
	return STATUS_OK;
}

static int emit_json(const struct call *call, const struct verdicts *verdicts, FILE *out)
{
	struct json json = {.out = out};

	json_object(&json, NULL);
	json_string(&json, "schema", "peel/verify/1");
	json_object(&json, "image");
	json_bytes(&json, "reference", call->argv[0], strlen(call->argv[0]));
	json_close(&json);
	json_bool(&json, "complete", verdicts->result != STATUS_INCONCLUSIVE);
	json_string(&json, "result", result_word(verdicts->result));
	json_array(&json, "layers");
	for (size_t i = 0; i < verdicts->count; i++) {
		const struct verdict *verdict = &verdicts->items[i];

		json_object(&json, NULL);
		json_integer(&json, "layer", verdict->layer);
		json_string(&json, "blob", verdict->blob);
		json_string(&json, "diff_id", verdict->diff_id);
		json_string(&json, "tar", verdict->tar);
		json_string(&json, "detail", verdict->detail);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return STATUS_OK;
}

static int emit_verify(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	(void)index;
	return strcmp(format, "json") == 0 ? emit_json(call, arg, out) : emit_table(arg, out);
}

static void free_verdicts(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++) {
		free(verdicts->items[i].detail);
	}
	free(verdicts->items);
}

static int run_verify(struct call *call)
{
	__attribute__((__cleanup__(free_verdicts))) struct verdicts verdicts = {0};
	struct peel_index_options options;
	struct peel_error err = {0};
	int status;

	index_options(call, &options);
	/* No index, so no child that builds one: this process reads the image itself. */
	options.image.opened = cage_opened;
	options.image.opened_arg = call;
	verdicts.result = peel_verify(call->argv[0], &options.image, take_verdict, &verdicts,
		options.progress, options.progress_arg, &err);
	progress_clear();
	if (verdicts.result < 0) {
		cage_hint(call, &err);
		return complain_error(&err);
	}
	status = emit_all(call, NULL, emit_verify, &verdicts);
	return status == STATUS_OK ? verdicts.result : status;
}

const struct verb cmd_verify = {
	.name = "verify",
	.operands = "IMAGE",
	.summary = "compare digests and sizes, and check that every tar is whole",
	.details =
		"Reads every byte; no index is used. Status 1 where something differs, 3 where something\n"
		"could not be read.\n",
	.image = true,
	.formats = "table json",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_verify,
};
