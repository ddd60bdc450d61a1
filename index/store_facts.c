/* SPDX-License-Identifier: Apache-2.0 */
#include "store_facts.h"

#include <stdio.h>
#include <stdlib.h>

#include <peel/error.h>

#include "facts_schema_sql.h"
#include "store.h"
#include "store_priv.h"
#include "util.h"

/** Page cache while building, KiB: rows come in order, so that only the last page of each table is written to. */
#define BUILD_CACHE_KIB 2048
/** Page cache of a serving connection, KiB. */
#define SERVE_CACHE_KIB 1024
static void cleanup_store(struct store **store)
{
	store_close(*store);
}

int store_facts_create(int fd, int index_fd, int spill_dir, struct store **ret_store,
	struct peel_error *err)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int code = store_connect(fd, index_fd, spill_dir, true, &store, err);

	if (code == 0) {
		code = store_prepare_build(store, BUILD_CACHE_KIB, err);
	}
	if (code == 0) {
		code = store_exec(store,
			"ATTACH 'beside' AS idx; PRAGMA idx.cache_size=-2048;"
			" PRAGMA trusted_schema=0; BEGIN",
			err);
	}
	if (code == 0) {
		code = store_exec(store, facts_schema_sql, err);
	}
	if (code == 0) {
		*ret_store = steal_pointer(&store);
	}
	return code;
}

/** Is what is attached a facts file of this version? */
static int check_version(struct store *store, const char *application_sql, const char *version_sql,
	struct peel_error *err)
{
	int64_t application = 0;
	int64_t version = 0;
	int code = store_pragma(store, application_sql, &application, err);

	if (code == 0) {
		code = store_pragma(store, version_sql, &version, err);
	}
	if (code == 0 &&
		(application != STORE_FACTS_APPLICATION_ID || version != STORE_FACTS_VERSION)) {
		code = peel_fail(err, PEEL_EFORMAT, "no facts of this version");
	}
	return code;
}

int store_open_with_facts(int fd, int facts_fd, struct store **ret_store, struct peel_error *err)
{
	cleanup(cleanup_store) struct store *store = NULL;
	char pragma[64];
	int code = store_connect(fd, facts_fd, -1, false, &store, err);

	if (code == 0) {
		code = store_harden(store, err);
	}
	if (code == 0) {
		code = store_check_version(store, err);
	}
	if (code == 0 && facts_fd >= 0) {
		snprintf(pragma, sizeof(pragma), "PRAGMA facts.cache_size=-%d", SERVE_CACHE_KIB);
		code = store_exec(store, "ATTACH 'beside' AS facts", err);
		if (code == 0) {
			code = store_exec(store, pragma, err);
		}
		if (code == 0) {
			code = check_version(store, "PRAGMA facts.application_id",
				"PRAGMA facts.user_version", err);
		}
	}
	if (code == 0) {
		*ret_store = steal_pointer(&store);
	}
	return code;
}

int store_facts_open(int fd, struct store **ret_store, struct peel_error *err)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int code = store_connect(fd, -1, -1, false, &store, err);

	if (code == 0) {
		code = store_harden(store, err);
	}
	if (code == 0) {
		code = check_version(store, "PRAGMA application_id", "PRAGMA user_version", err);
	}
	if (code == 0) {
		*ret_store = steal_pointer(&store);
	}
	return code;
}

int store_facts_check_schema(struct store *store, struct peel_error *err)
{
	static const char *const texts[] = {facts_schema_sql};

	return store_compare_schema(store,
		"SELECT type, name, tbl_name, sql FROM facts.sqlite_schema", texts, countof(texts),
		err);
}

int64_t store_facts_version(int fd)
{
	return store_header_version(fd, "peef");
}
