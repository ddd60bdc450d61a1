/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A specification as mtree(8) compares a tree with, a line a name with its whole path, as `mtree
 * -C` writes it. Names and targets are encoded as vis(3) does in octal (VIS_OCTAL | VIS_GLOB |
 * VIS_WHITE), which NetBSD's and FreeBSD's mtree and libarchive decode. xattrs and holes have no
 * keyword, and are left out.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "export.h"

/*
 * Characters that stand for themselves: none that the shell, the comment sign or a keyword could
 * claim.
 */
static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != 0 && strchr("/._-+,:@%~^", c));
}

static void put_encoded(FILE *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (is_plain(c)) {
			putc(c, out);
		} else {
			fprintf(out, "\\%03o", c);
		}
	}
}

static bool begin_mtree(struct export_run *run)
{
	fputs("#mtree\n", run->out);
	return true;
}

static const char *type_word(const struct peel_node *node)
{
	switch (export_type(node)) {
	case 'd':
		return "dir";
	case 'l':
		return "link";
	case 'c':
		return "char";
	case 'b':
		return "block";
	case 'p':
		return "fifo";
	default:
		return "file";
	}
}

static void put_target(struct export_run *run, const struct walk_step *step)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	size_t len;

	if (peel_readlink(run->index, step->node->ino, &target, &len, &err) < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
		return;
	}
	fputs(" link=", run->out);
	put_encoded(run->out, target, len);
}

/* What only some types have. */
static void put_rest(struct export_run *run, const struct walk_step *step)
{
	const struct peel_node *node = step->node;
	char digest[PEEL_SHA256_SIZE];

	/* A folder's count is its filesystem's affair. */
	if (!S_ISDIR(node->mode)) {
		fprintf(run->out, " nlink=%" PRIu32, node->nlink);
	}
	if (S_ISREG(node->mode)) {
		fprintf(run->out, " size=%" PRIu64, node->size);
	} else if (S_ISLNK(node->mode)) {
		put_target(run, step);
	} else if (S_ISCHR(node->mode) || S_ISBLK(node->mode)) {
		fprintf(run->out, " device=native,%" PRIu32 ",%" PRIu32, node->rdev_major,
			node->rdev_minor);
	}
	export_digest(run, step, digest);
	if (digest[0]) {
		fprintf(run->out, " sha256digest=%s", digest);
	}
}

static enum walk_next step_mtree(struct export_run *run, const struct walk_step *step,
	const char *path, size_t len)
{
	const struct peel_node *node = step->node;

	if (step->event != WALK_ENTRY) {
		return WALK_ON;
	}
	putc('.', run->out);
	if (len > 0) {
		putc('/', run->out);
		put_encoded(run->out, path, len);
	}
	fprintf(run->out, " type=%s mode=%04" PRIo32 " uid=%" PRIu32 " gid=%" PRIu32,
		type_word(node), node->mode & 07777, node->uid, node->gid);
	fprintf(run->out, " time=%" PRId64 ".%09" PRIu32, node->mtime_sec, node->mtime_nsec);
	put_rest(run, step);
	putc('\n', run->out);
	return WALK_ON;
}

const struct export_format export_mtree = {
	.name = "mtree",
	.digest = true,
	.begin = begin_mtree,
	.step = step_mtree,
};
