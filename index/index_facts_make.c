/* SPDX-License-Identifier: Apache-2.0 */
/** Writing a facts file: from the bytes of an image to tables, in whatever process may read them. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "facts_gather.h"
#include "facts_rules.h"
#include "facts_wanted.h"
#include "index_reuse_facts.h"
#include "index_facts.h"
#include "index_facts_table.h"
#include "store.h"
#include "store_facts.h"
#include "store_seal.h"
#include "util.h"

static int put_about(struct store *store, const char *key, const char *value,
	struct peel_error *err)
{
	static const char sql[] = "INSERT INTO about (key, value) VALUES (?1, ?2)";
	sqlite3_stmt *stmt;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, key);
	store_bind_text(stmt, 2, value);
	return store_run(store, stmt, err);
}

static int write_about(const struct facts_job *job, const struct facts_writing *writing,
	struct peel_error *err)
{
	char stamp[FACTS_DIGEST_SIZE];
	const struct {
		const char *key;
		const char *value;
	} abouts[] = {
		{"categories", job->rules->categories_digest},
		{"complete", writing->reasons ? "0" : "1"},
		{"image", peel_image_value(job->index, "location")},
		{"reasons", writing->reasons ? writing->reasons : ""},
		{"stamp", stamp},
		{"wanted", job->rules->wanted->digest},
	};
	int code = facts_stamp(job->index, stamp, err);

	for (size_t i = 0; code == 0 && i < countof(abouts); i++) {
		code = put_about(writing->store, abouts[i].key, abouts[i].value, err);
	}
	return code;
}

/* What was asked of the index on the way may have failed on this machine, and been taken for "not there". */
static int check_answers(const struct facts_writing *writing, struct peel_error *err)
{
	const int failure = peel_index_failure(writing->index);

	return failure < 0 ? peel_fail(err, failure, "facts: %s", peel_strerror(failure)) : 0;
}

static void writing_finish(struct facts_writing *writing)
{
	facts_table_free(writing->table);
	store_close(writing->store);
	facts_readers_free(writing->readers);
	facts_gather_free(writing->gather);
	free(writing->sizes);
	free(writing->reasons);
}

static int write_tables(const struct facts_job *job, struct facts_writing *writing,
	struct peel_error *err)
{
	int code = facts_write_files(writing, err);

	code = code < 0 ? code : facts_write_causes(writing, err);
	code = code < 0 ? code : facts_write_owners(writing, err);
	code = code < 0 ? code : facts_write_categories(writing, err);
	code = code < 0 ? code : check_answers(writing, err);
	code = code < 0 ? code : write_about(job, writing, err);
	return code < 0 ? code : store_commit(writing->store, err);
}

/** Write the file. @param known as facts_readers_start. @param ret_again set where a failure came from known. */
static int write_all(const struct facts_job *job, struct facts_spool *spool,
	const struct reuse_facts *known, bool *ret_again, struct peel_error *err)
{
	cleanup(writing_finish) struct facts_writing writing = {
		.index = job->index,
		.rules = job->rules,
		.spool = spool,
		.progress = job->progress,
		.progress_arg = job->progress_arg,
	};
	int code = facts_readers_start(job->index, job->rules, spool, known, 0, &writing.readers,
		err);

	if (code == 0) {
		code = facts_gather_new(job->rules->wanted, facts_spool_scanner(spool),
			&writing.gather, err);
	}
	if (code == 0) {
		code = store_facts_create(job->fd, job->index->fd, job->spill_dir, &writing.store,
			err);
	}
	if (code == 0) {
		store_set_limits(writing.store, facts_readers_limits(writing.readers));
		code = facts_table_new(writing.store, &writing.table, err);
	}
	code = code < 0 ? code : write_tables(job, &writing, err);
	*ret_again = code < 0 && writing.readers && facts_readers_known_failed(writing.readers);
	return code;
}

static void cleanup_reuse(struct reuse_facts **reuse)
{
	reuse_facts_free(*reuse);
}

/** Write the file with the help of the cache, and without it where that does not help. */
static int write_helped(const struct facts_job *job, struct facts_spool *spool,
	struct peel_error *err)
{
	cleanup(cleanup_reuse) struct reuse_facts *known = NULL;
	/* Whoever looks at err must not see what was overcome. */
	struct peel_error failure = {0};
	bool again = false;
	int code = reuse_facts_new(job->cache_folder, job->index, job->rules, &known, &failure);

	if (code == 0) {
		code = write_all(job, spool, known, &again, &failure);
	}
	if (!again) {
		return code < 0 ? peel_fail(err, code, "%s", failure.message) : 0;
	}
	if (ftruncate(job->fd, 0) < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = facts_spool_reset(spool, err);
	return code < 0 ? code : write_all(job, spool, NULL, &again, err);
}

int index_facts_write(const struct facts_job *job, struct peel_error *err)
{
	struct facts_spool *own = NULL;
	int code = 0;

	/* What building the index had is free, but still the allocator's. */
	malloc_trim(0);
	if (!job->spool) {
		code = facts_spool_new(job->rules, job->spill_dir, &own, err);
	}
	if (code == 0) {
		content_set_frugal(job->index->content, true);
		code = write_helped(job, job->spool ? job->spool : own, err);
		content_set_frugal(job->index->content, false);
	}
	facts_spool_free(own);
	return code < 0 ? code : store_seal(job->fd, job->spill_dir, err);
}
