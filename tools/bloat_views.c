/* SPDX-License-Identifier: Apache-2.0 */
/* Views of what is visible: by category and group, and what of programs and libraries could go. */
#include <string.h>

#include "bloat.h"
#include "format.h"

#define NAME_SIZE 1024

static const char *show(char *buf, const char *text, size_t len)
{
	return peel_text_escape_into(buf, NAME_SIZE, text, len);
}

/* Category i of those that hold files, most bytes first. The list is short: 0 where there is none. */
static uint32_t category_at(const struct bloat *bloat, size_t i)
{
	uint64_t limit = UINT64_MAX;
	uint32_t last = 0;

	for (;;) {
		uint32_t best = 0;

		for (uint32_t id = 1; id <= bloat->category_count; id++) {
			const struct bucket_sum *sum = &bloat->categories[id];
			bool below = sum->bytes < limit || (sum->bytes == limit && id > last);

			if (sum->files > 0 && below &&
				(!best || sum->bytes > bloat->categories[best].bytes)) {
				best = id;
			}
		}
		if (!best || i-- == 0) {
			return best;
		}
		limit = bloat->categories[best].bytes;
		last = best;
	}
}

static size_t count_categories(const struct bloat *bloat)
{
	size_t count = 0;

	for (uint32_t id = 1; id <= bloat->category_count; id++) {
		count += bloat->categories[id].files > 0;
	}
	return count;
}

static const char *share(char *buf, uint64_t part, uint64_t whole)
{
	snprintf(buf, FORMAT_SIZE, "%.1f %%", whole ? 100.0 * (double)part / (double)whole : 0.0);
	return buf;
}

static bool row_category(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	uint32_t id = category_at(bloat, i);
	const struct peel_category *category = peel_category_get(bloat->index, id);
	const struct bucket_sum *sum = &bloat->categories[id];
	char cells[4][FORMAT_SIZE];

	return sheet_row(sheet,
		(const char *[]){sheet_bytes(sheet, cells[0], sum->bytes),
			share(cells[1], sum->bytes, bloat->total.visible_bytes),
			sheet_bytes(sheet, cells[2], sum->allocated),
			format_number(cells[3], sum->files), category->name, category->title});
}

static void json_sum(struct json *json, const struct bucket_sum *sum)
{
	json_unsigned(json, "files", sum->files);
	json_unsigned(json, "bytes", sum->bytes);
	json_unsigned(json, "allocated_bytes", sum->allocated);
}

static void json_category(const struct bloat *bloat, struct json *json, size_t i)
{
	uint32_t id = category_at(bloat, i);
	const struct peel_category *category = peel_category_get(bloat->index, id);

	json_object(json, NULL);
	json_string(json, "category", category->name);
	json_string(json, "title", category->title);
	json_string(json, "group", category->group);
	json_sum(json, &bloat->categories[id]);
	json_close(json);
}

static size_t count_groups(const struct bloat *bloat)
{
	return bloat->groups.count;
}

static bool row_bucket(const struct bloat *bloat, struct sheet *sheet, const struct bucket *bucket)
{
	char cells[4][FORMAT_SIZE];
	char key[NAME_SIZE];

	return sheet_row(sheet,
		(const char *[]){sheet_bytes(sheet, cells[0], bucket->sums[0].bytes),
			share(cells[1], bucket->sums[0].bytes, bloat->total.visible_bytes),
			sheet_bytes(sheet, cells[2], bucket->sums[0].allocated),
			format_number(cells[3], bucket->sums[0].files),
			show(key, bucket->key, bucket->key_len)});
}

static bool row_group(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	return row_bucket(bloat, sheet, &bloat->groups.items[i]);
}

static void json_bucket(struct json *json, const char *name, const struct bucket *bucket)
{
	json_object(json, NULL);
	json_bytes(json, name, bucket->key, bucket->key_len);
	json_sum(json, &bucket->sums[0]);
	json_close(json);
}

static void json_group(const struct bloat *bloat, struct json *json, size_t i)
{
	json_bucket(json, "group", &bloat->groups.items[i]);
}

static size_t count_paths(const struct bloat *bloat)
{
	return bloat->paths.count;
}

static bool row_path(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	return row_bucket(bloat, sheet, &bloat->paths.items[i]);
}

static void json_path(const struct bloat *bloat, struct json *json, size_t i)
{
	json_bucket(json, "path", &bloat->paths.items[i]);
}

static size_t count_programs(const struct bloat *bloat)
{
	return bloat->program_count;
}

static bool row_program(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	const struct bloat_program *program = &bloat->programs[i];
	char cells[4][FORMAT_SIZE];
	char path[NAME_SIZE];

	return sheet_row(sheet,
		(const char *[]){sheet_bytes(sheet, cells[0], program->strip_bytes),
			sheet_bytes(sheet, cells[1], program->debug_bytes),
			sheet_bytes(sheet, cells[2], program->bytes),
			format_number(cells[3], (uint64_t)program->layer),
			show(path, program->path, program->path_len)});
}

static void json_program(const struct bloat *bloat, struct json *json, size_t i)
{
	const struct bloat_program *program = &bloat->programs[i];

	json_object(json, NULL);
	json_bytes(json, "path", program->path, program->path_len);
	json_integer(json, "layer", program->layer);
	json_unsigned(json, "bytes", program->bytes);
	json_unsigned(json, "debug_bytes", program->debug_bytes);
	json_unsigned(json, "strip_bytes", program->strip_bytes);
	json_close(json);
}

static size_t count_copies(const struct bloat *bloat)
{
	return bloat->copy_count;
}

static bool row_copy(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	const struct bloat_copy *copy = &bloat->copies[i];
	char bytes[FORMAT_SIZE];
	char soname[NAME_SIZE];
	char path[NAME_SIZE];

	return sheet_row(sheet,
		(const char *[]){sheet_bytes(sheet, bytes, copy->bytes),
			show(soname, copy->soname, strlen(copy->soname)),
			show(path, copy->path, strlen(copy->path))});
}

static void json_copy(const struct bloat *bloat, struct json *json, size_t i)
{
	const struct bloat_copy *copy = &bloat->copies[i];

	json_object(json, NULL);
	json_bytes(json, "soname", copy->soname, strlen(copy->soname));
	json_bytes(json, "path", copy->path, strlen(copy->path));
	json_unsigned(json, "bytes", copy->bytes);
	json_close(json);
}

static size_t count_gpus(const struct bloat *bloat)
{
	return bloat->gpus.count;
}

static bool row_gpu(const struct bloat *bloat, struct sheet *sheet, size_t i)
{
	const struct bucket *bucket = &bloat->gpus.items[i];
	char cells[2][FORMAT_SIZE];
	char key[NAME_SIZE];

	return sheet_row(sheet,
		(const char *[]){sheet_bytes(sheet, cells[0], bucket->sums[0].bytes),
			format_number(cells[1], bucket->sums[0].files),
			show(key, bucket->key, bucket->key_len)});
}

static void json_gpu(const struct bloat *bloat, struct json *json, size_t i)
{
	json_bucket(json, "arch", &bloat->gpus.items[i]);
}

static const struct column category_columns[] = {{"SIZE", true}, {"SHARE", true},
	{"ALLOCATED", true}, {"FILES", true}, {"CATEGORY", false}, {"WHAT", false}};
static const struct column group_columns[] = {
	{"SIZE", true}, {"SHARE", true}, {"ALLOCATED", true}, {"FILES", true}, {"GROUP", false}};
static const struct column path_columns[] = {
	{"SIZE", true}, {"SHARE", true}, {"ALLOCATED", true}, {"FILES", true}, {"PATH", false}};
static const struct column program_columns[] = {
	{"STRIP SAVES", true}, {"DEBUG", true}, {"SIZE", true}, {"LAYER", true}, {"PATH", false}};
static const struct column copy_columns[] = {{"SIZE", true}, {"LIBRARY", false}, {"PATH", false}};
static const struct column gpu_columns[] = {{"SIZE", true}, {"FILES", true}, {"GPU", false}};

static const struct bloat_view views[] = {
	{"category", "By category", category_columns, countof(category_columns), count_categories,
		row_category, json_category},
	{"group", "By group of categories", group_columns, countof(group_columns), count_groups,
		row_group, json_group},
	{"path", "Files of the category", path_columns, countof(path_columns), count_paths,
		row_path, json_path},
	{"strip", "Programs and libraries that strip makes smaller", program_columns,
		countof(program_columns), count_programs, row_program, json_program},
	{"library", "Libraries that are there more than once", copy_columns, countof(copy_columns),
		count_copies, row_copy, json_copy},
	{"gpu", "Code for GPUs", gpu_columns, countof(gpu_columns), count_gpus, row_gpu, json_gpu},
};

const struct bloat_view *bloat_view_at(size_t i)
{
	return i < countof(views) ? &views[i] : NULL;
}

const struct bloat_view *bloat_view_find(const char *name)
{
	for (size_t i = 0; i < countof(views); i++) {
		if (strcmp(views[i].name, name) == 0) {
			return &views[i];
		}
	}
	return NULL;
}
