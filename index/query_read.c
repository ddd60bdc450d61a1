/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a file: where they are in the uncompressed layer comes from the index, the bytes from
 * the layer's source. Nothing of the database is held while bytes are read: a decoder may need a
 * connection of its own.
 */
#include "query_priv.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "content.h"
#include "source.h"
#include "util.h"

/*
 * Extents fetched at once; at first only a few, for who goes through a file extent by extent. Not one:
 * it may lie before the offset.
 */
#define EXTENT_BATCH 64
#define EXTENT_FIRST 4

static const char file_by_id[] =
	"SELECT type, size, data, flags, layer, inode FROM entry WHERE id = ?1";
/* From the last extent at or before ?2 on. */
static const char extents_from[] =
	"SELECT offset, length, data FROM extent WHERE entry = ?1 AND offset >="
	" coalesce((SELECT max(offset) FROM extent WHERE entry = ?1 AND offset <= ?2), 0) ORDER BY offset LIMIT ?3";

struct extent {
	uint64_t offset;
	uint64_t length;
	uint64_t data;
};

static bool is_range(uint64_t offset, uint64_t length)
{
	uint64_t end;

	return checked_add(offset, length, &end) && end <= INT64_MAX;
}

bool query_place_valid(const struct peel_index *index, const struct query_place *place)
{
	/*
	 * The size of a sparse file says nothing of where its data is; its extents are checked one
	 * by one.
	 */
	return place->layer >= 0 && place->layer < index->layer_count && place->size <= INT64_MAX &&
		(place->sparse || is_range(place->data, place->size));
}

/* Read the row of an entry. @return 1 a file, 0 a hard link to *ret_inode, or less than 0. */
static int read_file_row(struct query *q, uint64_t entry, struct query_place *file,
	uint64_t *ret_inode)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	const char *type;
	int r = store_get(q->store, file_by_id, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)entry);
	r = store_step(q->store, stmt, q->err);
	if (r <= 0) {
		return r < 0 ? r : peel_fail(q->err, PEEL_ENOENT, "no such node");
	}
	type = store_text(stmt, 0);
	if (type[0] == 'h') {
		*ret_inode = (uint64_t)sqlite3_column_int64(stmt, 5);
		return 0;
	}
	file->entry = entry;
	file->size = type[0] == 'f' ? (uint64_t)sqlite3_column_int64(stmt, 1) : 0;
	file->data = (uint64_t)sqlite3_column_int64(stmt, 2);
	file->sparse = sqlite3_column_int(stmt, 3) & ENTRY_SPARSE;
	file->layer = sqlite3_column_int(stmt, 4);
	if (!strchr("fwo?", type[0])) {
		return type[0] == 'd' ? peel_fail(q->err, PEEL_EISDIR, "a folder")
				      : peel_fail(q->err, PEEL_EUSAGE, "not a regular file");
	}
	if (!query_place_valid(q->index, file)) {
		return query_corrupt(q, entry, "its place is none");
	}
	return 1;
}

static int find_file(struct query *q, uint64_t ino, struct query_place *file)
{
	struct query_number number;
	uint64_t inode;
	int r = query_number(q, ino, &number);

	if (r < 0) {
		return r;
	}
	if (number.folder) {
		return peel_fail(q->err, PEEL_EISDIR, "a folder");
	}
	r = read_file_row(q, number.id, file, &inode);
	if (r == 0) {
		r = read_file_row(q, inode, file, &inode);
	}
	return r == 0 ? query_corrupt(q, number.id, "a hard link to a hard link") : r < 0 ? r : 0;
}

/*
 * The extents from the one that holds offset on, or the first after it, at most so many. @return how
 * many, or less than 0.
 */
static int read_extents(struct query *q, const struct query_place *file, uint64_t offset,
	struct extent *extents, int most)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int count = 0;
	int r = store_get(q->store, extents_from, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)file->entry);
	sqlite3_bind_int64(stmt, 2, (int64_t)offset);
	sqlite3_bind_int(stmt, 3, most);
	while ((r = store_step(q->store, stmt, q->err)) > 0) {
		struct extent *extent = &extents[count++];

		extent->offset = (uint64_t)sqlite3_column_int64(stmt, 0);
		extent->length = (uint64_t)sqlite3_column_int64(stmt, 1);
		extent->data = (uint64_t)sqlite3_column_int64(stmt, 2);
		if (!is_range(extent->offset, extent->length) ||
			!is_range(extent->data, extent->length)) {
			return query_corrupt(q, file->entry, "an extent is none");
		}
	}
	return r < 0 ? r : count;
}

static bool is_in_layer(const struct peel_index *index, const struct query_place *file,
	uint64_t data, size_t len)
{
	return is_range(data, len) && data + len <= index->layers[file->layer].stat.tar_size;
}

/* Bytes of the uncompressed layer. */
static int read_layer(struct peel_index *index, const struct query_place *file, uint64_t data,
	char *buf, size_t len, struct peel_error *err)
{
	const struct peel_layer_stat *stat = &index->layers[file->layer].stat;
	struct source *source;
	int r;

	if (!is_in_layer(index, file, data, len)) {
		return stat->layer.state == PEEL_LAYER_BROKEN
			? peel_fail(err, PEEL_ETRUNCATED, "layer %d ends before the file does",
				  file->layer)
			: peel_fail(err, PEEL_EFORMAT,
				  "layer %d: a file's data lies past the end of the layer",
				  file->layer);
	}
	r = content_layer(index->content, file->layer, &source, err);
	return r < 0 ? r : source_read_exact(source, data, buf, len, err);
}

/*
 * One batch of extents: fill buf from offset on. After the last batch there are zeros. @return bytes
 * done, more than 0, or less than 0.
 */
static ssize_t read_batch(struct peel_index *index, const struct query_place *file,
	const struct extent *extents, int count, bool last, uint64_t offset, char *buf, size_t len,
	struct peel_error *err)
{
	size_t done = 0;

	for (int i = 0; i < count && done < len; i++) {
		const struct extent *extent = &extents[i];
		const uint64_t end = extent->offset + extent->length;
		const uint64_t pos = offset + done;
		size_t part;
		int r;

		if (end <= pos) {
			continue;
		}
		if (extent->offset > pos) {
			part = min_u64(extent->offset - pos, len - done);
			memset(buf + done, 0, part);
			done += part;
			i--;
			continue;
		}
		part = min_u64(end - pos, len - done);
		r = read_layer(index, file, extent->data + (pos - extent->offset), buf + done, part,
			err);
		if (r < 0) {
			return r;
		}
		done += part;
	}
	if (last && done < len) {
		memset(buf + done, 0, len - done);
		done = len;
	}
	return (ssize_t)done;
}

static int load_extents(struct peel_index *index, const struct query_place *file, uint64_t offset,
	struct extent *extents, int most, struct peel_error *err)
{
	cleanup_query struct query q = {0};
	int r = query_begin(&q, index, err);

	return r < 0 ? r : read_extents(&q, file, offset, extents, most);
}

static ssize_t read_sparse(struct peel_index *index, const struct query_place *file,
	uint64_t offset, char *buf, size_t len, struct peel_error *err)
{
	struct extent extents[EXTENT_BATCH];
	int most = EXTENT_FIRST;
	size_t done = 0;

	while (done < len) {
		int count = load_extents(index, file, offset + done, extents, most, err);
		ssize_t r = count < 0 ? count
				      : read_batch(index, file, extents, count, count < most,
						offset + done, buf + done, len - done, err);

		if (r < 0) {
			return r;
		}
		if (r == 0) {
			return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "extents without data");
		}
		done += (size_t)r;
		most = EXTENT_BATCH;
	}
	return (ssize_t)done;
}

static int load_file(struct peel_index *index, uint64_t ino, struct query_place *file,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	int r;

	if (query_places_find(&index->places, ino, file)) {
		return 0;
	}
	r = query_begin(&q, index, err);
	if (r == 0) {
		r = find_file(&q, ino, file);
	}
	if (r == 0) {
		query_places_keep(&index->places, ino, file);
	}
	return r;
}

static ssize_t read_file(struct peel_index *index, const struct query_place *file, uint64_t offset,
	void *buf, size_t len, struct peel_error *err)
{
	int r;

	if (file->sparse) {
		return read_sparse(index, file, offset, buf, len, err);
	}
	r = read_layer(index, file, file->data + offset, buf, len, err);
	return r < 0 ? r : (ssize_t)len;
}

ssize_t peel_read(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct query_place file;
	ssize_t got = load_file(index, ino, &file, err);

	if (got < 0) {
		return got;
	}
	len = offset >= file.size ? 0 : min_u64(min_u64(len, file.size - offset), SSIZE_MAX);
	if (len == 0) {
		return 0;
	}
	got = read_file(index, &file, offset, buf, len, err);
	if (got < 0) {
		index_note_failure(index, (int)got);
	}
	return got;
}

int peel_read_now(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf, size_t len,
	size_t *ret_got, struct peel_error *err)
{
	struct query_place file;
	struct source *source;
	int r = load_file(index, ino, &file, err);

	if (r < 0) {
		return r;
	}
	*ret_got = offset < file.size ? (size_t)min_u64(len, file.size - offset) : 0;
	if (*ret_got == 0) {
		return 1;
	}
	source = content_opened(index->content, file.layer);
	if (!source || file.sparse || !is_in_layer(index, &file, file.data + offset, *ret_got)) {
		return 0;
	}
	return source_read_now(source, file.data + offset, buf, *ret_got, err);
}

/*
 * Where data or the next hole begins in a batch of extents, from *pos on. @return true where that
 * is decided.
 */
static bool seek_batch(const struct extent *extents, int count, bool hole, uint64_t *pos)
{
	for (int i = 0; i < count; i++) {
		const uint64_t end = extents[i].offset + extents[i].length;

		if (end <= *pos) {
			continue;
		}
		if (!hole || extents[i].offset > *pos) {
			*pos = !hole && extents[i].offset > *pos ? extents[i].offset : *pos;
			return true;
		}
		*pos = end;
	}
	return false;
}

int peel_seek(struct peel_index *index, uint64_t ino, uint64_t offset, bool hole,
	uint64_t *ret_offset, struct peel_error *err)
{
	struct extent extents[EXTENT_BATCH];
	struct query_place file;
	uint64_t pos = offset;
	bool decided = false;
	bool last = false;
	int most = EXTENT_FIRST;
	int count;
	int r = load_file(index, ino, &file, err);

	if (r < 0) {
		return r;
	}
	if (offset >= file.size) {
		return peel_fail(err, PEEL_ENOENT, "past the end of the file");
	}
	if (!file.sparse) {
		*ret_offset = hole ? file.size : offset;
		return 0;
	}
	for (uint64_t from = pos; !last && !decided; from = extents[count - 1].offset + 1) {
		count = load_extents(index, &file, from, extents, most, err);
		if (count < 0) {
			return count;
		}
		decided = seek_batch(extents, count, hole, &pos);
		if (count == 0) {
			break;
		}
		last = count < most;
		most = EXTENT_BATCH;
	}
	if (!hole && (!decided || pos >= file.size)) {
		return peel_fail(err, PEEL_ENOENT, "no data follows");
	}
	*ret_offset = min_u64(pos, file.size);
	return 0;
}
