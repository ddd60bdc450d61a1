/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first layer whose database has a package in its version. A database that is one file is rewritten whole by each
 * layer that installs anything, so each layer's copy is read again, for its packages alone. A package with a record of
 * its own came with the first layer that has the same record: a later chown makes another copy, not another package.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_apk.h"
#include "pkgdb_dpkg.h"
#include "pkgdb_rpm.h"
#include "pkgdb_walk.h"
#include "util.h"

/* Most questions for a record in a layer; beyond it the layer that the merged tree shows counts. */
#define LOOKUPS_MAX 2000000
/* Bytes that must be the same in two copies of a record; programs are not read to their end. */
#define SAME_MAX (1u << 20)

/* Databases that are one file: its name in the database's folder. */
static const struct {
	const char *db;
	const char *file;
	int (*each)(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg);
} shared[] = {
	{"apk", "/installed", pkgdb_apk_each},
	{"dpkg", "/status", pkgdb_dpkg_each},
	{"rpm", "", pkgdb_rpm_each},
};

/* A layer's copy of a database. */
struct copy {
	struct pkgdb_gather *g;
	const char *path;
	int layer;
};

static int mark(void *arg, const struct pkgdb_record *record)
{
	const struct copy *copy = arg;
	const struct pkgdb_roster *roster = &copy->g->roster;

	for (size_t i = pkgdb_roster_find(roster, record); i < roster->count; i++) {
		struct pkgdb_row *row = pkgdb_roster_row(roster, roster->order[i]);

		if (pkgdb_record_compare(&row->record, record) != 0) {
			break;
		}
		if (row->record.layer < 0 && strcmp(row->record.record, copy->path) == 0) {
			row->record.layer = copy->layer;
		}
	}
	return 0;
}

/* The regular file at a path in a view. @return 1, 0 there is none, or less than 0. */
static int find_copy(struct pkgdb_gather *g, int view, const char *path, struct peel_node *ret_node)
{
	int r = peel_resolve(g->index, view, 0, path, strlen(path), false, ret_node, NULL, NULL);

	if (r == PEEL_ENOMEM || r == PEEL_EINTERNAL) {
		return peel_fail(g->err, r, "%s", peel_strerror(r));
	}
	return r == 0 && S_ISREG(ret_node->mode);
}

static int read_copies(struct pkgdb_gather *g, const struct pkgdb_database *database, size_t kind)
{
	cleanup_free char *path = NULL;
	struct copy copy = {.g = g};
	int r = 0;

	if (asprintf(&path, "%s%s", database->path, shared[kind].file) < 0) {
		path = NULL;
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	copy.path = path;
	for (int i = 0; r >= 0 && i < peel_layer_count(g->index); i++) {
		struct peel_node node;

		copy.layer = i;
		r = find_copy(g, i, path, &node);
		r = r > 0 ? pkgdb_open(g->index, i, NULL, node.ino, &g->text, g->err) : r;
		if (r > 0) {
			r = shared[kind].each(&g->text, mark, &copy);
		}
	}
	return r < 0 ? r : 0;
}

/* The same by reading both. */
static int begin_alike(struct pkgdb_gather *g, const struct peel_node *a, const struct peel_node *b)
{
	uint64_t compared = 0;
	int r = pkgdb_open(g->index, 0, NULL, a->ino, &g->text, g->err);

	r = r > 0 ? pkgdb_open(g->index, 0, NULL, b->ino, &g->beside, g->err) : r;
	while (r > 0 && compared < min_u64(a->size, SAME_MAX)) {
		const char *one;
		const char *two;
		size_t one_len;
		size_t two_len;

		if (!pkgdb_piece(&g->text, &one, &one_len) ||
			!pkgdb_piece(&g->beside, &two, &two_len) || one_len != two_len ||
			memcmp(one, two, one_len) != 0) {
			return 0;
		}
		compared += one_len;
	}
	return r;
}

/*
 * @return 1 where two files begin alike and are of one size, 0 where not, or less than 0. Where their contents are
 * known nothing is read: the copies of a compressed layer would be decoded for it.
 */
static int is_same(struct pkgdb_gather *g, const struct peel_node *a, const struct peel_node *b)
{
	int r = PKGDB_UNKNOWN;

	if (a->size != b->size) {
		return 0;
	}
	if (g->sink->same) {
		r = g->sink->same(g->sink->arg, a->ino, b->ino, g->err);
	}
	/* Programs that differ may begin alike. */
	return r < 0 || r == 1 || (r == 0 && a->size <= SAME_MAX) ? r : begin_alike(g, a, b);
}

static int find_first(struct pkgdb_gather *g, struct pkgdb_record *record, uint64_t *lookups)
{
	struct peel_node merged;
	int r = peel_resolve(g->index, PEEL_VIEW_MERGED, 0, record->record, strlen(record->record),
		false, &merged, NULL, NULL);

	if (r < 0) {
		return r == PEEL_ENOMEM ? peel_fail(g->err, r, "out of memory") : 0;
	}
	record->layer = merged.layer;
	for (int i = 0; S_ISREG(merged.mode) && i < merged.layer && *lookups < LOOKUPS_MAX; i++) {
		struct peel_node node;

		++*lookups;
		r = find_copy(g, i, record->record, &node);
		r = r > 0 ? is_same(g, &merged, &node) : r;
		if (r != 0) {
			record->layer = r > 0 ? i : record->layer;
			return r < 0 ? r : 0;
		}
	}
	return 0;
}

int pkgdb_layers(struct pkgdb_gather *g)
{
	uint64_t lookups = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->database_count; i++) {
		for (size_t j = 0; r == 0 && j < countof(shared); j++) {
			if (strcmp(g->databases[i].db, shared[j].db) == 0) {
				r = read_copies(g, &g->databases[i], j);
			}
		}
	}
	for (size_t i = 0; r == 0 && i < g->roster.count; i++) {
		struct pkgdb_record *record = &g->roster.rows[i].record;

		if (record->layer < 0) {
			r = find_first(g, record, &lookups);
		}
	}
	return r;
}
