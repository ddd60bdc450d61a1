/* SPDX-License-Identifier: Apache-2.0 */
#include "advice.h"

#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "grow.h"

/* Characters of an instruction. */
#define INSTRUCTION_MAX 60
#define LINE_SIZE 1024

static bool copy_item(struct advice_item *to, const struct peel_advice *from)
{
	*to = (struct advice_item){
		.id = strdup(from->id),
		.title = strdup(from->title),
		.action = strdup(from->action),
		.instruction = strdup(from->instruction),
		.layer = from->layer,
		.files = from->files,
		.saves = from->saves,
		.gross = from->gross,
		.paths = calloc(from->path_count + 1, sizeof(*to->paths)),
	};
	if (!to->id || !to->title || !to->action || !to->instruction || !to->paths) {
		return false;
	}
	while (to->path_count < from->path_count) {
		to->paths[to->path_count] = strdup(from->paths[to->path_count]);
		if (!to->paths[to->path_count++]) {
			return false;
		}
	}
	return true;
}

static int take_advice(void *arg, const struct peel_advice *advice)
{
	struct advice_list *list = arg;

	list->no_memory = !grow_array(&list->items, list->count, &list->room,
				  sizeof(*list->items)) ||
		!copy_item(&list->items[list->count++], advice);
	return list->no_memory;
}

int advice_gather(struct advice_list *list, struct peel_index *index, uint64_t min_saves,
	struct peel_error *err)
{
	int code = peel_advise(index, min_saves, take_advice, list, err);

	return list->no_memory ? peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM))
			       : code;
}

void advice_finish(struct advice_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct advice_item *item = &list->items[i];

		for (size_t k = 0; k < item->path_count; k++) {
			free(item->paths[k]);
		}
		free(item->paths);
		free(item->id);
		free(item->title);
		free(item->action);
		free(item->instruction);
	}
	free(list->items);
	*list = (struct advice_list){0};
}

static void print_line(const char *line, enum sheet_format format, FILE *out)
{
	if (format == SHEET_MARKDOWN) {
		sheet_markdown_text(out, line);
	} else {
		fputs(line, out);
	}
	putc('\n', out);
}

static void print_action(const char *action, enum sheet_format format, FILE *out)
{
	/* A block of code in Markdown: four blanks beyond the text of an item of a list, "10. ". */
	const int indent = format == SHEET_MARKDOWN ? 8 : 4;
	const char *line;
	int len = 0;

	while ((line = format_next_line(&action, &len))) {
		fprintf(out, "%*s%.*s\n", indent, "", len, line);
	}
	putc('\n', out);
}

static void print_item(const struct advice_item *item, size_t number, enum sheet_format format,
	FILE *out)
{
	cleanup_free char *instruction = format_instruction(item->instruction, INSTRUCTION_MAX);
	char size[FORMAT_SIZE];
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%zu. %s: %s", number, format_bytes(size, item->saves),
		item->title);
	print_line(line, format, out);
	if (item->layer >= 0) {
		snprintf(line, sizeof(line), "   layer %d: %s", item->layer, instruction);
		print_line(line, format, out);
	}
	putc('\n', out);
	print_action(item->action, format, out);
}

void advice_print(const struct advice_list *list, size_t rows, enum sheet_format format, FILE *out)
{
	char size[FORMAT_SIZE];
	char line[LINE_SIZE];
	uint64_t sum = 0;

	for (size_t i = 0; i < list->count; i++) {
		sum += list->items[i].saves;
		if (i < rows) {
			print_item(&list->items[i], i + 1, format, out);
		}
	}
	if (list->count > rows) {
		snprintf(line, sizeof(line), "And %zu more, of which each saves less.",
			list->count - rows);
		print_line(line, format, out);
	}
	snprintf(line, sizeof(line), "All of it together saves %s of what is shipped.",
		format_bytes(size, sum));
	print_line(line, format, out);
	putc('\n', out);
}

static void json_item(const struct advice_item *item, struct json *json)
{
	json_object(json, NULL);
	json_string(json, "id", item->id);
	json_string(json, "title", item->title);
	json_string(json, "action", item->action);
	json_integer(json, "layer", item->layer);
	json_bytes(json, "instruction", item->instruction, strlen(item->instruction));
	json_unsigned(json, "files", item->files);
	json_unsigned(json, "saves_bytes", item->saves);
	json_unsigned(json, "gross_bytes", item->gross);
	json_array(json, "paths");
	for (size_t i = 0; i < item->path_count; i++) {
		json_element(json, item->paths[i]);
	}
	json_close(json);
	json_close(json);
}

void advice_json(const struct advice_list *list, struct json *json)
{
	json_array(json, "advice");
	for (size_t i = 0; i < list->count; i++) {
		json_item(&list->items[i], json);
	}
	json_close(json);
}
