/* SPDX-License-Identifier: Apache-2.0 */
#include "layer_crew_priv.h"

#include "image_priv.h"
#include "layer_tape.h"
#include "source.h"
#include "util_lock.h"

/** A job under way, in its thread. */
struct reading {
	struct crew *crew;
	struct crew_job *job;
	struct item_writer *writer;
	/** Holds the crew's large_lock. */
	bool large;
};

static void reading_finish(struct reading *reading)
{
	if (reading->large) {
		pthread_mutex_unlock(&reading->crew->large_lock);
	}
	item_writer_free(reading->writer);
}

static int check_canceled(struct reading *reading, struct peel_error *err)
{
	return atomic_load(&reading->crew->canceled) ? peel_fail(err, PEEL_ECANCELED, "canceled")
						     : 0;
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct reading *reading = arg;

	return item_put_entry(reading->writer, entry, err);
}

static int take_hash(void *arg, const void *hash, struct peel_error *err)
{
	struct reading *reading = arg;

	return item_put_hash(reading->writer, hash, err);
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	struct reading *reading = arg;

	/* The caller keeps no more, so they need not wait for it. */
	return ++reading->job->findings > reading->crew->options.findings
		? 0
		: item_put_finding(reading->writer, code, path, path_len, offset, detail, err);
}

static int take_progress(void *arg, uint64_t in, struct peel_error *err)
{
	struct reading *reading = arg;

	atomic_store_explicit(&reading->job->in, in, memory_order_relaxed);
	return check_canceled(reading, err);
}

static int take_point(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	struct reading *reading = arg;

	return item_put_point(reading->writer, point, window, err);
}

static int take_large(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;

	pthread_mutex_lock(&reading->crew->large_lock);
	reading->large = true;
	return check_canceled(reading, err);
}

static int open_layer(struct crew *crew, int layer, struct source **ret_raw, struct peel_error *err)
{
	scoped_lock(&crew->image_lock);

	return image_layer_source(crew->image, layer, ret_raw, err);
}

static int read_job(struct reading *reading, struct peel_error *err)
{
	struct crew *crew = reading->crew;
	struct crew_job *job = reading->job;
	const struct peel_layer *layer = peel_image_layer(crew->image, job->layer);
	cleanup_source struct source *raw = NULL;
	const struct point_sink points = {.add = take_point, .arg = reading};
	const struct layer_sink sink = {
		.entry = take_entry,
		.hash = take_hash,
		.finding = take_finding,
		.progress = take_progress,
		.arg = reading,
	};
	struct layer_job what = {
		.layer = layer,
		.points = job->points && layer->codec != PEEL_CODEC_NONE ? &points : NULL,
		.large = take_large,
		.large_arg = reading,
		.verify = crew->options.verify,
		.threads = crew->ahead,
	};
	int code = open_layer(crew, job->layer, &raw, err);

	if (code == 0) {
		code = item_writer_new(job->tape, &reading->writer, err);
	}
	if (code < 0) {
		return code;
	}
	what.raw = raw;
	code = layer_read(&what, &sink, &job->outcome, err);
	if (code == 0) {
		code = item_flush(reading->writer, err);
	}
	return code < 0 ? code : tape_flush(job->tape, err);
}

void crew_read(struct crew *crew, struct crew_job *job)
{
	cleanup(reading_finish) struct reading reading = {.crew = crew, .job = job};
	struct peel_error ignored;
	struct peel_error err = {0};
	int code = read_job(&reading, &err);

	if (code < 0) {
		job->failure = err;
		/* What came before the failure counts. */
		if (reading.writer && item_flush(reading.writer, &ignored) == 0) {
			(void)tape_flush(job->tape, &ignored);
		}
	}
	atomic_store(&job->done, true);
	tape_end(job->tape);
}
