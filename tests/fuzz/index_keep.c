/* SPDX-License-Identifier: Apache-2.0 */
#include "index_keep.h"

#include <stddef.h>

#include <sqlite3.h>

#include <peel/query.h>

#include "fuzz.h"
#include "index_base.h"
#include "store.h"
#include "store_pool.h"

/* The index alone, with facts, and the same two for SQL from outside, which sets limits and an authorizer. */
#define KINDS 4
#define WITH_FACTS 1
#define FOR_SQL 2

struct kept {
	struct store *idle[STORE_POOL_IDLE], *taken[STORE_POOL_IDLE];
	size_t idle_count, taken_count;
};

static const struct index_base *base;
static struct kept kept[KINDS];
static bool allowed, for_sql;

/* The linker gives these in the place of what they are named after, and that under the names with __real. */
int __real_store_open_with_facts(int fd, int facts_fd, struct store **ret_store,
	struct peel_error *err);
int __wrap_store_open_with_facts(int fd, int facts_fd, struct store **ret_store,
	struct peel_error *err);
void __real_store_close(struct store *store);
void __wrap_store_close(struct store *store);
int __real_peel_sql(struct peel_index *index, const char *sql, peel_row_fn *each, void *arg,
	struct peel_error *err);
int __wrap_peel_sql(struct peel_index *index, const char *sql, peel_row_fn *each, void *arg,
	struct peel_error *err);

void index_keep_begin(const struct index_base *of)
{
	base = of;
}

void index_keep_allow(bool allow)
{
	allowed = allow;
}

int __wrap_store_open_with_facts(int fd, int facts_fd, struct store **ret_store,
	struct peel_error *err)
{
	struct kept *kind = &kept[(facts_fd >= 0 ? WITH_FACTS : 0) | (for_sql ? FOR_SQL : 0)];
	struct store *store = NULL;

	if (!base || !allowed || kind->taken_count == STORE_POOL_IDLE) {
		return __real_store_open_with_facts(fd, facts_fd, ret_store, err);
	}
	if (kind->idle_count > 0) {
		store = kind->idle[--kind->idle_count];
	} else {
		/* The caller's descriptors end with the input. */
		const int code = __real_store_open_with_facts(base->files[0].fd,
			facts_fd >= 0 ? base->files[1].fd : -1, &store, err);

		if (code < 0) {
			return code;
		}
	}
	kind->taken[kind->taken_count++] = store;
	*ret_store = store;
	return 0;
}

/* Make a connection as it was when it was new, but for its statements. */
static void renew(struct store *store)
{
	sqlite3 *db = store_db(store);

	/* Whoever gives a connection back has reset them; else the cache would stay. */
	for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(db, stmt)) != NULL;) {
		fuzz_check(!sqlite3_stmt_busy(stmt));
	}
	(void)sqlite3_set_authorizer(db, NULL, NULL);
	store_set_limits(store, NULL);
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_RESET_CACHE, NULL);
	(void)sqlite3_file_control(db, "facts", SQLITE_FCNTL_RESET_CACHE, NULL);
}

void __wrap_store_close(struct store *store)
{
	for (struct kept *kind = kept; kind < kept + KINDS; kind++) {
		for (size_t i = 0; i < kind->taken_count; i++) {
			if (kind->taken[i] == store) {
				renew(store);
				kind->taken[i] = kind->taken[--kind->taken_count];
				kind->idle[kind->idle_count++] = store;
				return;
			}
		}
	}
	__real_store_close(store);
}

int __wrap_peel_sql(struct peel_index *index, const char *sql, peel_row_fn *each, void *arg,
	struct peel_error *err)
{
	int code;

	for_sql = true;
	code = __real_peel_sql(index, sql, each, arg, err);
	for_sql = false;
	return code;
}
