/* SPDX-License-Identifier: Apache-2.0 */
#include "content_blobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/error.h>

#include "image_parts.h"
#include "source.h"
#include "store.h"
#include "store_pool.h"
#include "util.h"

/** Most files that are looked at: several times the layers that an image may have. */
#define BLOBS_MAX 4096

struct note {
	char *file;
	/** It was there. */
	bool found;
	struct stat st;
};

struct content_blobs {
	int layout;
	struct note *notes;
	size_t count;
	size_t room;
};

void content_blobs_free(struct content_blobs *blobs)
{
	if (!blobs) {
		return;
	}
	for (size_t i = 0; i < blobs->count; i++) {
		free(blobs->notes[i].file);
	}
	free(blobs->notes);
	free(blobs);
}

static void cleanup_blobs(struct content_blobs **blobs)
{
	content_blobs_free(*blobs);
}

/** One file of the index. What cannot be opened is told when it is wanted. */
static int note_file(struct content_blobs *blobs, sqlite3_stmt *row, struct peel_error *err)
{
	const char *bytes = sqlite3_column_blob(row, 0);
	cleanup_fd int fd = -1;
	struct note *note;

	if (!grow_array(&blobs->notes, blobs->count, &blobs->room, sizeof(*note))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	note = &blobs->notes[blobs->count];
	*note = (struct note){
		.file = strndup(bytes ? bytes : "", (size_t)sqlite3_column_bytes(row, 0))};
	if (!note->file) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	blobs->count++;
	note->found = layout_open(blobs->layout, note->file, &fd, NULL) == 0;
	return !note->found || fstat(fd, &note->st) == 0
		? 0
		: peel_fail(err, PEEL_EIO, "cannot stat a blob: %s", strerror(errno));
}

int content_blobs_note(struct store_pool *pool, int layout, struct content_blobs **ret_blobs,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT file FROM blob WHERE file IS NOT NULL ORDER BY id LIMIT ?1";
	cleanup(cleanup_blobs) struct content_blobs *blobs = calloc(1, sizeof(*blobs));
	struct store *store = NULL;
	sqlite3_stmt *stmt = NULL;
	int code;

	if (!blobs) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	blobs->layout = layout;
	code = store_pool_take(pool, &store, err);
	code = code < 0 ? code : store_get(store, sql, &stmt, err);
	if (code == 0) {
		sqlite3_bind_int64(stmt, 1, BLOBS_MAX);
	}
	while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
		code = note_file(blobs, stmt, err);
	}
	if (stmt) {
		sqlite3_reset(stmt);
	}
	store_pool_give(pool, store);
	if (code == 0) {
		*ret_blobs = steal_pointer(&blobs);
	}
	return code;
}

static const struct note *find_note(const struct content_blobs *blobs, const char *file)
{
	for (size_t i = 0; i < blobs->count; i++) {
		if (strcmp(blobs->notes[i].file, file) == 0) {
			return &blobs->notes[i];
		}
	}
	return NULL;
}

int content_blobs_open(const struct content_blobs *blobs, const char *file,
	struct source **ret_source, struct peel_error *err)
{
	const struct note *note = find_note(blobs, file);
	cleanup_fd int fd = -1;
	struct stat st;
	int code;

	if (!note) {
		return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "too many blobs");
	}
	code = layout_open(blobs->layout, file, &fd, err);
	if (code < 0) {
		return code == PEEL_ENOENT && note->found
			? peel_fail(err, PEEL_ECHANGED, "a blob is gone since the image was opened")
			: code;
	}
	if (fstat(fd, &st) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot stat a blob: %s", strerror(errno));
	}
	if (!note->found || !source_same_file(&st, &note->st)) {
		return peel_fail(err, PEEL_ECHANGED, "a blob changed since the image was opened");
	}
	code = source_open_fd(fd, ret_source, err);
	if (code == 0) {
		fd = -1;
	}
	return code;
}
