/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the index family share. */
#ifndef INDEX_OPEN_H
#define INDEX_OPEN_H

#include "index_build.h"
#include "index_cache.h"
#include "index_priv.h"

struct facts_rules;
struct source;

/** An opening under way. */
struct opening {
	const char *reference;
	const struct peel_index_options *options;
	/** By what facts are gathered; NULL: none are wanted. */
	const struct facts_rules *rules;
	/** Cache folder, -1: none that can be used; and its path. */
	int folder;
	char *folder_path;
	/** What is written is written by a child in a cage. */
	bool caged;
	/** What the file is now; NULL for standard input. */
	char *identity;
	/** The identity will still mean these bytes later. */
	bool settled;
	/** The reference with an absolute path, for `cache ls`; NULL for standard input. */
	char *location;
	/** Why the index cannot be kept in the cache. */
	struct peel_error unkept;
	/** File name of the index in the folder. */
	char name[CACHE_NAME_SIZE];
	struct cache_temp temp;
};

/**
 * Open an index and, where rules are given, its facts: what peel_index_open (audit_open.c) does.
 * @param rules borrowed during the call; NULL: no facts. @return as peel_index_open.
 */
int index_open(const char *reference, const struct peel_index_options *options,
	const struct facts_rules *rules, struct peel_index **ret_index, struct peel_error *err);

/**
 * Check the schema and read facts, layers and history into memory.
 * @param index with fd and lock set up; what was read is freed by index_unload, on failure too.
 * @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOMEM.
 */
int index_load(struct peel_index *index, struct peel_error *err);

/** Free what index_load read. */
void index_unload(struct peel_index *index);

/**
 * A new handle on an open index file. @param fd taken over on success. @return 0; as index_load.
 */
int index_attach(int fd, struct peel_index **ret_index, struct peel_error *err);

/** How to build what this opening is about, into its temporary file, in this process. */
struct build_options index_build_options(const struct opening *opening);

/**
 * Cache folder whose facts may say what is in the layers of its index; -1: none may. Borrowed. @param built this
 * opening built the index.
 */
int index_facts_folder(const struct opening *opening, bool built);

/**
 * Refuse what the options do not allow: an incomplete index, anomalies.
 * @return 0; PEEL_EINCOMPLETE, PEEL_EFORMAT, as peel_findings.
 */
int index_check_allowed(struct peel_index *index, const struct peel_index_options *options,
	struct peel_error *err);

/** peel_index_close at the end of the scope. */
void index_cleanup(struct peel_index **index);

/** Make the bytes behind an index readable; file and layout as in content.h. @return 0, or less than 0. */
int index_attach_content(const struct opening *opening, struct peel_index *index,
	struct source *file, int layout, struct peel_error *err);

/**
 * The index that the user named, or the cache's, if it may be trusted for the image's bytes as they are now.
 * @return 0 found; 1: build one; less than 0: refused.
 */
int index_find(struct opening *opening, struct peel_index **ret_index, struct peel_error *err);

#endif
