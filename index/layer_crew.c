/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers are independent until they are merged, so each is decoded, hashed and scanned by whichever
 * thread is free, and what it holds is packed onto a tape (layer_item.c). The one caller reads the
 * tapes in the order of layers, so ids, findings and access points come out the same however many
 * threads there are.
 *
 *	threads, each with one   3333333333333333 4444 66666
 *	that hashes its layer:   22222222222 0000 11111 5555
 *	the caller:                              0     1234 56
 *
 * A compressed layer that is more than its share of the work starts before all others, the largest
 * first: last, it would keep one thread busy while the rest have nothing left. The others start in
 * their order, so that the caller soon has something to do.
 *
 * Stored bytes that several layers have are read once. A compressed image file is decoded from one
 * place, so its layers have one thread.
 *
 * Memory: each thread has its budget by codec, the tapes have theirs; a zstd window over 8 MiB is
 * made by one thread at a time, and one at a time has an entry whose headers are more than 64 KiB.
 *
 * Rejected: splitting one layer among threads at its access points, which only a second reading would know.
 */
#include "layer_crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image_priv.h"
#include "layer_crew_priv.h"
#include "layer_tape.h"
#include "limit.h"
#include "source.h"
#include "util_lock.h"

/** Progress is told at most this often. */
#define PROGRESS_MS 100
/** Items between two looks at the clock. */
#define PROGRESS_ITEMS 256

/** What a thread needs at most for a layer, bytes: decoder, its window, its output, blocks read ahead. */
static const size_t worker_memory[] = {
	[PEEL_CODEC_NONE] = 1u << 20,
	[PEEL_CODEC_GZIP] = 3u << 20,
	[PEEL_CODEC_ZSTD] = 12u << 20,
};

unsigned crew_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0
		? (unsigned)CPU_COUNT(&set)
		: 1;
}

size_t crew_memory(enum peel_codec codec)
{
	return worker_memory[(size_t)codec < countof(worker_memory) ? codec : PEEL_CODEC_ZSTD];
}

/** How many, and what they leave of their budget. */
static unsigned worker_count(struct crew *crew)
{
	uint64_t count = crew->options.workers ? crew->options.workers : crew_cores();
	size_t most = worker_memory[PEEL_CODEC_NONE];
	bool compressed;

	for (int i = 0; i < crew->job_count; i++) {
		enum peel_codec codec = peel_image_layer(crew->image, crew->jobs[i].layer)->codec;

		most = (size_t)max_u64(most, worker_memory[codec]);
	}
	compressed = most > worker_memory[PEEL_CODEC_NONE];
	if (peel_image_codec(crew->image) != PEEL_CODEC_NONE) {
		count = 1;
	}
	if (crew->options.watch) {
		most += crew->options.watch->memory;
	}
	count = min_u64(count, CREW_WORKERS_BUDGET / most);
	count = min_u64(count, CREW_WORKERS_MAX);
	count = min_u64(count, (uint64_t)crew->job_count);
	crew->spare = CREW_WORKERS_BUDGET - (size_t)count * most;
	/* Where nothing is decoded the tapes' writers can wait. */
	crew->spare_tapes = crew->spare / 3 * (compressed ? 2 : 1);
	crew->spare -= crew->spare_tapes;
	return (unsigned)count;
}

/** Take the next job that nobody has. @return NULL where there is none. */
static struct crew_job *claim(struct crew *crew)
{
	int next = atomic_fetch_add(&crew->claimed, 1);

	return next < crew->job_count && !atomic_load(&crew->canceled)
		? &crew->jobs[crew->order[next]]
		: NULL;
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	struct crew_job *job;

	while ((job = claim(crew))) {
		crew_read(crew, job);
	}
	return NULL;
}

/** Start threads that no signal is delivered to: handlers are for the caller's. */
static void start_threads(struct crew *crew, unsigned count)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (crew->thread_count < count &&
		pthread_create(&crew->threads[crew->thread_count], NULL, work, crew) == 0) {
		crew->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/** One tape a job, and one for its points: those of a layer are stored when its entries are. */
static int make_tapes(struct crew *crew, bool patient, struct peel_error *err)
{
	int code = tapes_new(CREW_TAPES_BUDGET + crew->spare_tapes, crew->options.spill_dir,
		&crew->tapes, err);

	if (code == 0) {
		tapes_set_limits(crew->tapes, crew->options.limits);
	}
	for (int i = 0; code == 0 && i < crew->job_count; i++) {
		struct crew_job *job = &crew->jobs[i];
		bool plain = peel_image_layer(crew->image, job->layer)->codec == PEEL_CODEC_NONE;
		bool keep = job->layer_count > 1;

		code = tape_new(crew->tapes, patient && plain && !keep, keep, &job->tape, err);
		if (code == 0 && job->points) {
			code = tape_new(crew->tapes, false, false, &job->point_tape, err);
		}
	}
	return code;
}

int crew_start(struct peel_image *image, const struct crew_options *options, struct crew **ret_crew,
	struct peel_error *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	unsigned workers = 0;
	int code;

	if (!crew) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	crew->image = image;
	crew->options = *options;
	pthread_mutex_init(&crew->image_lock, NULL);
	pthread_mutex_init(&crew->large_lock, NULL);
	code = crew_plan(crew, err);
	if (code == 0) {
		workers = worker_count(crew);
		crew_sort(crew, workers);
		crew->ahead = workers > 0 &&
			(options->workers ? options->workers : crew_cores()) > 1;
		code = make_tapes(crew, true, err);
	}
	if (code < 0) {
		crew_free(crew);
		return code;
	}
	start_threads(crew, workers);
	if (crew->thread_count == 0) {
		/* Without any thread, all is read now; nobody could be waited for. */
		crew_free_tapes(crew);
		crew->ahead = false;
		code = make_tapes(crew, false, err);
		if (code == 0) {
			work(crew);
		}
	}
	if (code < 0) {
		crew_free(crew);
		return code;
	}
	*ret_crew = crew;
	return 0;
}

size_t crew_spare_memory(const struct crew *crew)
{
	return crew->spare;
}

void crew_free(struct crew *crew)
{
	if (!crew) {
		return;
	}
	atomic_store(&crew->canceled, true);
	if (crew->tapes) {
		tapes_cancel(crew->tapes);
	}
	for (unsigned i = 0; i < crew->thread_count; i++) {
		pthread_join(crew->threads[i], NULL);
	}
	item_reader_free(crew->reader);
	crew_free_tapes(crew);
	crew_free_plan(crew);
	pthread_mutex_destroy(&crew->large_lock);
	pthread_mutex_destroy(&crew->image_lock);
	free(crew);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/** Tell the progress where it is time. */
static int show_progress(struct crew *crew, bool always, struct peel_error *err)
{
	const struct crew_options *options = &crew->options;
	int count = peel_image_layer_count(crew->image);
	uint64_t total = 0;
	uint64_t done = 0;
	int done_layers = 0;
	char what[64];

	int code = limits_tick(options->limits, err);

	if (code < 0 || !options->progress ||
		(!always && now_ms() - crew->last_progress < PROGRESS_MS)) {
		return code;
	}
	crew->last_progress = now_ms();
	for (int i = 0; i < count; i++) {
		uint64_t size = peel_image_layer(crew->image, i)->stored_size;
		const struct crew_job *job = crew->job_of[i] < 0 ? NULL
								 : &crew->jobs[crew->job_of[i]];

		total += size;
		if (!job || atomic_load(&job->done)) {
			done += size;
			done_layers++;
		} else {
			done += min_u64(atomic_load(&job->in), size);
		}
	}
	snprintf(what, sizeof(what), "layer %d of %d",
		done_layers < count ? done_layers + 1 : count, count);
	return options->progress(options->progress_arg, what, done, total) != 0
		? peel_fail(err, PEEL_ECANCELED, "canceled")
		: 0;
}

int crew_finish(struct crew *crew, struct peel_error *err)
{
	return show_progress(crew, true, err);
}

/** The reader of a layer's items: a new one for each layer, and for its points. */
static int open_reader(struct crew *crew, int layer, bool points, struct peel_error *err)
{
	const struct crew_job *job = &crew->jobs[crew->job_of[layer]];

	if (crew->reader && crew->reading == layer && (crew->at_points || !points)) {
		return 0;
	}
	item_reader_free(crew->reader);
	crew->reader = NULL;
	crew->reading = layer;
	crew->at_points = points;
	return item_reader_new(points ? job->point_tape : job->tape, &crew->reader, err);
}

int crew_next(struct crew *crew, int layer, struct item *ret_item, struct peel_error *err)
{
	const struct crew_job *job = &crew->jobs[crew->job_of[layer]];
	unsigned wait_ms = crew->options.progress || crew->options.limits ? PROGRESS_MS : 0;
	int code = open_reader(crew, layer, false, err);

	while (code == 0) {
		int r = item_next(crew->reader, ret_item, wait_ms, err);

		if (r == 1) {
			code = ++crew->items % PROGRESS_ITEMS == 0 ? show_progress(crew, false, err)
								   : 0;
			return code < 0 ? code : 1;
		}
		if (r < 0) {
			return r;
		}
		if (r == 0 && job->failure.code < 0) {
			return peel_fail(err, job->failure.code, "%s", job->failure.message);
		}
		if (r == 0 && (crew->at_points || !job->point_tape || job->layer != layer)) {
			return show_progress(crew, false, err);
		}
		code = r == 0 ? open_reader(crew, layer, true, err)
			      : show_progress(crew, false, err);
	}
	return code;
}

const struct layer_outcome *crew_outcome(const struct crew *crew, int layer)
{
	return &crew->jobs[crew->job_of[layer]].outcome;
}

bool crew_known_failed(const struct crew *crew)
{
	return atomic_load(&crew->known_failed);
}

int crew_first(const struct crew *crew, int layer)
{
	return crew->first_of[layer];
}
