/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conda keeps a record a package in PREFIX/conda-meta, with the files below PREFIX that it has linked there, and
 * the folder in its cache (…/pkgs/NAME-VERSION-BUILD) that they were unpacked to: the same files by hard link, or
 * by a copy. That folder, and the archive beside it, are the package's too. What lies in the cache and is in no
 * environment is a package as well: its bytes are somebody's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_control.h"
#include "pkgdb_json.h"
#include "pkgdb_walk.h"
#include "util.h"

/* Ends of archives in the cache. */
static const char *const archives[] = {".conda", ".tar.bz2"};

/* What a record says. */
struct record {
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
	char subdir[PKGDB_NAME_MAX + 1];
	char extracted[PKGDB_JSON_STRING_MAX + 1];
	uint64_t claimed;
	bool sized;
};

/* Strings of the record's own object. */
static const struct {
	const char *key;
	size_t offset, room;
} members[] = {
	{"name", offsetof(struct record, name), PKGDB_NAME_MAX + 1},
	{"version", offsetof(struct record, version), PKGDB_NAME_MAX + 1},
	{"subdir", offsetof(struct record, subdir), PKGDB_NAME_MAX + 1},
	{"extracted_package_dir", offsetof(struct record, extracted), PKGDB_JSON_STRING_MAX + 1},
};

static int take_head(void *arg, const struct pkgdb_json_value *value)
{
	struct record *record = arg;
	int64_t size;

	for (size_t i = 0; value->type == 's' && value->depth == 1 && i < countof(members); i++) {
		if (strcmp(value->key, members[i].key) == 0 && value->len < members[i].room) {
			memcpy((char *)record + members[i].offset, value->text, value->len + 1);
		}
	}
	if (value->type == 'n' && strcmp(value->top, "paths_data") == 0 &&
		strcmp(value->key, "size_in_bytes") == 0) {
		size = pkgdb_number(value->text, value->len);
		record->sized = size >= 0 &&
			checked_add(record->claimed, (uint64_t)size, &record->claimed);
	}
	return 0;
}

/* A prefix while one of its records is read. */
struct conda {
	struct pkgdb_gather *g;
	size_t database;
	uint64_t prefix;
	uint32_t ticket;
};

static int take_path(void *arg, const struct pkgdb_json_value *value)
{
	static const struct pkgdb_root root = {.path = ""};
	const struct conda *conda = arg;
	struct pkgdb_root own = root;

	if (value->type != 's' || value->depth != 2 || strcmp(value->top, "files") != 0) {
		return 0;
	}
	own.ino = peel_root(PEEL_VIEW_MERGED);
	return pkgdb_claim_path(conda->g, conda->database, &own, conda->prefix, value->text,
		value->len, conda->ticket);
}

static struct pkgdb_record record_of(const struct record *record, const char *path)
{
	return (struct pkgdb_record){
		.db = "conda",
		.name = record->name,
		.version = record->version,
		.arch = record->subdir,
		.record = path,
		.layer = -1,
		.claimed = record->sized && record->claimed <= INT64_MAX ? (int64_t)record->claimed
									 : -1,
	};
}

/* A folder of the cache, and the archives beside it. */
static int claim_cached(struct pkgdb_gather *g, uint64_t pkgs, const char *stem, uint64_t folder,
	uint32_t ticket)
{
	char name[PEEL_NAME_MAX + sizeof(".tar.bz2")];
	int r = 0;

	if (folder && !pkgdb_claims_get(&g->folders, folder).package) {
		r = pkgdb_claim_folder(g, folder, ticket);
		r = r < 0 ? r : pkgdb_claim_tree(g, folder, ticket, PEEL_CLAIM_FOLDER);
	}
	for (size_t i = 0; r >= 0 && i < countof(archives); i++) {
		struct peel_node node;

		snprintf(name, sizeof(name), "%s%s", stem, archives[i]);
		r = pkgdb_lookup(g, pkgs, name, strlen(name), &node);
		if (r > 0 && S_ISREG(node.mode)) {
			r = pkgdb_claim(g, node.ino, ticket, PEEL_CLAIM_FOLDER);
		}
	}
	return r < 0 ? r : 0;
}

/* Where the record says that the package was unpacked to; only in a folder pkgs, and only one of its own name. */
static int claim_extracted(struct conda *conda, const struct record *record)
{
	struct pkgdb_gather *g = conda->g;
	const char *slash = strrchr(record->extracted, '/');
	cleanup_free char *path = NULL;
	struct peel_node folder;
	struct peel_node pkgs;
	int r;

	if (!slash || strlen(slash + 1) > PEEL_NAME_MAX || slash == record->extracted ||
		strncmp(slash + 1, record->name, strlen(record->name)) != 0) {
		return 0;
	}
	r = pkgdb_resolve(g, peel_root(PEEL_VIEW_MERGED), record->extracted,
		(size_t)(slash - record->extracted), &pkgs);
	if (r <= 0 || !S_ISDIR(pkgs.mode)) {
		return r < 0 ? r : 0;
	}
	r = pkgdb_canonical(g, pkgs.ino, NULL, &path);
	if (r < 0 || !pkgdb_ends(path, strlen(path), "/pkgs")) {
		return r;
	}
	r = pkgdb_lookup(g, pkgs.ino, slash + 1, strlen(slash + 1), &folder);
	return r < 0 ? r
		     : claim_cached(conda->g, pkgs.ino, slash + 1,
			       r > 0 && S_ISDIR(folder.mode) ? folder.ino : 0, conda->ticket);
}

static int take_record(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct conda *conda = arg;
	cleanup_free struct record *record = calloc(1, sizeof(*record));
	cleanup_free char *path = NULL;
	struct pkgdb_record row;
	int r;

	if (!record) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	if (!S_ISREG(entry->node.mode) || !pkgdb_ends(entry->name, entry->name_len, ".json")) {
		return 0;
	}
	r = pkgdb_scan_file(g, conda->database, entry->node.ino, entry->name, take_head, record);
	if (r <= 0) {
		return r;
	}
	if (!record->name[0]) {
		return pkgdb_problem_at(g, conda->database, entry->name, 0, "no name");
	}
	r = pkgdb_canonical(g, entry->folder, entry->name, &path);
	row = record_of(record, path);
	r = r < 0 ? r
		  : pkgdb_add(g, conda->database, &row, PKGDB_RANK_CONDA, false, &conda->ticket);
	if (r < 0 || !conda->ticket) {
		return r;
	}
	r = pkgdb_claim(g, entry->node.ino, conda->ticket, PEEL_CLAIM_FOLDER);
	r = r < 0 ? r
		  : pkgdb_scan_file(g, conda->database, entry->node.ino, entry->name, take_path,
			    conda);
	return r < 0 ? r : claim_extracted(conda, record);
}

int pkgdb_conda_meta(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct conda conda = {.g = g, .prefix = entry->folder};
	cleanup_free char *path = NULL;
	int r = pkgdb_canonical(g, entry->node.ino, NULL, &path);

	r = r < 0 ? r : pkgdb_found(g, path, "conda", &conda.database);
	return r < 0 ? r : pkgdb_list(g, entry->node.ino, entry->folder, take_record, &conda);
}

int pkgdb_conda_cache(struct pkgdb_gather *g)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->cached_count; i++) {
		cleanup_free struct record *record = calloc(1, sizeof(*record));
		const struct pkgdb_cached *cached = &g->cached[i];
		cleanup_free char *path = NULL;
		struct pkgdb_record row;
		size_t database;
		uint32_t ticket;

		if (!record) {
			return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
		}
		if (pkgdb_claims_get(&g->folders, cached->folder).package) {
			continue;
		}
		r = pkgdb_canonical(g, cached->pkgs, NULL, &path);
		r = r < 0 ? r : pkgdb_found(g, path, "conda", &database);
		r = r < 0 ? r
			  : pkgdb_scan_file(g, database, cached->index, "info/index.json",
				    take_head, record);
		if (r <= 0 || !record->name[0]) {
			continue;
		}
		free(steal_pointer(&path));
		r = pkgdb_canonical(g, cached->info, "index.json", &path);
		row = record_of(record, path);
		r = r < 0 ? r : pkgdb_add(g, database, &row, PKGDB_RANK_CONDA, false, &ticket);
		r = r < 0 || !ticket
			? r
			: claim_cached(g, cached->pkgs, cached->name, cached->folder, ticket);
	}
	return r < 0 ? r : 0;
}

int pkgdb_conda_index(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct pkgdb_cached cached = {.index = entry->node.ino, .info = entry->folder};
	cleanup_free char *path = NULL;
	const char *slash;
	struct peel_node node;
	int r;

	/* Only …/pkgs/STEM/info/index.json. */
	r = pkgdb_canonical(g, entry->parent, NULL, &path);
	if (r < 0) {
		return r;
	}
	slash = strrchr(path, '/');
	if (!slash || !pkgdb_ends(path, (size_t)(slash - path), "/pkgs")) {
		return 0;
	}
	cached.folder = entry->parent;
	r = pkgdb_resolve(g, entry->parent, "..", 2, &node);
	cached.pkgs = node.ino;
	if (r <= 0) {
		return r;
	}
	cached.name = pkgdb_roster_keep(&g->roster, slash + 1, strlen(slash + 1));
	if (!cached.name ||
		!grow_array(&g->cached, g->cached_count, &g->cached_room, sizeof(cached))) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	g->cached[g->cached_count++] = cached;
	return 0;
}
