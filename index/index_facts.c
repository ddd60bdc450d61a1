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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
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
			strcmp(key, "verified") != 0 && strcmp(key, "reference") != 0 &&
			strcmp(key, "limits") != 0) {
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

struct facts_file {
	struct opening *opening;
	/** Folder that it is kept in, -1: none; owned where the user named the index. And its name there. */
	int folder;
	char *name;
	struct cache_temp temp;
};

void facts_file_free(struct facts_file *file)
{
	if (!file) {
		return;
	}
	cache_temp_finish(&file->temp);
	free(file->name);
	if (file->opening->options->index_file && file->folder >= 0) {
		close(file->folder);
	}
	free(file);
}

/** Beside the index that the user named. */
static int name_beside(struct facts_file *file, struct peel_error *err)
{
	const char *named = file->opening->options->index_file;
	const char *slash = strrchr(named, '/');
	cleanup_free char *parent = slash ? strndup(named, (size_t)(slash - named) + 1)
					  : strdup(".");

	if (!parent || asprintf(&file->name, "%s.facts", slash ? slash + 1 : named) < 0) {
		file->name = NULL;
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	file->folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return file->folder >= 0 ? 0 : peel_fail(err, PEEL_EIO, "%s: %s", named, strerror(errno));
}

int facts_digest(const struct facts_rules *rules, char *digest, struct peel_error *err)
{
	char both[2 * FACTS_DIGEST_SIZE];

	snprintf(both, sizeof(both), "%s %s", rules->wanted->digest, rules->categories_digest);
	return hex_digest(both, strlen(both), digest, err);
}

/** In the cache, by what was looked for. */
static int name_in_cache(struct facts_file *file, struct peel_error *err)
{
	char digest[FACTS_DIGEST_SIZE];
	int code = facts_digest(file->opening->rules, digest, err);

	if (code == 0) {
		file->name = malloc(CACHE_NAME_SIZE);
		code = file->name ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code == 0) {
		cache_facts_name(file->opening->name, digest, file->name);
		file->folder = file->opening->folder;
	}
	return code;
}

int facts_file_new(struct opening *opening, bool kept, struct facts_file **ret_file,
	struct peel_error *err)
{
	struct facts_file *file = malloc(sizeof(*file));
	int code = 0;

	if (!file) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*file = (struct facts_file){
		.opening = opening, .folder = -1, .temp = {.folder = -1, .fd = -1}};
	if (kept && !opening->options->no_cache) {
		code = opening->options->index_file ? name_beside(file, err)
			: opening->folder >= 0      ? name_in_cache(file, err)
						    : 0;
	}
	if (code < 0) {
		facts_file_free(file);
		return code;
	}
	*ret_file = file;
	return 0;
}

/** Is what is attached of this index and these rules? @return 0; PEEL_EFORMAT where it is not; others. */
static int check_about(const struct facts_rules *rules, struct peel_index *index,
	struct peel_error *err)
{
	char stamp[FACTS_DIGEST_SIZE];
	const struct {
		const char *key;
		const char *value;
	} abouts[] = {
		{"stamp", stamp},
		{"wanted", rules->wanted->digest},
		{"categories", rules->categories_digest},
	};
	int code = facts_stamp(index, stamp, err);

	for (size_t i = 0; code == 0 && i < countof(abouts); i++) {
		cleanup_free char *value = NULL;

		code = index_facts_about(index, abouts[i].key, &value, err);
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

int facts_attach(const struct facts_rules *rules, struct peel_index *index, int fd,
	struct peel_error *err)
{
	int code;

	store_pool_attach(&index->pool, fd);
	code = check_schema(index, err);
	if (code == 0) {
		code = check_about(rules, index, err);
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

/** The same of a file whose seal was not checked. */
static int attach(const struct facts_rules *rules, struct peel_index *index, int fd,
	struct peel_error *err)
{
	int code = store_check_seal(fd, err);

	return code < 0 ? code : facts_attach(rules, index, fd, err);
}

int facts_file_find(const struct facts_file *facts, struct peel_index *index,
	struct peel_error *err)
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

		code = attach(facts->opening->rules, index, fd, &why);
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

int facts_file_make(struct facts_file *facts, struct peel_error *err)
{
	const bool named = facts->opening->options->index_file;

	if (facts->folder >= 0 &&
		cache_temp_make(facts->folder, &facts->temp,
			named ? err : &facts->opening->unkept) == 0) {
		return 0;
	}
	return named && facts->folder >= 0
		? (err ? err->code : PEEL_EIO)
		: cache_temp_unlinked(facts->opening->folder, &facts->temp, err);
}

int facts_file_fd(const struct facts_file *facts)
{
	return facts->temp.fd;
}

/** Give the file its name, where it has a place for one. */
static int publish(struct facts_file *facts, struct peel_error *err)
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

int facts_file_take(struct facts_file *facts, struct peel_index *index, struct peel_error *err)
{
	int serving = fcntl(facts->temp.fd, F_DUPFD_CLOEXEC, 3);
	int code;

	if (serving < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = attach(facts->opening->rules, index, serving, err);
	if (code < 0) {
		close(serving);
		return code;
	}
	return publish(facts, err);
}
