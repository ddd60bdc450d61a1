/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JSON, which is what the HTML page draws from: the same document stands in it. The leaves of
 * the treemap are
 * columns, not objects, because they are thousands.
 */
#include <string.h>

#include "report.h"

/* Writes the report's parts. */
struct writing {
	const struct report *report;
	struct json json;
};

static void text(struct json *json, const char *key, const char *bytes)
{
	json_bytes(json, key, bytes, strlen(bytes));
}

static void layer_number(struct json *json, const char *key, int layer)
{
	if (layer < 0) {
		json_null(json, key);
	} else {
		json_integer(json, key, layer);
	}
}

static void write_sum(struct json *json, const struct bucket_sum *sum)
{
	json_unsigned(json, "files", sum->files);
	json_unsigned(json, "bytes", sum->bytes);
	json_unsigned(json, "allocated_bytes", sum->allocated);
}

/* How many rows are not in an array that ends at REPORT_ROWS_MAX. */
static void write_left_out(struct json *json, const char *key, size_t count)
{
	json_unsigned(json, key, count > REPORT_ROWS_MAX ? count - REPORT_ROWS_MAX : 0);
}

static void write_totals(struct json *json, const struct report_image *image)
{
	const struct peel_ledger *total = &image->waste->total;

	json_object(json, "totals");
	json_unsigned(json, "files", total->files);
	json_unsigned(json, "bytes", total->bytes);
	json_unsigned(json, "allocated_bytes", total->allocated);
	json_unsigned(json, "visible_files", total->visible_files);
	json_unsigned(json, "visible_bytes", total->visible_bytes);
	json_unsigned(json, "visible_allocated_bytes", total->visible_allocated);
	json_unsigned(json, "wasted_bytes", peel_ledger_wasted(total));
	json_unsigned(json, "stored_bytes", stored_bytes(image->index));
	json_close(json);
}

static void write_layers(struct json *json, const struct report_image *image)
{
	json_array(json, "layers");
	for (int i = 0; i < peel_layer_count(image->index); i++) {
		const struct peel_ledger *ledger = &image->waste->layers[i];
		struct peel_layer_stat stat;

		if (peel_layer_stat(image->index, i, &stat, NULL) < 0) {
			continue;
		}
		json_object(json, NULL);
		json_integer(json, "layer", i);
		text(json, "created", stat.layer.created);
		text(json, "instruction", stat.layer.instruction);
		text(json, "digest", *stat.layer.digest ? stat.layer.digest : stat.layer.diff_id);
		json_unsigned(json, "files", ledger->files);
		json_unsigned(json, "bytes", ledger->bytes);
		json_unsigned(json, "allocated_bytes", ledger->allocated);
		json_unsigned(json, "stored_bytes", stat.layer.stored_size);
		json_unsigned(json, "visible_bytes", ledger->visible_bytes);
		json_unsigned(json, "wasted_bytes", peel_ledger_wasted(ledger));
		json_close(json);
	}
	json_close(json);
}

static void write_causes(struct json *json, const struct report_image *image)
{
	const struct peel_ledger *total = &image->waste->total;

	json_array(json, "causes");
	for (int cause = 1; cause < PEEL_CAUSE_COUNT; cause++) {
		if (total->wasted_files[cause] == 0) {
			continue;
		}
		json_object(json, NULL);
		json_string(json, "cause", peel_cause_name((enum peel_cause)cause));
		json_unsigned(json, "files", total->wasted_files[cause]);
		json_unsigned(json, "bytes", total->wasted_bytes[cause]);
		json_close(json);
	}
	json_close(json);
}

static void write_waste(struct json *json, const struct report_image *image)
{
	const struct peel_waste *waste = image->waste;

	json_array(json, "waste_pairs");
	for (size_t i = 0; i < waste->pair_count && i < REPORT_ROWS_MAX; i++) {
		const struct peel_waste_pair *pair = &waste->pairs[i];
		struct peel_layer_stat stat;
		bool known = pair->hidden_by >= 0 &&
			peel_layer_stat(image->index, pair->hidden_by, &stat, NULL) == 0;

		json_object(json, NULL);
		json_integer(json, "layer", pair->layer);
		layer_number(json, "hidden_by", pair->hidden_by);
		json_string(json, "cause", peel_cause_name(pair->cause));
		json_unsigned(json, "files", pair->files);
		json_unsigned(json, "bytes", pair->bytes);
		text(json, "instruction", known ? stat.layer.instruction : "");
		json_close(json);
	}
	json_close(json);
	write_left_out(json, "waste_pairs_left_out", waste->pair_count);
	json_array(json, "waste_paths");
	for (size_t i = 0; i < waste->path_count; i++) {
		const struct peel_waste_path *path = &waste->paths[i];

		json_object(json, NULL);
		json_bytes(json, "path", path->path, path->path_len);
		json_string(json, "cause", peel_cause_name(path->cause));
		json_integer(json, "layer", path->layer);
		layer_number(json, "hidden_by", path->hidden_by);
		json_unsigned(json, "bytes", path->bytes);
		json_close(json);
	}
	json_close(json);
	json_unsigned(json, "waste_paths_left_out", waste->path_total - waste->path_count);
}

static void write_categories(struct json *json, const struct report_image *image)
{
	json_array(json, "categories");
	for (uint32_t i = 1; i <= image->category_count; i++) {
		const struct peel_category *category = peel_category_get(image->index, i);

		if (image->categories[i].files == 0) {
			continue;
		}
		json_object(json, NULL);
		json_string(json, "name", category->name);
		json_string(json, "title", category->title);
		json_string(json, "group", category->group);
		write_sum(json, &image->categories[i]);
		json_close(json);
	}
	json_close(json);
}

static void write_packages(struct json *json, const struct report_image *image)
{
	json_array(json, "packages");
	for (uint32_t i = 1; i <= image->package_count; i++) {
		const struct peel_package *package = peel_package_get(image->index, i);

		json_object(json, NULL);
		json_string(json, "db", package->db);
		text(json, "name", package->name);
		text(json, "version", package->version);
		json_integer(json, "layer", package->layer);
		write_sum(json, &image->packages[i]);
		json_close(json);
	}
	json_close(json);
	json_array(json, "unowned");
	for (size_t i = 0; i < image->unowned.count && i < REPORT_ROWS_MAX; i++) {
		const struct bucket *bucket = &image->unowned.items[i];

		json_object(json, NULL);
		json_bytes(json, "path", bucket->key, bucket->key_len);
		write_sum(json, &bucket->sums[0]);
		json_close(json);
	}
	json_close(json);
	write_left_out(json, "unowned_left_out", image->unowned.count);
}

static void write_finding(struct json *json, const struct report_finding *finding, const char *side)
{
	json_object(json, NULL);
	if (side) {
		json_string(json, "side", side);
	}
	json_string(json, "detector", finding->detector);
	json_string(json, "tier", finding->tier);
	text(json, "title", finding->title);
	json_bytes(json, "path", finding->path, finding->path_len);
	json_bool(json, "visible", finding->visible);
	layer_number(json, "layer", finding->layer);
	json_unsigned(json, "bytes", finding->bytes);
	json_close(json);
}

static void write_findings(struct json *json, const struct report_image *image)
{
	json_array(json, "findings");
	for (size_t i = 0; i < image->finding_count; i++) {
		write_finding(json, &image->findings[i], NULL);
	}
	json_close(json);
	json_unsigned(json, "findings_left_out", image->findings_left_out);
}

/* The head of a leaf's key. */
static struct leaf_key leaf_head(const struct bucket *bucket)
{
	struct leaf_key head;

	memcpy(&head, bucket->key, sizeof(head));
	return head;
}

enum leaf_column {
	LEAF_BYTES,
	LEAF_FILES,
	LEAF_LAYER,
	LEAF_PACKAGE,
	LEAF_CATEGORY,
	LEAF_CAUSE,
};

static uint64_t leaf_number(const struct bucket *bucket, enum leaf_column column)
{
	const struct leaf_key head = leaf_head(bucket);

	switch (column) {
	case LEAF_BYTES:
		return bucket->sums[0].bytes;
	case LEAF_FILES:
		return bucket->sums[0].files;
	case LEAF_LAYER:
		return (uint64_t)head.layer;
	case LEAF_PACKAGE:
		return head.package;
	case LEAF_CATEGORY:
		return head.category;
	case LEAF_CAUSE:
		return head.cause;
	}
	return 0;
}

static void write_leaf_columns(struct json *json, const struct report_image *image)
{
	static const char *const columns[] = {[LEAF_BYTES] = "bytes",
		[LEAF_FILES] = "files",
		[LEAF_LAYER] = "layer",
		[LEAF_PACKAGE] = "package",
		[LEAF_CATEGORY] = "category",
		[LEAF_CAUSE] = "cause"};

	json_array(json, "path");
	for (size_t i = 0; i < image->leaves.count; i++) {
		const char *path = image->leaves.items[i].key + sizeof(struct leaf_key);

		json_element(json, *path ? path : "/");
	}
	json_close(json);
	for (size_t column = 0; column < countof(columns); column++) {
		json_array(json, columns[column]);
		for (size_t i = 0; i < image->leaves.count; i++) {
			json_unsigned(json, NULL,
				leaf_number(&image->leaves.items[i], (enum leaf_column)column));
		}
		json_close(json);
	}
}

/* What the numbers in the columns mean; 0 is nothing. */
static void write_leaf_names(struct json *json, const struct report_image *image)
{
	json_array(json, "packages");
	json_string(json, NULL, "");
	for (uint32_t i = 1; i <= image->package_count; i++) {
		json_element(json, peel_package_get(image->index, i)->name);
	}
	json_close(json);
	json_array(json, "categories");
	json_string(json, NULL, "");
	for (uint32_t i = 1; i <= image->category_count; i++) {
		json_string(json, NULL, peel_category_get(image->index, i)->title);
	}
	json_close(json);
	json_array(json, "causes");
	for (int cause = 0; cause < PEEL_CAUSE_COUNT; cause++) {
		json_string(json, NULL, peel_cause_name((enum peel_cause)cause));
	}
	json_close(json);
}

static void write_image(struct json *json, const struct report_image *image)
{
	json_object(json, NULL);
	text(json, "name", image->name);
	json_image(json, image->index);
	json_reasons(json, image->reasons);
	write_totals(json, image);
	write_layers(json, image);
	write_causes(json, image);
	write_waste(json, image);
	write_categories(json, image);
	write_packages(json, image);
	write_findings(json, image);
	advice_json(&image->advice, json);
	json_object(json, "leaves");
	write_leaf_names(json, image);
	write_leaf_columns(json, image);
	json_close(json);
	json_close(json);
}

static void write_sides(struct json *json, uint64_t a, uint64_t b)
{
	json_unsigned(json, "a_bytes", a);
	json_unsigned(json, "b_bytes", b);
	json_integer(json, "change_bytes", (int64_t)(b - a));
}

static void write_buckets(struct json *json, const char *key, const struct buckets *buckets)
{
	char left_out[64];

	snprintf(left_out, sizeof(left_out), "%s_left_out", key);
	json_array(json, key);
	for (size_t i = 0; i < buckets->count && i < REPORT_ROWS_MAX; i++) {
		const struct bucket *bucket = &buckets->items[i];

		json_object(json, NULL);
		json_bytes(json, "key", bucket->key, bucket->key_len);
		write_sides(json, bucket->sums[0].bytes, bucket->sums[1].bytes);
		json_close(json);
	}
	json_close(json);
	write_left_out(json, left_out, buckets->count);
}

static void write_layer_buckets(struct writing *w)
{
	const struct diff_run *run = &w->report->diff;
	char key[512];

	json_array(&w->json, "by_layer");
	for (size_t i = 0; i < w->report->by_layer.count; i++) {
		const struct bucket *bucket = &w->report->by_layer.items[i];

		diff_layer_name(key, sizeof(key), run, bucket);
		json_object(&w->json, NULL);
		json_string(&w->json, "key", key);
		write_sides(&w->json, bucket->sums[0].bytes, bucket->sums[1].bytes);
		json_close(&w->json);
	}
	json_close(&w->json);
}

static void write_changes(struct writing *w)
{
	char words[DIFF_WORDS_SIZE];

	json_array(&w->json, "rows");
	for (size_t i = 0; i < w->report->change_count; i++) {
		const struct report_change *change = &w->report->changes[i];

		json_object(&w->json, NULL);
		json_bytes(&w->json, "path", change->path, change->path_len);
		json_string(&w->json, "differs",
			diff_words(words, sizeof(words), change->differs, " "));
		json_unsigned(&w->json, "paths", change->paths);
		write_sides(&w->json, change->a_bytes, change->b_bytes);
		json_close(&w->json);
	}
	json_close(&w->json);
	json_unsigned(&w->json, "rows_left_out", w->report->changes_left_out);
	json_array(&w->json, "ignored");
	json_string(&w->json, NULL, "mtime");
	json_close(&w->json);
}

static void write_alone(struct writing *w)
{
	json_array(&w->json, "tools");
	for (int side = 0; side < 2; side++) {
		const struct report_image *image = &w->report->images[side];

		for (size_t i = 0; i < image->finding_count; i++) {
			if (report_alone(&w->report->images[!side], &image->findings[i])) {
				write_finding(&w->json, &image->findings[i], side ? "B" : "A");
			}
		}
	}
	json_close(&w->json);
}

static void write_diff(struct writing *w)
{
	const struct peel_diff_totals *totals = &w->report->diff.totals;

	json_object(&w->json, "diff");
	json_integer(&w->json, "shared_layers", totals->shared_layers);
	json_unsigned(&w->json, "shared_bytes", totals->shared_bytes);
	json_unsigned(&w->json, "same", totals->same);
	json_unsigned(&w->json, "differing", totals->differing);
	write_buckets(&w->json, "by_category", &w->report->by_category);
	write_buckets(&w->json, "by_folder", &w->report->by_folder);
	write_buckets(&w->json, "by_package", &w->report->by_package);
	write_layer_buckets(w);
	write_changes(w);
	write_alone(w);
	json_close(&w->json);
}

int report_print_json(const struct report *report, FILE *out)
{
	struct writing w = {.report = report, .json = {.out = out, .compact = true}};

	json_object(&w.json, NULL);
	json_string(&w.json, "schema", "peel/report/1");
	json_array(&w.json, "images");
	for (int i = 0; i < report->count; i++) {
		write_image(&w.json, &report->images[i]);
	}
	json_close(&w.json);
	if (report->count == 2) {
		write_diff(&w);
	}
	json_close(&w.json);
	return STATUS_OK;
}
