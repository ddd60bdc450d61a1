/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the facts is kept in memory: whether they are all, packages, databases, categories. All of it is
 * checked, for the file may come from a stranger: counts are bounded, ids are numbered from 1 without gaps.
 */
#include <stdlib.h>
#include <string.h>

#include "facts_rows.h"
#include "index_facts.h"
#include "pkgdb_owners.h"
#include "store.h"
#include "store_pool.h"
#include "util.h"

/** Most databases and categories. */
#define DATABASES_MAX 10000
#define CATEGORIES_MAX 10000

/** A table that is read row by row. */
struct loading {
	struct peel_index *index;
	size_t room;
};

typedef int load_fn(struct loading *loading, sqlite3_stmt *stmt, struct peel_error *err);

static int too_many(struct peel_error *err)
{
	return peel_fail(err, PEEL_EFORMAT, "the facts have rows that cannot be");
}

/** Copies of columns. @return 0; PEEL_ENOMEM. */
static int copy_texts(sqlite3_stmt *stmt, int first, const char **const *texts, size_t count,
	struct peel_error *err)
{
	for (size_t i = 0; i < count; i++) {
		*texts[i] = strdup(store_text(stmt, first + (int)i));
		if (!*texts[i]) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
	}
	return 0;
}

static int load_package(struct loading *loading, sqlite3_stmt *stmt, struct peel_error *err)
{
	struct index_facts *facts = &loading->index->facts;
	struct peel_package *package;
	const char **pointers[6];

	if (facts->package_count >= PKGDB_PACKAGES_MAX ||
		sqlite3_column_int64(stmt, 0) != (int64_t)facts->package_count + 1) {
		return too_many(err);
	}
	if (!grow_array(&facts->packages, facts->package_count, &loading->room, sizeof(*package))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	package = &facts->packages[facts->package_count++];
	*package = (struct peel_package){
		.id = facts->package_count,
		.layer = sqlite3_column_int(stmt, 7),
		.claimed = sqlite3_column_int64(stmt, 8),
	};
	pointers[0] = &package->db;
	pointers[1] = &package->name;
	pointers[2] = &package->version;
	pointers[3] = &package->arch;
	pointers[4] = &package->source;
	pointers[5] = &package->record;
	if (package->layer < -1 || package->layer >= loading->index->layer_count) {
		package->layer = -1;
	}
	return copy_texts(stmt, 1, pointers, countof(pointers), err);
}

static int load_database(struct loading *loading, sqlite3_stmt *stmt, struct peel_error *err)
{
	struct index_facts *facts = &loading->index->facts;
	struct peel_package_db *database;
	const char **pointers[3];

	if (facts->database_count >= DATABASES_MAX) {
		return too_many(err);
	}
	if (!grow_array(&facts->databases, facts->database_count, &loading->room,
		    sizeof(*database))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	database = &facts->databases[facts->database_count++];
	*database = (struct peel_package_db){0};
	pointers[0] = &database->path;
	pointers[1] = &database->db;
	pointers[2] = &database->problem;
	return copy_texts(stmt, 0, pointers, countof(pointers), err);
}

static int load_category(struct loading *loading, sqlite3_stmt *stmt, struct peel_error *err)
{
	struct index_facts *facts = &loading->index->facts;
	struct peel_category *category;
	const char **pointers[3];

	if (facts->category_count >= CATEGORIES_MAX ||
		sqlite3_column_int64(stmt, 0) != (int64_t)facts->category_count + 1) {
		return too_many(err);
	}
	if (!grow_array(&facts->categories, facts->category_count, &loading->room,
		    sizeof(*category))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	category = &facts->categories[facts->category_count++];
	*category = (struct peel_category){.id = facts->category_count};
	pointers[0] = &category->name;
	pointers[1] = &category->title;
	pointers[2] = &category->group;
	return copy_texts(stmt, 1, pointers, countof(pointers), err);
}

static const struct {
	const char *sql;
	load_fn *load;
} tables[] = {
	{"SELECT id, db, name, version, arch, source, record, layer, claimed FROM facts.package ORDER BY id",
		load_package},
	{"SELECT path, db, problem FROM facts.package_db ORDER BY path", load_database},
	{"SELECT id, name, title, parent FROM facts.category ORDER BY id", load_category},
};

/** Read a value of table about. @return 0 and its copy ("" where there is none); as store_step. */
static int load_about(struct store *store, const char *key, char **ret_value,
	struct peel_error *err)
{
	static const char sql[] = "SELECT value FROM facts.about WHERE key = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, key);
	code = store_step(store, stmt, err);
	if (code < 0) {
		return code;
	}
	*ret_value = strdup(code > 0 ? store_text(stmt, 0) : "");
	return *ret_value ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

int index_facts_about(struct peel_index *index, const char *key, char **ret_value,
	struct peel_error *err)
{
	struct store *store = NULL;
	int code = index_acquire(index, &store, err);

	if (code == 0) {
		code = load_about(store, key, ret_value, err);
	}
	index_release(index, store);
	return code;
}

int index_facts_load(struct peel_index *index, struct peel_error *err)
{
	struct store *store = NULL;
	int code = index_acquire(index, &store, err);

	if (code == 0) {
		code = load_about(store, "reasons", &index->facts.reasons, err);
	}
	if (code == 0) {
		code = load_about(store, "wanted", &index->facts.wanted, err);
	}
	for (size_t i = 0; code == 0 && i < countof(tables); i++) {
		cleanup_stmt sqlite3_stmt *stmt = NULL;
		struct loading loading = {.index = index};

		code = store_get(store, tables[i].sql, &stmt, err);
		while (code == 0 && (code = store_step(store, stmt, err)) > 0) {
			code = tables[i].load(&loading, stmt, err);
		}
	}
	index_release(index, store);
	return code;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void index_facts_unload(struct peel_index *index)
{
	struct index_facts *facts = &index->facts;

	for (uint32_t i = 0; i < facts->package_count; i++) {
		free_text(facts->packages[i].db);
		free_text(facts->packages[i].name);
		free_text(facts->packages[i].version);
		free_text(facts->packages[i].arch);
		free_text(facts->packages[i].source);
		free_text(facts->packages[i].record);
	}
	for (uint32_t i = 0; i < facts->database_count; i++) {
		free_text(facts->databases[i].path);
		free_text(facts->databases[i].db);
		free_text(facts->databases[i].problem);
	}
	for (uint32_t i = 0; i < facts->category_count; i++) {
		free_text(facts->categories[i].name);
		free_text(facts->categories[i].title);
		free_text(facts->categories[i].group);
	}
	free(facts->packages);
	free(facts->databases);
	free(facts->categories);
	free(facts->reasons);
	free(facts->wanted);
	if (facts->fd >= 0) {
		close(facts->fd);
	}
	*facts = (struct index_facts){.fd = -1};
}

bool peel_has_facts(const struct peel_index *index)
{
	return index->facts.reasons != NULL;
}

const char *peel_facts_incomplete_reasons(const struct peel_index *index)
{
	return index->facts.reasons ? index->facts.reasons : "";
}

const char *facts_wanted_digest(const struct peel_index *index)
{
	return index->facts.wanted ? index->facts.wanted : "";
}

uint32_t peel_package_count(const struct peel_index *index)
{
	return index->facts.package_count;
}

const struct peel_package *peel_package_get(const struct peel_index *index, uint32_t id)
{
	return id > 0 && id <= index->facts.package_count ? &index->facts.packages[id - 1] : NULL;
}

uint32_t peel_package_db_count(const struct peel_index *index)
{
	return index->facts.database_count;
}

const struct peel_package_db *peel_package_db_get(const struct peel_index *index, uint32_t i)
{
	return i < index->facts.database_count ? &index->facts.databases[i] : NULL;
}

uint32_t peel_category_count(const struct peel_index *index)
{
	return index->facts.category_count;
}

const struct peel_category *peel_category_get(const struct peel_index *index, uint32_t id)
{
	return id > 0 && id <= index->facts.category_count ? &index->facts.categories[id - 1]
							   : NULL;
}
