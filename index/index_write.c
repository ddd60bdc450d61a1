/* SPDX-License-Identifier: Apache-2.0 */
#include "index_write.h"

#include <string.h>

#include <peel/error.h>

#include "codec.h"
#include "image_priv.h"
#include "layer_read.h"
#include "store.h"
#include "tree.h"

int write_value(struct store *store, const char *key, const void *value, size_t len,
	struct peel_error *err)
{
	static const char sql[] = "INSERT INTO image (key, value) VALUES (?1, ?2)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, key);
	sqlite3_bind_text64(stmt, 2, value, len, SQLITE_STATIC, SQLITE_UTF8);
	return store_run(store, stmt, err);
}

int write_number(struct store *store, const char *key, uint64_t value, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO image (key, value) VALUES (?1, ?2)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, key);
	sqlite3_bind_int64(stmt, 2, (int64_t)value);
	return store_run(store, stmt, err);
}

int write_blob(struct store *store, int64_t id, const struct image_blob *where,
	enum peel_codec codec, uint64_t out_size, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO blob (id, file, offset, size, codec, out_size)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, id);
	store_bind_blob(stmt, 2, where->file, where->file ? strlen(where->file) : 0);
	sqlite3_bind_int64(stmt, 3, (int64_t)where->offset);
	sqlite3_bind_int64(stmt, 4, (int64_t)where->size);
	sqlite3_bind_int64(stmt, 5, codec);
	sqlite3_bind_int64(stmt, 6, (int64_t)out_size);
	return store_run(store, stmt, err);
}

int write_point(struct store *store, int64_t blob, const struct point *point, const void *window,
	size_t len, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO point (blob, out_off, in_off, bits, window_len, window)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, blob);
	sqlite3_bind_int64(stmt, 2, (int64_t)point->out_off);
	sqlite3_bind_int64(stmt, 3, (int64_t)point->in_off);
	sqlite3_bind_int64(stmt, 4, point->bits);
	sqlite3_bind_int64(stmt, 5, point->window_len);
	store_bind_blob(stmt, 6, window, len);
	return store_run(store, stmt, err);
}

int write_layer(struct store *store, int id, const struct peel_layer *layer,
	const struct tree_layer *counts, const struct layer_outcome *outcome, int64_t blob,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO layer (id, digest, diff_id, blob_hashed, diff_hashed, media_type, codec, state,"
		" state_reason, blob, stored_size, tar_size, first_id, end_id, entries, files, bytes, allocated,"
		" visible_bytes, created, instruction, comment) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		" ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";
	const char *const texts[] = {layer->digest, layer->diff_id, outcome->blob_hashed,
		outcome->diff_hashed, layer->media_type};
	const uint64_t numbers[] = {layer->stored_size, outcome->tar_size, counts->first_id,
		counts->end_id, counts->entries, counts->files, counts->bytes, counts->allocated,
		counts->visible_bytes};
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int(stmt, 1, id);
	for (int i = 0; i < 5; i++) {
		store_bind_text(stmt, 2 + i, texts[i]);
	}
	sqlite3_bind_int(stmt, 7, layer->codec);
	sqlite3_bind_int(stmt, 8, outcome->state);
	store_bind_text(stmt, 9, outcome->reason);
	if (blob >= 0) {
		sqlite3_bind_int64(stmt, 10, blob);
	}
	for (int i = 0; i < 9; i++) {
		sqlite3_bind_int64(stmt, 11 + i, (int64_t)numbers[i]);
	}
	store_bind_text(stmt, 20, layer->created);
	store_bind_text(stmt, 21, layer->instruction);
	store_bind_text(stmt, 22, layer->comment);
	return store_run(store, stmt, err);
}

int write_history(struct store *store, int id, const struct peel_history *history,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO history (id, layer, created, instruction, comment, author)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int(stmt, 1, id);
	if (history->layer >= 0) {
		sqlite3_bind_int(stmt, 2, history->layer);
	}
	store_bind_text(stmt, 3, history->created);
	store_bind_text(stmt, 4, history->instruction);
	store_bind_text(stmt, 5, history->comment);
	store_bind_text(stmt, 6, history->author);
	return store_run(store, stmt, err);
}

int write_finding(struct store *store, const struct peel_finding *finding, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO finding (code, layer, path, offset, detail)"
				  " VALUES (?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, finding->code);
	if (finding->layer >= 0) {
		sqlite3_bind_int(stmt, 2, finding->layer);
	}
	store_bind_blob(stmt, 3, finding->path, finding->path_len);
	if (finding->offset != UINT64_MAX) {
		sqlite3_bind_int64(stmt, 4, (int64_t)finding->offset);
	}
	store_bind_text(stmt, 5, finding->detail);
	return store_run(store, stmt, err);
}
