/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image's part of a report: a pass over the ledger for waste and sums, and beside it findings and advice, each
 * of which needs a pass in the other order. None needs anything of the others, so they run side by side: by path for
 * waste, by entry for findings (in ranges) and for advice (in one go).
 *
 * The treemap wants every byte, but no million of cells: a file of at least a five-thousandth of the image is a leaf,
 * the others count with their folder, cut at LEAF_DEPTH, layer, package, category and cause: some thousands of
 * leaves, whose sum is all that is shipped.
 */
#include <string.h>

#include "beside.h"
#include "grow.h"
#include "report.h"

/* Least part of the image's bytes that a leaf of its own has: 1 of these. */
#define LEAF_PARTS 5000
#define LEAF_DEPTH 5
#define UNOWNED_DEPTH 3

static void free_findings(struct report_image *image)
{
	for (size_t i = 0; i < image->finding_count; i++) {
		free(image->findings[i].detector);
		free(image->findings[i].title);
		free(image->findings[i].tier);
		free(image->findings[i].path);
	}
	free(image->findings);
}

static void image_finish(struct report_image *image)
{
	free(image->reasons);
	peel_waste_free(image->waste);
	free(image->categories);
	free(image->packages);
	buckets_finish(&image->unowned);
	buckets_finish(&image->leaves);
	free_findings(image);
	advice_finish(&image->advice);
}

void report_finish(struct report *report)
{
	for (int i = 0; i < report->count; i++) {
		image_finish(&report->images[i]);
	}
	for (size_t i = 0; i < report->change_count; i++) {
		free(report->changes[i].path);
	}
	free(report->changes);
	buckets_finish(&report->by_category);
	buckets_finish(&report->by_folder);
	buckets_finish(&report->by_package);
	buckets_finish(&report->by_layer);
}

static void add(struct bucket_sum *sum, const struct peel_piece *piece)
{
	sum->files++;
	sum->bytes += piece->bytes;
	sum->allocated += piece->allocated;
}

static bool add_unowned(struct report_image *image, const struct peel_piece *piece)
{
	size_t len = bucket_folder(piece->path, piece->path_len, UNOWNED_DEPTH);
	struct bucket *bucket = len ? buckets_get(&image->unowned, piece->path, len)
				    : buckets_get(&image->unowned, "/", 1);

	if (bucket) {
		add(&bucket->sums[0], piece);
	}
	return bucket != NULL;
}

static bool add_leaf(struct report_image *image, const struct peel_piece *piece)
{
	const struct leaf_key head = {.layer = piece->layer,
		.package = piece->package,
		.category = piece->category,
		.cause = piece->visible ? PEEL_CAUSE_NONE : piece->cause};
	size_t len = piece->bytes >= image->leaf_min
		? piece->path_len
		: bucket_folder(piece->path, piece->path_len, LEAF_DEPTH);
	char key[sizeof(head) + PEEL_PATH_MAX];
	struct bucket *bucket;

	memcpy(key, &head, sizeof(head));
	memcpy(key + sizeof(head), piece->path, len);
	bucket = buckets_get(&image->leaves, key, sizeof(head) + len);
	if (bucket) {
		add(&bucket->sums[0], piece);
	}
	return bucket != NULL;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct report_image *image = arg;

	image->no_memory = !add_leaf(image, piece);
	if (piece->visible && !image->no_memory) {
		uint32_t package = piece->package <= image->package_count ? piece->package : 0;

		add(&image->categories[piece->category <= image->category_count ? piece->category
										: 0],
			piece);
		add(&image->packages[package], piece);
		image->no_memory = package == 0 && !add_unowned(image, piece);
	}
	return image->no_memory;
}

static int no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
}

/* Payload of all layers. */
static uint64_t shipped_bytes(struct peel_index *index)
{
	struct peel_layer_stat stat;
	uint64_t bytes = 0;

	for (int i = 0; i < peel_layer_count(index); i++) {
		bytes += peel_layer_stat(index, i, &stat, NULL) == 0 ? stat.bytes : 0;
	}
	return bytes;
}

static int gather_bytes(struct report_image *image, struct peel_error *err)
{
	const struct peel_waste_options options = {
		.top = REPORT_ROWS_MAX, .depth = UNOWNED_DEPTH, .each = take_piece, .arg = image};
	int code;

	image->category_count = peel_category_count(image->index);
	image->package_count = peel_package_count(image->index);
	image->categories = calloc((size_t)image->category_count + 1, sizeof(*image->categories));
	image->packages = calloc((size_t)image->package_count + 1, sizeof(*image->packages));
	if (!image->categories || !image->packages) {
		return no_memory(err);
	}
	image->leaf_min = shipped_bytes(image->index) / LEAF_PARTS + 1;
	code = peel_waste(image->index, &options, &image->waste, err);
	if (image->no_memory) {
		return no_memory(err);
	}
	if (code == 0) {
		buckets_sort(&image->unowned, BUCKETS_BY_BYTES);
		buckets_sort(&image->leaves, BUCKETS_BY_BYTES);
	}
	return code;
}

static bool copy_finding(struct report_finding *to, const struct peel_detection *from)
{
	*to = (struct report_finding){
		.detector = strdup(from->detector),
		.title = strdup(from->title),
		.tier = strdup(peel_tier_name(from->tier)),
		.path = strdup(from->path_count ? from->paths[0] : ""),
		.visible = from->visible,
		.layer = from->layer,
		.bytes = from->bytes,
	};
	to->path_len = to->path ? strlen(to->path) : 0;
	return to->detector && to->title && to->tier && to->path;
}

/*
 * What can run, or holds something that runs, and secrets; payloads and the like would be thousands, and so
 * are archives in
 * some images, which are bytes and no tools.
 */
static bool is_worth_a_row(const struct peel_detection *detection)
{
	return (detection->tier == PEEL_TIER_INTERPRETER ||
		       detection->tier == PEEL_TIER_EMBEDDER) &&
		strcmp(detection->detector, "archive") != 0;
}

static int take_finding(void *arg, const struct peel_detection *detection)
{
	struct report_image *image = arg;

	if (!is_worth_a_row(detection)) {
		return 0;
	}
	if (image->finding_count == REPORT_ROWS_MAX) {
		image->findings_left_out++;
		return 0;
	}
	image->findings_failed = !grow_array(&image->findings, image->finding_count,
		&image->finding_room, sizeof(*image->findings));
	if (!image->findings_failed) {
		image->findings_failed = !copy_finding(&image->findings[image->finding_count],
			detection);
		image->finding_count++;
	}
	return image->findings_failed;
}

static int gather_findings(void *arg, struct peel_error *err)
{
	struct report_image *image = arg;
	struct peel_detectors *detectors = NULL;
	int code = peel_detectors_load(NULL, 0, &detectors, err);

	if (code == 0) {
		code = peel_detect(image->index, detectors, NULL, 0, take_finding, image, NULL,
			err);
	}
	peel_detectors_free(detectors);
	return image->findings_failed ? no_memory(err) : code;
}

static int gather_advice(void *arg, struct peel_error *err)
{
	struct report_image *image = arg;
	return advice_gather(&image->advice, image->index, REPORT_ADVICE_MIN, err);
}

int report_gather_image(struct report_image *image, struct peel_error *err)
{
	struct beside findings;
	struct beside advice;
	int code;

	beside_start(&findings, gather_findings, image);
	beside_start(&advice, gather_advice, image);
	code = gather_bytes(image, err);
	code = beside_join(&advice, code, err);
	code = beside_join(&findings, code, err);
	/* What was met on the way is among them. */
	return code < 0 ? code : peel_detect_reasons(image->index, &image->reasons, err);
}
