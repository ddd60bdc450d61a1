/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by several threads. Nothing that is found of one file depends on another, so the rows are cut into ranges, and
 * whoever is done with one takes the next:
 *
 *   entries  |  range 0  |  range 1  |  range 2  |  …       a thread: connection, match, findings of its own
 *
 * More ranges than threads, as one with programs and archives takes longer than one with documents. The order
 * in which findings come together is nobody's guess, and does not matter: they are sorted before they are told,
 * by all that tells them apart. The calling thread is one of the workers, so where no thread can be made it does
 * all.
 *
 * Rejected: verdicts kept beside the facts. They would have to be thrown away with each change of the detectors,
 * a policy's own among them, and what they save is a tenth of a second.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <peel/error.h>

#include "audit_detect_priv.h"
#include "index_priv.h"
#include "layer_crew.h"
#include "query_names.h"
#include "util.h"

/* Threads beyond which a pass of a tenth of a second gets no shorter. */
#define THREADS_MAX 4
#define RANGES_PER_THREAD 4
/* Fewer entries are not worth a thread. */
#define RANGE_MIN 1000

/* What is handed out: range i is entries i * width up to (i + 1) * width, the last all that follow. */
struct ranges {
	uint64_t width;
	unsigned count;
	atomic_uint next;
	/* Set where one failed: the others stop. */
	atomic_bool failed;
};

struct worker {
	struct detect *detect;
	struct ranges *ranges;
	int r;
};

/* A worker beside the caller. */
struct helper {
	struct worker worker;
	struct detect detect;
	struct peel_error err;
	pthread_t thread;
	bool started;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct ranges *ranges = worker->ranges;
	unsigned i;

	while (worker->r == 0 && !atomic_load(&ranges->failed) &&
		(i = atomic_fetch_add(&ranges->next, 1)) < ranges->count) {
		const bool last = i + 1 == ranges->count;

		/* Each range begins its walk along the xattrs anew. */
		worker->detect->xattr_at = 0;
		worker->r = detect_range(worker->detect, i * ranges->width,
			last ? INT64_MAX : (i + 1) * ranges->width);
	}
	if (worker->r < 0) {
		atomic_store(&ranges->failed, true);
	}
	return NULL;
}

/* A run like the caller's, with what one thread alone may use. */
static void start(struct helper *helper, const struct detect *detect, struct ranges *ranges)
{
	struct detect *own = &helper->detect;

	*own = *detect;
	own->match = NULL;
	own->names = NULL;
	own->founds = (struct founds){0};
	own->unexpanded = 0;
	own->unexpanded_visible = 0;
	own->err = &helper->err;
	helper->worker = (struct worker){own, ranges, 0};
	if (match_new(own->detectors, own->wanted, &own->match, own->err) < 0 ||
		query_names_new(own->index, &own->names, own->err) < 0) {
		return;
	}
	helper->started = pthread_create(&helper->thread, NULL, work, &helper->worker) == 0;
}

/* Wait for a helper and take over what it found; the first that failed is told. */
static int join(struct helper *helper, struct detect *detect, int r)
{
	struct detect *own = &helper->detect;

	if (helper->started) {
		pthread_join(helper->thread, NULL);
		detect->unexpanded += own->unexpanded;
		detect->unexpanded_visible += own->unexpanded_visible;
		if (r == 0 && helper->worker.r < 0) {
			*detect->err = helper->err;
			r = helper->worker.r;
		}
		r = r < 0 ? r : founds_join(detect, &own->founds);
	}
	match_free(own->match);
	query_names_free(own->names);
	founds_finish(&own->founds);
	return r;
}

static uint64_t count_entries(const struct peel_index *index)
{
	return index->layer_count ? index->layers[index->layer_count - 1].end_id : 0;
}

int detect_files(struct detect *detect)
{
	const uint64_t entries = count_entries(detect->index);
	const unsigned threads = entries < RANGE_MIN ? 1
						     : (unsigned)min_u64(crew_cores(), THREADS_MAX);
	struct ranges ranges = {.count = threads > 1 ? threads * RANGES_PER_THREAD : 1};
	struct worker own = {detect, &ranges, 0};
	cleanup_free struct helper *helpers = calloc(threads, sizeof(*helpers));

	if (!helpers) {
		return peel_fail(detect->err, PEEL_ENOMEM, "no memory for detectors");
	}
	ranges.width = entries / ranges.count + 1;
	for (unsigned i = 1; i < threads; i++) {
		start(&helpers[i], detect, &ranges);
	}
	work(&own);
	for (unsigned i = 1; i < threads; i++) {
		own.r = join(&helpers[i], detect, own.r);
	}
	return own.r;
}
