/* SPDX-License-Identifier: Apache-2.0 */
/* peel export: a whole view in one stream, in formats that other tools read. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export.h"
#include "publish.h"

/* Text goes out in pieces of this size. */
#define TEXT_BUFFER ((size_t)256 << 10)

struct export_values {
	const char *format;
	const char *file;
	const char *layer;
	const char *digest;
};

static const struct opt export_options[] = {
	{0, "digest", "ALGORITHM", OPT_STRING, offsetof(struct export_values, digest),
		"hash every file: sha256; for csv, jsonl and mtree"},
	{0, "format", "csv|jsonl|mtree|ncdu|tar", OPT_STRING,
		offsetof(struct export_values, format), "what to write [tar]"},
	{0, "layer", "N", OPT_STRING, offsetof(struct export_values, layer),
		"layer N as stored, from 0, instead of the merged tree"},
	{'o', "file", "FILE", OPT_STRING, offsetof(struct export_values, file),
		"write to FILE, which appears when it is whole"},
	{0},
};

static const struct export_format *const formats[] = {
	&export_csv,
	&export_jsonl,
	&export_mtree,
	&export_ncdu,
	&export_tar,
};

void export_complain(struct export_run *run, const char *path, size_t len,
	const struct peel_node *node, const struct peel_error *err)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("layer %d, %s: %s", node->layer,
		peel_text_escape_into(shown, sizeof(shown), len ? path : "/", len ? len : 1),
		error_text(err));
	switch (err->code) {
	case PEEL_ETRUNCATED:
	case PEEL_EINCOMPLETE:
	case PEEL_EFORMAT:
	case PEEL_ELIMIT:
	case PEEL_EUNSUPPORTED:
		run->status = worse_status(run->status, STATUS_INCONCLUSIVE);
		break;
	default:
		run->status = STATUS_ERROR;
		break;
	}
}

enum walk_next export_no_memory(struct export_run *run)
{
	complain("%s", strerror(ENOMEM));
	run->status = STATUS_ERROR;
	return WALK_STOP;
}

void export_progress(struct export_run *run, uint64_t bytes)
{
	run->done_bytes += bytes;
	if (run->options.progress) {
		run->options.progress(run->options.progress_arg, "exporting", run->done_bytes,
			run->all_bytes);
	}
}

void export_digest(struct export_run *run, const struct walk_step *step,
	char ret_hex[PEEL_SHA256_SIZE])
{
	struct peel_error err = {0};

	ret_hex[0] = 0;
	if (!run->digest || !S_ISREG(step->node->mode)) {
		return;
	}
	if (peel_sha256(run->index, step->node->ino, ret_hex, &err) < 0) {
		ret_hex[0] = 0;
		export_complain(run, step->path, step->path_len, step->node, &err);
		return;
	}
	export_progress(run, step->node->size);
}

char export_type(const struct peel_node *node)
{
	switch (node->mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 'f';
	}
}

static const struct export_format *find_format(const char *name)
{
	for (size_t i = 0; i < countof(formats); i++) {
		if (strcmp(formats[i]->name, name) == 0) {
			return formats[i];
		}
	}
	return NULL;
}

/* @return whether the options go together; the message is out. */
static bool check_options(struct call *call, const struct export_format *format, const char *name)
{
	const struct export_values *values = call->values;
	char shown[64];

	if (!format) {
		complain_usage(call, "'%s' is no format of export",
			peel_text_escape_into(shown, sizeof(shown), name, strlen(name)));
		return false;
	}
	if (values->digest && strcmp(values->digest, "sha256") != 0) {
		complain_usage(call, "'%s' is no digest of export: use sha256",
			peel_text_escape_into(shown, sizeof(shown), values->digest,
				strlen(values->digest)));
		return false;
	}
	if (values->digest && !format->digest) {
		complain_usage(call, "%s holds no digests", format->name);
		return false;
	}
	if (format->binary && !values->file && isatty(STDOUT_FILENO)) {
		complain_usage(call, "refusing to write a tar to a terminal");
		return false;
	}
	return true;
}

struct export_walk {
	struct export_run *run;
	const struct export_format *format;
};

static enum walk_next take_step(void *arg, const struct walk_step *step)
{
	struct export_walk *walk = arg;
	struct export_run *run = walk->run;
	/* Of the root the path is empty, below it begins with a slash. */
	size_t skip = step->path_len > 0;
	enum walk_next next;

	if (step->event == WALK_FAILED) {
		export_complain(run, step->path, step->path_len, step->node, step->err);
		return walk->format->binary ? WALK_STOP : WALK_ON;
	}
	errno = 0;
	next = walk->format->step(run, step, step->path + skip, step->path_len - skip);
	if (ferror(run->out)) {
		if (errno != EPIPE) {
			complain("write error: %s", strerror(errno ? errno : EIO));
		}
		/* It was said, and will not be said again when the stream is closed. */
		__fpurge(run->out);
		clearerr(run->out);
		run->status = STATUS_ERROR;
		return WALK_STOP;
	}
	return next;
}

/*
 * Names that no filesystem could show are in no view: they are counted, not passed over in silence.
 */
struct unshown {
	int view;
	uint64_t count;
};

static int count_unshown(void *arg, const struct peel_finding *finding)
{
	struct unshown *unshown = arg;
	bool here = unshown->view == PEEL_VIEW_MERGED || unshown->view == finding->layer;

	unshown->count += here && strcmp(finding->code, "name-too-long") == 0;
	return 0;
}

static void complain_unshown(struct export_run *run)
{
	struct unshown unshown = {.view = run->view};

	if (peel_findings(run->index, count_unshown, &unshown, NULL) == 0 && unshown.count > 0) {
		complain("%" PRIu64
			 " %s of more than %d bytes left out: no filesystem could show %s",
			unshown.count, unshown.count == 1 ? "name" : "names", PEEL_NAME_MAX,
			unshown.count == 1 ? "it" : "them");
	}
}

/* Whether the walk went to its end. */
static void export_view(struct export_run *run, const struct export_format *format)
{
	struct export_walk walk = {run, format};
	struct peel_error err = {0};
	struct peel_totals totals = {0};
	struct peel_node root;
	int r = peel_node_get(run->index, peel_root(run->view), &root, &err);

	peel_totals(run->index, &totals, NULL);
	run->all_bytes = totals.bytes;
	if (r < 0) {
		run->status = complain_error(&err);
		return;
	}
	if (!format->begin || format->begin(run)) {
		r = walk_tree(run->index, "", &root, UINT_MAX, take_step, &walk);
		if (r == PEEL_ENOMEM) {
			export_no_memory(run);
		}
		run->ended = r == 0;
		run->whole &= r == 0 && run->status == STATUS_OK;
	} else {
		run->whole = false;
	}
	if (format->end) {
		format->end(run);
	}
	progress_clear();
}

static int export_to_file(struct export_run *run, const struct export_format *format,
	struct publish *publish, const char *path)
{
	char shown[PEEL_MESSAGE_SIZE];
	int error = 0;

	peel_text_escape_into(shown, sizeof(shown), path, strlen(path));
	run->out = publish->out;
	setvbuf(run->out, NULL, _IOFBF, TEXT_BUFFER);
	export_view(run, format);
	if (!run->whole) {
		complain("%s: not written%s", shown,
			run->status == STATUS_OK ? " (--allow-missing writes what can be read)"
						 : "");
	} else if (publish_commit(publish) < 0) {
		error = errno;
	}
	if (error) {
		complain("%s: %s", shown, strerror(error));
		return STATUS_ERROR;
	}
	return run->status;
}

static int export_opened(struct export_run *run, const struct export_format *format,
	struct publish *publish)
{
	struct call *call = run->call;
	const struct export_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	int status;

	call->reads_contents = format == &export_tar || run->digest;
	status = open_for_reading(call, &index);
	if (status != STATUS_OK) {
		return status;
	}
	if (!parse_view(index, values->layer, &run->view)) {
		return STATUS_ERROR;
	}
	run->index = index;
	run->whole = peel_index_complete(index) || call->shared.allow_missing;
	index_options(call, &run->options);
	complain_unshown(run);
	if (values->file) {
		status = export_to_file(run, format, publish, values->file);
	} else {
		setvbuf(stdout, NULL, _IOFBF, TEXT_BUFFER);
		export_view(run, format);
		status = run->status;
	}
	return worse_status(status, reading_status(index, STATUS_OK));
}

static int run_export(struct call *call)
{
	const struct export_values *values = call->values;
	const char *name = values->format ? values->format : "tar";
	const struct export_format *format = find_format(name);
	struct export_run run = {.call = call, .out = stdout, .digest = values->digest != NULL};
	struct publish publish = {.namer = -1};
	int status;

	if (!check_options(call, format, name)) {
		return STATUS_ERROR;
	}
	if (values->file && publish_open(&publish, values->file) < 0) {
		char shown[PEEL_MESSAGE_SIZE];
		int error = errno;

		complain("%s: %s",
			peel_text_escape_into(shown, sizeof(shown), values->file,
				strlen(values->file)),
			strerror(error));
		return STATUS_ERROR;
	}
	status = export_opened(&run, format, &publish);
	publish_drop(&publish);
	return status;
}

const struct verb cmd_export = {
	.name = "export",
	.operands = "IMAGE",
	.summary = "write the whole tree in a format of other tools",
	.details =
		"Formats: tar (links, holes, xattrs and nanoseconds kept), mtree, csv and jsonl (a row or an\n"
		"object a name), ncdu (for 'ncdu -f-').\n",
	.options = export_options,
	.values_size = sizeof(struct export_values),
	.image = true,
	.headers_only = true,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_export,
};
