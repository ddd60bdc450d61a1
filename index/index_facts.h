/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Building and finding the facts of an index: the second file beside it.
 *
 * Records of files (facts_record.h) come from where their bytes pass by: compressed layers while the index is built
 * (struct layer_watch of facts_spool_watch), else by reading the layers (index_facts_read.c). They wait in a
 * spool, a tape a layer, and are written in order of entries (index_facts_write.c). Then causes, owners and
 * categories are decided.
 */
#ifndef INDEX_FACTS_H
#define INDEX_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index_open.h"

struct facts_record;
struct facts_rules;
struct facts_scanner;
struct facts_spool;
struct facts_table;
struct layer_watch;
struct pack;
struct store;

/* Records on their way. */

/** Memory of all records that wait, bytes; beyond it they go to a temporary file. */
#define FACTS_SPOOL_BUDGET (2u << 20)

/**
 * A spool.
 * @param rules borrowed. @param folder of its temporary file, borrowed; -1: memory.
 * @return 0; PEEL_ENOMEM, PEEL_EUSAGE (a marker too short or too long).
 */
int facts_spool_new(const struct facts_rules *rules, int folder, struct facts_spool **ret_spool,
	struct peel_error *err);
/** Free; NULL is fine. */
void facts_spool_free(struct facts_spool *spool);
/** Throw away what is in it. @return 0; PEEL_ENOMEM. */
int facts_spool_reset(struct facts_spool *spool, struct peel_error *err);
/** The watch that makes records while layers are read. Lives as long as the spool. */
const struct layer_watch *facts_spool_watch(const struct facts_spool *spool);
/** What markers are found by. */
const struct facts_scanner *facts_spool_scanner(const struct facts_spool *spool);

/** Say how many layers there are, before any is added to from several threads. @return 0; PEEL_ENOMEM. */
int facts_spool_layers(struct facts_spool *spool, int count, struct peel_error *err);
/**
 * Add the record of an entry; of a layer in order of entries, by one thread at a time. @return 0, or as
 * tape_write.
 */
int facts_spool_add(struct facts_spool *spool, int layer, uint64_t entry, const void *record,
	size_t len, struct peel_error *err);
/** No more comes of a layer. @return 0, or as tape_flush. */
int facts_spool_end(struct facts_spool *spool, int layer, struct peel_error *err);
/** True where the layer has ended and nothing was added to it. */
bool facts_spool_is_empty(const struct facts_spool *spool, int layer);
/** Begin a layer anew that is empty. @return 0; PEEL_ENOMEM. */
int facts_spool_reopen(struct facts_spool *spool, int layer, struct peel_error *err);
/** Hold its file against the index's limit. @param limits borrowed until they are set anew; NULL: no limit. */
void facts_spool_set_limits(struct facts_spool *spool, struct limit_watch *limits);
/** Let all who add fail with PEEL_ECANCELED. */
void facts_spool_cancel(struct facts_spool *spool);
/** The next record of a layer. @return 1; 0 at its end; PEEL_EIO, PEEL_ENOMEM. */
int facts_spool_next(struct facts_spool *spool, int layer, uint64_t *ret_entry,
	const void **ret_record, size_t *ret_len, struct peel_error *err);

/* Reading layers for it. */

struct facts_readers;
struct reuse_facts;

/**
 * Start to read the layers that the spool has nothing of, several side by side.
 * @param index its content is attached; only for reading meanwhile. @param known layers that need not be read,
 *   borrowed (index_reuse_facts.h); NULL: there are none. @param workers 0: as many as there are cores.
 * @return 0; PEEL_ENOMEM. End with facts_readers_free.
 */
int facts_readers_start(struct peel_index *index, const struct facts_rules *rules,
	struct facts_spool *spool, const struct reuse_facts *known, unsigned workers,
	struct facts_readers **ret_readers, struct peel_error *err);
/**
 * After the end of a layer: why it could not be read, where facts cannot be had at all. @return 0;
 * PEEL_ECHANGED, …
 */
int facts_readers_check(struct facts_readers *readers, int layer, struct peel_error *err);
/** Why a layer could not be read to its end, NULL: it was. After its end. */
const char *facts_readers_failure(const struct facts_readers *readers, int layer);
/** True where a failure came from known: without it, there may be none. */
bool facts_readers_known_failed(const struct facts_readers *readers);
/** Limits of the gathering, which began with the readers; borrowed. */
struct limit_watch *facts_readers_limits(struct facts_readers *readers);
/** Stop, wait, free; NULL is fine. */
void facts_readers_free(struct facts_readers *readers);

/* Writing them. */

/** A facts file being written. */
struct facts_writing {
	struct peel_index *index;
	const struct facts_rules *rules;
	struct facts_spool *spool;
	struct facts_readers *readers;
	struct facts_gather *gather;
	/** The facts file, the index attached to it as idx. */
	struct store *store;
	/** Its table file. */
	struct facts_table *table;
	/** Sizes that several files have. */
	struct size_filter *sizes;
	/** Why facts are not all, a line a reason; NULL: they are. */
	char *reasons;
	/** Sizes of the sparse files that were read, together. */
	uint64_t sparse_bytes;
	/** Of the layer at hand: files that could not be read, and why the first could not. */
	uint64_t unread;
	char unread_reason[PEEL_MESSAGE_SIZE];
	peel_progress_fn *progress;
	void *progress_arg;
	int64_t last_progress;
};

/** Write tables file, marker, elf and so on, for all layers. @return 0; what reading or writing gave. */
int facts_write_files(struct facts_writing *writing, struct peel_error *err);
/**
 * Put one file's rows. @param record NULL: it could not be read. @return 0; PEEL_EINTERNAL (damaged), as
 * store_run.
 */
int facts_write_record(struct facts_writing *writing, uint64_t entry, const void *record,
	size_t len, const void *hash, struct peel_error *err);
/** Decide file.why of what was overwritten by contents. @return 0, or as store_run. */
int facts_write_causes(struct facts_writing *writing, struct peel_error *err);
/** Fill tables package and package_db, and who owns which file. @return 0, or less than 0. */
int facts_write_owners(struct facts_writing *writing, struct peel_error *err);
/** Fill table category, and which file is in which. @return 0, or less than 0. */
int facts_write_categories(struct facts_writing *writing, struct peel_error *err);
/** Note why facts are not all. @return 0; PEEL_ENOMEM. */
int facts_write_reason(struct facts_writing *writing, const char *reason, struct peel_error *err);

/* Opening. */

/** Room for a digest in hexadecimal. */
#define FACTS_DIGEST_SIZE 65

/**
 * Digest that ties facts to an index: what its image was, and its layers. @param stamp FACTS_DIGEST_SIZE
 * bytes. @return 0, or less.
 */
int facts_stamp(const struct peel_index *index, char *stamp, struct peel_error *err);
/** Digest of what is looked for, by which facts are named in the cache. @param digest, @return as facts_stamp. */
int facts_digest(const struct facts_rules *rules, char *digest, struct peel_error *err);
/**
 * Attach facts whose seal was checked to an index, if they are of it and by these rules.
 * @param fd taken over on success.
 * @return 0; PEEL_EFORMAT (damaged, or of something else), PEEL_EIO, PEEL_ENOMEM: then none are attached.
 */
int facts_attach(const struct facts_rules *rules, struct peel_index *index, int fd,
	struct peel_error *err);

/* The file. */

struct facts_file;

/**
 * Decide where the facts of an image are kept.
 * @param opening borrowed. @param kept false: nowhere, because the image has no identity to be found by.
 * @param ret_file free it with facts_file_free. @return 0; PEEL_EIO, PEEL_ENOMEM.
 */
int facts_file_new(struct opening *opening, bool kept, struct facts_file **ret_file,
	struct peel_error *err);
/** Free, and remove what was not published; NULL is fine. */
void facts_file_free(struct facts_file *file);

/**
 * Attach the facts that are at hand. @return 0; 1 there are none of use; PEEL_EACCES, PEEL_EFORMAT (a file that the
 * user named is not to be trusted, or is something else), PEEL_ENOMEM.
 */
int facts_file_find(const struct facts_file *file, struct peel_index *index,
	struct peel_error *err);
/** Make an empty file to be written. @return 0; PEEL_EIO, PEEL_EACCES. */
int facts_file_make(struct facts_file *file, struct peel_error *err);
/** The file that was made, borrowed. */
int facts_file_fd(const struct facts_file *file);
/**
 * Take what was written for hostile, attach it, and publish it where it is kept.
 * @return 0; PEEL_EFORMAT (it is not of this index, or damaged), PEEL_EIO, PEEL_ENOMEM.
 */
int facts_file_take(struct facts_file *file, struct peel_index *index, struct peel_error *err);

/** Facts to be gathered. All is borrowed. */
struct facts_job {
	/** Its content is attached. */
	struct peel_index *index;
	const struct facts_rules *rules;
	/** What was gathered while the index was built; NULL: nothing was. */
	struct facts_spool *spool;
	/** The file, read-write, empty. */
	int fd;
	/** Folder for files without a name, or a broker (broker.h); -1: memory. */
	int spill_dir;
	/** Cache folder with facts that may know a layer already, or a broker; -1: none. */
	int cache_folder;
	peel_progress_fn *progress;
	void *progress_arg;
};

/**
 * Gather facts and write the file. @return 0; PEEL_ECHANGED, PEEL_EIO, PEEL_ENOMEM, PEEL_ECANCELED, PEEL_EINTERNAL.
 */
int index_facts_write(const struct facts_job *job, struct peel_error *err);

/** Read what of the attached facts is kept in memory. @return 0; PEEL_EFORMAT, PEEL_ENOMEM, PEEL_EIO. */
int index_facts_load(struct peel_index *index, struct peel_error *err);
/**
 * A value of the attached facts' table about, "" where there is none; the caller frees. @return 0, or as
 * index_facts_load.
 */
int index_facts_about(struct peel_index *index, const char *key, char **ret_value,
	struct peel_error *err);
/** Free it, and close the file. */
void index_facts_unload(struct peel_index *index);

#endif
