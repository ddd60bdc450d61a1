/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel find: what GNU find says at the root of a chroot of the image.
 *
 * The walk gives entries in the order of the mount's listings. -hidden asks for more than the merged tree has: after it
 * each layer is walked as stored, lowest first, at the same place, and what an upper layer hides from the merged tree
 * is looked at too. So every visible name comes once, and every hidden one once, from the layer that has it. Folders
 * that a layer shares with the merged tree are looked at once more without a word, since -prune may speak of them.
 */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "find.h"

struct find_values {
	const char *layer;
};

static const struct opt find_options[] = {
	{0, "layer", "N", OPT_STRING, offsetof(struct find_values, layer),
		"the tree as layer N has it, from 0"},
	{0},
};

/* The walk of one start in one view. */
struct visit {
	struct find *find;
	/* As given, and its place in the view. */
	const char *path;
	const char *start;
	/* A layer beside the merged tree: only what is hidden counts. */
	bool hidden_only;
};

void find_complain_path(struct find *find, const char *path, const char *what)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("'%s': %s", peel_text_escape_into(shown, sizeof(shown), path, strlen(path)), what);
	find->status = worse_status(find->status, STATUS_NO);
}

void find_complain_error(struct find *find, const char *path, const struct peel_error *err)
{
	static const int open_ends[] = {PEEL_ECHANGED, PEEL_EDIGEST, PEEL_EFORMAT, PEEL_EINCOMPLETE,
		PEEL_ELIMIT, PEEL_ETRUNCATED, PEEL_EUNSUPPORTED};
	int status = find->status;

	find_complain_path(find, path, error_text(err));
	for (size_t i = 0; i < countof(open_ends); i++) {
		if (err->code == open_ends[i]) {
			status = STATUS_INCONCLUSIVE;
		}
	}
	find->status = worse_status(find->status, status);
}

/* A link that should be followed and leads nowhere stands for itself. @return false where it is not looked at. */
static bool check_link(struct find *find, const struct walk_step *step)
{
	if (step->err && step->err->code != PEEL_ENOENT) {
		find_complain_path(find, step->path, error_text(step->err));
	}
	return !step->err || step->err->code != PEEL_ELOOP;
}

/* Whether this step is the one at which the expression is asked. */
static bool is_due(struct find *find, const struct walk_step *step)
{
	switch (step->event) {
	case WALK_ENTRY:
		return check_link(find, step) && !(find->depth_first && S_ISDIR(step->node->mode));
	case WALK_LEAVE:
		return find->depth_first;
	case WALK_FAILED:
		find_complain_error(find, step->path, step->err);
		return false;
	case WALK_LOOP:
		find_complain_path(find, step->path,
			"File system loop detected; this folder is one of those above it.");
		return false;
	}
	return false;
}

static enum walk_next take_step(void *arg, const struct walk_step *step)
{
	struct visit *visit = arg;
	struct find *find = visit->find;
	struct find_entry entry = {step, strlen(visit->path), visit->start};
	bool folder = S_ISDIR(step->node->mode);

	if (!is_due(find, step) || step->depth < find->min_depth) {
		return WALK_ON;
	}
	find->silent = visit->hidden_only && step->node->hidden_by < 0;
	if (find->silent && !folder) {
		return WALK_ON;
	}
	find->prune = false;
	find_eval(find, find->tree, &entry);
	if (find->quit) {
		return WALK_STOP;
	}
	return find->prune && folder && !find->depth_first ? WALK_PRUNE : WALK_ON;
}

static void walk(struct visit *visit, const struct peel_node *start, bool follow)
{
	struct find *find = visit->find;
	int r = follow
		? walk_tree_following(find->index, visit->path, start, find->max_depth, take_step,
			  visit)
		: walk_tree(find->index, visit->path, start, find->max_depth, take_step, visit);

	if (r < 0) {
		complain("%s", strerror(ENOMEM));
		find->status = STATUS_NO;
		find->quit = true;
	}
}

/* The node at a canonical path in a layer, where nothing on the way is followed. @return false where it has none. */
static bool find_in_layer(struct find *find, int layer, const char *path,
	struct peel_node *ret_node)
{
	if (peel_node_get(find->index, peel_root(layer), ret_node, NULL) < 0) {
		return false;
	}
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");

		if (peel_lookup(find->index, ret_node->ino, path, len, ret_node, NULL) < 0) {
			return false;
		}
		path += len;
	}
	return true;
}

/* What upper layers hide at a canonical path. @return true where a layer has that path. */
static bool walk_layers(struct find *find, const char *path, const char *canonical)
{
	struct visit visit = {find, path, canonical, true};
	int layers = peel_layer_count(find->index);
	bool found = false;

	for (int layer = 0; layer < layers && !find->quit; layer++) {
		struct peel_node start;

		if (find_in_layer(find, layer, canonical, &start)) {
			found = true;
			walk(&visit, &start, false);
		}
	}
	return found;
}

/*
 * Where a path that the merged tree does not have would be: what there is of it, resolved, and the rest as it is (".."
 * in the rest names nothing). @return NULL without memory.
 */
static char *guess_canonical(struct find *find, const char *path)
{
	size_t len = strlen(path);

	while (len > 0) {
		cleanup_free char *above = NULL;
		cleanup_free char *known = NULL;
		struct peel_node node;
		char *whole = NULL;

		while (len > 0 && path[len - 1] == '/') {
			len--;
		}
		while (len > 0 && path[len - 1] != '/') {
			len--;
		}
		above = strndup(len ? path : "/", len ? len : 1);
		if (!above) {
			return NULL;
		}
		if (resolve_path(find->index, find->view, above, true, &node, &known, NULL) >= 0) {
			return asprintf(&whole, "%s/%s", known, path + len) < 0 ? NULL : whole;
		}
	}
	return NULL;
}

/* Walk from one start. */
static void walk_start(struct find *find, const char *path)
{
	bool follow = find->follow != FIND_FOLLOW_NEVER;
	bool layers = find->hidden && find->view == PEEL_VIEW_MERGED;
	cleanup_free char *canonical = NULL;
	struct visit visit = {find, path, path, false};
	struct peel_error err = {0};
	struct peel_node start;
	int r = resolve_path(find->index, find->view, path, follow, &start, &canonical, &err);

	if (r == PEEL_ENOENT && follow) {
		struct peel_error again = {0};

		r = resolve_path(find->index, find->view, path, false, &start, &canonical, &again);
	}
	if (r >= 0) {
		walk(&visit, &start, find->follow == FIND_FOLLOW_ALWAYS);
	} else if (layers && *path) {
		canonical = guess_canonical(find, path);
	}
	if (layers && canonical && !find->quit) {
		r = walk_layers(find, path, canonical) ? 0 : r;
	}
	if (r < 0) {
		find_complain_path(find, path, error_text(&err));
	}
}

/* -H, -L and -P before the first path. @return how many words. */
static int parse_leading(struct find *find, int count, char **words)
{
	static const struct {
		const char *word;
		enum find_follow follow;
	} options[] = {
		{"-H", FIND_FOLLOW_ARGUMENTS},
		{"-L", FIND_FOLLOW_ALWAYS},
		{"-P", FIND_FOLLOW_NEVER},
	};
	int at;

	for (at = 0; at < count; at++) {
		size_t i = 0;

		if (strcmp(words[at], "--") == 0) {
			return at + 1;
		}
		while (i < countof(options) && strcmp(words[at], options[i].word) != 0) {
			i++;
		}
		if (i == countof(options)) {
			break;
		}
		find->follow = options[i].follow;
	}
	return at;
}

static void find_init(struct find *find)
{
	struct timespec now;

	/* Microseconds, as GNU find asks for. */
	clock_gettime(CLOCK_REALTIME, &now);
	*find = (struct find){
		.view = PEEL_VIEW_MERGED,
		.max_depth = UINT_MAX,
		.regex_syntax = RE_SYNTAX_EMACS,
		.now = {now.tv_sec, now.tv_nsec / 1000 * 1000},
		.terminal = isatty(STDOUT_FILENO),
		.warn = isatty(STDIN_FILENO),
		.widths = {9, 6, 3, 8, 8, 3, 3, 8},
	};
	find->day_start = (struct find_time){find->now.sec - 86400, find->now.nsec};
}

static int run_parsed(struct call *call, struct find *find)
{
	const struct find_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct peel_error err = {0};
	int status;

	call->reads_contents = find->reads_contents;
	status = open_for_reading(call, &index);
	if (status != STATUS_OK || !parse_view(index, values->layer, &find->view)) {
		return status != STATUS_OK ? status : STATUS_NO;
	}
	find->index = index;
	if (users_read(&find->users, index, &err) < 0) {
		return complain_error(&err);
	}
	if (!find_bind(find)) {
		return STATUS_NO;
	}
	for (int i = 0; i < find->path_count && !find->quit; i++) {
		walk_start(find, find->paths[i]);
	}
	return reading_status(index, find->status);
}

static int run_find(struct call *call)
{
	static char here[] = ".";
	char *default_paths[] = {here};
	struct find find;
	char **words = call->argv + 1;
	int count = call->argc - 1;
	int status = STATUS_NO;
	int paths = 0;
	int at;

	/* The same answer on every machine, but where the user says otherwise. */
	setenv("TZ", "UTC", false);
	tzset();
	find_init(&find);
	at = parse_leading(&find, count, words);
	words += at;
	count -= at;
	while (paths < count && !find_is_expression(words[paths], true)) {
		paths++;
	}
	find.paths = paths ? words : default_paths;
	find.path_count = paths ? paths : 1;
	if (find_parse(&find, count - paths, words + paths)) {
		status = run_parsed(call, &find);
	}
	find_finish(&find);
	return status;
}

const struct verb cmd_find = {
	.name = "find",
	.operands = "IMAGE [-H|-L|-P] [PATH...] [EXPRESSION]",
	.summary = "find files as GNU find does in a chroot of the image",
	.details =
		"EXPRESSION, output and status are GNU find's; what would change files or run commands is refused."
		" -layer N: layer N, from 0, gave its metadata. -hidden: an upper layer hides it; every layer is"
		" searched then. -kind K,...: its content is elf, script, pyc, zip, text, empty, ..."
		" -printf knows %{layer}, %{hidden-by}, %{why} and %{kind} too. Times are UTC where TZ is not set.",
	.options = find_options,
	.values_size = sizeof(struct find_values),
	.image = true,
	.headers_only = true,
	.own_language = true,
	.word_at = find_word_at,
	.words_title = "Words of EXPRESSION",
	.failure = STATUS_NO,
	.min_operands = 1,
	.max_operands = -1,
	.run = run_find,
};
