/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <peel/error.h>

/* The next job; NULL where all is over. */
static struct work_job *take(struct work *work)
{
	struct work_job *job;

	pthread_mutex_lock(&work->lock);
	while (!work->first && !work->over) {
		pthread_cond_wait(&work->wanted, &work->lock);
	}
	job = work->first;
	if (job) {
		work->first = job->next;
		if (!work->first) {
			work->last = &work->first;
		}
	}
	pthread_mutex_unlock(&work->lock);
	return job;
}

static void *run_jobs(void *arg)
{
	struct work *work = arg;
	struct work_job *job;

	while ((job = take(work)) != NULL) {
		job->run(job);
	}
	return NULL;
}

int work_start(struct work *work)
{
	*work = (struct work){.last = &work->first};
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->wanted, NULL);
	while (work->started < WORK_THREADS &&
		pthread_create(&work->threads[work->started], NULL, run_jobs, work) == 0) {
		work->started++;
	}
	if (work->started == 0) {
		work_finish(work);
		return PEEL_ENOMEM;
	}
	return 0;
}

void work_add(struct work *work, struct work_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&work->lock);
	*work->last = job;
	work->last = &job->next;
	pthread_cond_signal(&work->wanted);
	pthread_mutex_unlock(&work->lock);
}

void work_finish(struct work *work)
{
	pthread_mutex_lock(&work->lock);
	work->over = true;
	pthread_cond_broadcast(&work->wanted);
	pthread_mutex_unlock(&work->lock);
	for (int i = 0; i < work->started; i++) {
		pthread_join(work->threads[i], NULL);
	}
	pthread_cond_destroy(&work->wanted);
	pthread_mutex_destroy(&work->lock);
}
