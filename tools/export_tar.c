/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view as one tar: the root as "./", then names without a slash before them, in the order of the
 * walk; a file's second name is a hard link to its first. When bytes cannot be read the tar ends
 * there, in the middle of the file and without the blocks that mark an end, so that no reader takes
 * it for whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "export.h"
#include "tar_writer.h"

struct tar_state {
	struct tar tar;
	struct links links;
	/* The member's path with a slash at its end. */
	char *folder;
	size_t folder_room;
	/* Of a sparse file. */
	struct tar_extent *extents;
	size_t extent_room;
};

static bool begin_tar(struct export_run *run)
{
	struct tar_state *state = calloc(1, sizeof(*state));

	run->state = state;
	if (!state || !tar_begin(&state->tar, fileno(run->out))) {
		export_no_memory(run);
		return false;
	}
	return true;
}

static bool grow(void *pointer, size_t *room, size_t count, size_t size)
{
	void **array = pointer;
	size_t wanted = *room ? *room : 64;
	void *grown;

	while (wanted < count) {
		wanted *= 2;
	}
	if (wanted == *room) {
		return true;
	}
	grown = reallocarray(*array, wanted, size);
	if (!grown) {
		return false;
	}
	*array = grown;
	*room = wanted;
	return true;
}

static enum walk_next write_failed(struct export_run *run, const struct tar *tar)
{
	if (tar->failed == 0) {
		return export_no_memory(run);
	}
	if (tar->failed != EPIPE) {
		complain("write error: %s", strerror(tar->failed));
	}
	run->status = STATUS_ERROR;
	return WALK_STOP;
}

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	return !tar_xattr(arg, name, value, len);
}

/* Add a piece of a sparse file, to the last one where they touch. @return false where memory is exhausted. */
static bool add_extent(struct tar_state *state, uint64_t start, uint64_t end, size_t *count)
{
	struct tar_extent *last = *count > 0 ? &state->extents[*count - 1] : NULL;

	if (last && last->offset + last->length == start) {
		last->length += end - start;
		return true;
	}
	if (!grow(&state->extents, &state->extent_room, *count + 1, sizeof(*state->extents))) {
		return false;
	}
	state->extents[(*count)++] = (struct tar_extent){start, end - start};
	return true;
}

/*
 * The extents of a sparse file, those that touch as one, in whole blocks: GNU tar takes each from a block of its own,
 * others take it from where the last one ended. @return 0, PEEL_ENOMEM, or peel_seek's.
 */
static int find_extents(struct export_run *run, const struct peel_node *node, size_t *ret_count,
	struct peel_error *err)
{
	struct tar_state *state = run->state;
	uint64_t end = 0;

	*ret_count = 0;
	while (end < node->size) {
		uint64_t start;
		int r = peel_seek(run->index, node->ino, end, false, &start, err);

		if (r == PEEL_ENOENT) {
			break;
		}
		if (r == 0) {
			r = peel_seek(run->index, node->ino, start, true, &end, err);
		}
		if (r < 0) {
			return r;
		}
		if (end <= start) {
			continue;
		}
		start -= start % TAR_BLOCK;
		end = (end + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		end = end < node->size ? end : node->size;
		if (!add_extent(state, start, end, ret_count)) {
			return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
		}
	}
	return 0;
}

/*
 * Bytes of a file from an offset on. @return WALK_ON, or WALK_STOP where reading or writing failed.
 */
static enum walk_next put_data(struct export_run *run, const struct walk_step *step,
	const struct tar_extent *extent)
{
	struct tar *tar = &((struct tar_state *)run->state)->tar;
	struct peel_error err = {0};

	for (uint64_t done = 0; done < extent->length;) {
		size_t room;
		void *place = tar_place(tar, extent->length - done, &room);
		ssize_t got;

		if (!place) {
			return write_failed(run, tar);
		}
		got = peel_read(run->index, step->node->ino, extent->offset + done, place, room,
			&err);
		if (got == 0) {
			got = peel_fail(&err, PEEL_EFORMAT, "the file ends before its size");
		}
		if (got < 0) {
			peel_wrap(&err, "byte %" PRIu64, extent->offset + done);
			export_complain(run, step->path, step->path_len, step->node, &err);
			return WALK_STOP;
		}
		tar_placed(tar, (size_t)got);
		done += (uint64_t)got;
		export_progress(run, (uint64_t)got);
	}
	return WALK_ON;
}

static enum walk_next put_file(struct export_run *run, const struct walk_step *step,
	struct tar_member *member)
{
	struct tar_state *state = run->state;
	const struct tar_extent all = {0, step->node->size};
	struct peel_error err = {0};
	enum walk_next next = WALK_ON;
	const struct tar_extent *extents = &all;
	size_t count = 1;

	if (step->node->sparse && step->node->size > 0) {
		if (find_extents(run, step->node, &count, &err) < 0) {
			export_complain(run, step->path, step->path_len, step->node, &err);
			return WALK_STOP;
		}
		extents = state->extents;
		member->sparse = count != 1 || extents[0].length != step->node->size;
		member->extents = extents;
		member->extent_count = count;
	}
	member->size = step->node->size;
	if (!tar_member(&state->tar, member)) {
		return write_failed(run, &state->tar);
	}
	for (size_t i = 0; i < count && next == WALK_ON; i++) {
		next = put_data(run, step, &extents[i]);
	}
	if (next == WALK_ON && !tar_pad(&state->tar)) {
		return write_failed(run, &state->tar);
	}
	return next;
}

/* A folder's name ends with a slash; the root is "./". */
static bool name_folder(struct tar_state *state, const char *path, size_t len,
	struct tar_member *member)
{
	if (len == 0) {
		path = ".";
		len = 1;
	}
	if (!grow(&state->folder, &state->folder_room, len + 1, 1)) {
		return false;
	}
	memcpy(state->folder, path, len);
	state->folder[len] = '/';
	member->path = state->folder;
	member->path_len = len + 1;
	return true;
}

static enum walk_next put_link(struct export_run *run, const struct walk_step *step,
	struct tar_member *member)
{
	struct tar *tar = &((struct tar_state *)run->state)->tar;
	cleanup_free char *target = NULL;
	struct peel_error err = {0};

	if (peel_readlink(run->index, step->node->ino, &target, &member->link_len, &err) < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
		return WALK_STOP;
	}
	member->link = target;
	return tar_member(tar, member) ? WALK_ON : write_failed(run, tar);
}

/* What the first name of a node brings. */
static enum walk_next put_node(struct export_run *run, const struct walk_step *step,
	struct tar_member *member)
{
	struct tar_state *state = run->state;
	struct peel_error err = {0};
	int r = step->node->has_xattrs
		? peel_xattrs(run->index, step->node->ino, take_xattr, &state->tar, &err)
		: 0;

	if (r != 0) {
		if (r > 0) {
			return export_no_memory(run);
		}
		export_complain(run, step->path, step->path_len, step->node, &err);
		return WALK_STOP;
	}
	switch (step->node->mode & S_IFMT) {
	case S_IFREG:
		member->type = '0';
		return put_file(run, step, member);
	case S_IFLNK:
		member->type = '2';
		return put_link(run, step, member);
	case S_IFCHR:
	case S_IFBLK:
		member->type = S_ISCHR(step->node->mode) ? '3' : '4';
		member->major = step->node->rdev_major;
		member->minor = step->node->rdev_minor;
		break;
	case S_IFDIR:
		member->type = '5';
		if (!name_folder(state, member->path, member->path_len, member)) {
			return export_no_memory(run);
		}
		break;
	default:
		member->type = '6';
		break;
	}
	return tar_member(&state->tar, member) ? WALK_ON : write_failed(run, &state->tar);
}

static enum walk_next step_tar(struct export_run *run, const struct walk_step *step,
	const char *path, size_t len)
{
	const struct peel_node *node = step->node;
	struct tar_state *state = run->state;
	struct tar_member member = {
		.path = path,
		.path_len = len,
		.mode = node->mode & 07777,
		.uid = node->uid,
		.gid = node->gid,
		.mtime_sec = node->mtime_sec,
		.mtime_nsec = node->mtime_nsec,
	};
	int met = 0;

	if (step->event != WALK_ENTRY) {
		return WALK_ON;
	}
	if (!S_ISDIR(node->mode)) {
		met = links_meet(&state->links, node, path, len, &member.link, &member.link_len);
	}
	if (met < 0) {
		return export_no_memory(run);
	}
	if (met > 0) {
		member.type = '1';
		return tar_member(&state->tar, &member) ? WALK_ON : write_failed(run, &state->tar);
	}
	return put_node(run, step, &member);
}

static void end_tar(struct export_run *run)
{
	struct tar_state *state = run->state;

	if (!state) {
		return;
	}
	if (state->tar.buf && state->tar.failed == 0 && !tar_finish(&state->tar, run->whole)) {
		write_failed(run, &state->tar);
	}
	tar_finish(&state->tar, false);
	links_finish(&state->links);
	free(state->folder);
	free(state->extents);
	free(state);
}

const struct export_format export_tar = {
	.name = "tar",
	.binary = true,
	.begin = begin_tar,
	.step = step_tar,
	.end = end_tar,
};
