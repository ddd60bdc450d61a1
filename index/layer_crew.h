/* SPDX-License-Identifier: Apache-2.0 */
/**
 * All layers of an image, read by several threads side by side, and told in their order by one.
 */
#ifndef LAYER_CREW_H
#define LAYER_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/index.h>

#include "layer_item.h"
#include "layer_read.h"
#include "layer_watch.h"

struct crew;
struct limit_watch;
struct peel_image;

/** Most threads that read layers, whatever the number of cores. */
#define CREW_WORKERS_MAX 16
/** Memory of all of them together, bytes: what one needs is told by its codec (layer_crew.c), and what
 *  watching contents takes comes on top of it: fewer threads then. */
#define CREW_WORKERS_BUDGET (24u << 20)
/**
 * Memory of what was read and waits for the layers below, bytes; beyond it goes to a temporary file. Of what the
 * threads leave of their budget, two thirds come to it where layers are compressed, else one.
 */
#define CREW_TAPES_BUDGET (8u << 20)

/**
 * Layers whose content is known already, from another image that had the same stored bytes. Called from several
 * threads at once, for different layers.
 */
struct crew_known {
	/** Is a layer's content known, if its stored bytes have the digest that is claimed? */
	bool (*has)(void *arg, int layer);
	/**
	 * Tell the content of a layer whose digest was computed and is the one claimed.
	 * @param points NULL: access points are not wanted.
	 * @return 0 and the outcome's tar_size; less than 0: it cannot be used after all.
	 */
	int (*tell)(void *arg, int layer, struct item_writer *entries, struct item_writer *points,
		struct layer_outcome *ret_outcome, struct peel_error *err);
	void *arg;
};

/** Cores that this process may use. */
unsigned crew_cores(void);
/** Memory that reading a layer takes at most, bytes. */
size_t crew_memory(enum peel_codec codec);

struct crew_options {
	/** Threads; 0: as many as there are cores. The same items come out in any case. */
	unsigned workers;
	/** Hash plain layers too. */
	bool verify;
	/** May be NULL. Not asked where verify is set. */
	const struct crew_known *known;
	/** Watches contents; NULL: nobody does. */
	const struct layer_watch *watch;
	/** Most findings of a layer that are told. */
	uint64_t findings;
	/** Folder for a temporary file, borrowed; -1: all stays in memory. */
	int spill_dir;
	/** Borrowed; NULL: the defaults. */
	struct limit_watch *limits;
	/** As peel_progress_fn; called by crew_next alone. */
	peel_progress_fn *progress;
	void *progress_arg;
};

/**
 * Start to read all layers whose state is OK.
 * @param image borrowed; only the crew uses it until crew_free.
 * @param options copied.
 * @return 0; PEEL_ENOMEM.
 */
int crew_start(struct peel_image *image, const struct crew_options *options, struct crew **ret_crew,
	struct peel_error *err);

/** Memory that the threads leave of their budget for others than the crew, bytes. */
size_t crew_spare_memory(const struct crew *crew);

/** Stop all threads, wait for their end, free; NULL is fine. */
void crew_free(struct crew *crew);

/**
 * The next item of a layer; layers are asked for in order, each to its end. Access points come last, and only where
 * crew_first is the layer itself.
 * @return 1; 0 at the end: crew_outcome tells how it ended; PEEL_ECANCELED (by the progress); what layer_read gave,
 *   after the items that came before the failure.
 */
int crew_next(struct crew *crew, int layer, struct item *ret_item, struct peel_error *err);

/** True where a failure of crew_next came from crew_options.known: without it, it would be another. */
bool crew_known_failed(const struct crew *crew);

/** What reading a layer came to, after crew_next gave its end. */
const struct layer_outcome *crew_outcome(const struct crew *crew, int layer);

/**
 * The first layer that has the same stored bytes: the layer itself, or a lower one. A layer whose
 * state is not OK is its own.
 */
int crew_first(const struct crew *crew, int layer);

/** Tell the progress's end. @return 0; PEEL_ECANCELED. */
int crew_finish(struct crew *crew, struct peel_error *err);

#endif
