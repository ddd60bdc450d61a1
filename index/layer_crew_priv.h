/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the crew share: layer_crew_plan.c says who reads what when, layer_crew_read.c reads. */
#ifndef LAYER_CREW_PRIV_H
#define LAYER_CREW_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include <peel/error.h>

#include "layer_crew.h"

/** Stored bytes to be read, for one layer or several. */
struct crew_job {
	/** The lowest of the layers, and how many there are. */
	int layer;
	int layer_count;
	/** Access points are wanted: no lower layer has them. */
	bool points;
	/** Entries and findings; and points, NULL where none are wanted. */
	struct tape *tape;
	struct tape *point_tape;
	/** The writer's until the tape's end, then the caller's. */
	struct layer_outcome outcome;
	struct peel_error failure;
	uint64_t findings;
	/** Stored bytes read so far, for the progress. */
	atomic_ullong in;
	atomic_bool done;
};

struct crew {
	struct peel_image *image;
	struct crew_options options;
	struct tapes *tapes;
	/** Opening layers is the image's business, which knows no threads. */
	pthread_mutex_t image_lock;
	/** Held by the job that has a large zstd window, or an entry with large headers. */
	pthread_mutex_t large_lock;
	struct crew_job *jobs;
	int job_count;
	/** Jobs in the order in which they start. */
	int *order;
	/** Of each layer: its job (-1: none), and the lowest layer with the same stored bytes. */
	int *job_of;
	int *first_of;
	/** How many jobs of order were taken. */
	atomic_int claimed;
	atomic_bool canceled;
	atomic_bool known_failed;
	/** Entries that were read, of all jobs: they may be far ahead of the caller. */
	atomic_ullong entries;
	pthread_t threads[CREW_WORKERS_MAX];
	unsigned thread_count;
	/** What the threads leave of CREW_WORKERS_BUDGET: for tapes, and for others. */
	size_t spare_tapes, spare;
	/** Stored bytes are hashed by threads of their own. */
	bool ahead;
	/** The caller's: what is being read. */
	struct item_reader *reader;
	int reading;
	bool at_points;
	uint64_t items;
	int64_t last_progress;
};

/** Fill in jobs, job_of and first_of. @return 0; PEEL_ENOMEM. */
int crew_plan(struct crew *crew, struct peel_error *err);
/** Fill in order. */
void crew_sort(struct crew *crew, unsigned workers);
/** Free what crew_plan made. */
void crew_free_plan(struct crew *crew);
/** Free the tapes of all jobs; no thread may be left. */
void crew_free_tapes(struct crew *crew);

/** Do a job: read its layer onto its tape, and say how that ended. */
void crew_read(struct crew *crew, struct crew_job *job);

#endif
