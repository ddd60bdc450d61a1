/* SPDX-License-Identifier: Apache-2.0 */
/** Threads for requests that take long, so that the one that receives is not held up. */
#ifndef FS_WORK_H
#define FS_WORK_H

#include <pthread.h>
#include <stdbool.h>

/** Threads: as many reads may decode or wait for the disk at once. */
#define WORK_THREADS 4

/** One thing to do; the first member of what the caller allocates. */
struct work_job {
	struct work_job *next;
	/** Do it, and free it. */
	void (*run)(struct work_job *job);
};

/** Threads and what waits for them. */
struct work {
	pthread_mutex_t lock;
	/** A job came, or all is over. */
	pthread_cond_t wanted;
	struct work_job *first;
	struct work_job **last;
	bool over;
	pthread_t threads[WORK_THREADS];
	int started;
};

/** Start the threads. @return 0; PEEL_ENOMEM where not one could be started. */
int work_start(struct work *work);

/** Have a job run by some thread; jobs begin in the order in which they came. */
void work_add(struct work *work, struct work_job *job);

/** Wait until every job has run, and end the threads. */
void work_finish(struct work *work);

#endif
