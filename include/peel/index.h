/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The index: an SQLite file a image that holds its files by layer, and the merged tree.
 *
 * peel_index_open is the one door: it finds an index in the cache that may be trusted for this
 * file, or builds one and publishes it, and gives back a handle over which every question of
 * query.h is asked. The handle may be used from several threads at once.
 */
#ifndef PEEL_INDEX_H
#define PEEL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/image.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct peel_index;
struct peel_detectors;

/**
 * Default of cache_limit: an index has about one percent of a compressed image and 200 bytes a file, so that
 * this is room for some twenty images of 20 GB, or a thousand small ones, and little beside the images.
 */
#define PEEL_CACHE_LIMIT_DEFAULT (UINT64_C(4) << 30)
/** A cache_limit that nothing reaches. */
#define PEEL_CACHE_UNLIMITED UINT64_MAX

/**
 * Progress of a build, at most ten times a second and once at the end. Return 0, or nonzero to
 * cancel.
 */
typedef int peel_progress_fn(void *arg, const char *what, uint64_t done_bytes,
	uint64_t total_bytes);

/** How to open or build. {0} is valid: cache in $XDG_CACHE_HOME/peel or ~/.cache/peel. */
struct peel_index_options {
	struct peel_image_options image;
	/** Cache folder; NULL: the default. Made with mode 0700 where missing. */
	const char *cache_dir;
	/**
	 * Bytes that the indexes of the cache folder may have together: after each build the least
	 * recently used ones go. 0: PEEL_CACHE_LIMIT_DEFAULT; PEEL_CACHE_UNLIMITED: any number.
	 */
	uint64_t cache_limit;
	/**
	 * This index file instead of the cache; opened as hostile input, or built where missing.
	 */
	const char *index_file;
	/** Keep nothing: the index lives in an unlinked file. */
	bool no_cache;
	/** Build anew even where a trusted index is at hand. */
	bool rebuild;
	/** Hash plain layers too and compare every digest. */
	bool verify;
	/** Any anomaly that engines refuse is an error. */
	bool strict;
	/** Go on where a layer is missing, unsupported or broken: the index is then incomplete. */
	bool allow_missing;
	/**
	 * Let a child process without rights (sandbox.h) read the image wherever an index or facts are written: it
	 * is started by fork, so that this process may have no other thread. Standard input is read by this process
	 * all the same, because what was kept of it has to stay here: image.opened is the place to give rights up
	 * before.
	 */
	bool sandbox;
	/** Gather facts about contents too, where they are not at hand (facts.h). */
	bool facts;
	/** Whose markers are looked for with facts, borrowed during the call; NULL: the built-in detectors. */
	const struct peel_detectors *detectors;
	peel_progress_fn *progress;
	void *progress_arg;
};

/**
 * Open the index of an image, building it where needed.
 * @param ret_index close it with peel_index_close. Untouched on failure.
 * @return 0, or what peel_image_open returns, or PEEL_EINCOMPLETE (a layer could not be read and
 *   allow_missing is off), PEEL_ECHANGED, PEEL_ELIMIT, PEEL_EACCES (index or cache folder that is
 *   not the user's or that others may write), PEEL_ECANCELED.
 */
int peel_index_open(const char *reference, const struct peel_index_options *options,
	struct peel_index **ret_index, struct peel_error *err);

/** Most folders of peel_spill_folders. */
#define PEEL_SPILL_FOLDERS_MAX 8

/**
 * Open the folders that files without a name may go to while standard input is read and its index is built, for
 * who gives
 * rights up before (sandbox.h). All of them are read, too.
 * @param ret_fds PEEL_SPILL_FOLDERS_MAX of room; the caller closes. @return how many.
 */
size_t peel_spill_folders(const struct peel_index_options *options, int *ret_fds);

/** Close; NULL is fine. No call may be under way in another thread. */
void peel_index_close(struct peel_index *index);

/** True where every layer was read whole. */
bool peel_index_complete(const struct peel_index *index);
/** Why not, one line a reason separated by newlines; "" where complete. Belongs to the index. */
const char *peel_index_incomplete_reasons(const struct peel_index *index);
/** True where this open built it. */
bool peel_index_built(const struct peel_index *index);
/**
 * The image that was opened on the way, where it came from standard input and so cannot be opened again; else
 * NULL. Belongs to the index.
 */
struct peel_image *peel_index_image(const struct peel_index *index);
/**
 * True where an answer wanted contents of standard input that headers_only let go: something that was told
 * may lack them. Ask it before the last word.
 */
bool peel_index_missed(const struct peel_index *index);
/**
 * Open what can be opened ahead, the blobs of a layout, and say what answers still open by a name, for who gives
 * rights up (sandbox.h): blobs below the folder of a layout, where they are too many or one could not be opened; files
 * without a name in the spool folder. Descriptors of the index; -1: none. Before a second thread asks.
 */
void peel_index_folders(struct peel_index *index, int *ret_readable, int *ret_spill);
/**
 * Name of a limit that was hit while answers were given since it was opened: they may lack what lies beyond it;
 * NULL: none was. Ask it before the last word.
 */
const char *peel_index_limit_hit(const struct peel_index *index);
/**
 * What kept this machine from answering a question since it was opened, an enum peel_code: PEEL_ENOMEM, PEEL_EIO,
 * PEEL_ECHANGED, PEEL_EINTERNAL; 0: nothing did. Who took that question's failure for "there is no such file" may have
 * told something wrong. Ask it before the last word.
 */
int peel_index_failure(const struct peel_index *index);
/**
 * Why a file of the image could not be read that answers rest on, such as a package database: who owns a path may not
 * be known; one line, escaped. NULL: all could. Belongs to the index. Ask it before the last word.
 */
const char *peel_index_unread(const struct peel_index *index);
/**
 * What kept an answer from being whole since the index was opened, for people: a limit that was hit, or
 * peel_index_unread; one line, "" where nothing did. Belongs to the index, valid until the next such call for it.
 */
const char *peel_index_answer_reason(struct peel_index *index);
/** Path of the index file, "" where it is unlinked. Belongs to the index. */
const char *peel_index_path(const struct peel_index *index);

/**
 * Why the index is not in the cache although nothing was said against it (the folder is read-only, another user's,
 * full): one escaped line; else "". Such an index serves as well and is gone when it is closed. Belongs to the index.
 */
const char *peel_index_unkept_reason(const struct peel_index *index);

/** What a file of the cache folder is good for. */
enum peel_cache_state {
	/** The image is there, and is the one that was indexed. */
	PEEL_CACHE_CURRENT,
	/** Every byte is as it was written; whether the image is still there was not asked (peel_cache_verify). */
	PEEL_CACHE_WHOLE,
	/** The image or the index cannot be looked at now (permission, a device, a failing disk). */
	PEEL_CACHE_UNKNOWN,
	/** A temporary file of a builder at work. */
	PEEL_CACHE_BUILDING,
	/** From here on it is of no use. The image is not there any more. */
	PEEL_CACHE_GONE,
	/** The image file is another by now. */
	PEEL_CACHE_CHANGED,
	/** The image was indexed within two seconds of its last change, and is indexed anew when it is used. */
	PEEL_CACHE_UNSETTLED,
	/** Written by another version of peel. */
	PEEL_CACHE_VERSION,
	/** No index, or not a whole one. */
	PEEL_CACHE_DAMAGED,
	/** Not a file of this user that nobody else may write: it is never read. */
	PEEL_CACHE_FOREIGN,
	/** A temporary file whose builder is gone, or facts whose index is gone. */
	PEEL_CACHE_LEFTOVER,
};

/** One file of the cache folder; valid during the callback. */
struct peel_cache_file {
	/** File name in the folder: digits and letters, a dot, a dash. */
	const char *name;
	enum peel_cache_state state;
	/** Bytes of the file. */
	uint64_t size;
	/** Seconds since 1970: when it was opened last. */
	int64_t used;
	/**
	 * What the file says of itself, untrusted: the image's reference with an absolute path (""
	 * unknown), its kind ("facts" of facts) and platform, tar entries, when it was built (0 unknown), whether every
	 * layer was read.
	 */
	const char *image, *kind, *platform;
	uint64_t entries;
	int64_t built;
	bool complete;
	/** It was damaged and is gone now (peel_cache_verify). */
	bool removed;
};

/** Take one file of the cache; nonzero stops. */
typedef int peel_cache_fn(void *arg, const struct peel_cache_file *file);

/** Which files of the cache a collection removes. */
struct peel_cache_gc_options {
	/** As in struct peel_index_options. */
	const char *cache_dir;
	uint64_t cache_limit;
	/** Every index, whatever it is good for. */
	bool all;
	/** Remove nothing, say only what would be removed. */
	bool dry_run;
	/** Called for each file that is removed; NULL: none. */
	peel_cache_fn *removed;
	void *removed_arg;
};

/** A state in one or two words: "current", "image gone". */
const char *peel_cache_state_name(enum peel_cache_state state);

/**
 * Path of the cache folder, which is made where it is missing.
 * @param cache_dir as in struct peel_index_options. @param ret_path receives it, the caller frees.
 * @return 0; PEEL_EACCES (none that could be used safely).
 */
int peel_cache_path(const char *cache_dir, char **ret_path, struct peel_error *err);

/**
 * Look at every file of peel's in the cache folder, most recently used first. Each is taken as hostile.
 * @return 0, what each returned, PEEL_EACCES (no folder that could be used safely), PEEL_EIO, PEEL_ENOMEM.
 */
int peel_cache_list(const char *cache_dir, peel_cache_fn *each, void *arg, struct peel_error *err);

/**
 * Remove what cannot be used any more, then the least recently used indexes until the rest is within the limit.
 * An index that is in use, by a mount too, serves on until it is closed. Safe beside builders and other collections.
 * @return 0, what removed returned, PEEL_EIO (one could not be removed; all others were looked at), or as
 *   peel_cache_list.
 */
int peel_cache_gc(const struct peel_cache_gc_options *options, struct peel_error *err);

/** How the files of the cache are verified. */
struct peel_cache_verify_options {
	/** As in struct peel_index_options. */
	const char *cache_dir;
	/** Let SQLite look at every page, too: slower, and finds what was wrong from the beginning. */
	bool deep;
	/** Remove nothing. */
	bool dry_run;
	/** Called for each file, most recently used first; nonzero stops. NULL: none. */
	peel_cache_fn *each;
	void *each_arg;
};

/**
 * Hold every index and every facts file of the cache against its seal, a hash of all its bytes that was written with
 * them, and remove those that were damaged since: the next use builds them anew. Each file is taken as hostile.
 * @return 0 none is damaged; 1 some are; what each returned; PEEL_EACCES (no folder that could be used safely),
 *   PEEL_EIO (a file could not be read; all others were looked at), PEEL_ENOMEM.
 */
int peel_cache_verify(const struct peel_cache_verify_options *options, struct peel_error *err);

/** What verify found of one layer. */
struct peel_verdict {
	int layer;
	/**
	 * "ok", "mismatch", "missing", "truncated", "over-limit", "broken", "unsupported", "unknown" (nothing to
	 * compare with).
	 */
	const char *blob;
	const char *diff_id;
	/** "ok", or as above: is the tar whole? */
	const char *tar;
	/** One escaped line; "" where all is well. */
	const char *detail;
};

/** Take one verdict; nonzero stops. */
typedef int peel_verdict_fn(void *arg, const struct peel_verdict *verdict);

/**
 * Hash every blob and every uncompressed layer of an image, compare digests, diff IDs and sizes,
 * and check that each tar is complete. Uses no cache.
 * @return 0 where all agree, 1 where something differs (mismatch, broken), 3 where something could
 *   not be read (missing, unsupported, truncated, over a limit), or less than 0 (peel_image_open's codes).
 */
int peel_verify(const char *reference, const struct peel_image_options *options,
	peel_verdict_fn *each, void *each_arg, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
