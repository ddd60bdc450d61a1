/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job: a layer is decoded onto its tapes; or, where its content may be known, only hashed, and
 * where the digest is the one that is claimed, told from what is known. A claim alone is never
 * believed: then the layer is decoded after all.
 */
#include "layer_crew_priv.h"

#include <malloc.h>
#include <string.h>

#include "image_priv.h"
#include "layer_tape.h"
#include "limit.h"
#include "source.h"
#include "util_lock.h"

/** Bytes hashed at a time. */
#define HASH_PIECE (256u << 10)

/** A job under way, in its thread. */
struct reading {
	struct crew *crew;
	struct crew_job *job;
	struct item_writer *entries;
	/** NULL: no points are wanted. */
	struct item_writer *points;
	/** Of crew_options.watch; NULL: nobody watches. */
	void *watching;
	/** Has a large zstd window, or an entry with large headers: it then holds the crew's large_lock. */
	bool window, headers;
};

static void reading_finish(struct reading *reading)
{
	if (reading->window || reading->headers) {
		pthread_mutex_unlock(&reading->crew->large_lock);
	}
	if (reading->crew->options.watch) {
		reading->crew->options.watch->close(reading->watching);
	}
	item_writer_free(reading->entries);
	item_writer_free(reading->points);
}

static int check_canceled(struct reading *reading, struct peel_error *err)
{
	return atomic_load(&reading->crew->canceled) ? peel_fail(err, PEEL_ECANCELED, "canceled")
						     : 0;
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct reading *reading = arg;
	struct crew *crew = reading->crew;
	uint64_t count = atomic_fetch_add_explicit(&crew->entries, 1, memory_order_relaxed) + 1;
	int code = limits_count(crew->options.limits, PEEL_LIMIT_ENTRIES, count, err);

	if (code < 0) {
		return code;
	}
	if (reading->watching && entry->type == SCAN_FILE) {
		crew->options.watch->begin(reading->watching, entry);
	}
	return item_put_entry(reading->entries, entry, false, err);
}

static void take_data(void *arg, const void *bytes, size_t len)
{
	struct reading *reading = arg;

	reading->crew->options.watch->data(reading->watching, bytes, len);
}

static int take_end(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;
	const void *record = NULL;
	size_t len = 0;
	int code = reading->crew->options.watch->end(reading->watching, &record, &len, err);

	return code < 0 || len == 0 ? code : item_put_facts(reading->entries, record, len, err);
}

static int take_hash(void *arg, const void *hash, struct peel_error *err)
{
	struct reading *reading = arg;

	return item_put_hash(reading->entries, hash, err);
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	struct reading *reading = arg;

	/* The caller keeps no more, so they need not wait for it. */
	return ++reading->job->findings > reading->crew->options.findings
		? 0
		: item_put_finding(reading->entries, code, path, path_len, offset, detail, err);
}

static int take_progress(void *arg, uint64_t in, struct peel_error *err)
{
	struct reading *reading = arg;

	/* A layer that is decoded after it was hashed starts again; its progress does not. */
	if (in > atomic_load_explicit(&reading->job->in, memory_order_relaxed)) {
		atomic_store_explicit(&reading->job->in, in, memory_order_relaxed);
	}
	return check_canceled(reading, err);
}

static int take_point(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	struct reading *reading = arg;

	return item_put_point(reading->points, point, window, err);
}

/** From now on it needs much memory, in one of two ways: no other job does then. */
static int begin_large(struct reading *reading, bool *which, struct peel_error *err)
{
	if (!reading->window && !reading->headers) {
		pthread_mutex_lock(&reading->crew->large_lock);
	}
	*which = true;
	return check_canceled(reading, err);
}

static int take_window(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;

	return begin_large(reading, &reading->window, err);
}

static int take_headers(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;

	/* Who waits for the lock may be the one whose tape is being read. */
	tape_set_hurry(reading->job->tape, true);
	return begin_large(reading, &reading->headers, err);
}

static int end_headers(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;
	int code = item_shrink(reading->entries, err);

	/* An allocator with an arena a thread would keep it for this one. */
	malloc_trim(0);
	tape_set_hurry(reading->job->tape, false);
	reading->headers = false;
	if (!reading->window) {
		pthread_mutex_unlock(&reading->crew->large_lock);
	}
	return code;
}

static int open_layer(struct crew *crew, int layer, struct source **ret_raw, struct peel_error *err)
{
	scoped_lock(&crew->image_lock);

	return image_layer_source(crew->image, layer, ret_raw, err);
}

static int decode(struct reading *reading, struct source *raw, struct peel_error *err)
{
	struct crew *crew = reading->crew;
	struct crew_job *job = reading->job;
	const struct point_sink points = {.add = take_point, .arg = reading};
	struct layer_sink sink = {
		.entry = take_entry,
		.hash = take_hash,
		.finding = take_finding,
		.large = take_headers,
		.small = end_headers,
		.progress = take_progress,
		.arg = reading,
	};
	const struct layer_job what = {
		.layer = peel_image_layer(crew->image, job->layer),
		.raw = raw,
		.points = reading->points ? &points : NULL,
		.large = take_window,
		.large_arg = reading,
		.verify = crew->options.verify,
		.threads = crew->ahead,
		.limits = crew->options.limits,
	};

	if (crew->options.watch) {
		int code = crew->options.watch->open(crew->options.watch->arg, &reading->watching,
			err);

		if (code < 0) {
			return code;
		}
		sink.data = take_data;
		sink.end = take_end;
	}
	return layer_read(&what, &sink, &job->outcome, err);
}

/** May the layer's content be known? */
static bool may_be_known(const struct crew *crew, const struct crew_job *job)
{
	const struct crew_known *known = crew->options.known;
	const struct peel_layer *layer = peel_image_layer(crew->image, job->layer);

	return known && !crew->options.verify && layer->codec != PEEL_CODEC_NONE &&
		digest_valid(layer->digest) && known->has(known->arg, job->layer);
}

/** Compute the digest of the stored bytes. @param text DIGEST_TEXT_SIZE bytes. */
static int hash_layer(struct reading *reading, struct source *raw, const char *like, char *text,
	struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	cleanup_free uint8_t *piece = malloc(HASH_PIECE);
	uint64_t offset = 0;
	ssize_t got = 0;
	int code = piece ? digest_new(like, &digest, err)
			 : peel_fail(err, PEEL_ENOMEM, "out of memory");

	while (code == 0 && (got = source_read_at(raw, offset, piece, HASH_PIECE, err)) > 0) {
		digest_update(digest, piece, (size_t)got);
		offset += (uint64_t)got;
		code = take_progress(reading, offset, err);
	}
	if (code < 0 || got < 0) {
		return code < 0 ? code : (int)got;
	}
	digest_text(digest, text);
	return 0;
}

/** Tell the layer from what is known. @return 1; 0 where its bytes are others; less than 0. */
static int tell_known(struct reading *reading, struct source *raw, struct peel_error *err)
{
	struct crew *crew = reading->crew;
	struct crew_job *job = reading->job;
	const struct crew_known *known = crew->options.known;
	const char *claimed = peel_image_layer(crew->image, job->layer)->digest;
	struct layer_outcome outcome = {.state = PEEL_LAYER_OK};
	int code = hash_layer(reading, raw, claimed, outcome.blob_hashed, err);

	if (code < 0 || strcmp(outcome.blob_hashed, claimed) != 0) {
		return code;
	}
	code = known->tell(known->arg, job->layer, reading->entries, reading->points, &outcome,
		err);
	if (code < 0) {
		atomic_store(&crew->known_failed, true);
		return code;
	}
	code = limits_decoded(crew->options.limits,
		peel_image_layer(crew->image, job->layer)->stored_size, outcome.tar_size, err);
	if (code < 0) {
		return code;
	}
	job->outcome = outcome;
	return 1;
}

static int flush(const struct crew_job *job, struct reading *reading, struct peel_error *err)
{
	int code = item_flush(reading->entries, err);

	if (code == 0) {
		code = tape_flush(job->tape, err);
	}
	return code < 0 || !job->point_tape ? code : tape_flush(job->point_tape, err);
}

static int read_job(struct reading *reading, struct peel_error *err)
{
	struct crew_job *job = reading->job;
	cleanup_source struct source *raw = NULL;
	int known = 0;
	int code = open_layer(reading->crew, job->layer, &raw, err);

	if (code == 0) {
		code = item_writer_new(job->tape, &reading->entries, err);
	}
	if (code == 0 && job->point_tape) {
		code = item_writer_new(job->point_tape, &reading->points, err);
	}
	if (code == 0 && may_be_known(reading->crew, job)) {
		known = tell_known(reading, raw, err);
		code = known < 0 ? known : 0;
	}
	if (code == 0 && !known) {
		code = decode(reading, raw, err);
	}
	return code < 0 ? code : flush(job, reading, err);
}

void crew_read(struct crew *crew, struct crew_job *job)
{
	cleanup(reading_finish) struct reading reading = {.crew = crew, .job = job};
	struct peel_error ignored;
	struct peel_error err = {0};

	if (read_job(&reading, &err) < 0) {
		job->failure = err;
		/* What came before the failure counts. */
		if (reading.entries) {
			(void)flush(job, &reading, &ignored);
		}
	}
	atomic_store(&job->done, true);
	tape_end(job->tape);
	if (job->point_tape) {
		tape_end(job->point_tape);
	}
}
