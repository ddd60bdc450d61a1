/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "blockcache.h"
#include "broker.h"
#include "codec.h"
#include "content_blobs.h"
#include "image_priv.h"
#include "points.h"
#include "source.h"
#include "source_kept.h"
#include "store.h"
#include "store_pool.h"
#include "util.h"
#include "util_lock.h"

struct content {
	struct store_pool *pool;
	int layer_count;
	/** Guards what follows, not the sources' own reading. */
	pthread_mutex_t lock;
	/** The image file, decoded where it is compressed; NULL for a layout. */
	struct source *file;
	/** The same as it is stored. */
	struct source *stored;
	bool file_decoded;
	int layout;
	/** Blobs of a layout that were opened ahead, one a layer; NULL: not opened. */
	struct source **blobs;
	/** The layout's blobs as they were; NULL: no layout, or a broker, who answers for them. */
	struct content_blobs *noted;
	struct codec_options codec;
	/** One a layer; NULL: not opened yet. */
	_Atomic(struct source *) *layers;
	/** One layer's decoder at most is kept; the layer opened last, -1: none that matters. */
	bool frugal;
	int last;
};

/** A row of table blob. */
struct blob {
	int64_t id;
	char *file;
	uint64_t offset;
	uint64_t size;
	enum peel_codec codec;
	uint64_t out_size;
};

/** Finds access points of one blob in the index. */
struct index_points {
	struct store_pool *pool;
	int64_t blob;
};

int content_open(struct store_pool *pool, int layer_count, const struct content_options *options,
	struct content **ret_content, struct peel_error *err)
{
	struct content *content = calloc(1, sizeof(*content));
	int code = 0;

	if (!content) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*content = (struct content){
		.pool = pool,
		.layer_count = layer_count,
		.file = options->file ? source_grab(options->file) : NULL,
		.stored = options->file ? source_grab(options->file) : NULL,
		.layout = options->layout < 0 ? -1 : fcntl(options->layout, F_DUPFD_CLOEXEC, 3),
		.codec =
			{
				.spool_dir = options->spool_dir < 0
					? -1
					: fcntl(options->spool_dir, F_DUPFD_CLOEXEC, 3),
				.spool_limit = options->spool_limit,
				.window_log = options->window_log,
			},
		.layers = calloc((size_t)layer_count + 1, sizeof(*content->layers)),
		.last = -1,
	};
	pthread_mutex_init(&content->lock, NULL);
	if (!content->layers) {
		code = peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code == 0) {
		code = blockcache_new(CONTENT_CACHE, &content->codec.cache, err);
	}
	if (code == 0 && content->layout >= 0 && !broker_is(content->layout)) {
		code = content_blobs_note(pool, content->layout, &content->noted, err);
	}
	if (code < 0) {
		content_close(content);
		return code;
	}
	*ret_content = content;
	return 0;
}

void content_close(struct content *content)
{
	if (!content) {
		return;
	}
	for (int i = 0; content->layers && i < content->layer_count; i++) {
		source_drop(content->layers[i]);
	}
	free(content->layers);
	for (int i = 0; content->blobs && i < content->layer_count; i++) {
		source_drop(content->blobs[i]);
	}
	free(content->blobs);
	content_blobs_free(content->noted);
	source_drop(content->file);
	source_drop(content->stored);
	blockcache_free(content->codec.cache);
	if (content->layout >= 0) {
		close(content->layout);
	}
	if (content->codec.spool_dir >= 0) {
		close(content->codec.spool_dir);
	}
	pthread_mutex_destroy(&content->lock);
	free(content);
}

/** One row of the index, asked on a connection of the pool. */
struct row {
	struct store_pool *pool;
	struct store *store;
	sqlite3_stmt *stmt;
};

static void row_finish(struct row *row)
{
	store_done_(&row->stmt);
	store_pool_give(row->pool, row->store);
}

/**
 * Ask for the row; the statement's parameters are key and, where it has a second, bound.
 * @param row with its pool set. @return 1, 0 where there is none, or less than 0.
 */
static int row_find(struct row *row, const char *sql, int64_t key, int64_t bound,
	struct peel_error *err)
{
	int code = store_pool_take(row->pool, &row->store, err);

	if (code == 0) {
		code = store_get(row->store, sql, &row->stmt, err);
	}
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(row->stmt, 1, key);
	if (sqlite3_bind_parameter_count(row->stmt) > 1) {
		sqlite3_bind_int64(row->stmt, 2, bound);
	}
	return store_step(row->store, row->stmt, err);
}

static int find_point(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT out_off, in_off, bits, window_len, window FROM point"
		" WHERE blob = ?1 AND out_off <= ?2 ORDER BY out_off DESC LIMIT 1";
	struct index_points *points = arg;
	cleanup(row_finish) struct row row = {.pool = points->pool};
	int code = row_find(&row, sql, points->blob, (int64_t)min_u64(out_off, INT64_MAX), err);

	if (code <= 0) {
		return code < 0
			? code
			: peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "no access point for a layer");
	}
	*ret_point = (struct point){
		.out_off = (uint64_t)sqlite3_column_int64(row.stmt, 0),
		.in_off = (uint64_t)sqlite3_column_int64(row.stmt, 1),
		.bits = (uint8_t)(sqlite3_column_int(row.stmt, 2) & 7),
		.window_len = (uint32_t)sqlite3_column_int64(row.stmt, 3),
	};
	if (ret_point->window_len > POINT_WINDOW) {
		return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "a window of %u bytes",
			ret_point->window_len);
	}
	if (ret_point->window_len == 0) {
		return 0;
	}
	return window_unpack(sqlite3_column_blob(row.stmt, 4),
		(size_t)sqlite3_column_bytes(row.stmt, 4), window, ret_point->window_len, err);
}

static int read_blob(struct content *content, int64_t id, struct blob *ret_blob,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT file, offset, size, codec, out_size FROM blob WHERE id = ?1";
	cleanup(row_finish) struct row row = {.pool = content->pool};
	const char *file;
	int code = row_find(&row, sql, id, 0, err);

	if (code <= 0) {
		return code < 0 ? code
				: peel_fail(err, PEEL_EFORMAT,
					  STORE_DAMAGED "no place of blob %" PRId64, id);
	}
	file = (const char *)sqlite3_column_blob(row.stmt, 0);
	*ret_blob = (struct blob){
		.id = id,
		.file = file ? strndup(file, (size_t)sqlite3_column_bytes(row.stmt, 0)) : NULL,
		.offset = (uint64_t)sqlite3_column_int64(row.stmt, 1),
		.size = (uint64_t)sqlite3_column_int64(row.stmt, 2),
		.codec = (enum peel_codec)sqlite3_column_int(row.stmt, 3),
		.out_size = (uint64_t)sqlite3_column_int64(row.stmt, 4),
	};
	return file && !ret_blob->file ? peel_fail(err, PEEL_ENOMEM, "no memory") : 0;
}

static int decode(struct content *content, struct source *raw, const struct blob *blob,
	struct source **ret_source, struct peel_error *err)
{
	struct index_points *points;
	struct point_finder finder = {.find = find_point, .close = free};

	if (blob->codec == PEEL_CODEC_NONE) {
		*ret_source = source_grab(raw);
		return 0;
	}
	points = malloc(sizeof(*points));
	if (!points) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*points = (struct index_points){.pool = content->pool, .blob = blob->id};
	finder.arg = points;
	return codec_open(raw, blob->codec, blob->out_size, &finder, &content->codec, ret_source,
		err);
}

/** The image file as its members see it: decoded where it is compressed (blob 0 says so). */
static int image_bytes(struct content *content, struct source **ret_source, struct peel_error *err)
{
	struct blob blob = {0};
	struct source *decoded = NULL;
	int code = 0;

	if (!content->file) {
		return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "of another kind of image");
	}
	if (!content->file_decoded) {
		code = read_blob(content, 0, &blob, err);
		if (code == 0) {
			code = decode(content, content->file, &blob, &decoded, err);
		}
		free(blob.file);
		if (code < 0) {
			return code;
		}
		source_drop(content->file);
		content->file = decoded;
		content->file_decoded = true;
	}
	*ret_source = source_grab(content->file);
	return 0;
}

/** A file of a layout. */
static int open_file(const struct content *content, const char *file, struct source **ret_source,
	struct peel_error *err)
{
	return content->noted ? content_blobs_open(content->noted, file, ret_source, err)
			      : image_file_open(content->layout, file, ret_source, err);
}

/** The stored bytes of a layer's blob. */
static int stored_bytes(struct content *content, int layer, const struct blob *blob,
	struct source **ret_source, struct peel_error *err)
{
	cleanup_source struct source *file = NULL;
	int code = 0;

	if (blob->file && content->blobs && content->blobs[layer]) {
		file = source_grab(content->blobs[layer]);
	} else if (blob->file) {
		code = content->layout < 0
			? peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "of another kind of image")
			: open_file(content, blob->file, &file, err);
	} else {
		code = image_bytes(content, &file, err);
	}
	return code < 0 ? code : source_new_slice(file, blob->offset, blob->size, ret_source, err);
}

static int layer_blob(struct content *content, int layer, int64_t *ret_blob, struct peel_error *err)
{
	static const char sql[] = "SELECT blob FROM layer WHERE id = ?1 AND blob IS NOT NULL";
	cleanup(row_finish) struct row row = {.pool = content->pool};
	int code = row_find(&row, sql, layer, 0, err);

	if (code <= 0) {
		return code < 0 ? code : peel_fail(err, PEEL_ENOENT, "layer %d is missing", layer);
	}
	*ret_blob = sqlite3_column_int64(row.stmt, 0);
	return 0;
}

/** @param ret_blob its file is the caller's to free, on failure too. */
static int find_layer(struct content *content, int layer, struct blob *ret_blob,
	struct source **ret_raw, struct peel_error *err)
{
	int64_t id = 0;
	int code = layer_blob(content, layer, &id, err);

	if (code == 0) {
		code = read_blob(content, id, ret_blob, err);
	}
	return code < 0 ? code : stored_bytes(content, layer, ret_blob, ret_raw, err);
}

static int open_layer(struct content *content, int layer, struct source **ret_source,
	struct peel_error *err)
{
	cleanup_source struct source *raw = NULL;
	struct blob blob = {0};
	int code = find_layer(content, layer, &blob, &raw, err);

	if (code == 0) {
		code = decode(content, raw, &blob, ret_source, err);
	}
	free(blob.file);
	if (code < 0) {
		peel_wrap(err, "layer %d", layer);
	}
	return code;
}

int content_layer_stored(struct content *content, int layer, struct source **ret_raw,
	enum peel_codec *ret_codec, struct peel_error *err)
{
	scoped_lock(&content->lock);
	struct blob blob = {0};
	int code = find_layer(content, layer, &blob, ret_raw, err);

	free(blob.file);
	*ret_codec = blob.codec;
	return code < 0 ? peel_wrap(err, "layer %d", layer) : 0;
}

struct source *content_opened(struct content *content, int layer)
{
	if (layer < 0 || layer >= content->layer_count) {
		return NULL;
	}
	return atomic_load_explicit(&content->layers[layer], memory_order_acquire);
}

void content_set_frugal(struct content *content, bool frugal)
{
	scoped_lock(&content->lock);

	content->frugal = frugal;
}

/**
 * Decode the layer that was opened last to its end: what a spool has whole needs no decoder any more. That it
 * is broken there, or the disk full, is no failure of another layer.
 */
static void end_last(struct content *content)
{
	struct source *last = content_opened(content, content->last);
	uint8_t end;

	if (last && last->size > 0) {
		(void)!source_read_at(last, last->size - 1, &end, 1, NULL);
	}
	content->last = -1;
}

int content_layer(struct content *content, int layer, struct source **ret_source,
	struct peel_error *err)
{
	scoped_lock(&content->lock);
	struct source *opened = content_opened(content, layer);
	int code = 0;

	if (layer < 0 || layer >= content->layer_count) {
		return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "layer %d is not there", layer);
	}
	if (!opened) {
		if (content->frugal) {
			end_last(content);
		}
		code = open_layer(content, layer, &opened, err);
		if (code == 0) {
			content->last = layer;
			atomic_store_explicit(&content->layers[layer], opened,
				memory_order_release);
		}
	}
	*ret_source = opened;
	return code;
}

int content_redirect(struct content *content, int layout, int spool, struct peel_error *err)
{
	if ((content->layout >= 0 && dup3(layout, content->layout, O_CLOEXEC) < 0) ||
		(content->codec.spool_dir >= 0 &&
			dup3(spool, content->codec.spool_dir, O_CLOEXEC) < 0)) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	return 0;
}

/** Open a layer's blob ahead. @return false where it has to be opened when it is read. */
static bool open_blob(struct content *content, int layer)
{
	struct blob blob = {0};
	int64_t id = 0;
	bool fine = layer_blob(content, layer, &id, NULL) == 0 &&
		read_blob(content, id, &blob, NULL) == 0 && blob.file &&
		open_file(content, blob.file, &content->blobs[layer], NULL) == 0;

	free(blob.file);
	return fine;
}

bool content_open_blobs(struct content *content)
{
	scoped_lock(&content->lock);
	bool all = content->layer_count <= CONTENT_BLOBS_MAX;

	if (content->layout < 0 || content->blobs) {
		return true;
	}
	content->blobs = calloc((size_t)content->layer_count + 1, sizeof(struct source *));
	for (int i = 0; content->blobs && i < content->layer_count && i < CONTENT_BLOBS_MAX; i++) {
		all = open_blob(content, i) && all;
	}
	return content->blobs && all;
}

void content_folders(const struct content *content, int *ret_layout, int *ret_spool)
{
	*ret_layout = content->layout;
	*ret_spool = content->codec.spool_dir;
}

bool content_missed(const struct content *content)
{
	return source_kept_missed(content->stored);
}
