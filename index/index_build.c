/* SPDX-License-Identifier: Apache-2.0 */
#include "index_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/text.h>

#include "codec.h"
#include "image_priv.h"
#include "tree_read.h"
#include "index_write.h"
#include "points.h"
#include "source.h"
#include "store.h"
#include "tree.h"
#include "util.h"

/** Progress is shown at most this often, nanoseconds. */
#define PROGRESS_INTERVAL 100000000

/** A layer as it comes out of the build. */
struct built_layer {
	struct layer_outcome outcome;
	/** Row of table blob, -1: missing. */
	int64_t blob;
};

struct build {
	struct peel_image *image;
	const struct build_options *options;
	struct store *store;
	struct tree *tree;
	struct built_layer *layers;
	int64_t blobs;
	uint64_t findings;
	/** Stored bytes of all layers, and of those that are done. */
	uint64_t total;
	uint64_t done;
	int64_t last_progress;
	int layer;
	/** Reasons of incompleteness, a line each. */
	char *reasons;
};

static void build_finish(struct build *build)
{
	tree_free(build->tree);
	store_close(build->store);
	free(build->layers);
	free(build->reasons);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int take_progress(void *arg, uint64_t in, struct peel_error *err)
{
	struct build *build = arg;
	const struct build_options *options = build->options;
	int64_t now;
	char what[64];

	if (!options->progress) {
		return 0;
	}
	now = now_ns();
	if (now - build->last_progress < PROGRESS_INTERVAL && build->done + in < build->total) {
		return 0;
	}
	build->last_progress = now;
	snprintf(what, sizeof(what), "layer %d of %d", build->layer + 1,
		peel_image_layer_count(build->image));
	if (options->progress(options->progress_arg, what, build->done + in, build->total) != 0) {
		return peel_fail(err, PEEL_ECANCELED, "canceled");
	}
	return 0;
}

static int take_finding(void *arg, const struct peel_finding *finding, struct peel_error *err)
{
	static const struct peel_finding more = {
		.code = "too-many-findings",
		.layer = -1,
		.offset = UINT64_MAX,
		.detail = "further findings are not listed",
	};
	struct build *build = arg;

	if (++build->findings > INDEX_FINDINGS_MAX) {
		return build->findings == INDEX_FINDINGS_MAX + 1
			? write_finding(build->store, &more, err)
			: 0;
	}
	return write_finding(build->store, finding, err);
}

static int add_reason(struct build *build, int layer, const char *reason, struct peel_error *err)
{
	char *longer = NULL;
	int code = asprintf(&longer, "%s%slayer %d: %s", build->reasons ? build->reasons : "",
		build->reasons ? "\n" : "", layer, reason);

	if (code < 0) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	free(build->reasons);
	build->reasons = longer;
	return 0;
}

/** The blob of a layer that has the same stored bytes, or -1. */
static int64_t same_blob(const struct build *build, int layer)
{
	const struct image_blob *blob = image_layer_blob(build->image, layer);

	for (int i = 0; i < layer; i++) {
		const struct image_blob *other = image_layer_blob(build->image, i);

		if (other && build->layers[i].blob >= 0 && other->offset == blob->offset &&
			other->size == blob->size &&
			strcmp(other->file ? other->file : "", blob->file ? blob->file : "") == 0 &&
			!other->file == !blob->file) {
			return build->layers[i].blob;
		}
	}
	return -1;
}

/** Points of one blob go straight into the index. */
struct blob_points {
	struct store *store;
	int64_t blob;
};

static int add_point(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	struct blob_points *points = arg;
	cleanup_free void *packed = NULL;
	size_t len = 0;
	int code = 0;

	if (point->window_len > 0) {
		code = window_pack(window, point->window_len, &packed, &len, err);
	}
	return code < 0 ? code : write_point(points->store, points->blob, point, packed, len, err);
}

static int read_layer(struct build *build, int i, struct peel_error *err)
{
	const struct peel_layer *layer = peel_image_layer(build->image, i);
	const struct image_blob *where = image_layer_blob(build->image, i);
	struct built_layer *built = &build->layers[i];
	cleanup_source struct source *raw = NULL;
	struct blob_points points = {.store = build->store};
	struct point_sink sink = {.add = add_point, .arg = &points};
	struct layer_job job = {
		.layer = layer,
		.verify = build->options->verify,
		.progress = take_progress,
		.progress_arg = build,
	};
	int code = image_layer_source(build->image, i, &raw, err);

	if (code < 0) {
		return code;
	}
	built->blob = same_blob(build, i);
	if (built->blob < 0) {
		built->blob = ++build->blobs;
		points.blob = built->blob;
		job.points = layer->codec != PEEL_CODEC_NONE ? &sink : NULL;
	}
	job.raw = raw;
	code = tree_read_layer(build->tree, &job, &built->outcome, err);
	if (code == 0 && points.blob) {
		code = write_blob(build->store, built->blob, where, layer->codec,
			built->outcome.tar_size, err);
	}
	return code;
}

static int build_layer(struct build *build, int i, struct peel_error *err)
{
	const struct peel_layer *layer = peel_image_layer(build->image, i);
	struct built_layer *built = &build->layers[i];
	int code = tree_begin_layer(build->tree, i, err);

	build->layer = i;
	built->blob = -1;
	if (code < 0) {
		return code;
	}
	if (layer->state == PEEL_LAYER_OK) {
		code = read_layer(build, i, err);
	} else {
		built->outcome.state = layer->state;
		snprintf(built->outcome.reason, sizeof(built->outcome.reason), "%s",
			layer->state_reason);
	}
	build->done += layer->stored_size;
	if (code == 0 && built->outcome.state != PEEL_LAYER_OK) {
		code = add_reason(build, i, built->outcome.reason, err);
	}
	if (code == 0) {
		code = tree_end_layer(build->tree, err);
	}
	return code < 0 ? peel_wrap(err, "layer %d", i) : 0;
}

static int write_outer(struct build *build, struct peel_error *err)
{
	const struct point_list *points = image_points(build->image);
	const struct image_blob whole = {
		.size = image_file(build->image) ? image_file(build->image)->size : 0};
	int code = write_blob(build->store, 0, &whole, peel_image_codec(build->image),
		image_file_size(build->image), err);

	for (size_t i = 0; code == 0 && points && i < point_list_count(points); i++) {
		size_t len = 0;
		const void *window = NULL;
		const struct point *point = point_list_get(points, i, &window, &len);

		code = write_point(build->store, 0, point, len ? window : NULL, len, err);
	}
	return code;
}

static int write_image(struct build *build, const struct tree_totals *totals,
	struct peel_error *err)
{
	struct peel_image *image = build->image;
	size_t config_len = 0;
	const char *config = peel_image_config(image, &config_len);
	const char *path = peel_image_env_path(image);
	const struct {
		const char *key;
		const char *value;
	} texts[] = {
		{"codec", peel_codec_name(peel_image_codec(image))},
		{"config_digest", peel_image_config_digest(image)},
		{"identity", build->options->identity},
		{"location", build->options->location},
		{"kind", peel_image_kind_name(peel_image_kind(image))},
		{"manifest_digest", peel_image_manifest_digest(image)},
		{"platform", peel_image_platform(image)},
		{"reasons", build->reasons ? build->reasons : ""},
		{"reference", peel_image_reference(image)},
	};
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{"allocated", totals->allocated},
		{"built", (uint64_t)time(NULL)},
		{"bytes", totals->bytes},
		{"complete", build->reasons == NULL},
		{"entries", totals->entries},
		{"nodes", totals->nodes},
		{"root", totals->root_entry},
		{"sparse", totals->any_sparse},
		{"verified", build->options->verify},
		{"xattrs", totals->any_xattrs},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(texts); i++) {
		code = write_value(build->store, texts[i].key, texts[i].value,
			strlen(texts[i].value), err);
	}
	for (size_t i = 0; code == 0 && i < countof(numbers); i++) {
		code = write_number(build->store, numbers[i].key, numbers[i].value, err);
	}
	if (code == 0 && config) {
		code = write_value(build->store, "config", config, config_len, err);
	}
	if (code == 0 && path) {
		code = write_value(build->store, "env_path", path, strlen(path), err);
	}
	return code;
}

static int write_rest(struct build *build, const struct tree_totals *totals, struct peel_error *err)
{
	struct peel_image *image = build->image;
	int code = write_outer(build, err);

	for (int i = 0; code == 0 && i < peel_image_layer_count(image); i++) {
		struct built_layer *built = &build->layers[i];

		code = write_layer(build->store, i, peel_image_layer(image, i),
			tree_layer(build->tree, i), &built->outcome, built->blob, err);
	}
	for (int i = 0; code == 0 && i < peel_image_history_count(image); i++) {
		code = write_history(build->store, i, peel_image_history(image, i), err);
	}
	return code < 0 ? code : write_image(build, totals, err);
}

static int build_all(struct build *build, struct peel_error *err)
{
	struct tree_totals totals = {0};
	int count = peel_image_layer_count(build->image);
	int code = store_create(build->options->fd, build->options->spill_dir, &build->store, err);

	if (code == 0) {
		code = tree_new(build->store, take_finding, build, &build->tree, err);
	}
	for (int i = 0; code == 0 && i < peel_image_finding_count(build->image); i++) {
		code = take_finding(build, peel_image_finding(build->image, i), err);
	}
	for (int i = 0; code == 0 && i < count; i++) {
		build->total += peel_image_layer(build->image, i)->stored_size;
	}
	for (int i = 0; code == 0 && i < count; i++) {
		code = build_layer(build, i, err);
	}
	if (code == 0) {
		code = tree_finish(build->tree, &totals, err);
	}
	if (code == 0) {
		code = write_rest(build, &totals, err);
	}
	if (code == 0) {
		code = store_make_indexes(build->store, err);
	}
	return code < 0 ? code : store_commit(build->store, err);
}

int index_build(struct peel_image *image, const struct build_options *options,
	struct peel_error *err)
{
	cleanup(build_finish) struct build build = {.image = image, .options = options};

	build.layers = calloc((size_t)peel_image_layer_count(image) + 1, sizeof(*build.layers));
	if (!build.layers) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return build_all(&build, err);
}
