/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of folders, for a pass that goes through the entries in the order of the layers' tars.
 *
 * A tar has the files of a folder together, and folders near their neighbours. So the path of a
 * folder is made of that of its parent, which mostly is still known. Memory is FOLDER_SLOTS paths
 * whatever the image has; a folder that fell out costs one row a component. Nothing is kept but
 * what was read.
 */
#include "query_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static struct folder_slot *slot_of(struct folder_paths *paths, uint64_t dir)
{
	return &paths->slots[dir & (FOLDER_SLOTS - 1)];
}

static int keep(struct query *q, struct folder_paths *paths, uint64_t dir, const char *path,
	size_t len)
{
	struct folder_slot *slot = slot_of(paths, dir);

	if (len > slot->room) {
		char *grown = realloc(slot->path, len);

		if (!grown) {
			return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
		}
		slot->path = grown;
		slot->room = len;
	}
	memcpy(slot->path, path, len);
	slot->dir = dir;
	slot->len = len;
	return 0;
}

/*
 * Go up until a folder is known, names to the end of buf.
 * @param ret_dir receives that folder. @param ret_start where the names start.
 * @return number of steps, or less than 0.
 */
static int climb(struct query *q, struct folder_paths *paths, uint64_t dir, char *buf,
	uint64_t *ret_dir, size_t *ret_start)
{
	char name[PEEL_PATH_MAX];
	size_t start = PEEL_PATH_MAX;
	size_t len;
	int count = 0;

	while (dir != STORE_ROOT_DIR && slot_of(paths, dir)->dir != dir) {
		uint64_t parent;
		int r = query_dir(q, dir, &parent, name, &len);

		if (r < 0) {
			return r;
		}
		if (len + 1 > start || count == FOLDER_DEPTH_MAX) {
			return peel_fail(q->err, PEEL_ELIMIT, "a path over %d bytes",
				PEEL_PATH_MAX - 1);
		}
		paths->steps[count++] = (struct folder_step){dir, PEEL_PATH_MAX - start};
		start -= len;
		memcpy(buf + start, name, len);
		buf[--start] = '/';
		dir = parent;
	}
	*ret_dir = dir;
	*ret_start = start;
	return count;
}

int folder_path(struct query *q, struct folder_paths *paths, uint64_t dir, char *buf,
	size_t *ret_len)
{
	const struct folder_slot *known;
	size_t before;
	size_t start;
	size_t len;
	int count = climb(q, paths, dir, buf, &dir, &start);

	if (count < 0) {
		return count;
	}
	known = slot_of(paths, dir);
	before = dir == STORE_ROOT_DIR ? 0 : known->len;
	len = before + (PEEL_PATH_MAX - start);
	if (len >= PEEL_PATH_MAX) {
		return peel_fail(q->err, PEEL_ELIMIT, "a path over %d bytes", PEEL_PATH_MAX - 1);
	}
	memmove(buf + before, buf + start, PEEL_PATH_MAX - start);
	if (before) {
		memcpy(buf, known->path, before);
	}
	for (int i = 0; i < count; i++) {
		const struct folder_step *step = &paths->steps[i];
		int r = keep(q, paths, step->dir, buf, len - step->end);

		if (r < 0) {
			return r;
		}
	}
	*ret_len = len;
	return 0;
}

void folder_paths_finish(struct folder_paths *paths)
{
	for (size_t i = 0; i < countof(paths->slots); i++) {
		free(paths->slots[i].path);
	}
}
