/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Running a function over untrusted bytes in a child that has given its rights up, and believing nothing it says.
 *
 * The child has what its parent has opened for reading, the files that it is given, and a broker (broker.h) in place
 * of folders. It can make nothing else happen: no name is opened, made or removed by it, nothing reaches a terminal.
 */
#ifndef INDEX_CHILD_H
#define INDEX_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <peel/index.h>

#include "broker.h"

/** Most files that the broker makes in other places (store_place.h): two that are written, in each place, twice. */
#define CHILD_PLACES_MAX 16

/** What the child may have, and who is told. Borrowed during the call; descriptors may be -1: none. */
struct child_world {
	/** Folder for files without a name. */
	int spill;
	/** Where spools of whole layers go; opened when the first is wanted. */
	const struct peel_image_options *spools;
	/** Folder of a layout: files below it may be read. */
	int layout;
	/** The cache: indexes in it may be read. */
	int cache;
	/** Facts of those indexes may be read whose names have this digest (facts_digest); NULL: none may. */
	const char *facts;
	/** Descriptors that may be written. */
	const int *written;
	size_t written_count;
	/** Milliseconds after which it is ended if it has told no end, 0: never. It keeps its limits itself, unless
	 * it was taken over. */
	uint64_t patience_ms;
	/** Called in this process; nonzero ends the child. NULL: nobody is told. */
	peel_progress_fn *progress;
	void *progress_arg;
};

/** The child, in itself. */
struct child {
	/** Broker: files without a name (spill), blobs of the layout, indexes of the cache. */
	int broker;
	/** Broker: files without a name for spools. */
	int spool;
	/** What the child hands back; the parent takes them for anything. */
	uint64_t values[BROKER_VALUES];
};

/** What came back. */
struct child_result {
	uint64_t values[BROKER_VALUES];
	/** Files that were made in other places, owned. */
	int places[CHILD_PLACES_MAX];
	size_t place_count;
};

/** What the child does, in the cage. @return 0, or less than 0 with err set. */
typedef int child_fn(struct child *child, void *arg, struct peel_error *err);

/**
 * Start a child, let it run a function in the cage, serve it meanwhile, and see it end. No other thread may be there.
 * @param ret_result finish with child_result_finish, on failure too.
 * @return what the function returned (its message escaped anew); PEEL_ECANCELED (progress said so, or the child was
 *   interrupted); PEEL_EINTERNAL (it was ended by a signal, ended early, or broke the rules of the broker);
 *   PEEL_ELIMIT (it was ended for it told no end in time, too);
 *   PEEL_EUNSUPPORTED (it cannot be confined here), PEEL_EIO, PEEL_ENOMEM.
 */
int child_run(const struct child_world *world, child_fn *run, void *arg,
	struct child_result *ret_result, struct peel_error *err);

/** Close what it holds. */
void child_result_finish(struct child_result *result);

/** A peel_progress_fn within the child; arg is the struct child. */
int child_progress(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes);

/** Note in two values which file a descriptor stands for now. */
void child_tell_file(struct child *child, size_t first_value, int fd);

/**
 * The file that the child told of, if it is the one it was given or one that was made for it.
 * @param given borrowed. @return given, a place's descriptor, or -1.
 */
int child_told_file(const struct child_result *result, size_t first_value, int given);

#endif
