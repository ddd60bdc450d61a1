/* SPDX-License-Identifier: Apache-2.0 */
/* peel cache: what is in the cache folder, taking out what is of no use, and what was damaged. */
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "json_writer.h"

struct cache_values {
	bool all;
	bool deep;
	bool dry_run;
	const char *dir;
	uint64_t limit;
};

static const struct opt cache_options[] = {
	{0, "all", NULL, OPT_FLAG, offsetof(struct cache_values, all),
		"gc: every index, usable or not"},
	{0, "cache-dir", "DIR", OPT_STRING, offsetof(struct cache_values, dir),
		"folder for indexes [~/.cache/peel]"},
	{0, "deep", NULL, OPT_FLAG, offsetof(struct cache_values, deep),
		"verify: let SQLite look at every page, too"},
	{'n', "dry-run", NULL, OPT_FLAG, offsetof(struct cache_values, dry_run),
		"gc, verify: remove nothing, say what would go"},
	{0, "limit", "SIZE", OPT_LIMIT, offsetof(struct cache_values, limit),
		"gc: least used out until all fit; 0: any size [4G]"},
	{0},
};

/* What is done, and with which options. */
struct cache_task {
	const char *name;
	/* Schema of its JSON, and the name of the list of files there. */
	const char *schema, *list;
	/* Heading of the first column. */
	const char *heading;
	bool removes, limited, all, deep;
};

static const struct cache_task tasks[] = {
	{"gc", "peel/cache-gc/1", "removed", "REASON", .removes = true, .limited = true,
		.all = true},
	{"ls", "peel/cache-ls/1", "files", "STATE", .limited = true},
	{"verify", "peel/cache-verify/1", "files", "STATE", .removes = true, .deep = true},
};

/* One run: the files that were listed, removed or verified, copied out of the callback. */
struct cache_run {
	const struct cache_values *values;
	const struct cache_task *task;
	char *folder;
	uint64_t limit;
	struct peel_cache_file *files;
	size_t count;
	size_t room;
};

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void free_file(const struct peel_cache_file *file)
{
	free_text(file->name);
	free_text(file->image);
	free_text(file->kind);
	free_text(file->platform);
}

static void cache_run_finish(struct cache_run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		free_file(&run->files[i]);
	}
	free(run->files);
	free(run->folder);
}

static int take_file(void *arg, const struct peel_cache_file *file)
{
	struct cache_run *run = arg;
	struct peel_cache_file *copy;

	if (run->count == run->room) {
		size_t room = run->room ? 2 * run->room : 64;
		struct peel_cache_file *files = reallocarray(run->files, room, sizeof(*files));

		if (!files) {
			return PEEL_ENOMEM;
		}
		run->files = files;
		run->room = room;
	}
	copy = &run->files[run->count];
	*copy = *file;
	copy->name = strdup(file->name);
	copy->image = strdup(file->image);
	copy->kind = strdup(file->kind);
	copy->platform = strdup(file->platform);
	if (!copy->name || !copy->image || !copy->kind || !copy->platform) {
		free_file(copy);
		return PEEL_ENOMEM;
	}
	run->count++;
	return 0;
}

static uint64_t total_bytes(const struct cache_run *run)
{
	uint64_t total = 0;

	for (size_t i = 0; i < run->count; i++) {
		total += run->files[i].size;
	}
	return total;
}

/* Why a file is removed, or what it is good for. */
static const char *show_state(const struct cache_run *run, const struct peel_cache_file *file)
{
	if (!run->task->all || file->state >= PEEL_CACHE_GONE) {
		return peel_cache_state_name(file->state);
	}
	return run->values->all ? "all" : "over the limit";
}

static bool print_file(const struct cache_run *run, const struct peel_cache_file *file,
	struct table *table)
{
	const char *image = *file->image ? file->image : file->name;
	bool read = *file->kind != 0;
	char size[FORMAT_SIZE];
	char entries[FORMAT_SIZE];
	char built[FORMAT_SIZE];
	char used[FORMAT_SIZE];
	cleanup_free char *shown = NULL;
	cleanup_free char *kind = NULL;
	const char *cells[] = {
		show_state(run, file),
		format_bytes(size, file->size),
		read ? format_number(entries, file->entries) : "",
		!read                    ? ""
			: file->complete ? "yes"
					 : "no",
		file->built ? format_minutes(built, file->built) : "",
		format_minutes(used, file->used),
		NULL,
		NULL,
	};

	if (peel_text_escape(file->kind, strlen(file->kind), &kind) < 0 ||
		peel_text_escape(image, strlen(image), &shown) < 0) {
		return false;
	}
	cells[countof(cells) - 2] = kind;
	cells[countof(cells) - 1] = shown;
	return table_row(table, cells);
}

static size_t count_damaged(const struct cache_run *run)
{
	size_t damaged = 0;

	for (size_t i = 0; i < run->count; i++) {
		damaged += run->files[i].state == PEEL_CACHE_DAMAGED;
	}
	return damaged;
}

static void print_sum(const struct cache_run *run, FILE *out)
{
	const bool dry_run = run->values->dry_run;
	char bytes[FORMAT_SIZE];
	char limit[FORMAT_SIZE];

	if (run->task->all) {
		fputs(dry_run ? "would remove " : "removed ", out);
	}
	fprintf(out, "%zu file%s, %s, ", run->count, run->count == 1 ? "" : "s",
		format_bytes(bytes, total_bytes(run)));
	if (run->task->deep) {
		fprintf(out, "%zu damaged%s, ", count_damaged(run),
			count_damaged(run) == 0 ? ""
				: dry_run       ? " and left"
						: " and removed");
	} else if (run->limit == PEEL_CACHE_UNLIMITED) {
		fputs("no limit, ", out);
	} else {
		fprintf(out, "limit %s, ", format_bytes(limit, run->limit));
	}
	peel_text_print(out, run->folder, strlen(run->folder));
	putc('\n', out);
}

static int emit_table(const struct cache_run *run, FILE *out)
{
	const struct column columns[] = {
		{run->task->heading, false},
		{"SIZE", true},
		{"ENTRIES", true},
		{"COMPLETE", false},
		{"BUILT", false},
		{"USED", false},
		{"KIND", false},
		{"IMAGE", false},
	};
	struct table *table = table_new(out, columns, countof(columns), run->count > 0);
	bool good = table != NULL;

	for (size_t i = 0; good && i < run->count; i++) {
		good = print_file(run, &run->files[i], table);
	}
	table_finish(table);
	if (!good) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	print_sum(run, out);
	return STATUS_OK;
}

static void json_file(struct json *json, const struct cache_run *run,
	const struct peel_cache_file *file)
{
	json_object(json, NULL);
	json_bytes(json, "file", file->name, strlen(file->name));
	json_string(json, "state", peel_cache_state_name(file->state));
	if (run->task->all) {
		json_string(json, "reason", show_state(run, file));
	}
	if (run->task->deep) {
		json_bool(json, "removed", file->removed);
	}
	json_unsigned(json, "bytes", file->size);
	json_integer(json, "used", file->used);
	if (*file->kind) {
		json_bytes(json, "image", file->image, strlen(file->image));
		json_bytes(json, "kind", file->kind, strlen(file->kind));
		json_bytes(json, "platform", file->platform, strlen(file->platform));
		json_unsigned(json, "entries", file->entries);
		json_integer(json, "built", file->built);
		json_bool(json, "complete", file->complete);
	}
	json_close(json);
}

static int emit_json(const struct cache_run *run, FILE *out)
{
	struct json json = {.out = out};

	json_object(&json, NULL);
	json_string(&json, "schema", run->task->schema);
	json_bytes(&json, "folder", run->folder, strlen(run->folder));
	if (run->task->limited && run->limit == PEEL_CACHE_UNLIMITED) {
		json_null(&json, "limit_bytes");
	} else if (run->task->limited) {
		json_unsigned(&json, "limit_bytes", run->limit);
	}
	if (run->task->removes) {
		json_bool(&json, "dry_run", run->values->dry_run);
	}
	if (run->task->deep) {
		json_bool(&json, "deep", run->values->deep);
		json_unsigned(&json, "damaged", count_damaged(run));
	}
	json_unsigned(&json, "total_bytes", total_bytes(run));
	json_array(&json, run->task->list);
	for (size_t i = 0; i < run->count; i++) {
		json_file(&json, run, &run->files[i]);
	}
	json_close(&json);
	json_close(&json);
	return STATUS_OK;
}

static int emit_cache(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	(void)call;
	(void)index;
	return strcmp(format, "json") == 0 ? emit_json(arg, out) : emit_table(arg, out);
}

/* List, collect or verify. @return 0; 1 something is damaged; or less than 0. */
static int look(struct cache_run *run, struct peel_error *err)
{
	const struct cache_values *values = run->values;
	const struct peel_cache_gc_options gc = {
		.cache_dir = values->dir,
		.cache_limit = run->limit,
		.all = values->all,
		.dry_run = values->dry_run,
		.removed = take_file,
		.removed_arg = run,
	};
	const struct peel_cache_verify_options verify = {
		.cache_dir = values->dir,
		.deep = values->deep,
		.dry_run = values->dry_run,
		.each = take_file,
		.each_arg = run,
	};
	int code = peel_cache_path(values->dir, &run->folder, err);

	if (code < 0) {
		return code;
	}
	return run->task->deep   ? peel_cache_verify(&verify, err)
		: run->task->all ? peel_cache_gc(&gc, err)
				 : peel_cache_list(values->dir, take_file, run, err);
}

/* The task that was named, if the options are its own. NULL: complained. */
static const struct cache_task *find_task(struct call *call)
{
	const struct cache_values *values = call->values;
	const struct cache_task *task = NULL;
	const char *what = call->argv[0];
	char shown[64];

	for (size_t i = 0; i < countof(tasks); i++) {
		task = strcmp(tasks[i].name, what) == 0 ? &tasks[i] : task;
	}
	if (!task) {
		complain_usage(call, "'%s' is none of gc, ls and verify",
			peel_text_escape_into(shown, sizeof(shown), what, strlen(what)));
		return NULL;
	}
	if ((values->all || values->limit) && !task->all) {
		complain_usage(call, "--all and --limit are for gc");
		return NULL;
	}
	if ((values->dry_run && !task->removes) || (values->deep && !task->deep)) {
		complain_usage(call,
			values->deep ? "--deep is for verify" : "--dry-run is for gc and verify");
		return NULL;
	}
	return task;
}

static int run_cache(struct call *call)
{
	__attribute__((__cleanup__(cache_run_finish))) struct cache_run run = {
		.values = call->values};
	struct peel_error err = {0};
	int status;
	int code;

	run.task = find_task(call);
	run.limit = run.values->limit;
	if (!run.task || (run.task->limited && !take_cache_limit(&run.limit))) {
		return STATUS_ERROR;
	}
	run.limit = run.limit ? run.limit : PEEL_CACHE_LIMIT_DEFAULT;
	code = look(&run, &err);
	if (code < 0 && err.code == 0) {
		peel_fail(&err, code, "%s", peel_strerror(code));
	}
	if (code < 0 && run.count == 0) {
		return complain_error(&err);
	}
	status = emit_all(call, NULL, emit_cache, &run);
	if (code < 0) {
		complain_error(&err);
	}
	return status != STATUS_OK ? status : code < 0 ? STATUS_ERROR : code;
}

const struct verb cmd_cache = {
	.name = "cache",
	.operands = "ls|gc|verify",
	.summary = "list, check and remove the indexes that are kept",
	.details =
		"gc removes indexes whose image is gone or another by now, those of other versions, damaged ones,\n"
		"and what killed builders left; then the least recently used ones until all are within the limit.\n"
		"An index that a mount uses serves on. The limit holds after every build, too: PEEL_CACHE_LIMIT.\n"
		"verify holds every byte of each file against its seal and removes what was damaged since it was\n"
		"written; the next use builds it anew. Status 1 where something was damaged.\n",
	.options = cache_options,
	.values_size = sizeof(struct cache_values),
	.formats = "table json",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_cache,
};
