/* SPDX-License-Identifier: Apache-2.0 */
#include "index_build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peel/text.h>

#include "image_priv.h"
#include "index_facts.h"
#include "index_findings.h"
#include "index_reuse.h"
#include "index_write.h"
#include "layer_crew.h"
#include "limit.h"
#include "points.h"
#include "source.h"
#include "store.h"
#include "store_seal.h"
#include "tree.h"
#include "util.h"

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
	struct crew *crew;
	struct built_layer *layers;
	int64_t blobs;
	struct findings *findings;
	/** Findings of the image file, and those with the layers' own. */
	uint64_t image_findings, layer_findings;
	/** Reasons of incompleteness, a line each. */
	char *reasons;
};

static void build_finish(struct build *build)
{
	crew_free(build->crew);
	tree_free(build->tree);
	findings_free(build->findings);
	store_close(build->store);
	free(build->layers);
	free(build->reasons);
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

static int take_item(struct build *build, int layer, const struct item *item,
	struct peel_error *err)
{
	switch (item->kind) {
	case ITEM_ENTRY:
		return tree_add(build->tree, &item->entry, item->hash, item->told, err);
	case ITEM_FINDING:
		return tree_finding(build->tree, item->code, item->path, item->path_len,
			item->offset, item->detail, err);
	case ITEM_POINT:
		return write_point(build->store, build->layers[layer].blob, &item->point,
			item->window, item->window_len, err);
	case ITEM_FACTS:
		return facts_spool_add(build->options->facts, layer, tree_last_id(build->tree),
			item->record, item->record_len, err);
	}
	return peel_fail(err, PEEL_EINTERNAL, "an unknown item");
}

static int read_layer(struct build *build, int i, struct peel_error *err)
{
	struct built_layer *built = &build->layers[i];
	int first = crew_first(build->crew, i);
	struct item item;
	int code;

	built->blob = first < i ? build->layers[first].blob : ++build->blobs;
	while ((code = crew_next(build->crew, i, &item, err)) > 0) {
		code = take_item(build, i, &item, err);
		if (code < 0) {
			return code;
		}
	}
	if (code < 0) {
		return code;
	}
	built->outcome = *crew_outcome(build->crew, i);
	return first < i
		? 0
		: write_blob(build->store, built->blob, image_layer_blob(build->image, i),
			  peel_image_layer(build->image, i)->codec, built->outcome.tar_size, err);
}

static int build_layer(struct build *build, int i, struct peel_error *err)
{
	const struct peel_layer *layer = peel_image_layer(build->image, i);
	struct built_layer *built = &build->layers[i];
	int code = tree_begin_layer(build->tree, i, err);

	built->blob = -1;
	if (code < 0) {
		return code;
	}
	findings_begin_layer(build->findings, i);
	if (layer->state == PEEL_LAYER_OK) {
		code = read_layer(build, i, err);
	} else {
		built->outcome.state = layer->state;
		snprintf(built->outcome.reason, sizeof(built->outcome.reason), "%s",
			layer->state_reason);
	}
	if (code == 0 && build->options->facts) {
		code = facts_spool_end(build->options->facts, i, err);
	}
	if (code == 0 && built->outcome.state != PEEL_LAYER_OK) {
		code = add_reason(build, i, built->outcome.reason, err);
	}
	if (code == 0) {
		code = tree_end_layer(build->tree, err);
	}
	if (code == 0) {
		code = findings_end_layer(build->findings, err);
	}
	return code < 0 ? peel_wrap(err, "layer %d", i) : 0;
}

/** @param ret_again set where a failure came from what is known, and without it there may be none. */
static int build_layers(struct build *build, const struct crew_known *known, bool *ret_again,
	struct peel_error *err)
{
	const struct crew_options options = {
		.workers = build->options->workers,
		.verify = build->options->verify,
		.known = known,
		.watch = build->options->facts ? facts_spool_watch(build->options->facts) : NULL,
		.findings = INDEX_FINDINGS_MAX + 1,
		.spill_dir = build->options->spill_dir,
		.limits = image_limits(build->image),
		.progress = build->options->progress,
		.progress_arg = build->options->progress_arg,
	};
	int code = crew_start(build->image, &options, &build->crew, err);

	if (code == 0) {
		tree_add_memory(build->tree, crew_spare_memory(build->crew));
	}
	if (code == 0 && options.watch) {
		facts_spool_set_limits(build->options->facts, options.limits);
		code = facts_spool_layers(build->options->facts,
			peel_image_layer_count(build->image), err);
	}
	for (int i = 0; code == 0 && i < peel_image_layer_count(build->image); i++) {
		code = build_layer(build, i, err);
	}
	if (code == 0) {
		code = crew_finish(build->crew, err);
	}
	if (options.watch) {
		facts_spool_set_limits(build->options->facts, NULL);
	}
	*ret_again = code < 0 && build->crew && crew_known_failed(build->crew);
	build->layer_findings = findings_count(build->findings);
	/* Its memory is needed for the merge. */
	crew_free(steal_pointer(&build->crew));
	return code;
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
	char limits[LIMIT_REACHED_TEXT];
	const struct {
		const char *key;
		const char *value;
	} texts[] = {
		{"codec", peel_codec_name(peel_image_codec(image))},
		{"config_digest", peel_image_config_digest(image)},
		{"identity", build->options->identity},
		{"location", build->options->location},
		{"kind", peel_image_kind_name(peel_image_kind(image))},
		{"limits", limits},
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
		{"image_findings", build->image_findings},
		{"layer_findings", build->layer_findings},
		{"matches", image_matches(image)},
		{"nodes", totals->nodes},
		{"root", totals->root_entry},
		{"sparse", totals->any_sparse},
		{"verified", build->options->verify},
		{"xattrs", totals->any_xattrs},
	};
	int code = 0;

	limits_reached_text(image_limits(image), limits);
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

/** An empty index in the file, and what fills it. */
static int open_store(struct build *build, struct peel_error *err)
{
	const struct build_options *options = build->options;
	int code = store_create(options->fd, options->spill_dir, &build->store, err);

	if (code == 0) {
		code = findings_new(build->store, options->spill_dir, &build->findings, err);
	}
	if (code == 0) {
		code = tree_new(build->store, findings_add, build->findings, &build->tree, err);
	}
	if (code == 0) {
		store_set_limits(build->store, image_limits(build->image));
		tree_set_limits(build->tree, image_limits(build->image));
	}
	for (int i = 0; code == 0 && i < peel_image_finding_count(build->image); i++) {
		code = findings_add(build->findings, peel_image_finding(build->image, i), err);
	}
	build->image_findings = code == 0 ? findings_count(build->findings) : 0;
	return code;
}

static int build_all(struct build *build, const struct crew_known *known, bool *ret_again,
	struct peel_error *err)
{
	struct tree_totals totals = {0};
	int code = open_store(build, err);

	if (code == 0) {
		code = build_layers(build, known, ret_again, err);
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

static int build_once(struct peel_image *image, const struct build_options *options,
	const struct crew_known *known, bool *ret_again, struct peel_error *err)
{
	cleanup(build_finish) struct build build = {.image = image, .options = options};

	build.layers = calloc((size_t)peel_image_layer_count(image) + 1, sizeof(*build.layers));
	if (!build.layers) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return build_all(&build, known, ret_again, err);
}

static void cleanup_reuse(struct reuse **reuse)
{
	reuse_free(*reuse);
}

int index_build(struct peel_image *image, const struct build_options *options,
	struct peel_error *err)
{
	cleanup(cleanup_reuse) struct reuse *reuse = NULL;
	/* The image's own part of it. */
	const struct limit_watch before = *image_limits(image);
	bool again = false;
	int code = options->verify ? 0 : reuse_new(options->cache_folder, image, &reuse, err);

	if (code == 0) {
		code = build_once(image, options, reuse_known(reuse), &again, err);
	}
	if (again) {
		/* What was to help is damaged; what it came to does not count. */
		*image_limits(image) = before;
		if (ftruncate(options->fd, 0) < 0) {
			return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
		}
		if (options->facts) {
			code = facts_spool_reset(options->facts, err);
			if (code < 0) {
				return code;
			}
		}
		code = build_once(image, options, NULL, &again, err);
	}
	return code < 0 ? code : store_seal(options->fd, options->spill_dir, err);
}
