/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of an index: at hand and its own, or gathered now.
 *
 * They are named by the index and by what was looked for (KEY-DIGEST.facts in the cache, FILE.facts beside a
 * named index), so that other detectors' facts stay beside each other. What is in a file decides, not its name:
 * its stamp is a digest of what the index says of its image and its layers, and an entry's number means the
 * same file as long as that is the same. A file that is damaged, another's, or of another version is built anew
 * and replaced.
 *
 * An image that may change without a trace has no identity, so its facts are not kept.
 */
#include "index_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "digest.h"
#include "facts_gather.h"
#include "facts_rules.h"
#include "facts_wanted.h"
#include "pack.h"
#include "store.h"
#include "store_facts.h"
#include "store_seal.h"
#include "util.h"

static int hex_digest(const void *bytes, size_t len, char *hex, struct peel_error *err)
{
	char text[DIGEST_TEXT_SIZE];
	int code = digest_buffer("", bytes, len, text, err);

	if (code == 0) {
		snprintf(hex, FACTS_DIGEST_SIZE, "%.64s", strchr(text, ':') + 1);
	}
	return code;
}

int facts_stamp(const struct peel_index *index, char *stamp, struct peel_error *err)
{
	struct pack pack = {0};
	int code;

	for (int i = 0; i < index->value_count; i++) {
		const char *key = index->values[2 * i];

		/* Where and when it was built does not matter. */
		if (strcmp(key, "built") != 0 && strcmp(key, "location") != 0 &&
			strcmp(key, "verified") != 0 && strcmp(key, "reference") != 0) {
			pack_text(&pack, key, strlen(key));
			pack_text(&pack, index->values[2 * i + 1],
				strlen(index->values[2 * i + 1]));
		}
	}
	for (int i = 0; i < index->layer_count; i++) {
		const struct index_layer *layer = &index->layers[i];
		const struct peel_layer_stat *stat = &layer->stat;
		const uint64_t numbers[] = {(uint64_t)stat->layer.state, stat->layer.stored_size,
			stat->tar_size, layer->first_id, layer->end_id, stat->files, stat->bytes};

		pack_text(&pack, stat->layer.digest, strlen(stat->layer.digest));
		pack_text(&pack, stat->layer.diff_id, strlen(stat->layer.diff_id));
		for (size_t n = 0; n < countof(numbers); n++) {
			pack_number(&pack, numbers[n]);
		}
	}
	code = pack.failed ? peel_fail(err, PEEL_ENOMEM, "no memory")
			   : hex_digest(pack.bytes, pack.len, stamp, err);
	free(pack.bytes);
	return code;
}

/** An opening of facts under way. */
struct facts_opening {
	struct opening *opening;
	struct peel_index *index;
	const struct facts_rules *rules;
	char stamp[FACTS_DIGEST_SIZE];
	/** Folder of the facts file, borrowed, -1: they are not kept; and its name there. */
	int folder;
	char *name;
	struct cache_temp temp;
};

static void finish(struct facts_opening *facts)
{
	const struct peel_index_options *options = facts->opening->options;

	cache_temp_finish(&facts->temp);
	free(facts->name);
	if (options->index_file && facts->folder >= 0) {
		close(facts->folder);
	}
}

/** Where facts are kept. */
static int choose_name(struct facts_opening *facts, struct peel_error *err)
{
	const struct opening *opening = facts->opening;
	const char *named = opening->options->index_file;
	const char *wanted = facts->rules->wanted->digest;
	const char *sorted = facts->rules->categories_digest;
	char both[2 * FACTS_DIGEST_SIZE];
	char digest[FACTS_DIGEST_SIZE];
	int code;

	if (opening->options->no_cache || !*peel_image_value(facts->index, "identity")) {
		return 0;
	}
	if (named) {
		const char *slash = strrchr(named, '/');
		cleanup_free char *parent = slash ? strndup(named, (size_t)(slash - named) + 1)
						  : strdup(".");

		if (!parent || asprintf(&facts->name, "%s.facts", slash ? slash + 1 : named) < 0) {
			facts->name = NULL;
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		facts->folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return facts->folder >= 0
			? 0
			: peel_fail(err, PEEL_EIO, "%s: %s", named, strerror(errno));
	}
	if (opening->folder < 0) {
		return 0;
	}
	snprintf(both, sizeof(both), "%s %s", wanted, sorted);
	code = hex_digest(both, strlen(both), digest, err);
	if (code == 0) {
		facts->name = malloc(CACHE_NAME_SIZE);
		code = facts->name ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code == 0) {
		cache_facts_name(opening->name, digest, facts->name);
	}
	facts->folder = opening->folder;
	return code;
}

/** Is what is attached of this index and these rules? @return 0; PEEL_EFORMAT where it is not; others. */
static int check_about(const struct facts_opening *facts, struct peel_error *err)
{
	const struct {
		const char *key;
		const char *value;
	} abouts[] = {
		{"stamp", facts->stamp},
		{"wanted", facts->rules->wanted->digest},
		{"categories", facts->rules->categories_digest},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(abouts); i++) {
		cleanup_free char *value = NULL;

		code = index_facts_about(facts->index, abouts[i].key, &value, err);
		if (code == 0 && strcmp(value, abouts[i].value) != 0) {
			code = peel_fail(err, PEEL_EFORMAT, "facts of something else");
		}
	}
	return code;
}

static int check_schema(struct peel_index *index, struct peel_error *err)
{
	struct store *store = NULL;
	int code = index_acquire(index, &store, err);

	if (code == 0) {
		code = store_facts_check_schema(store, err);
	}
	index_release(index, store);
	return code;
}

/**
 * Use an open facts file. @param fd taken over on success.
 * @return 0; PEEL_EFORMAT (damaged, or of something else), PEEL_EIO, PEEL_ENOMEM: then none is attached.
 */
static int attach(const struct facts_opening *facts, int fd, struct peel_error *err)
{
	struct peel_index *index = facts->index;
	int code = store_check_seal(fd, err);

	if (code == 0) {
		store_pool_attach(&index->pool, fd);
		code = check_schema(index, err);
	}
	if (code == 0) {
		code = check_about(facts, err);
	}
	if (code == 0) {
		code = index_facts_load(index, err);
	}
	if (code < 0) {
		store_pool_attach(&index->pool, -1);
		index_facts_unload(index);
		return code;
	}
	index->facts.fd = fd;
	return 0;
}

/** Facts that are at hand. @return 0; 1 there are none of use; less than 0: refused. */
static int find(const struct facts_opening *facts, struct peel_error *err)
{
	const struct peel_index_options *options = facts->opening->options;
	struct peel_error why = {0};
	cleanup_fd int fd = -1;
	int code;

	if (facts->folder < 0 || (options->rebuild && !options->index_file)) {
		return 1;
	}
	code = cache_find(facts->folder, facts->name, &fd, &why);
	if (code == 0 && !options->rebuild) {
		const bool ours = store_facts_version(fd) >= 0;

		code = attach(facts, fd, &why);
		if (code == 0) {
			cache_touch(fd);
			fd = -1;
			return 0;
		}
		if (options->index_file && !ours && code != PEEL_ENOMEM) {
			return peel_fail(err, PEEL_EFORMAT,
				"%s.facts is not a facts file of peel and is left alone",
				options->index_file);
		}
	}
	if (code == PEEL_EACCES && options->index_file) {
		return peel_fail(err, code, "%s", why.message);
	}
	return code == PEEL_ENOMEM ? peel_fail(err, code, "no memory") : 1;
}

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

static int write_about(const struct facts_opening *facts, const struct facts_writing *writing,
	struct peel_error *err)
{
	const struct {
		const char *key;
		const char *value;
	} abouts[] = {
		{"categories", facts->rules->categories_digest},
		{"complete", writing->reasons ? "0" : "1"},
		{"image", peel_image_value(facts->index, "location")},
		{"reasons", writing->reasons ? writing->reasons : ""},
		{"stamp", facts->stamp},
		{"wanted", facts->rules->wanted->digest},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(abouts); i++) {
		code = put_about(writing->store, abouts[i].key, abouts[i].value, err);
	}
	return code;
}

static void writing_finish(struct facts_writing *writing)
{
	facts_readers_free(writing->readers);
	facts_gather_free(writing->gather);
	store_close(writing->store);
	free(writing->sizes);
	free(writing->reasons);
}

/** Write all tables into the temporary file. */
static int write_all(struct facts_opening *facts, struct facts_spool *spool, struct peel_error *err)
{
	const struct peel_index_options *options = facts->opening->options;
	cleanup(writing_finish) struct facts_writing writing = {
		.index = facts->index,
		.rules = facts->rules,
		.spool = spool,
		.progress = options->progress,
		.progress_arg = options->progress_arg,
	};
	int code = facts_readers_start(facts->index, facts->rules, spool, 0, &writing.readers, err);

	if (code == 0) {
		code = facts_gather_new(facts->rules->wanted, facts_spool_scanner(spool),
			&writing.gather, err);
	}
	if (code == 0) {
		code = store_facts_create(facts->temp.fd, facts->index->fd, facts->opening->folder,
			&writing.store, err);
	}
	code = code < 0 ? code : facts_write_files(&writing, err);
	code = code < 0 ? code : facts_write_causes(&writing, err);
	code = code < 0 ? code : facts_write_owners(&writing, err);
	code = code < 0 ? code : facts_write_categories(&writing, err);
	code = code < 0 ? code : write_about(facts, &writing, err);
	return code < 0 ? code : store_commit(writing.store, err);
}

static int make_temp(struct facts_opening *facts, struct peel_error *err)
{
	if (facts->folder >= 0 &&
		cache_temp_make(facts->folder, &facts->temp,
			facts->opening->options->index_file ? err : &facts->opening->unkept) == 0) {
		return 0;
	}
	return facts->opening->options->index_file && facts->folder >= 0
		? (err ? err->code : PEEL_EIO)
		: cache_temp_unlinked(facts->opening->folder, &facts->temp, err);
}

/** Give the file its name, where it has a place for one. */
static int publish(struct facts_opening *facts, struct peel_error *err)
{
	struct opening *opening = facts->opening;
	const uint64_t limit = cache_limit(opening->options->cache_limit);
	const bool named = opening->options->index_file;
	struct peel_error why = {0};
	int code;

	if (facts->temp.folder < 0) {
		return 0;
	}
	code = cache_publish(&facts->temp, facts->name, &why);
	if (code < 0 && (named || code != PEEL_ELIMIT)) {
		return peel_fail(err, PEEL_EIO, "%s: %s", facts->name, why.message);
	}
	if (code == 0 && !named) {
		cache_trim(opening->folder, limit, opening->name);
	}
	return 0;
}

static int gather(struct facts_opening *facts, struct facts_spool *spool, struct peel_error *err)
{
	struct facts_spool *own = NULL;
	int serving = -1;
	int code = make_temp(facts, err);

	/* What building the index had is free, but still the allocator's. */
	malloc_trim(0);

	if (code == 0 && !spool) {
		code = facts_spool_new(facts->rules, facts->opening->folder, &own, err);
	}
	if (code == 0) {
		content_set_frugal(facts->index->content, true);
		code = write_all(facts, spool ? spool : own, err);
		content_set_frugal(facts->index->content, false);
	}
	facts_spool_free(own);
	if (code == 0) {
		code = store_seal(facts->temp.fd, err);
	}
	if (code == 0) {
		serving = fcntl(facts->temp.fd, F_DUPFD_CLOEXEC, 3);
		code = serving < 0 ? peel_fail(err, PEEL_EIO, "%s", strerror(errno))
				   : attach(facts, serving, err);
		if (code < 0 && serving >= 0) {
			close(serving);
		}
	}
	return code < 0 ? code : publish(facts, err);
}

int index_facts_open(struct opening *opening, struct peel_index *index, struct facts_spool *spool,
	struct peel_error *err)
{
	cleanup(finish) struct facts_opening facts = {
		.opening = opening,
		.index = index,
		.rules = opening->rules,
		.folder = -1,
		.temp = {.folder = -1, .fd = -1},
	};
	int code = facts_stamp(index, facts.stamp, err);

	if (code == 0) {
		code = choose_name(&facts, err);
	}
	if (code == 0) {
		code = spool ? 1 : find(&facts, err);
	}
	return code > 0 ? gather(&facts, spool, err) : code;
}
