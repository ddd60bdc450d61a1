/* SPDX-License-Identifier: Apache-2.0 */
/** Work beside other work: what needs nothing of the other and is as long, so that a second core halves the time. */
#ifndef BESIDE_H
#define BESIDE_H

#include <pthread.h>
#include <stdbool.h>

#include <peel/error.h>

/** What is done: 0, or less than 0 with the error set. */
typedef int beside_fn(void *arg, struct peel_error *err);

struct beside {
	beside_fn *run;
	void *arg;
	pthread_t thread;
	bool started;
	int code;
	struct peel_error err;
};

/** Begin in a thread. Where none can be had, beside_join does the work. beside must stay, and be joined. */
void beside_start(struct beside *beside, beside_fn *run, void *arg);
/**
 * Wait for the end.
 * @param code of the work at hand; where that is 0, the other's is told, with its error.
 * @return the worse of the two.
 */
int beside_join(struct beside *beside, int code, struct peel_error *err);

#endif
