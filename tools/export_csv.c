/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row a name (RFC 4180: lines end with CR LF), columns named as those of the view `tree` of peel
 * sql. Paths, targets and xattrs are escaped as peel_text_escape has it: \xNN a byte, \\ a
 * backslash; so a row is one line of UTF-8 and the bytes can be had back. The first sign of what
 * would be a formula in a spreadsheet is escaped too. xattrs are NAME=VALUE with a blank between; in
 * them a blank is \x20, in names '=' is \x3d.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "csv.h"
#include "export.h"
#include "format.h"

static bool begin_csv(struct export_run *run)
{
	fputs("path,ino,type,mode,uid,gid,size,allocated,mtime_sec,mtime_nsec,link,rdev_major,rdev_minor,nlink,layer,"
	      "xattrs",
		run->out);
	fputs(run->digest ? ",sha256\r\n" : "\r\n", run->out);
	return true;
}

static bool put_bytes(FILE *out, const void *bytes, size_t len)
{
	cleanup_free char *text = NULL;

	if (peel_text_escape(bytes, len, &text) < 0) {
		return false;
	}
	csv_exact(out, text);
	return true;
}

/* A path begins with a slash, and the root is one. */
static bool put_path(FILE *out, const struct walk_step *step)
{
	return step->path_len > 0 ? put_bytes(out, step->path, step->path_len)
				  : put_bytes(out, "/", 1);
}

static bool put_target(struct export_run *run, const struct walk_step *step)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	size_t len;

	if (!S_ISLNK(step->node->mode)) {
		return true;
	}
	if (peel_readlink(run->index, step->node->ino, &target, &len, &err) < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
		return true;
	}
	return put_bytes(run->out, target, len);
}

static void print_word(FILE *out, const char *escaped, bool is_name)
{
	for (; *escaped; escaped++) {
		if (*escaped == ' ') {
			fputs("\\x20", out);
		} else if (*escaped == '=' && is_name) {
			fputs("\\x3d", out);
		} else {
			putc(*escaped, out);
		}
	}
}

/* One file's attributes. */
struct xattr_words {
	FILE *out;
	bool some;
};

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct xattr_words *words = arg;
	cleanup_free char *name_text = format_escaped(name, strlen(name));
	cleanup_free char *value_text = format_escaped(value, len);

	if (words->some) {
		putc(' ', words->out);
	}
	words->some = true;
	print_word(words->out, name_text, true);
	putc('=', words->out);
	print_word(words->out, value_text, false);
	return 0;
}

static bool put_xattrs(struct export_run *run, const struct walk_step *step)
{
	cleanup_free char *text = NULL;
	struct peel_error err = {0};
	struct xattr_words words = {0};
	size_t size;
	int r;

	if (!step->node->has_xattrs) {
		return true;
	}
	words.out = peel_text_stream(&text, &size);
	if (!words.out) {
		return false;
	}
	r = peel_xattrs(run->index, step->node->ino, take_xattr, &words, &err);
	if (fclose(words.out) != 0) {
		return false;
	}
	if (r < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
		return true;
	}
	csv_exact(run->out, text);
	return true;
}

static enum walk_next step_csv(struct export_run *run, const struct walk_step *step,
	const char *path, size_t len)
{
	const struct peel_node *node = step->node;
	char digest[PEEL_SHA256_SIZE];
	FILE *out = run->out;

	(void)path;
	(void)len;
	if (step->event != WALK_ENTRY) {
		return WALK_ON;
	}
	if (!put_path(out, step)) {
		return export_no_memory(run);
	}
	fprintf(out, ",%" PRIu64 ",%c,%04" PRIo32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64,
		node->ino, export_type(node), node->mode & 07777, node->uid, node->gid, node->size,
		node->allocated);
	fprintf(out, ",%" PRId64 ",%" PRIu32 ",", node->mtime_sec, node->mtime_nsec);
	if (!put_target(run, step)) {
		return export_no_memory(run);
	}
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode)) {
		fprintf(out, ",%" PRIu32 ",%" PRIu32, node->rdev_major, node->rdev_minor);
	} else {
		fputs(",,", out);
	}
	fprintf(out, ",%" PRIu32 ",%d,", node->nlink, node->layer);
	if (!put_xattrs(run, step)) {
		return export_no_memory(run);
	}
	if (run->digest) {
		export_digest(run, step, digest);
		fprintf(out, ",%s", digest);
	}
	fputs("\r\n", out);
	return WALK_ON;
}

const struct export_format export_csv = {
	.name = "csv",
	.digest = true,
	.begin = begin_csv,
	.step = step_csv,
};
