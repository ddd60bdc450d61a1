/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "util.h"

void pkgdb_text_finish(struct pkgdb_text *text)
{
	free(text->bytes);
	*text = (struct pkgdb_text){0};
}

/* A window for files of this size; one that is there is kept. */
static bool make_room(struct pkgdb_text *text, uint64_t size)
{
	const size_t wanted = (size_t)min_u64(max_u64(size, 1), PKGDB_LINE_MAX);
	char *bytes;

	if (text->room >= wanted) {
		return true;
	}
	bytes = malloc(wanted);
	if (!bytes) {
		return false;
	}
	free(text->bytes);
	text->bytes = bytes;
	text->room = wanted;
	return true;
}

int pkgdb_open(struct peel_index *index, int view, const char *path, uint64_t ino,
	struct pkgdb_text *text, struct peel_error *err)
{
	struct peel_node node;
	int r = path ? peel_resolve(index, view, 0, path, strlen(path), true, &node, NULL, NULL)
		     : peel_node_get(index, ino, &node, NULL);

	if (r == PEEL_ENOMEM) {
		return peel_fail(err, r, "out of memory");
	}
	if (r < 0 || !S_ISREG(node.mode)) {
		text->code = r == PEEL_ENOENT || r == PEEL_ENOTDIR || r == PEEL_ELOOP ? 0 : r;
		return 0;
	}
	if (!make_room(text, node.size)) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	*text = (struct pkgdb_text){
		.index = index,
		.ino = node.ino,
		.size = node.size,
		.bytes = text->bytes,
		.room = text->room,
	};
	return 1;
}

/* Read on behind what is left in the window, which has room. @return false at the end and on failure. */
static bool fill(struct pkgdb_text *text)
{
	ssize_t got;

	memmove(text->bytes, text->bytes + text->start, text->end - text->start);
	text->end -= text->start;
	text->start = 0;
	if (text->offset >= text->size || text->code < 0) {
		return false;
	}
	got = peel_read(text->index, text->ino, text->offset, text->bytes + text->end,
		text->room - text->end, NULL);
	if (got <= 0) {
		text->code = got < 0 ? (int)got : PEEL_ETRUNCATED;
		return false;
	}
	text->end += (size_t)got;
	text->offset += (uint64_t)got;
	return true;
}

static void give(struct pkgdb_text *text, size_t len, size_t taken, const char **ret_line,
	size_t *ret_len)
{
	*ret_line = text->bytes + text->start;
	*ret_len = len;
	text->start += taken;
	text->line++;
}

bool pkgdb_line(struct pkgdb_text *text, const char **ret_line, size_t *ret_len)
{
	for (;;) {
		const size_t left = text->end - text->start;
		const char *newline = left ? memchr(text->bytes + text->start, '\n', left) : NULL;

		if (newline && text->skipping) {
			text->start = (size_t)(newline - text->bytes) + 1;
			text->skipping = false;
		} else if (newline) {
			const size_t len = (size_t)(newline - text->bytes) - text->start;

			give(text, len, len + 1, ret_line, ret_len);
			return true;
		} else if (text->skipping) {
			text->start = text->end;
			if (!fill(text)) {
				return false;
			}
		} else if (left == text->room) {
			text->skipping = true;
			give(text, left, left, ret_line, ret_len);
			return true;
		} else if (!fill(text)) {
			if (text->end == 0 || text->code < 0) {
				return false;
			}
			give(text, text->end, text->end, ret_line, ret_len);
			return true;
		}
	}
}

bool pkgdb_piece(struct pkgdb_text *text, const char **ret_bytes, size_t *ret_len)
{
	if (text->start == text->end && !fill(text)) {
		return false;
	}
	give(text, text->end - text->start, text->end - text->start, ret_bytes, ret_len);
	return true;
}
