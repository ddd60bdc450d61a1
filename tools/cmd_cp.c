/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel cp: files out of the image, as cp(1) would copy them in a chroot of it to a folder outside.
 *
 * Where cp writes through a link, this does not: a name that is taken is replaced, and links of the
 * target are never followed but for DEST itself where that leads to a folder (put.h). What a
 * stranger's image could harm with is not carried over unless root asks for it by -p or -a: owners,
 * set-id bits, with -a privileged xattrs, and with -a and without the sandbox devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cp.h"
#include "format.h"

struct cp_values {
	bool archive;
	bool dereference;
	bool no_dereference;
	bool preserve;
	bool recursive;
	const char *layer;
};

static const struct opt cp_options[] = {
	{'L', "dereference", NULL, OPT_FLAG, offsetof(struct cp_values, dereference),
		"copy what links lead to, inside the image [without -r]"},
	{'P', "no-dereference", NULL, OPT_FLAG, offsetof(struct cp_values, no_dereference),
		"copy links as links [with -r]"},
	{'R', NULL, NULL, OPT_FLAG, offsetof(struct cp_values, recursive), "as -r"},
	{'a', "archive", NULL, OPT_FLAG, offsetof(struct cp_values, archive),
		"as -rPp, and hard links, xattrs; as root with --no-sandbox devices"},
	{0, "layer", "N", OPT_STRING, offsetof(struct cp_values, layer),
		"files as layer N has them, from 0"},
	{'p', "preserve", NULL, OPT_FLAG, offsetof(struct cp_values, preserve),
		"keep mode and time; as root owners and set-id bits"},
	{'r', "recursive", NULL, OPT_FLAG, offsetof(struct cp_values, recursive),
		"copy folders with what is in them"},
	{0},
};

/* A run, and what its options and operands say. */
struct cp_run {
	struct cp cp;
	struct cp_values values;
	int view;
	/* DEST, and whether it is a folder that sources go into. */
	const char *target;
	bool into;
	/* DEST is a pipe or a device: its descriptor. -1: it is not, or an errno says why it cannot be opened. */
	int stream;
	int stream_error;
	/* The folder of DEST, which is DEST itself or what it is in, and the errno of opening it. */
	char *folder;
	int folder_error;
};

static bool is_followed(const struct cp_values *values)
{
	return values->dereference || (!values->recursive && !values->no_dereference);
}

/*
 * The last component without slashes at its end; "" for what means the folder itself. The caller
 * frees.
 */
static char *base_name(const char *path)
{
	size_t end = strlen(path);
	size_t start;

	while (end > 0 && path[end - 1] == '/') {
		end--;
	}
	for (start = end; start > 0 && path[start - 1] != '/'; start--) {
	}
	if ((end - start == 1 && path[start] == '.') ||
		(end - start == 2 && path[start] == '.' && path[start + 1] == '.')) {
		start = end;
	}
	return format_text("%.*s", (int)(end - start), path + start);
}

static enum walk_next count_step(void *arg, const struct walk_step *step)
{
	struct cp *cp = arg;

	if (step->event == WALK_ENTRY && S_ISREG(step->node->mode)) {
		cp->all_bytes += step->node->size;
	}
	return WALK_ON;
}

static int walk(const struct cp_run *run, const char *path, const struct peel_node *node,
	walk_fn *each)
{
	void *arg = (void *)&run->cp;

	return run->values.dereference
		? walk_tree_following(run->cp.index, path, node, UINT_MAX, each, arg)
		: walk_tree(run->cp.index, path, node, UINT_MAX, each, arg);
}

/*
 * Copy one source under a name of the open target. @return false where there is no way on; it was
 * said.
 */
static bool copy_tree(struct cp_run *run, const char *path, const struct peel_node *node,
	const char *name)
{
	struct cp *cp = &run->cp;
	int r;

	cp->name = name;
	cp->source_len = strlen(path);
	if (cp->options.progress) {
		walk(run, path, node, count_step);
	}
	r = walk(run, path, node, cp_step);
	if (r == PEEL_ENOMEM) {
		cp_complain(cp, "", path, strerror(ENOMEM));
	}
	return r == 0;
}

/* Find a source. @return false where it is none that can be copied; it was said. */
static bool find_source(struct cp_run *run, const char *path, struct peel_node *ret_node)
{
	struct peel_error err = {0};

	if (resolve_path(run->cp.index, run->view, path, is_followed(&run->values), ret_node, NULL,
		    &err) < 0) {
		cp_complain_read(&run->cp, path, &err);
		return false;
	}
	if (S_ISDIR(ret_node->mode) && !run->values.recursive) {
		cp_complain(&run->cp, "not copied: ", path, "a folder, and -r is not given");
		return false;
	}
	return true;
}

/*
 * Whether an earlier source has put something under this name, which a later one would replace. The
 * same file twice is no loss, and is passed over.
 */
static bool is_taken(struct cp_run *run, char **sources, int count, const char *name,
	const struct peel_node *node)
{
	for (int i = 0; i < count; i++) {
		cleanup_free char *other = base_name(sources[i]);
		struct peel_node earlier;

		if (strcmp(other, name) != 0 ||
			resolve_path(run->cp.index, run->view, sources[i],
				is_followed(&run->values), &earlier, NULL, NULL) < 0) {
			continue;
		}
		if (earlier.ino != node->ino) {
			cp_complain(&run->cp, "not copied: ", sources[count],
				"another source has the same name");
		}
		return true;
	}
	return false;
}

static void copy_into(struct cp_run *run, char **sources, int count)
{
	bool go_on = true;

	for (int i = 0; i < count && go_on; i++) {
		cleanup_free char *name = base_name(sources[i]);
		struct peel_node node;

		if (!find_source(run, sources[i], &node)) {
			continue;
		}
		if (!S_ISDIR(node.mode) && is_taken(run, sources, i, name, &node)) {
			continue;
		}
		go_on = copy_tree(run, sources[i], &node, name);
	}
}

/* A pipe or a device takes the bytes of a file as they come. */
static void copy_to_stream(struct cp_run *run, const char *path, const struct peel_node *node)
{
	if (run->stream < 0) {
		cp_complain(&run->cp, "", run->target, strerror(run->stream_error));
		return;
	}
	run->cp.all_bytes = node->size;
	cp_bytes(&run->cp, path, node->ino, 0, node->size, run->stream);
}

/* Copy to a name that is not a folder's: nothing has it yet, or it is replaced. */
static void copy_to_name(struct cp_run *run, const char *path, const struct peel_node *node)
{
	const char *target = run->target;
	cleanup_free char *name = base_name(target);

	if (!*name || (target[strlen(target) - 1] == '/' && !S_ISDIR(node->mode))) {
		cp_complain(&run->cp, "", target, strerror(ENOTDIR));
	} else if (run->folder_error) {
		cp_complain(&run->cp, "", run->folder, strerror(run->folder_error));
	} else {
		copy_tree(run, path, node, name);
	}
}

static void copy_one(struct cp_run *run, const char *path)
{
	struct stat there;
	struct peel_node node;

	if (!find_source(run, path, &node)) {
		return;
	}
	if ((run->stream >= 0 || run->stream_error) && S_ISREG(node.mode)) {
		copy_to_stream(run, path, &node);
	} else if (lstat(run->target, &there) == 0 && S_ISLNK(there.st_mode)) {
		cp_complain(&run->cp, "", run->target, "a link, which is not written through");
	} else {
		copy_to_name(run, path, &node);
	}
}

static int copy_sources(struct cp_run *run, char **sources, int count)
{
	if (run->into && run->folder_error) {
		cp_complain(&run->cp, "", run->target, strerror(run->folder_error));
		return STATUS_ERROR;
	}
	if (run->into) {
		copy_into(run, sources, count);
	} else if (count > 1) {
		cp_complain(&run->cp, "", run->target, "no folder, and there are several sources");
		return STATUS_ERROR;
	} else {
		copy_one(run, sources[0]);
	}
	return run->cp.status;
}

/* The folder that a name is in. The caller frees. */
static char *folder_of(const char *target)
{
	cleanup_free char *name = base_name(target);
	size_t len = strlen(target);

	while (len > 0 && target[len - 1] == '/') {
		len--;
	}
	len -= strlen(name) <= len ? strlen(name) : 0;
	return format_text("%.*s", len > 0 ? (int)len : 1, len > 0 ? target : ".");
}

/*
 * Open DEST, which has a name that cannot be opened any more once the image is; what fails is said when it is
 * needed.
 */
static void open_target(struct cp_run *run)
{
	struct stat there;
	const bool exists = stat(run->target, &there) == 0;

	run->into = exists && S_ISDIR(there.st_mode);
	if (exists && !run->into && !S_ISREG(there.st_mode)) {
		run->stream = open(run->target, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		run->stream_error = run->stream < 0 ? errno : 0;
	}
	run->folder = run->into ? format_text("%s", run->target) : folder_of(run->target);
	run->folder_error = put_open(&run->cp.put, run->folder);
}

static void close_target(struct cp_run *run)
{
	put_close(&run->cp.put);
	if (run->stream >= 0) {
		close(run->stream);
	}
	free(run->folder);
}

static void set_rules(struct cp_run *run, bool sandbox)
{
	struct cp_values *values = &run->values;

	values->recursive |= values->archive;
	values->preserve |= values->archive;
	run->cp.recursive = values->recursive;
	run->cp.links_kept = values->archive;
	/* Modes are said in full; and no file is made that is not ours from here on. */
	run->cp.rules = (struct put_rules){
		.preserve = values->preserve,
		.xattrs = values->archive,
		.root = geteuid() == 0,
		.mask = umask(0),
	};
	run->cp.devices = run->cp.rules.root && run->cp.links_kept && !sandbox;
}

static int run_cp(struct call *call)
{
	struct cp_run run = {
		.cp = {.put = {.base = -1, .current = -1}},
		.values = *(struct cp_values *)call->values,
		.target = call->argv[call->argc - 1],
		.stream = -1,
	};
	cleanup_index struct peel_index *index = NULL;
	cleanup_free char *buf = malloc(CP_CHUNK);
	int status;

	if (!buf) {
		complain("%s", strerror(ENOMEM));
		return STATUS_ERROR;
	}
	open_target(&run);
	set_rules(&run, !call->shared.no_sandbox);
	call->writable = &run.cp.put.base;
	call->owners = run.cp.rules.root;
	status = open_for_reading(call, &index);
	if (status == STATUS_OK) {
		run.cp.index = index;
		run.cp.buf = buf;
		index_options(call, &run.cp.options);
		status = parse_view(index, run.values.layer, &run.view)
			? copy_sources(&run, call->argv + 1, call->argc - 2)
			: STATUS_ERROR;
		progress_clear();
		status = reading_status(index, status);
	}
	close_target(&run);
	links_finish(&run.cp.links);
	return status;
}

const struct verb cmd_cp = {
	.name = "cp",
	.operands = "IMAGE SOURCE... DEST",
	.summary = "copy files out of the image",
	.details =
		"DEST is a folder that SOURCEs go into, or the new name of one. Names that are taken are replaced;\n"
		"nothing is written outside of DEST, whatever links the image or DEST hold.\n",
	.options = cp_options,
	.values_size = sizeof(struct cp_values),
	.image = true,
	.min_operands = 3,
	.max_operands = -1,
	.run = run_cp,
};
