/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache as a whole: listing it, and collecting what is of no use. A collection judges every file first and
 * removes those of no use; what stays is then cut to the limit by last use, the oldest first. A file
 * is removed only if it is still the one that was judged.
 */
#include <peel/index.h>

#include <stdlib.h>
#include <unistd.h>

#include "index_cache.h"
#include "index_cache_judge.h"
#include "util.h"

const char *peel_cache_state_name(enum peel_cache_state state)
{
	static const char *const names[] = {
		[PEEL_CACHE_CURRENT] = "current",
		[PEEL_CACHE_WHOLE] = "ok",
		[PEEL_CACHE_UNKNOWN] = "unknown",
		[PEEL_CACHE_BUILDING] = "being built",
		[PEEL_CACHE_GONE] = "image gone",
		[PEEL_CACHE_CHANGED] = "image changed",
		[PEEL_CACHE_UNSETTLED] = "image too young",
		[PEEL_CACHE_VERSION] = "other version",
		[PEEL_CACHE_DAMAGED] = "damaged",
		[PEEL_CACHE_FOREIGN] = "not trusted",
		[PEEL_CACHE_LEFTOVER] = "left over",
	};

	return (size_t)state < countof(names) ? names[state] : "unknown";
}

int peel_cache_path(const char *cache_dir, char **ret_path, struct peel_error *err)
{
	int folder = cache_open(cache_dir, ret_path, err);

	if (folder < 0) {
		return PEEL_EACCES;
	}
	close(folder);
	return 0;
}

/* The folder and what is in it. @return how many, or less than 0. */
static int open_and_list(const char *cache_dir, int *ret_folder, struct cache_entry **ret_entries,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	struct peel_error own = {0};

	*ret_folder = cache_open(cache_dir, &path, err ? err : &own);
	return *ret_folder < 0 ? PEEL_EACCES : cache_list(*ret_folder, ret_entries, err);
}

int peel_cache_list(const char *cache_dir, peel_cache_fn *each, void *arg, struct peel_error *err)
{
	cleanup_free struct cache_entry *entries = NULL;
	cleanup_fd int folder = -1;
	int count = open_and_list(cache_dir, &folder, &entries, err);
	int code = count < 0 ? count : 0;

	for (int i = count - 1; code == 0 && i >= 0; i--) {
		cleanup(cache_judgement_finish) struct cache_judgement judgement = {0};

		code = cache_judge(folder, &entries[i], CACHE_JUDGE_USE, &judgement, err);
		if (code == PEEL_ENOENT) {
			code = 0;
		} else if (code == 0) {
			code = each(arg, &judgement.file);
		}
	}
	return code;
}

/* Verify one file. @return 0, what each returned, or less than 0. */
static int verify_file(int folder, const struct cache_entry *entry,
	const struct peel_cache_verify_options *options, bool *damaged, struct peel_error *err)
{
	cleanup(cache_judgement_finish) struct cache_judgement judgement = {0};
	struct peel_error why = {0};
	int code = cache_judge(folder, entry, options->deep ? CACHE_JUDGE_PAGES : CACHE_JUDGE_SEAL,
		&judgement, &why);
	int told = 0;

	if (code < 0) {
		return code == PEEL_ENOENT ? 0 : peel_fail(err, code, "%s", why.message);
	}
	if (judgement.file.state == PEEL_CACHE_DAMAGED) {
		*damaged = true;
		code = options->dry_run ? 0 : cache_remove(folder, entry, err);
		judgement.file.removed = code > 0;
	}
	told = options->each ? options->each(options->each_arg, &judgement.file) : 0;
	if (told == 0 && judgement.file.state == PEEL_CACHE_UNKNOWN) {
		return peel_fail(err, PEEL_EIO, "%s: %s", entry->name, why.message);
	}
	return told ? told : code < 0 ? code : 0;
}

int peel_cache_verify(const struct peel_cache_verify_options *options, struct peel_error *err)
{
	cleanup_free struct cache_entry *entries = NULL;
	cleanup_fd int folder = -1;
	bool damaged = false;
	int failure = 0;
	int count = open_and_list(options->cache_dir, &folder, &entries, err);

	if (count < 0) {
		return count;
	}
	for (int i = count - 1; i >= 0; i--) {
		struct peel_error why = {0};
		int code = verify_file(folder, &entries[i], options, &damaged, &why);

		/* One that cannot be read is no reason not to look at the others. */
		if (code == PEEL_EIO && why.code == PEEL_EIO) {
			failure = failure ? failure : peel_fail(err, code, "%s", why.message);
		} else if (code != 0) {
			return code < 0 ? peel_fail(err, code, "%s", why.message) : code;
		}
	}
	return failure ? failure : damaged;
}

/* A collection under way. */
struct collection {
	const struct peel_cache_gc_options *options;
	int folder;
	struct cache_entry *entries;
	int count;
	/* Bytes of what stays. */
	uint64_t kept;
	/* Why the first of those that could not be removed could not. */
	struct peel_error stuck;
};

static void collection_finish(struct collection *collection)
{
	free(collection->entries);
	if (collection->folder >= 0) {
		close(collection->folder);
	}
}

static bool is_useless(const struct collection *collection, enum peel_cache_state state)
{
	return state >= PEEL_CACHE_GONE ||
		(collection->options->all && state != PEEL_CACHE_BUILDING);
}

/* Remove a file and say so. @return 0 or what the callback said. */
static int remove_file(struct collection *collection, struct cache_entry *entry,
	const struct peel_cache_file *file)
{
	const struct peel_cache_gc_options *options = collection->options;
	cleanup_fd int held = -1;

	if (!options->dry_run) {
		bool leftover = entry->temporary && file->state == PEEL_CACHE_LEFTOVER;

		/* Its lock is held while it goes: a builder that has just made it tries another name. */
		held = leftover ? cache_take_leftover(collection->folder, entry->name) : -1;
		if ((leftover && held < 0) ||
			cache_remove(collection->folder, entry,
				collection->stuck.code ? NULL : &collection->stuck) <= 0) {
			return 0;
		}
	}
	return options->removed ? options->removed(options->removed_arg, file) : 0;
}

/* Judge one file, and remove it where over is true or it is of no use. */
static int visit(struct collection *collection, struct cache_entry *entry, bool over,
	struct peel_error *err)
{
	cleanup(cache_judgement_finish) struct cache_judgement judgement = {0};
	int code = cache_judge(collection->folder, entry, CACHE_JUDGE_USE, &judgement, err);

	if (code < 0) {
		return code == PEEL_ENOENT ? 0 : code;
	}
	if (over || is_useless(collection, judgement.file.state)) {
		entry->gone = true;
		return remove_file(collection, entry, &judgement.file);
	}
	collection->kept += entry->temporary ? 0 : judgement.file.size;
	return 0;
}

/* Remove a file for the limit's sake, and the facts of an index. */
static int remove_over(struct collection *collection, const struct cache_entry *which,
	struct peel_error *err)
{
	int code = 0;

	for (int i = 0; code == 0 && i < collection->count; i++) {
		struct cache_entry *entry = &collection->entries[i];
		bool goes = entry == which ||
			(entry->facts && !which->facts &&
				cache_same_image(entry->name, which->name));

		if (goes && !entry->gone) {
			collection->kept -= (uint64_t)entry->st.st_size;
			code = visit(collection, entry, true, err);
		}
	}
	return code;
}

int peel_cache_gc(const struct peel_cache_gc_options *options, struct peel_error *err)
{
	cleanup(collection_finish) struct collection collection = {
		.options = options, .folder = -1};
	uint64_t limit = cache_limit(options->cache_limit);
	int code = 0;

	collection.count = open_and_list(options->cache_dir, &collection.folder,
		&collection.entries, err);
	if (collection.count < 0) {
		return collection.count;
	}
	for (int i = 0; code == 0 && i < collection.count; i++) {
		code = visit(&collection, &collection.entries[i], false, err);
	}
	for (int i = 0; code == 0 && i < collection.count && collection.kept > limit; i++) {
		if (!collection.entries[i].gone && !collection.entries[i].temporary) {
			code = remove_over(&collection, &collection.entries[i], err);
		}
	}
	return code == 0 && collection.stuck.code
		? peel_fail(err, collection.stuck.code, "%s", collection.stuck.message)
		: code;
}
