/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel ls: GNU ls's answers out of the index, sorted bytewise, one name a line, times in UTC.
 *
 * Folders of -R are kept on a stack of paths, the next one on top: memory is one folder's entries and the
 * names of folders still to come, whatever the depth.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "ls.h"

/* Longest path that -R prints, in bytes; an index that leads deeper is hostile. */
#define DEEPEST_PATH (64u << 10)

static const struct opt ls_options_table[] = {
	{'0', "zero", NULL, OPT_FLAG, offsetof(struct ls_options, zero),
		"raw names ended by NUL; with -R whole paths"},
	{'1', NULL, NULL, OPT_IGNORED, 0, "one name a line (always)"},
	{'A', "almost-all", NULL, OPT_FLAG, offsetof(struct ls_options, almost_all),
		"names with a leading dot too"},
	{'R', "recursive", NULL, OPT_FLAG, offsetof(struct ls_options, recursive),
		"folders within folders too"},
	{'a', "all", NULL, OPT_FLAG, offsetof(struct ls_options, all), "as -A, and . and .."},
	{'d', "directory", NULL, OPT_FLAG, offsetof(struct ls_options, directory),
		"folders themselves, not what is in them"},
	{'h', "human-readable", NULL, OPT_FLAG, offsetof(struct ls_options, human),
		"sizes as 3.6K or 20G"},
	{'i', "inode", NULL, OPT_FLAG, offsetof(struct ls_options, inode),
		"inode numbers, as in the mount"},
	{'l', NULL, NULL, OPT_FLAG, offsetof(struct ls_options, details),
		"mode, links, owner, group, size, time"},
	{'n', "numeric-uid-gid", NULL, OPT_FLAG, offsetof(struct ls_options, numeric),
		"as -l with numbers for owners"},
	{0, "color", "no|never", OPT_STRING, offsetof(struct ls_options, color),
		"accepted: there are no colours"},
	{0, "full-time", NULL, OPT_FLAG, offsetof(struct ls_options, full_time),
		"as -l with nanoseconds"},
	{0, "layer", "N", OPT_STRING, offsetof(struct ls_options, layer),
		"layer N as stored, from 0, .wh. names shown"},
	{0},
};

/* A folder to be listed: its path as the user would name it, for headings, and itself. */
struct folder {
	char *path;
	struct peel_node node;
};

/* Folders to be listed, the next one last. */
struct pending {
	struct folder *folders;
	size_t count;
	size_t room;
};

static void pending_finish(struct pending *pending)
{
	for (size_t i = 0; i < pending->count; i++) {
		free(pending->folders[i].path);
	}
	free(pending->folders);
}

/* Takes over path, which may be NULL where memory is exhausted. */
static bool pending_push(struct pending *pending, char *path, const struct peel_node *node)
{
	if (path && pending->count == pending->room) {
		size_t room = pending->room ? pending->room * 2 : 64;
		struct folder *folders = reallocarray(pending->folders, room, sizeof(*folders));

		if (!folders) {
			free(path);
			return false;
		}
		pending->folders = folders;
		pending->room = room;
	}
	if (path) {
		pending->folders[pending->count++] = (struct folder){path, *node};
	}
	return path != NULL;
}

/* One listing under way. */
struct ls_run {
	struct ls_options options;
	struct peel_index *index;
	int view;
	struct users users;
	struct pending pending;
	/* Whether anything was printed, and whether folders have headings. */
	bool printed;
	bool headings;
	int status;
};

static void complain_access(const char *what, const char *path, const char *why)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("cannot %s '%s': %s", what,
		peel_text_escape_into(shown, sizeof(shown), path, strlen(path)), why);
}

static int take_entry(void *arg, const struct peel_dirent *dirent)
{
	return ls_list_add(arg, dirent->name, dirent->name_len, &dirent->node) ? 0 : 1;
}

static bool is_listed(const struct ls_options *options, const void *name)
{
	return options->all || options->almost_all || ((const char *)name)[0] != '.';
}

static int take_listed(void *arg, const struct peel_dirent *dirent)
{
	struct ls_list *list = arg;

	return is_listed(list->options, dirent->name) ? take_entry(arg, dirent) : 0;
}

/* "." and "..", which the library leaves out. */
static bool add_dots(struct ls_run *run, const struct peel_node *folder, struct ls_list *list,
	struct peel_error *err)
{
	struct peel_node parent;
	uint64_t ino;

	if (peel_parent(run->index, folder->ino, &ino, err) < 0 ||
		peel_node_get(run->index, ino, &parent, err) < 0) {
		return false;
	}
	return ls_list_add(list, ".", 1, folder) && ls_list_add(list, "..", 2, &parent);
}

static char *join_path(const char *folder, const struct ls_entry *entry)
{
	size_t len = strlen(folder);
	char *path = NULL;

	if (asprintf(&path, "%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/",
		    entry->name) < 0) {
		return NULL;
	}
	return path;
}

/* Push the folders of a listing, last first, so that the first is on top. */
static bool push_folders(struct ls_run *run, const char *path, const struct ls_list *list)
{
	for (size_t i = list->count; i > 0; i--) {
		const struct ls_entry *entry = &list->entries[i - 1];

		if (!S_ISDIR(entry->node.mode) || strcmp(entry->name, ".") == 0 ||
			strcmp(entry->name, "..") == 0) {
			continue;
		}
		if (strlen(path) + entry->len > DEEPEST_PATH) {
			complain_access("list", path, "path too long");
			run->status = worse_status(run->status, STATUS_NO);
		} else if (!pending_push(&run->pending, join_path(path, entry), &entry->node)) {
			return false;
		}
	}
	return true;
}

static void print_heading(struct ls_run *run, const char *path)
{
	if (run->headings && !run->options.zero) {
		fputs(run->printed ? "\n" : "", stdout);
		peel_text_print(stdout, path, strlen(path));
		fputs(":\n", stdout);
	}
	run->printed = true;
}

static bool list_folder(struct ls_run *run, const struct folder *folder, struct peel_error *err)
{
	__attribute__((__cleanup__(ls_list_finish))) struct ls_list list = {
		.options = &run->options};
	int r;

	if (run->options.all && !add_dots(run, &folder->node, &list, err)) {
		return false;
	}
	r = peel_list(run->index, folder->node.ino, 0, take_listed, &list, err);
	if (r != 0) {
		return r < 0 ? false : peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM)) >= 0;
	}
	ls_list_sort(&list);
	print_heading(run, folder->path);
	if (!ls_print(&list, run->index, &run->users, run->options.recursive ? folder->path : NULL,
		    !run->options.zero)) {
		run->status = worse_status(run->status, STATUS_NO);
	}
	if (run->options.recursive && !push_folders(run, folder->path, &list)) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM)) >= 0;
	}
	return true;
}

/* Folders in order, and with -R those that turn up on the way. */
static void list_pending(struct ls_run *run)
{
	while (run->pending.count > 0) {
		struct folder folder = run->pending.folders[--run->pending.count];
		struct peel_error err = {0};

		if (!list_folder(run, &folder, &err)) {
			complain_access("open directory", folder.path, error_text(&err));
			run->status = worse_status(run->status, STATUS_NO);
		}
		free(folder.path);
	}
}

/* A link to a folder is followed unless -l or -d want the link itself, as GNU ls does; one to nothing is shown. */
static bool resolve_operand(struct ls_run *run, const char *path, struct peel_node *ret_node,
	struct peel_error *err)
{
	bool follow = !run->options.details && !run->options.directory;
	struct peel_node target;

	if (resolve_path(run->index, run->view, path, false, ret_node, NULL, err) < 0) {
		return false;
	}
	if (follow && S_ISLNK(ret_node->mode) &&
		resolve_path(run->index, run->view, path, true, &target, NULL, NULL) >= 0 &&
		S_ISDIR(target.mode)) {
		*ret_node = target;
	}
	return true;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An operand, and what it is. */
struct operand {
	struct peel_node node;
	bool found;
};

/* Files first, as one listing; folders become pending, the first on top. */
static bool sort_operands(struct ls_run *run, char **paths, int count)
{
	__attribute__((__cleanup__(ls_list_finish))) struct ls_list files = {
		.options = &run->options};
	cleanup_free struct operand *operands = calloc((size_t)count, sizeof(*operands));

	if (!operands) {
		return false;
	}
	qsort(paths, (size_t)count, sizeof(*paths), compare_paths);
	for (int i = 0; i < count; i++) {
		struct peel_error err = {0};

		operands[i].found = resolve_operand(run, paths[i], &operands[i].node, &err);
		if (!operands[i].found) {
			complain_access("access", paths[i], error_text(&err));
			run->status = STATUS_ERROR;
		}
	}
	for (int i = count - 1; i >= 0; i--) {
		const struct peel_node *node = &operands[i].node;

		if (!operands[i].found) {
			continue;
		}
		if (S_ISDIR(node->mode) && !run->options.directory
				? !pending_push(&run->pending, strdup(paths[i]), node)
				: !ls_list_add(&files, paths[i], strlen(paths[i]), node)) {
			return false;
		}
	}
	ls_list_sort(&files);
	if (!ls_print(&files, run->index, &run->users, NULL, false)) {
		run->status = worse_status(run->status, STATUS_NO);
	}
	run->printed = files.count > 0;
	run->headings = run->options.recursive || count > 1;
	return true;
}

static int run_ls(struct call *call)
{
	static char root[] = "/";
	char *default_paths[] = {root};
	cleanup_index struct peel_index *index = NULL;
	struct ls_run run = {.options = *(struct ls_options *)call->values};
	struct peel_error err = {0};
	int status = open_for_reading(call, &index);

	if (status != STATUS_OK) {
		return status;
	}
	if (!parse_view(index, run.options.layer, &run.view)) {
		return STATUS_ERROR;
	}
	run.index = index;
	run.options.details |= run.options.numeric || run.options.full_time;
	if (run.options.details && !run.options.numeric &&
		users_read(&run.users, index, &err) < 0) {
		users_finish(&run.users);
		return complain_error(&err);
	}
	if (sort_operands(&run, call->argc > 1 ? call->argv + 1 : default_paths,
		    call->argc > 1 ? call->argc - 1 : 1)) {
		list_pending(&run);
	} else {
		complain("%s", strerror(ENOMEM));
		run.status = STATUS_ERROR;
	}
	pending_finish(&run.pending);
	users_finish(&run.users);
	return reading_status(index, run.status);
}

const struct verb cmd_ls = {
	.name = "ls",
	.operands = "IMAGE [PATH...]",
	.summary = "list files",
	.options = ls_options_table,
	.values_size = sizeof(struct ls_options),
	.image = true,
	.headers_only = true,
	.min_operands = 1,
	.max_operands = -1,
	.run = run_ls,
};
