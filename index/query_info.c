/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of the image, its layers and its history, xattrs, findings: rows handed over as they are.
 */
#include "query_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "util.h"

static const char xattrs_of[] = "SELECT name, value FROM xattr WHERE entry = ?1 ORDER BY name";
static const char all_findings[] =
	"SELECT layer, code, path, offset, detail FROM finding ORDER BY layer, offset, id";

int peel_totals(struct peel_index *index, struct peel_totals *ret_totals, struct peel_error *err)
{
	(void)err;
	*ret_totals = index->totals;
	return 0;
}

int peel_layer_count(const struct peel_index *index)
{
	return index->layer_count;
}

int peel_layer_stat(struct peel_index *index, int i, struct peel_layer_stat *ret_stat,
	struct peel_error *err)
{
	if (i < 0 || i >= index->layer_count) {
		return peel_fail(err, PEEL_ENOENT, "no layer %d", i);
	}
	*ret_stat = index->layers[i].stat;
	return 0;
}

int peel_history_count(const struct peel_index *index)
{
	return index->history_count;
}

const struct peel_history *peel_history(const struct peel_index *index, int i)
{
	return i >= 0 && i < index->history_count ? &index->history[i] : NULL;
}

const char *peel_image_value(const struct peel_index *index, const char *key)
{
	for (int i = 0; i < index->value_count; i++) {
		if (strcmp(index->values[(size_t)i * 2], key) == 0) {
			return index->values[(size_t)i * 2 + 1];
		}
	}
	return "";
}

int peel_xattrs(struct peel_index *index, uint64_t ino, peel_xattr_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct query_found found = {0};
	int r = query_begin(&q, index, err);

	if (r == 0) {
		r = query_node(&q, ino, &found);
		if (r == 0) {
			return peel_fail(err, PEEL_ENOENT, "no such node");
		}
	}
	if (r < 0 || !found.node.has_xattrs) {
		return r < 0 ? r : 0;
	}
	r = store_get(q.store, xattrs_of, &stmt, err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)found.xattrs);
	while ((r = store_step(q.store, stmt, err)) > 0) {
		const char *name = store_text(stmt, 0);
		const void *value = sqlite3_column_blob(stmt, 1);

		/* A name that a NUL cuts short would be another one. */
		if (strlen(name) != (size_t)sqlite3_column_bytes(stmt, 0)) {
			continue;
		}
		if (each(arg, name, value ? value : "", (size_t)sqlite3_column_bytes(stmt, 1))) {
			return 1;
		}
	}
	return r;
}

/*
 * What a finding's text may hold without being escaped: the builder escapes, a stranger's index may
 * not.
 */
static bool is_plain(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f) {
		text++;
	}
	return !*text;
}

static int emit_finding(sqlite3_stmt *stmt, peel_finding_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup_free char *escaped = NULL;
	struct peel_finding finding = {
		.layer = sqlite3_column_type(stmt, 0) == SQLITE_NULL ? -1
								     : sqlite3_column_int(stmt, 0),
		.code = store_text(stmt, 1),
		.path = sqlite3_column_blob(stmt, 2),
		.path_len = (size_t)sqlite3_column_bytes(stmt, 2),
		.offset = sqlite3_column_type(stmt, 3) == SQLITE_NULL
			? UINT64_MAX
			: (uint64_t)sqlite3_column_int64(stmt, 3),
		.detail = store_text(stmt, 4),
	};

	if (!is_plain(finding.detail)) {
		if (peel_text_escape(finding.detail, strlen(finding.detail), &escaped) < 0) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		finding.detail = escaped;
	}
	return each(arg, &finding) ? 1 : 0;
}

int peel_findings(struct peel_index *index, peel_finding_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = query_begin(&q, index, err);

	if (r == 0) {
		r = store_get(q.store, all_findings, &stmt, err);
	}
	if (r < 0) {
		return r;
	}
	while ((r = store_step(q.store, stmt, err)) > 0) {
		r = emit_finding(stmt, each, arg, err);
		if (r != 0) {
			return r;
		}
	}
	return r;
}
