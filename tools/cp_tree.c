/* SPDX-License-Identifier: Apache-2.0 */
/* Copying what a walk meets. */
#include "cp.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void cp_complain(struct cp *cp, const char *what, const char *path, const char *why)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("%s%s: %s", what, peel_text_escape_into(shown, sizeof(shown), path, strlen(path)),
		why);
	cp->status = worse_status(cp->status, STATUS_NO);
}

void cp_complain_read(struct cp *cp, const char *path, const struct peel_error *err)
{
	cp_complain(cp, "", path, error_text(err));
	if (err->code == PEEL_ETRUNCATED || err->code == PEEL_EINCOMPLETE) {
		cp->status = worse_status(cp->status, STATUS_INCONCLUSIVE);
	}
}

static const char *target_name(const struct cp *cp, const struct walk_step *step)
{
	return step->depth == 0 ? cp->name : step->path + step->name;
}

static void count(struct cp *cp, uint64_t bytes)
{
	cp->done_bytes += bytes;
	if (cp->options.progress) {
		cp->options.progress(cp->options.progress_arg, "copying", cp->done_bytes,
			cp->all_bytes);
	}
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, bytes, len);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			return false;
		}
		bytes += written;
		len -= (size_t)written;
	}
	return true;
}

bool cp_bytes(struct cp *cp, const char *path, uint64_t ino, uint64_t offset, uint64_t end, int fd)
{
	struct peel_error err = {0};

	while (offset < end) {
		size_t want = end - offset < CP_CHUNK ? (size_t)(end - offset) : CP_CHUNK;
		ssize_t got = peel_read(cp->index, ino, offset, cp->buf, want, &err);

		if (got == 0) {
			got = peel_fail(&err, PEEL_EFORMAT, "the file ends before its size");
		}
		if (got < 0) {
			peel_wrap(&err, "byte %" PRIu64, offset);
			cp_complain_read(cp, path, &err);
			return false;
		}
		if (!write_all(fd, cp->buf, (size_t)got)) {
			cp_complain(cp, "cannot write ", path, strerror(errno));
			return false;
		}
		offset += (uint64_t)got;
		count(cp, (uint64_t)got);
	}
	return true;
}

/*
 * The next data at or after *offset. @return 1 and where, 0 where only a hole is left, less than 0.
 */
static int next_data(struct cp *cp, const struct peel_node *node, uint64_t *offset,
	uint64_t *ret_end, struct peel_error *err)
{
	int r;

	if (*offset >= node->size) {
		return 0;
	}
	r = peel_seek(cp->index, node->ino, *offset, false, offset, err);
	if (r == 0) {
		r = peel_seek(cp->index, node->ino, *offset, true, ret_end, err);
	}
	return r == PEEL_ENOENT ? 0 : r < 0 ? r : 1;
}

/* A file's bytes into an empty one, holes as holes. */
static bool copy_data(struct cp *cp, const char *path, const struct peel_node *node, int fd)
{
	struct peel_error err = {0};
	uint64_t offset = 0;
	uint64_t end = 0;
	int r;

	while ((r = next_data(cp, node, &offset, &end, &err)) > 0) {
		if (lseek(fd, (off_t)offset, SEEK_SET) < 0) {
			cp_complain(cp, "cannot write ", path, strerror(errno));
			return false;
		}
		if (!cp_bytes(cp, path, node->ino, offset, end, fd)) {
			return false;
		}
		offset = end;
	}
	if (r < 0) {
		cp_complain_read(cp, path, &err);
		return false;
	}
	if (node->sparse && ftruncate(fd, (off_t)node->size) < 0) {
		cp_complain(cp, "cannot write ", path, strerror(errno));
		return false;
	}
	return true;
}

static void set_meta(struct cp *cp, const char *path, const struct peel_node *node, int fd)
{
	int error = put_meta(fd, cp->index, node, &cp->rules);

	if (error) {
		cp_complain(cp, "cannot keep all attributes of ", path, strerror(error));
	}
}

/* As when cp writes into a file: its mode and, for root, its owner stay. */
static void keep_meta(struct cp *cp, const struct walk_step *step, const struct put_new *new)
{
	struct stat old;
	int error;

	if (!put_stat(&cp->put, target_name(cp, step), &old) || !S_ISREG(old.st_mode)) {
		set_meta(cp, step->path, step->node, new->fd);
		return;
	}
	error = cp->rules.root && fchown(new->fd, old.st_uid, old.st_gid) < 0 ? errno : 0;
	if (fchmod(new->fd, old.st_mode & 0777) < 0) {
		error = errno;
	}
	if (error) {
		cp_complain(cp, "cannot keep all attributes of ", step->path, strerror(error));
	}
}

/* Give something new its attributes and its name. */
static void commit(struct cp *cp, const struct walk_step *step, struct put_new *new)
{
	int error;

	if (S_ISREG(step->node->mode) && !cp->rules.preserve) {
		keep_meta(cp, step, new);
	} else {
		set_meta(cp, step->path, step->node, new->fd);
	}
	error = put_commit(&cp->put, new, target_name(cp, step));
	if (error) {
		cp_complain(cp, "cannot create ", step->path,
			error == EISDIR ? "a folder has its name" : strerror(error));
	}
	cp->copied = error == 0;
}

static void copy_file(struct cp *cp, const struct walk_step *step)
{
	struct put_new new = {.fd = -1};
	int error = put_file(&cp->put, &new);

	if (error) {
		cp_complain(cp, "cannot create ", step->path, strerror(error));
	} else if (copy_data(cp, step->path, step->node, new.fd)) {
		commit(cp, step, &new);
	} else {
		put_drop(&cp->put, &new);
	}
}

static void copy_symlink(struct cp *cp, const struct walk_step *step)
{
	const struct put_owner owner = {step->node->uid, step->node->gid};
	const bool owned = cp->rules.preserve && cp->rules.root;
	cleanup_free char *target = NULL;
	struct put_new new = {.fd = -1};
	struct peel_error err = {0};
	size_t len;
	int error;

	if (peel_readlink(cp->index, step->node->ino, &target, &len, &err) < 0) {
		cp_complain_read(cp, step->path, &err);
		return;
	}
	error = put_symlink(&cp->put, target, owned ? &owner : NULL, &new);
	if (error) {
		cp_complain(cp, "cannot create ", step->path, strerror(error));
		return;
	}
	commit(cp, step, &new);
}

static void copy_special(struct cp *cp, const struct walk_step *step)
{
	const struct peel_node *node = step->node;
	struct put_new new = {.fd = -1};
	bool fifo = S_ISFIFO(node->mode);
	int error;

	if (!cp->recursive) {
		cp_complain(cp, "not copied: ", step->path, "not a regular file");
		return;
	}
	if (!fifo && !cp->devices) {
		cp_complain(cp, "not copied: ", step->path,
			"a device, made by root with -a --no-sandbox only");
		return;
	}
	error = put_special(&cp->put, (node->mode & S_IFMT) | put_mode(&cp->rules, node),
		fifo ? 0 : makedev(node->rdev_major, node->rdev_minor), &new);
	if (error) {
		cp_complain(cp, "cannot create ", step->path, strerror(error));
		return;
	}
	commit(cp, step, &new);
}

/* Where something is put, from the base on. @return NULL where memory is exhausted. */
static char *target_path(const struct cp *cp, const struct walk_step *step)
{
	const char *rest = step->path + cp->source_len;
	char *path;

	if (step->depth == 0) {
		return strdup(cp->name);
	}
	rest += *rest == '/';
	return asprintf(&path, "%s%s%s", cp->name, *cp->name ? "/" : "", rest) < 0 ? NULL : path;
}

/*
 * With -a: the second name of a file that was copied. @return true where it is one, and was dealt
 * with.
 */
static bool copy_hardlink(struct cp *cp, const struct walk_step *step)
{
	cleanup_free char *path = NULL;
	struct put_new new = {.fd = -1};
	const char *first;
	size_t len;
	int error;

	if (!cp->links_kept || step->node->nlink < 2) {
		return false;
	}
	path = target_path(cp, step);
	/* Without memory for names, or without the first one's copy, there is a copy of its own. */
	if (!path || links_meet(&cp->links, step->node, path, strlen(path), &first, &len) <= 0 ||
		put_hardlink(&cp->put, first, &new)) {
		return false;
	}
	error = put_commit(&cp->put, &new, target_name(cp, step));
	if (error) {
		cp_complain(cp, "cannot create ", step->path, strerror(error));
	}
	return true;
}

static enum walk_next enter_folder(struct cp *cp, const struct walk_step *step)
{
	const char *name = target_name(cp, step);
	int error = *name ? put_enter(&cp->put, name) : 0;

	if (error) {
		cp_complain(cp, "cannot create folder ", step->path,
			error == ENOTDIR ? "something else has its name" : strerror(error));
		return WALK_PRUNE;
	}
	return WALK_ON;
}

static enum walk_next leave_folder(struct cp *cp, const struct walk_step *step)
{
	bool made = false;
	int error;
	int left;

	if (!*target_name(cp, step)) {
		if (cp->rules.preserve) {
			set_meta(cp, step->path, step->node, cp->put.base);
		}
		return WALK_ON;
	}
	error = put_leave(&cp->put, &left, &made);
	if (error) {
		cp_complain(cp, "stopped in ", step->path,
			error == ESTALE ? "its copy was moved away" : strerror(error));
		return WALK_STOP;
	}
	if (made || cp->rules.preserve) {
		set_meta(cp, step->path, step->node, left);
	}
	close(left);
	return WALK_ON;
}

static enum walk_next copy_entry(struct cp *cp, const struct walk_step *step)
{
	if (step->err) {
		cp_complain_read(cp, step->path, step->err);
		return WALK_ON;
	}
	if (S_ISDIR(step->node->mode)) {
		return enter_folder(cp, step);
	}
	if (copy_hardlink(cp, step)) {
		return WALK_ON;
	}
	cp->copied = false;
	switch (step->node->mode & S_IFMT) {
	case S_IFREG:
		copy_file(cp, step);
		break;
	case S_IFLNK:
		copy_symlink(cp, step);
		break;
	default:
		copy_special(cp, step);
		break;
	}
	/* What has the first name now is another file. */
	if (!cp->copied && cp->links_kept) {
		links_forget(&cp->links, step->node->ino);
	}
	return WALK_ON;
}

enum walk_next cp_step(void *arg, const struct walk_step *step)
{
	struct cp *cp = arg;

	switch (step->event) {
	case WALK_ENTRY:
		return copy_entry(cp, step);
	case WALK_LEAVE:
		return leave_folder(cp, step);
	case WALK_LOOP:
		cp_complain(cp, "not copied: ", step->path, "a link to a folder above it");
		return WALK_ON;
	default:
		cp_complain_read(cp, step->path, step->err);
		return WALK_ON;
	}
}
