/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel detect: what is in an image that should not be, and what says so. Findings come sorted from the library; tables
 * show the first of each tier, documents for programs show all.
 */
#include <inttypes.h>
#include <string.h>

#include "cage.h"
#include "cmd.h"
#include "detect.h"
#include "format.h"

/* Rows of a detector's tier where --top says nothing. */
#define TOP_DEFAULT 10

static int take(void *arg, const struct peel_detection *found)
{
	struct detect_run *run = arg;
	const struct detect_values *values = run->values;

	if ((values->runtime && !found->visible) || !(run->tiers & 1u << found->tier)) {
		return 0;
	}
	run->fatal += (run->fatal_tiers & 1u << found->tier) != 0;
	return run->take(run, found);
}

/* Ask, and hand each finding to the document that is being written. */
static int find(struct detect_run *run, struct peel_index *index)
{
	struct peel_error err = {0};
	int r = peel_detect(index, run->detectors, run->names, run->name_count, take, run, NULL,
		&err);

	if (r < 0) {
		return complain_error(&err);
	}
	if (r > 0) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	return run->fatal ? STATUS_NO : STATUS_OK;
}

/* A limit may have been hit while it was answered. */
static int learn_again(struct detect_image *image)
{
	struct peel_error err = {0};

	free(image->reasons);
	image->reasons = NULL;
	return peel_detect_reasons(image->index, &image->reasons, &err) < 0 ? complain_error(&err)
									    : STATUS_OK;
}

/* One image in the document at hand. */
static int emit_image(struct detect_run *run, struct detect_image *image)
{
	int status = STATUS_INCONCLUSIVE;

	run->image = image;
	if (!detect_begin_image(run)) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		status = STATUS_ERROR;
	} else if (image->index) {
		status = find(run, image->index);
		status = worse_status(status, learn_again(image));
		status = image->reasons ? worse_status(status, STATUS_INCONCLUSIVE) : status;
	}
	detect_end_image(run);
	return status;
}

static int emit_detect(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	struct detect_run run = *(const struct detect_run *)arg;
	int status = STATUS_OK;

	(void)call;
	(void)index;
	run.out = out;
	run.top = run.values->top.set ? run.values->top.value : TOP_DEFAULT;
	detect_begin(&run, format);
	for (size_t i = 0; i < run.image_count; i++) {
		status = worse_status(status, emit_image(&run, &run.images[i]));
	}
	detect_end(&run);
	return status;
}

static int print_list(const struct peel_detectors *detectors)
{
	const struct column columns[] = {{"DETECTOR", false}, {"WHAT IT FINDS", false}};
	struct table *table = table_new(stdout, columns, countof(columns), true);
	bool fine = table != NULL;

	for (size_t i = 0; fine && i < peel_detector_count(detectors); i++) {
		const struct peel_detector *detector = peel_detector_get(detectors, i);
		cleanup_free char *title = NULL;
		const char *cells[] = {detector->name, NULL};

		fine = peel_text_escape(detector->title, strlen(detector->title), &title) == 0;
		cells[1] = title;
		fine = fine && table_row(table, cells);
	}
	table_finish(table);
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return fine ? STATUS_OK : STATUS_ERROR;
}

static const char *detector_name_at(const void *arg, size_t i)
{
	const struct peel_detector *detector = peel_detector_get(arg, i);

	return detector ? detector->name : NULL;
}

/* Are the detectors that are asked for there? */
static int check_names(const struct call *call, const struct detect_run *run)
{
	for (size_t i = 0; i < run->name_count; i++) {
		const char *name = run->names[i];
		const char *near;
		char shown[64];
		size_t at = 0;

		while (at < peel_detector_count(run->detectors) &&
			strcmp(peel_detector_get(run->detectors, at)->name, name) != 0) {
			at++;
		}
		if (at < peel_detector_count(run->detectors)) {
			continue;
		}
		near = nearest_name(name, detector_name_at, run->detectors);
		peel_text_escape_into(shown, sizeof(shown), name, strlen(name));
		return near ? complain_usage(call, "there is no detector '%s'; did you mean '%s'?",
				      shown, near)
			    : complain_usage(call, "there is no detector '%s': --list shows all",
				      shown);
	}
	return STATUS_OK;
}

/* "interpreter,embedder" to bits. */
static int take_tiers(const struct call *call, struct detect_run *run)
{
	const struct opt_list *tiers = &run->values->tiers;

	run->fatal_tiers = 1u << PEEL_TIER_INTERPRETER | 1u << PEEL_TIER_EMBEDDER;
	run->tiers = tiers->count ? 0 : ~0u;
	for (int i = 0; i < tiers->count; i++) {
		const char *at = tiers->items[i];

		while (*at) {
			const size_t len = strcspn(at, ",");
			char word[32];
			enum peel_tier tier;

			snprintf(word, sizeof(word), "%.*s", (int)len, at);
			tier = peel_tier_parse(word);
			if (!tier) {
				char shown[64];

				return complain_usage(call,
					"--tier takes interpreter, embedder, payload, dependent or "
					"declared, not '%s'",
					peel_text_escape_into(shown, sizeof(shown), at, len));
			}
			run->tiers |= 1u << tier;
			at += len + (at[len] == ',');
		}
	}
	run->fatal_tiers = tiers->count ? run->tiers : run->fatal_tiers;
	return STATUS_OK;
}

/* Open an image. nth as in struct peel_image_options. */
static int open_image(struct call *call, struct detect_run *run, unsigned int nth,
	unsigned int *ret_matches, struct peel_error *err)
{
	struct detect_image *image = &run->images[run->image_count];
	struct peel_index_options options;
	int r;

	index_options(call, &options);
	options.allow_missing = true;
	options.image.nth = nth;
	options.image.ret_matches = ret_matches;
	r = open_index(call, 0, &options, &image->index, err);
	progress_clear();
	if (r < 0) {
		return r;
	}
	run->image_count++;
	complain_incomplete(call, call->argv[0], image->index);
	return 0;
}

/* Why what an image says may not be all. Nothing else can be opened from here on. */
static int learn_reasons(struct call *call, struct detect_run *run)
{
	struct peel_index *indexes[DETECT_IMAGES_MAX];
	struct peel_error err = {0};
	int status;

	for (size_t i = 0; i < run->image_count; i++) {
		indexes[i] = run->images[i].index;
	}
	status = cage_enter(call, indexes, (int)run->image_count);
	for (size_t i = 0; status == STATUS_OK && i < run->image_count; i++) {
		struct detect_image *image = &run->images[i];

		if (!image->index) {
			continue;
		}
		if (peel_detect_reasons(image->index, &image->reasons, &err) < 0) {
			return complain_error(&err);
		}
		complain_detect_reasons(call, image->index, image->reasons);
	}
	return status;
}

static int open_all(struct call *call, struct detect_run *run)
{
	unsigned int matches = 1;

	for (unsigned int nth = 1; nth <= matches; nth++) {
		struct peel_error err = {0};

		if (nth > DETECT_IMAGES_MAX) {
			complain("more than %d images", DETECT_IMAGES_MAX);
			return STATUS_ERROR;
		}
		int r = open_image(call, run, nth, &matches, &err);

		if (matches > 1 && peel_reference_is_stdin(call->argv[0])) {
			complain(
				"standard input holds %u images and can be read once; write it to a file",
				matches);
			return STATUS_ERROR;
		}
		if (r >= 0) {
			continue;
		}
		if (matches == 0 || !open_is_absent(&err)) {
			return complain_error(&err);
		}
		complain_error(&err);
		run->images[run->image_count].reasons = format_text("%s", err.message);
		run->images[run->image_count++].absent = true;
	}
	return STATUS_OK;
}

static int look_at_images(struct call *call, struct detect_run *run)
{
	struct peel_error err = {0};
	int status = STATUS_OK;

	call->detectors = run->detectors;
	if (run->values->all_platforms) {
		status = open_all(call, run);
	} else if (open_image(call, run, 0, NULL, &err) < 0) {
		status = complain_error(&err);
	}
	status = status == STATUS_OK ? learn_reasons(call, run) : status;
	if (status != STATUS_OK) {
		return status;
	}
	status = emit_all(call, NULL, emit_detect, run);
	for (size_t i = 0; i < run->image_count && status != STATUS_ERROR; i++) {
		status = run->images[i].absent ? worse_status(status, STATUS_INCONCLUSIVE)
					       : reading_status(run->images[i].index, status);
	}
	return status;
}

static void close_images(struct detect_run *run)
{
	for (size_t i = 0; i < run->image_count; i++) {
		peel_index_close(run->images[i].index);
		free(run->images[i].reasons);
	}
}

static void cleanup_detectors(struct peel_detectors **detectors)
{
	peel_detectors_free(*detectors);
}

static int run_detect(struct call *call)
{
	const struct detect_values *values = call->values;
	__attribute__((__cleanup__(cleanup_detectors))) struct peel_detectors *detectors = NULL;
	struct detect_image images[DETECT_IMAGES_MAX] = {0};
	struct detect_run run = {.values = values, .images = images};
	struct peel_error err = {0};
	int status;

	if (peel_detectors_load(values->files.items, (size_t)values->files.count, &detectors,
		    &err) < 0) {
		return complain_error(&err);
	}
	if (values->list) {
		return print_list(detectors);
	}
	if (call->argc == 0) {
		return complain_usage(call, "detect takes an IMAGE");
	}
	run.detectors = detectors;
	run.names = (const char *const *)call->argv + 1;
	run.name_count = (size_t)call->argc - 1;
	status = check_names(call, &run);
	status = status ? status : take_tiers(call, &run);
	if (values->all_platforms && (call->shared.platform || call->shared.index_file)) {
		return complain_usage(call,
			"--all-platforms goes with neither --platform nor --index");
	}
	status = status ? status : look_at_images(call, &run);
	close_images(&run);
	return status;
}

#define AT(member) offsetof(struct detect_values, member)

static const struct opt detect_options[] = {
	{0, "all-platforms", NULL, OPT_FLAG, AT(all_platforms), "every image that the file holds"},
	{0, "detectors", "FILE", OPT_LIST, AT(files),
		"add detectors of FILE, or replace those of its names"},
	{0, "list", NULL, OPT_FLAG, AT(list), "show the detectors, and no image"},
	{0, "runtime", NULL, OPT_FLAG, AT(runtime), "only what the merged tree shows"},
	{0, "tier", "TIER", OPT_LIST, AT(tiers),
		"only interpreter, embedder, payload, dependent, declared; several with commas"},
	{0, "top", "N", OPT_NUMBER, AT(top), "rows of each tier in tables (10); 0: all"},
	{0},
};

const struct verb cmd_detect = {
	.name = "detect",
	.operands = "IMAGE [WHAT...]",
	.summary = "find interpreters, compilers, shells and secrets in every layer",
	.details =
		"WHAT is the name of a detector, such as python or shell; all of them without it.\n"
		"A finding is runtime-visible where the merged tree shows it, and shipped where a\n"
		"layer holds it, deleted above or not. The status is 1 where the tiers interpreter\n"
		"or embedder, or those of --tier, have findings, and 3 where not all could be seen.\n",
	.options = detect_options,
	.values_size = sizeof(struct detect_values),
	.image = true,
	.facts = true,
	.formats = "table json csv markdown",
	.min_operands = 0,
	.max_operands = -1,
	.run = run_detect,
};
