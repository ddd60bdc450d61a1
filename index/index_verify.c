/* SPDX-License-Identifier: Apache-2.0 */
/** peel_verify: every stored byte hashed, every tar read to its end; no index, no cache. */
#include <peel/index.h>

#include <stdio.h>
#include <string.h>

#include <peel/text.h>

#include "codec.h"
#include "digest.h"
#include "image_priv.h"
#include "limit.h"
#include "scan.h"
#include "source.h"
#include "util.h"

/** One layer being verified. */
struct check {
	struct stream *stream;
	struct digest *blob;
	struct digest *diff;
	uint64_t done;
	uint64_t total;
	peel_progress_fn *progress;
	void *progress_arg;
	struct limit_watch *limits;
	int layer;
};

static void check_finish(struct check *check)
{
	stream_close(check->stream);
	digest_free(check->blob);
	digest_free(check->diff);
}

static int take_input(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct check *check = arg;
	char what[48];

	digest_update(check->blob, bytes, len);
	check->done += len;
	if (!check->progress) {
		return 0;
	}
	snprintf(what, sizeof(what), "layer %d", check->layer);
	if (check->progress(check->progress_arg, what, check->done, check->total) != 0) {
		return peel_fail(err, PEEL_ECANCELED, "canceled");
	}
	return 0;
}

static int take_output(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct check *check = arg;

	(void)err;
	digest_update(check->diff, bytes, len);
	return 0;
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	(void)arg;
	(void)entry;
	(void)err;
	return 0;
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	(void)arg;
	(void)code;
	(void)path;
	(void)path_len;
	(void)offset;
	(void)detail;
	(void)err;
	return 0;
}

/**
 * Read all of the stream that the scanner left after a damaged header, so that the digests cover
 * it.
 */
static int drain(struct stream *stream, struct peel_error *err)
{
	uint64_t passed = 1;
	int code = 0;

	while (code == 0 && passed > 0) {
		code = stream_pass(stream, 1u << 30, NULL, NULL, &passed, err);
	}
	return code;
}

static const char *compare(const char *claimed, const char *found)
{
	return !*claimed ? "unknown" : strcmp(claimed, found) == 0 ? "ok" : "mismatch";
}

static const char *word_of(int code)
{
	switch (code) {
	case PEEL_ELIMIT:
		return "over-limit";
	case PEEL_ETRUNCATED:
		return "truncated";
	case PEEL_EUNSUPPORTED:
		return "unsupported";
	default:
		return "broken";
	}
}

static bool is_damage(int code)
{
	return code == PEEL_EFORMAT || code == PEEL_ETRUNCATED || code == PEEL_EUNSUPPORTED ||
		code == PEEL_ELIMIT;
}

/** Digests and tar of one layer. @param detail PEEL_MESSAGE_SIZE bytes. */
static int read_layer(struct check *check, struct source *raw, const struct peel_layer *layer,
	struct peel_verdict *verdict, char *detail, struct peel_error *err)
{
	const struct scan_sink sink = {
		.entry = take_entry, .finding = take_finding, .limits = check->limits};
	struct stream_options options = {
		.limits = check->limits,
		.input = take_input,
		.input_arg = check,
		.output = take_output,
		.output_arg = check,
	};
	char blob[DIGEST_TEXT_SIZE];
	char diff[DIGEST_TEXT_SIZE];
	struct scan_result result;
	int tar;
	int decode;
	int code = digest_new(layer->digest, &check->blob, err);

	if (code == 0) {
		code = digest_new(layer->diff_id, &check->diff, err);
	}
	if (code == 0) {
		code = stream_open(raw, layer->codec, &options, &check->stream, err);
	}
	if (code < 0) {
		return code;
	}
	tar = scan_layer(check->stream, &sink, &result, err);
	decode = tar == 0 ? 0 : drain(check->stream, err);
	if (limits_stopped(check->limits) || (tar < 0 && !is_damage(tar)) ||
		(decode < 0 && !is_damage(decode))) {
		return decode < 0 ? decode : tar;
	}
	verdict->tar = tar == 0 ? "ok" : word_of(tar);
	if (tar < 0 && err) {
		snprintf(detail, PEEL_MESSAGE_SIZE, "%s", err->message);
	}
	if (decode < 0) {
		verdict->blob = verdict->diff_id = word_of(decode);
		return 0;
	}
	digest_text(check->blob, blob);
	digest_text(check->diff, diff);
	verdict->blob = compare(layer->digest, blob);
	verdict->diff_id = compare(layer->diff_id, diff);
	if (strcmp(verdict->diff_id, "mismatch") == 0) {
		snprintf(detail, PEEL_MESSAGE_SIZE, "diff ID mismatch: the bytes are %s", diff);
	}
	if (strcmp(verdict->blob, "mismatch") == 0) {
		snprintf(detail, PEEL_MESSAGE_SIZE, "digest mismatch: the bytes are %s", blob);
	}
	return 0;
}

/** The archive ends within the layer. */
static bool is_cut(const struct peel_image *image, int layer)
{
	for (int i = 0; i < peel_image_finding_count(image); i++) {
		const struct peel_finding *finding = peel_image_finding(image, i);

		if (finding->layer == layer && strcmp(finding->code, "truncated-layer") == 0) {
			return true;
		}
	}
	return false;
}

static int verify_layer(struct peel_image *image, int i, struct check *totals,
	struct peel_verdict *verdict, char *detail, struct peel_error *err)
{
	const struct peel_layer *layer = peel_image_layer(image, i);
	cleanup(check_finish) struct check check = *totals;
	cleanup_source struct source *raw = NULL;
	int code;

	*verdict = (struct peel_verdict){
		.layer = i, .blob = "ok", .diff_id = "ok", .tar = "ok", .detail = detail};
	check.layer = i;
	if (layer->state != PEEL_LAYER_OK) {
		const char *word = is_cut(image, i)              ? "truncated"
			: layer->state == PEEL_LAYER_MISSING     ? "missing"
			: layer->state == PEEL_LAYER_UNSUPPORTED ? "unsupported"
								 : "broken";

		verdict->blob = verdict->diff_id = verdict->tar = word;
		snprintf(detail, PEEL_MESSAGE_SIZE, "%s", layer->state_reason);
		return 0;
	}
	code = image_layer_source(image, i, &raw, err);
	if (code == 0) {
		code = read_layer(&check, raw, layer, verdict, detail, err);
	}
	totals->done = check.done;
	return code < 0 ? peel_wrap(err, "layer %d", i) : 0;
}

/** 1 something differs, 3 something could not be read, 0 all well. */
static int status_of(const struct peel_verdict *verdict)
{
	static const struct {
		const char *word;
		int status;
	} words[] = {
		{"broken", 1},
		{"mismatch", 1},
		{"missing", 3},
		{"over-limit", 3},
		{"truncated", 3},
		{"unsupported", 3},
	};
	const char *const found[] = {verdict->blob, verdict->diff_id, verdict->tar};
	int status = 0;

	for (size_t i = 0; i < countof(words); i++) {
		for (size_t j = 0; j < countof(found); j++) {
			if (strcmp(words[i].word, found[j]) == 0 && status != 1) {
				status = words[i].status;
			}
		}
	}
	return status;
}

int peel_verify(const char *reference, const struct peel_image_options *options,
	peel_verdict_fn *each, void *each_arg, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err)
{
	cleanup_image struct peel_image *image = NULL;
	struct check totals = {.progress = progress, .progress_arg = progress_arg};
	struct peel_error own = {0};
	int status = 0;
	int code = peel_image_open(reference, options, &image, err ? err : &own);

	totals.limits = code == 0 ? image_limits(image) : NULL;
	for (int i = 0; code == 0 && i < peel_image_layer_count(image); i++) {
		totals.total += peel_image_layer(image, i)->stored_size;
	}
	for (int i = 0; code == 0 && i < peel_image_layer_count(image); i++) {
		struct peel_verdict verdict;
		char detail[PEEL_MESSAGE_SIZE] = "";
		int found;

		code = verify_layer(image, i, &totals, &verdict, detail, err ? err : &own);
		if (code < 0) {
			break;
		}
		found = status_of(&verdict);
		status = found == 1 || status == 0 ? found : status;
		if (each && each(each_arg, &verdict) != 0) {
			return peel_fail(err, PEEL_ECANCELED, "canceled");
		}
	}
	return code < 0 ? code : status;
}
