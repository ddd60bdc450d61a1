/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All databases, then all owners.
 *
 * What a database says is kept as claims on nodes (pkgdb_claims.h), not as paths: a path is resolved in the image when
 * it is read and then forgotten, so that memory is four bytes a file and some two hundred a package, whatever the lists
 * say. Claims of less strength come later, and never take a file from a stronger one:
 *
 *	programs	which files are Go's and Rust's
 *	walk		lists (dpkg, apk, rpm, wheels, conda), folders (npm, gems), and what those programs say
 *	lates		folders of Python packages without lists, where nobody lists their record
 *	cache		packages of conda that are in no environment
 *	bytecode	of sources that are owned by now
 *	generated	what maintainer scripts are known to make
 *
 * Only when all packages are known are they sorted and numbered, and told: databases, packages, owners.
 *
 * Rejected: rows of paths in a table of SQL that are joined with the tree (links on the way and diversions are no join,
 * and twenty million rows are a file of two gigabytes).
 */
#include "pkgdb_owners.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/query.h>

#include "pkgdb_find.h"
#include "pkgdb_gather.h"
#include "pkgdb_walk.h"
#include "util.h"

static void gather_finish(struct pkgdb_gather *g)
{
	pkgdb_roster_finish(&g->roster);
	pkgdb_claims_finish(&g->files);
	pkgdb_claims_finish(&g->folders);
	pkgdb_claims_finish(&g->programs);
	pkgdb_finder_free(g->finder);
	free(g->databases);
	free(g->pairs);
	free(g->lates);
	free(g->cached);
	pkgdb_text_finish(&g->text);
	pkgdb_text_finish(&g->beside);
}

/* By path, and those with a problem first. */
static int compare_databases(const void *a, const void *b)
{
	const struct pkgdb_database *one = a;
	const struct pkgdb_database *two = b;
	const int r = strcmp(one->path, two->path);

	return r ? r : strcmp(two->problem, one->problem);
}

/* A folder that the walk came to again, as Python's are, is told once. */
static int tell_databases(struct pkgdb_gather *g)
{
	const char *last = NULL;
	int r = 0;

	if (g->database_count > 0) {
		qsort(g->databases, g->database_count, sizeof(*g->databases), compare_databases);
	}
	for (size_t i = 0; r >= 0 && i < g->database_count; i++) {
		const struct pkgdb_database *database = &g->databases[i];

		if (!last || strcmp(last, database->path) != 0) {
			r = g->sink->database(g->sink->arg, database->path, database->db,
				database->problem, g->err);
		}
		last = database->path;
	}
	return r < 0 ? r : 0;
}

static int tell_packages(struct pkgdb_gather *g)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->roster.count; i++) {
		const struct pkgdb_row *row = pkgdb_roster_row(&g->roster, g->roster.order[i]);

		r = g->sink->package(g->sink->arg, row->id, &row->record, g->err);
	}
	return r < 0 ? r : 0;
}

static int tell_owners(struct pkgdb_gather *g)
{
	uint64_t ino = 0;
	int r = 0;

	while (r >= 0 && (ino = pkgdb_claims_next(&g->files, ino + 1)) != 0) {
		const struct pkgdb_claim claim = pkgdb_claims_get(&g->files, ino);

		r = g->sink->owner(g->sink->arg, ino,
			pkgdb_roster_row(&g->roster, claim.package)->id, claim.how, g->err);
	}
	return r < 0 ? r : 0;
}

/* In the order of strength; each may only fail where the index or memory does. */
static int (*const steps[])(struct pkgdb_gather *g) = {
	pkgdb_programs,
	pkgdb_walk,
	pkgdb_claim_lates,
	pkgdb_conda_cache,
	pkgdb_bytecode_claim,
	pkgdb_generated,
};

int pkgdb_owners(struct peel_index *index, const struct pkgdb_sink *sink, struct peel_error *err)
{
	cleanup(gather_finish) struct pkgdb_gather g = {.index = index, .sink = sink, .err = err};
	int r = pkgdb_finder_new(index, &g.finder, err);

	for (size_t i = 0; r >= 0 && i < countof(steps); i++) {
		r = steps[i](&g);
	}
	r = r < 0 ? r : pkgdb_roster_sort(&g.roster, err);
	r = r < 0 ? r : pkgdb_layers(&g);
	r = r < 0 ? r : tell_databases(&g);
	r = r < 0 ? r : tell_packages(&g);
	return r < 0 ? r : tell_owners(&g);
}
