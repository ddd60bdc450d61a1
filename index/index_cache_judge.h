/* SPDX-License-Identifier: Apache-2.0 */
/** What one file of the cache folder is and is good for. */
#ifndef INDEX_CACHE_JUDGE_H
#define INDEX_CACHE_JUDGE_H

#include <peel/index.h>

struct cache_entry;

/** A judged file. */
struct cache_judgement {
	/** Its strings belong to the judgement. */
	struct peel_cache_file file;
	char *image, *kind, *platform, *identity;
};

/** How closely a file is looked at. */
enum cache_how {
	/** Is it of use: what it says of itself, and its image. */
	CACHE_JUDGE_USE,
	/** Is it as it was written: every byte, by its seal. The image is not asked. */
	CACHE_JUDGE_SEAL,
	/** And does SQLite find all pages in order. */
	CACHE_JUDGE_PAGES,
};

/**
 * Look at a file. It is taken as hostile: read through a defensive, read-only connection, its values
 * bounded in length, and led nowhere but to stat(2) by what it says.
 * @param entry must outlive the judgement, which borrows the name.
 * @param ret_judgement free it with cache_judgement_finish, on failure too.
 * @return 0; PEEL_ENOENT (it is gone meanwhile), PEEL_ENOMEM.
 */
int cache_judge(int folder, const struct cache_entry *entry, enum cache_how how,
	struct cache_judgement *ret_judgement, struct peel_error *err);

/** Free what a judgement owns; {0} is fine. */
void cache_judgement_finish(struct cache_judgement *judgement);

#endif
