/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an index is kept in memory: facts of the image, layers, history. All of it is checked,
 * for the file may come from a stranger (--index): counts are bounded, layers are numbered without
 * gaps, their entries ascend.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "index_open.h"
#include "store.h"
#include "util.h"

/** Most layers and history records, several times what image_parts.h lets in. */
#define LOAD_LAYERS_MAX 4096
#define LOAD_HISTORY_MAX 100000
/** Most rows of table image. */
#define LOAD_VALUES_MAX 64
/** Node numbers leave 39 bits for entries. */
#define LOAD_ID_MAX (UINT64_C(1) << 39)

static char *column_copy(sqlite3_stmt *stmt, int column)
{
	return strdup(store_text(stmt, column));
}

static int load_values(struct peel_index *index, struct store *store, struct peel_error *err)
{
	static const char sql[] = "SELECT key, value FROM image ORDER BY key";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, sql, &stmt, err);

	index->values = calloc(2 * LOAD_VALUES_MAX, sizeof(*index->values));
	if (!index->values) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
		char **pair = &index->values[2 * index->value_count];

		if (index->value_count == LOAD_VALUES_MAX) {
			return peel_fail(err, PEEL_EFORMAT, "the index has too many values");
		}
		index->value_count++;
		pair[0] = column_copy(stmt, 0);
		pair[1] = column_copy(stmt, 1);
		code = pair[0] && pair[1] ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return code;
}

static uint64_t number(const struct peel_index *index, const char *key)
{
	return strtoull(peel_image_value(index, key), NULL, 10);
}

static int take_totals(struct peel_index *index, struct peel_error *err)
{
	index->totals = (struct peel_totals){
		.nodes = number(index, "nodes"),
		.bytes = number(index, "bytes"),
		.allocated = number(index, "allocated"),
		.entries = number(index, "entries"),
		.any_xattrs = number(index, "xattrs") != 0,
		.any_sparse = number(index, "sparse") != 0,
	};
	index->root_entry = number(index, "root");
	index->complete = number(index, "complete") == 1;
	index->reasons = strdup(peel_image_value(index, "reasons"));
	return index->reasons ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

static int take_layer(struct index_layer *layer, sqlite3_stmt *stmt, struct peel_error *err)
{
	const char **const texts[] = {
		&layer->stat.layer.digest,
		&layer->stat.layer.diff_id,
		&layer->stat.blob_hashed,
		&layer->stat.diff_hashed,
		&layer->stat.layer.media_type,
		&layer->stat.layer.state_reason,
		&layer->stat.layer.created,
		&layer->stat.layer.instruction,
		&layer->stat.layer.comment,
	};
	uint64_t *const numbers[] = {
		&layer->stat.layer.stored_size,
		&layer->stat.tar_size,
		&layer->first_id,
		&layer->end_id,
		&layer->stat.entries,
		&layer->stat.files,
		&layer->stat.bytes,
		&layer->stat.allocated,
		&layer->stat.visible_bytes,
	};

	layer->stat.layer.codec = (enum peel_codec)sqlite3_column_int(stmt, 1);
	layer->stat.layer.state = (enum peel_layer_state)sqlite3_column_int(stmt, 2);
	for (size_t i = 0; i < countof(texts); i++) {
		*texts[i] = column_copy(stmt, 3 + (int)i);
		if (!*texts[i]) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
	}
	for (size_t i = 0; i < countof(numbers); i++) {
		*numbers[i] = (uint64_t)sqlite3_column_int64(stmt, 12 + (int)i);
	}
	return 0;
}

static int load_layers(struct peel_index *index, struct store *store, struct peel_error *err)
{
	static const char sql[] =
		"SELECT id, codec, state, digest, diff_id, blob_hashed, diff_hashed, media_type, state_reason, created,"
		" instruction, comment, stored_size, tar_size, first_id, end_id, entries, files, bytes, allocated,"
		" visible_bytes FROM layer ORDER BY id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	size_t room = 0;
	uint64_t next = 0;
	int code = store_get(store, sql, &stmt, err);

	while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
		struct index_layer *layer;

		if (index->layer_count == LOAD_LAYERS_MAX ||
			sqlite3_column_int64(stmt, 0) != index->layer_count) {
			return peel_fail(err, PEEL_EFORMAT, "the index's layers are not in order");
		}
		if (!grow_array(&index->layers, (size_t)index->layer_count, &room,
			    sizeof(*layer))) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		layer = &index->layers[index->layer_count++];
		*layer = (struct index_layer){0};
		code = take_layer(layer, stmt, err);
		if (code == 0 &&
			(layer->first_id < next || layer->end_id < layer->first_id ||
				layer->end_id > LOAD_ID_MAX)) {
			return peel_fail(err, PEEL_EFORMAT, "the index's entries are not in order");
		}
		next = layer->end_id;
	}
	return code;
}

static int load_history(struct peel_index *index, struct store *store, struct peel_error *err)
{
	static const char sql[] =
		"SELECT coalesce(layer, -1), created, instruction, comment, author"
		" FROM history ORDER BY id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	size_t room = 0;
	int code = store_get(store, sql, &stmt, err);

	while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
		struct peel_history *history;

		if (index->history_count == LOAD_HISTORY_MAX) {
			return peel_fail(err, PEEL_EFORMAT, "the index has too much history");
		}
		if (!grow_array(&index->history, (size_t)index->history_count, &room,
			    sizeof(*history))) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		history = &index->history[index->history_count++];
		*history = (struct peel_history){
			.layer = sqlite3_column_int(stmt, 0),
			.created = column_copy(stmt, 1),
			.instruction = column_copy(stmt, 2),
			.comment = column_copy(stmt, 3),
			.author = column_copy(stmt, 4),
		};
		code = history->created && history->instruction && history->comment &&
				history->author
			? 0
			: peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return code;
}

int index_load(struct peel_index *index, struct peel_error *err)
{
	struct store *store = NULL;
	int code = index_acquire(index, &store, err);

	if (code == 0) {
		code = store_check_schema(store, err);
	}
	if (code == 0) {
		code = load_values(index, store, err);
	}
	if (code == 0) {
		code = take_totals(index, err);
	}
	if (code == 0) {
		code = load_layers(index, store, err);
	}
	if (code == 0) {
		code = load_history(index, store, err);
	}
	index_release(index, store);
	return code;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void index_unload(struct peel_index *index)
{
	for (int i = 0; i < 2 * index->value_count; i++) {
		free(index->values[i]);
	}
	free(index->values);
	for (int i = 0; i < index->layer_count; i++) {
		const struct peel_layer_stat *stat = &index->layers[i].stat;

		free_text(stat->layer.digest);
		free_text(stat->layer.diff_id);
		free_text(stat->blob_hashed);
		free_text(stat->diff_hashed);
		free_text(stat->layer.media_type);
		free_text(stat->layer.state_reason);
		free_text(stat->layer.created);
		free_text(stat->layer.instruction);
		free_text(stat->layer.comment);
	}
	free(index->layers);
	for (int i = 0; i < index->history_count; i++) {
		free_text(index->history[i].created);
		free_text(index->history[i].instruction);
		free_text(index->history[i].comment);
		free_text(index->history[i].author);
	}
	free(index->history);
	free(index->reasons);
}
