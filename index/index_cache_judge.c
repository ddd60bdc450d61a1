/* SPDX-License-Identifier: Apache-2.0 */
#include "index_cache_judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image_priv.h"
#include "index_cache.h"
#include "store.h"
#include "store_facts.h"
#include "store_seal.h"
#include "util.h"

/** Longest value that is believed: a path and a selector. */
#define VALUE_MAX (16u << 10)

void cache_judgement_finish(struct cache_judgement *judgement)
{
	free(judgement->image);
	free(judgement->kind);
	free(judgement->platform);
	free(judgement->identity);
	*judgement = (struct cache_judgement){0};
}

/* One value of table image; NULL where there is none that could be believed. */
static int read_value(struct store *store, const char *key, char **ret_value,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT CAST(value AS TEXT) FROM image WHERE key = ?1 AND length(CAST(value AS BLOB)) <= ?2";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 1, key);
	sqlite3_bind_int64(stmt, 2, VALUE_MAX);
	code = store_step(store, stmt, err);
	if (code < 0) {
		return code;
	}
	*ret_value = strdup(code > 0 ? store_text(stmt, 0) : "");
	return *ret_value ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

static int read_number(struct store *store, const char *key, int64_t *ret_number,
	struct peel_error *err)
{
	cleanup_free char *text = NULL;
	int code = read_value(store, key, &text, err);

	if (code == 0) {
		*ret_number = strtoll(text, NULL, 10);
	}
	return code;
}

static int read_values(struct store *store, struct cache_judgement *judgement,
	struct peel_error *err)
{
	struct peel_cache_file *file = &judgement->file;
	const struct {
		const char *key;
		char **value;
	} texts[] = {
		{"identity", &judgement->identity},
		{"kind", &judgement->kind},
		{"location", &judgement->image},
		{"platform", &judgement->platform},
	};
	int64_t entries = 0;
	int64_t complete = 0;
	int code = store_check_schema(store, err);

	for (size_t i = 0; code == 0 && i < countof(texts); i++) {
		code = read_value(store, texts[i].key, texts[i].value, err);
	}
	code = code < 0 ? code : read_number(store, "built", &file->built, err);
	code = code < 0 ? code : read_number(store, "complete", &complete, err);
	code = code < 0 ? code : read_number(store, "entries", &entries, err);
	file->entries = entries > 0 ? (uint64_t)entries : 0;
	file->complete = complete == 1;
	return code;
}

/* What of the image is still there. @return 0; PEEL_ENOMEM. */
static int compare(const struct cache_judgement *judgement, enum peel_cache_state *ret_state,
	struct peel_error *err)
{
	int code = *judgement->image ? image_compare(judgement->image, judgement->identity, err)
				     : PEEL_EUNSUPPORTED;

	if (code == PEEL_ENOMEM) {
		return code;
	}
	if (code >= 0) {
		*ret_state = !*judgement->identity ? PEEL_CACHE_UNSETTLED
			: code == 0                ? PEEL_CACHE_CURRENT
						   : PEEL_CACHE_CHANGED;
	} else {
		*ret_state = code == PEEL_ENOENT ? PEEL_CACHE_GONE : PEEL_CACHE_UNKNOWN;
	}
	return 0;
}

/* An index is found by the name that its identity gives it; under another it is lost. */
static int check_name(const struct cache_judgement *judgement, struct peel_error *err)
{
	char name[CACHE_NAME_SIZE];
	int code = *judgement->identity ? cache_name(judgement->identity, name, err) : 0;

	if (code == 0 && *judgement->identity && !cache_same_image(name, judgement->file.name)) {
		return peel_fail(err, PEEL_EFORMAT, "the name is another's");
	}
	return code;
}

/* SQLite's own opinion: every page, every order, every reference. */
static int check_pages(struct store *store, struct peel_error *err)
{
	static const char sql[] = "PRAGMA integrity_check(1)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, sql, &stmt, err);

	if (code == 0) {
		code = store_step(store, stmt, err);
	}
	if (code < 0) {
		return code;
	}
	return code > 0 && strcmp(store_text(stmt, 0), "ok") == 0
		? 0
		: peel_fail(err, PEEL_EFORMAT, "%s", code > 0 ? store_text(stmt, 0) : "no answer");
}

/* What a failure to read a file says of it. @return 0, with the state; PEEL_ENOMEM. */
static int judge_failure(int code, enum peel_cache_state *ret_state)
{
	if (code == PEEL_ENOMEM) {
		return code;
	}
	*ret_state = code == PEEL_EIO ? PEEL_CACHE_UNKNOWN : PEEL_CACHE_DAMAGED;
	return 0;
}

/* The state of a file that has not our version. @return 0. */
static int judge_version(int64_t version, enum peel_cache_state *ret_state, struct peel_error *err)
{
	if (version >= 0) {
		*ret_state = PEEL_CACHE_VERSION;
		return 0;
	}
	return judge_failure(peel_fail(err, (int)version, "cannot read its header"), ret_state);
}

/* What an index says of itself, and whether its pages are in order where that is asked. */
static int look_into_index(int fd, enum cache_how how, struct cache_judgement *judgement,
	struct peel_error *err)
{
	struct store *store = NULL;
	int code = store_open(fd, &store, err);

	if (code == 0) {
		code = read_values(store, judgement, err);
	}
	if (code == 0 && how == CACHE_JUDGE_PAGES) {
		code = check_pages(store, err);
	}
	store_close(store);
	return code < 0 ? code : check_name(judgement, err);
}

static int judge_index(int fd, enum cache_how how, struct cache_judgement *judgement,
	struct peel_error *err)
{
	enum peel_cache_state *state = &judgement->file.state;
	const int64_t version = store_version(fd);
	int code = 0;

	if (version != STORE_VERSION) {
		return judge_version(version, state, err);
	}
	if (how != CACHE_JUDGE_USE) {
		code = store_check_seal(fd, err);
	}
	if (code == 0) {
		code = look_into_index(fd, how, judgement, err);
	}
	if (code < 0) {
		return judge_failure(code, state);
	}
	*state = PEEL_CACHE_WHOLE;
	return how == CACHE_JUDGE_USE ? compare(judgement, state, err) : 0;
}

static int look_into_facts(int fd, enum cache_how how, struct peel_error *err)
{
	struct store *store = NULL;
	int code = store_check_seal(fd, err);

	if (code == 0 && how == CACHE_JUDGE_PAGES) {
		code = store_facts_open(fd, &store, err);
		code = code < 0 ? code : check_pages(store, err);
	}
	store_close(store);
	return code;
}

/* Facts are worth what their index is, if they are whole. */
static int judge_facts(int folder, int fd, enum cache_how how, struct cache_judgement *judgement,
	struct peel_error *err)
{
	enum peel_cache_state *state = &judgement->file.state;
	char name[CACHE_NAME_SIZE];
	cleanup_fd int index = -1;
	const int64_t version = store_facts_version(fd);
	int code;

	if (version != STORE_FACTS_VERSION) {
		return judge_version(version, state, err);
	}
	cache_index_name(judgement->file.name, name);
	code = cache_find(folder, name, &index, err);
	if (code < 0) {
		*state = code == PEEL_EIO ? PEEL_CACHE_UNKNOWN : PEEL_CACHE_LEFTOVER;
		return 0;
	}
	code = look_into_facts(fd, how, err);
	if (code < 0) {
		return judge_failure(code, state);
	}
	code = judge_index(index, CACHE_JUDGE_USE, judgement, err);
	if (code == 0 && how != CACHE_JUDGE_USE) {
		*state = PEEL_CACHE_WHOLE;
	}
	return code;
}

static enum peel_cache_state judge_temporary(int folder, const char *name)
{
	cleanup_fd int held = cache_take_leftover(folder, name);

	return held >= 0 ? PEEL_CACHE_LEFTOVER : PEEL_CACHE_BUILDING;
}

int cache_judge(int folder, const struct cache_entry *entry, enum cache_how how,
	struct cache_judgement *ret_judgement, struct peel_error *err)
{
	struct peel_cache_file *file = &ret_judgement->file;
	cleanup_fd int fd = -1;
	int code;

	*ret_judgement = (struct cache_judgement){0};
	file->name = entry->name;
	file->size = (uint64_t)entry->st.st_size;
	file->used = entry->st.st_mtim.tv_sec;
	code = cache_find(folder, entry->name, &fd, err);
	if (code == PEEL_ENOENT) {
		return code;
	}
	if (code < 0) {
		/* A socket cannot even be opened. */
		file->state = code == PEEL_EACCES || !S_ISREG(entry->st.st_mode)
			? PEEL_CACHE_FOREIGN
			: PEEL_CACHE_UNKNOWN;
	} else if (entry->temporary) {
		file->state = judge_temporary(folder, entry->name);
	} else {
		code = entry->facts ? judge_facts(folder, fd, how, ret_judgement, err)
				    : judge_index(fd, how, ret_judgement, err);
		if (code < 0) {
			return code;
		}
	}
	file->image = ret_judgement->image ? ret_judgement->image : "";
	file->kind = entry->facts ? "facts" : ret_judgement->kind ? ret_judgement->kind : "";
	file->platform = ret_judgement->platform ? ret_judgement->platform : "";
	return 0;
}
