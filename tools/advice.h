/* SPDX-License-Identifier: Apache-2.0 */
/** Advice as verbs write it: kept, then as text, Markdown and JSON. */
#ifndef TOOLS_ADVICE_H
#define TOOLS_ADVICE_H

#include "json_writer.h"
#include "sheet.h"

#include <peel/peel.h>

/** One piece of advice, as in struct peel_advice; strings and paths are owned. */
struct advice_item {
	char *id, *title, *action, *instruction;
	int layer;
	uint64_t files, saves, gross;
	char **paths;
	size_t path_count;
};

/** All of them, the largest saving first. {0} is empty. */
struct advice_list {
	struct advice_item *items;
	size_t count, room;
	bool no_memory;
};

/** Gather an image's advice. @return 0; PEEL_ENOMEM, as peel_advise. Free with advice_finish, always. */
int advice_gather(struct advice_list *list, struct peel_index *index, uint64_t min_saves,
	struct peel_error *err);
/** Free what it holds. */
void advice_finish(struct advice_list *list);

/** Write the first rows, and what all of it comes to. */
void advice_print(const struct advice_list *list, size_t rows, enum sheet_format format, FILE *out);
/** Write a member "advice". */
void advice_json(const struct advice_list *list, struct json *json);

#endif
