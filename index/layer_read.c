/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over a layer's stored bytes feeds everything that wants them: the decoder, the digest of
 * the stored bytes or of the tar, the scanner, the hash of each file's content. Plain layers are
 * read by their headers alone, unless they are to be verified.
 *
 * Which digest: the blob's where the image gives one (OCI), else the diff ID (docker archives);
 * both where verification was asked for. A digest that differs makes the layer broken: what the tar
 * said was not what the image's author signed for.
 *
 * The digest of the stored bytes, a fifth of the work, is made by a second thread (source_ahead.c)
 * where there is one, and so is that of the tar (layer_hash.c), which is more; decoding, scanning
 * and the content's hash share each decoded block while it is in the cache.
 */
#include "layer_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#ifdef __x86_64__
/* The library's code for the processor at hand: twice as fast as what every processor can do. */
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include "codec.h"
#include "layer_hash.h"
#include "limit.h"
#include "scan.h"
#include "source.h"
#include "source_ahead.h"
#include "util.h"

/** Entries between two looks at the progress. */
#define PROGRESS_ENTRIES 256
/** Bytes of data at a time that are worth one. */
#define PROGRESS_BYTES (64u << 10)

struct reader {
	const struct layer_job *job;
	const struct layer_sink *sink;
	/** The stored bytes read ahead, NULL where they are not. */
	struct source *ahead;
	struct stream *stream;
	struct digest *blob;
	struct layer_hash *diff;
	XXH3_state_t *content;
	bool hashing;
	unsigned since_progress;
	/** What the sink returned, which is never damage of the layer. */
	int sink_code;
};

static void reader_finish(struct reader *reader)
{
	stream_close(reader->stream);
	/* Ends the thread that feeds the digest. */
	source_drop(reader->ahead);
	digest_free(reader->blob);
	layer_hash_free(reader->diff);
	XXH3_freeState(reader->content);
}

static int from_sink(struct reader *reader, int code)
{
	reader->sink_code = code;
	return code;
}

static int show_progress(struct reader *reader, struct peel_error *err)
{
	const struct layer_sink *sink = reader->sink;
	int code = limits_tick(reader->job->limits, err);

	if (code < 0) {
		return from_sink(reader, code);
	}
	return sink->progress
		? from_sink(reader, sink->progress(sink->arg, stream_tell_in(reader->stream), err))
		: 0;
}

static void pass_input(void *arg, const void *bytes, size_t len)
{
	digest_update(arg, bytes, len);
}

static int take_input(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct reader *reader = arg;

	(void)err;
	digest_update(reader->blob, bytes, len);
	return 0;
}

static int take_output(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct reader *reader = arg;

	(void)err;
	layer_hash_update(reader->diff, bytes, len);
	return 0;
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct reader *reader = arg;
	int code = from_sink(reader, reader->sink->entry(reader->sink->arg, entry, err));

	reader->hashing = reader->content && entry->type == SCAN_FILE;
	if (reader->hashing) {
		XXH3_128bits_reset(reader->content);
	}
	if (code == 0 && ++reader->since_progress >= PROGRESS_ENTRIES) {
		reader->since_progress = 0;
		code = show_progress(reader, err);
	}
	return code;
}

static int take_data(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct reader *reader = arg;

	if (reader->hashing) {
		XXH3_128bits_update(reader->content, bytes, len);
		if (reader->sink->data) {
			reader->sink->data(reader->sink->arg, bytes, len);
		}
	}
	return len > PROGRESS_BYTES ? show_progress(reader, err) : 0;
}

static int end_data(void *arg, struct peel_error *err)
{
	struct reader *reader = arg;
	const struct layer_sink *sink = reader->sink;
	XXH128_canonical_t hash;
	int code;

	if (!reader->hashing) {
		return 0;
	}
	reader->hashing = false;
	XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(reader->content));
	code = sink->hash(sink->arg, hash.digest, err);
	if (code == 0 && sink->end) {
		code = sink->end(sink->arg, err);
	}
	return from_sink(reader, code);
}

static int take_finding(void *arg, const char *what, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	struct reader *reader = arg;
	const struct layer_sink *sink = reader->sink;

	return from_sink(reader,
		sink->finding(sink->arg, what, path, path_len, offset, detail, err));
}

/** Have the stored bytes hashed by a thread of their own. @return false where that cannot be. */
static bool read_ahead(struct reader *reader)
{
	struct peel_error ignored;

	return reader->job->threads && reader->job->layer->codec != PEEL_CODEC_NONE &&
		source_new_ahead(reader->job->raw, pass_input, reader->blob, &reader->ahead,
			&ignored) == 0;
}

static int open_reader(struct reader *reader, struct peel_error *err)
{
	const struct layer_job *job = reader->job;
	bool compressed = job->layer->codec != PEEL_CODEC_NONE;
	bool want_blob = *job->layer->digest && (compressed || job->verify);
	bool want_diff = job->verify || (compressed && !*job->layer->digest);
	struct stream_options options = {
		.points = job->points,
		.input_arg = reader,
		.output = want_diff ? take_output : NULL,
		.output_arg = reader,
		.large = job->large,
		.large_arg = job->large_arg,
		.limits = job->limits,
	};
	int code = 0;

	if (want_blob) {
		code = digest_new(job->layer->digest, &reader->blob, err);
	}
	if (code == 0 && want_diff) {
		code = layer_hash_new(job->layer->diff_id, job->threads && compressed,
			&reader->diff, err);
	}
	if (code == 0 && (compressed || job->verify)) {
		reader->content = XXH3_createState();
		code = reader->content ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code == 0 && want_blob && !read_ahead(reader)) {
		options.input = take_input;
	}
	return code < 0 ? code
			: stream_open(reader->ahead ? reader->ahead : job->raw, job->layer->codec,
				  &options, &reader->stream, err);
}

/** A limit that the layer alone is over cuts it, as an end that comes too early does. */
static bool is_damage(const struct reader *reader, int code)
{
	if (code == PEEL_ELIMIT) {
		return !limits_stopped(reader->job->limits);
	}
	return code == PEEL_EFORMAT || code == PEEL_ETRUNCATED || code == PEEL_EUNSUPPORTED ||
		code == PEEL_EDIGEST;
}

static void compare_digest(struct layer_outcome *outcome, const char *what, const char *claimed,
	const char *found)
{
	char shown[DIGEST_TEXT_SIZE + 8];

	if (!*claimed || !*found || strcmp(claimed, found) == 0) {
		return;
	}
	outcome->state = PEEL_LAYER_BROKEN;
	snprintf(outcome->reason, sizeof(outcome->reason),
		"%s mismatch: the image says %s, the bytes are %s", what,
		peel_text_escape_into(shown, sizeof(shown), claimed, strlen(claimed)), found);
}

static void finish_digests(struct reader *reader, struct layer_outcome *outcome)
{
	const struct peel_layer *layer = reader->job->layer;

	if (reader->ahead) {
		source_ahead_finish(reader->ahead);
	}
	if (reader->blob) {
		digest_text(reader->blob, outcome->blob_hashed);
	}
	if (reader->diff) {
		layer_hash_text(reader->diff, outcome->diff_hashed);
	}
	compare_digest(outcome, "diff ID", layer->diff_id, outcome->diff_hashed);
	compare_digest(outcome, "digest", layer->digest, outcome->blob_hashed);
}

static int report_trailing(struct reader *reader, struct peel_error *err)
{
	uint64_t trailing = stream_trailing(reader->stream);
	char detail[96];

	if (trailing == 0) {
		return 0;
	}
	snprintf(detail, sizeof(detail), "%llu bytes after the end of the compressed data",
		(unsigned long long)trailing);
	return take_finding(reader, "trailing-data", NULL, 0,
		stream_tell_in(reader->stream) - trailing, detail, err);
}

/** Engines take a tar that just ends, but so ends one that was cut between two entries. */
static int report_end(struct reader *reader, const struct scan_result *result,
	struct peel_error *err)
{
	return result->ended ? 0
			     : take_finding(reader, "no-end-blocks", NULL, 0, result->size,
				       "the tar ends without its two zero blocks", err);
}

static int take_large(void *arg, struct peel_error *err)
{
	struct reader *reader = arg;

	return from_sink(reader, reader->sink->large(reader->sink->arg, err));
}

static int take_small(void *arg, struct peel_error *err)
{
	struct reader *reader = arg;

	return from_sink(reader, reader->sink->small(reader->sink->arg, err));
}

static int scan(struct reader *reader, struct scan_result *ret_result, struct peel_error *err)
{
	struct scan_sink sink = {
		.entry = take_entry,
		.finding = take_finding,
		.arg = reader,
		.limits = reader->job->limits,
	};

	if (reader->content) {
		sink.data = take_data;
		sink.end = end_data;
	}
	if (reader->sink->large) {
		sink.large = take_large;
		sink.small = take_small;
	}
	return scan_layer(reader->stream, &sink, ret_result, err);
}

int layer_read(const struct layer_job *job, const struct layer_sink *sink,
	struct layer_outcome *ret_outcome, struct peel_error *err)
{
	cleanup(reader_finish) struct reader reader = {.job = job, .sink = sink};
	struct scan_result result = {0};
	struct peel_error scan_err = {0};
	int code = open_reader(&reader, &scan_err);

	*ret_outcome = (struct layer_outcome){.state = PEEL_LAYER_OK};
	if (code == 0) {
		code = scan(&reader, &result, &scan_err);
		ret_outcome->tar_size = result.size;
	}
	if (reader.sink_code == 0 && is_damage(&reader, code)) {
		ret_outcome->state = PEEL_LAYER_BROKEN;
		snprintf(ret_outcome->reason, sizeof(ret_outcome->reason), "%s", scan_err.message);
		return 0;
	}
	if (code < 0) {
		return peel_fail(err, code, "%s", scan_err.message);
	}
	finish_digests(&reader, ret_outcome);
	code = report_trailing(&reader, err);
	if (code == 0) {
		code = report_end(&reader, &result, err);
	}
	return code < 0 ? code : show_progress(&reader, err);
}
