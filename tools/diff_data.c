/* SPDX-License-Identifier: Apache-2.0 */
/* The differences for programs: JSON and CSV. */
#include <inttypes.h>
#include <string.h>

#include "csv.h"
#include "diff.h"
#include "format.h"

struct writing {
	struct diff_run *run;
	FILE *out;
	struct json json;
};

static void json_side(struct json *json, struct peel_index *index, const char *key,
	const struct peel_side *side, uint64_t bytes)
{
	const struct peel_package *package = peel_package_get(index, side->package);
	const struct peel_category *category = peel_category_get(index, side->category);

	if (!side->node) {
		json_null(json, key);
		return;
	}
	json_object(json, key);
	json_unsigned(json, "bytes", bytes);
	json_integer(json, "layer", side->layer);
	json_unsigned(json, "mode", side->node->mode);
	json_unsigned(json, "uid", side->node->uid);
	json_unsigned(json, "gid", side->node->gid);
	json_integer(json, "mtime_sec", side->node->mtime_sec);
	json_unsigned(json, "mtime_nsec", side->node->mtime_nsec);
	if (package) {
		json_bytes(json, "package", package->name, strlen(package->name));
		json_bytes(json, "version", package->version, strlen(package->version));
	}
	if (category) {
		json_string(json, "category", category->name);
	}
	json_close(json);
}

static bool json_row(void *arg, const struct diff_row *row)
{
	struct writing *w = arg;
	const struct peel_difference *difference = row->difference;

	json_object(&w->json, NULL);
	json_bytes(&w->json, "path", difference->path, difference->path_len);
	json_array(&w->json, "differs");
	for (unsigned i = 0; i < PEEL_DIFFERS_COUNT; i++) {
		if (difference->differs & 1u << i) {
			json_string(&w->json, NULL, peel_differs_name(1u << i));
		}
	}
	json_close(&w->json);
	json_unsigned(&w->json, "paths", row->paths);
	json_integer(&w->json, "change_bytes", (int64_t)(row->b_bytes - row->a_bytes));
	json_side(&w->json, w->run->a, "a", &difference->a, row->a_bytes);
	json_side(&w->json, w->run->b, "b", &difference->b, row->b_bytes);
	json_close(&w->json);
	return true;
}

static void json_sum(struct json *json, const char *key, const struct bucket_sum *sum)
{
	json_object(json, key);
	json_unsigned(json, "files", sum->files);
	json_unsigned(json, "bytes", sum->bytes);
	json_unsigned(json, "allocated_bytes", sum->allocated);
	json_close(json);
}

/* Which layers of a and of b a row is of; -1: none. */
static void layers_of(const struct diff_run *run, const struct bucket *bucket, int ret_layers[2])
{
	const int layer = (int)strtol(bucket->key + 1, NULL, 10);
	const bool in_a = bucket->key[0] == 'a';

	ret_layers[0] = in_a ? layer : -1;
	ret_layers[1] = in_a ? peel_diff_shared_layer(run->a, run->b, layer) : layer;
}

/* The instruction that made the layers of a row: borrowed from the index. */
static const char *instruction_of(const struct diff_run *run, const int layers[2])
{
	struct peel_layer_stat stat;

	return peel_layer_stat(layers[0] >= 0 ? run->a : run->b,
		       layers[0] >= 0 ? layers[0] : layers[1], &stat, NULL) == 0
		? stat.layer.instruction
		: "";
}

static void json_layers(struct json *json, const struct diff_run *run, const struct bucket *bucket)
{
	static const char *const keys[] = {"layer_a", "layer_b"};
	const char *instruction;
	int layers[2];

	layers_of(run, bucket, layers);
	instruction = instruction_of(run, layers);
	for (size_t i = 0; i < countof(layers); i++) {
		if (layers[i] >= 0) {
			json_integer(json, keys[i], layers[i]);
		}
	}
	json_bytes(json, "instruction", instruction, strlen(instruction));
}

static void json_bucket(struct writing *w, const struct bucket *bucket)
{
	static const char *const keys[] = {[DIFF_BY_FOLDER] = "folder",
		[DIFF_BY_PACKAGE] = "package",
		[DIFF_BY_CATEGORY] = "category"};

	json_object(&w->json, NULL);
	if (w->run->by == DIFF_BY_LAYER) {
		json_layers(&w->json, w->run, bucket);
	} else {
		json_bytes(&w->json, keys[w->run->by], bucket->key, bucket->key_len);
	}
	json_integer(&w->json, "change_bytes",
		(int64_t)(bucket->sums[1].bytes - bucket->sums[0].bytes));
	json_sum(&w->json, "a", &bucket->sums[0]);
	json_sum(&w->json, "b", &bucket->sums[1]);
	json_close(&w->json);
}

static void json_ledger(struct json *json, const char *key, const struct peel_ledger *ledger)
{
	json_object(json, key);
	json_unsigned(json, "files", ledger->files);
	json_unsigned(json, "bytes", ledger->bytes);
	json_unsigned(json, "allocated_bytes", ledger->allocated);
	json_unsigned(json, "visible_bytes", ledger->visible_bytes);
	json_unsigned(json, "wasted_bytes", ledger->bytes - ledger->visible_bytes);
	json_close(json);
}

static void json_totals(struct writing *w, const struct diff_small *small)
{
	const struct peel_diff_totals *totals = &w->run->totals;
	struct json *json = &w->json;

	json_object(json, "smaller");
	json_unsigned(json, "paths", small->paths);
	json_integer(json, "change_bytes", (int64_t)(small->b_bytes - small->a_bytes));
	json_close(json);
	json_unsigned(json, "omitted_rows", small->omitted);
	json_object(json, "totals");
	json_ledger(json, "a", &totals->a);
	json_ledger(json, "b", &totals->b);
	json_integer(json, "shared_layers", totals->shared_layers);
	json_unsigned(json, "shared_bytes", totals->shared_bytes);
	json_unsigned(json, "same", totals->same);
	json_unsigned(json, "differing", totals->differing);
	json_object(json, "by_first_difference");
	for (unsigned i = 0; i < PEEL_DIFFERS_COUNT; i++) {
		json_unsigned(json, peel_differs_name(1u << i), totals->by_bit[i]);
	}
	json_close(json);
	json_close(json);
}

static bool ignore_row(void *arg, const struct diff_row *row)
{
	(void)arg;
	(void)row;
	return true;
}

/* All sums as rows, after the paths were compared for the totals. */
static int write_sums(struct writing *w, void (*write)(struct writing *, const struct bucket *),
	struct diff_small *ret_small, struct peel_error *err)
{
	struct buckets buckets = {0};
	int code = diff_each_row(w->run, ignore_row, NULL, ret_small, err);

	if (code == 0) {
		code = diff_sum(w->run, &buckets, err);
	}
	*ret_small = (struct diff_small){0};
	for (size_t i = 0; code == 0 && i < buckets.count; i++) {
		if (w->run->top && i == w->run->top) {
			ret_small->omitted = buckets.count - i;
			break;
		}
		write(w, &buckets.items[i]);
	}
	buckets_finish(&buckets);
	return code;
}

static int finish(const struct writing *w, int code, const struct peel_error *err)
{
	return code < 0 ? complain_error(err) : w->run->totals.differing ? STATUS_NO : STATUS_OK;
}

int diff_print_json(struct diff_run *run, FILE *out)
{
	struct writing w = {.run = run, .json = {.out = out}};
	struct diff_small small = {0};
	struct peel_error err = {0};
	int code;

	json_pair(&w.json, "diff", run->a, run->b);
	json_array(&w.json, "rows");
	if (run->stat) {
		code = diff_each_row(run, ignore_row, NULL, &small, &err);
		small = (struct diff_small){0};
	} else if (run->by == DIFF_BY_PATH) {
		code = diff_each_row(run, json_row, &w, &small, &err);
	} else {
		code = write_sums(&w, json_bucket, &small, &err);
	}
	json_close(&w.json);
	json_totals(&w, &small);
	json_close(&w.json);
	return finish(&w, code, &err);
}

static void csv_text(FILE *out, const char *text, size_t len)
{
	cleanup_free char *shown = format_escaped(text, len);

	csv_cell(out, shown);
}

static bool csv_row(void *arg, const struct diff_row *row)
{
	struct writing *w = arg;
	char words[DIFF_WORDS_SIZE];

	csv_text(w->out, row->difference->path, row->difference->path_len);
	fprintf(w->out, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,%d\r\n",
		diff_words(words, sizeof(words), row->difference->differs, " "), row->paths,
		row->a_bytes, row->b_bytes, row->difference->a.layer, row->difference->b.layer);
	return true;
}

/* An empty cell where one image has no such layer. */
static void csv_layers(FILE *out, const struct diff_run *run, const struct bucket *bucket)
{
	cleanup_free char *instruction = NULL;
	int layers[2];

	layers_of(run, bucket, layers);
	instruction = format_instruction(instruction_of(run, layers), 0);
	for (size_t i = 0; i < countof(layers); i++) {
		if (layers[i] >= 0) {
			fprintf(out, "%d", layers[i]);
		}
		putc(',', out);
	}
	csv_word(out, instruction ? instruction : "");
}

static void csv_bucket(struct writing *w, const struct bucket *bucket)
{
	if (w->run->by == DIFF_BY_LAYER) {
		csv_layers(w->out, w->run, bucket);
	} else {
		csv_text(w->out, bucket->key, bucket->key_len);
	}
	fprintf(w->out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\r\n",
		bucket->sums[0].files, bucket->sums[1].files, bucket->sums[0].bytes,
		bucket->sums[1].bytes);
}

int diff_print_csv(struct diff_run *run, FILE *out)
{
	static const char *const keys[] = {[DIFF_BY_FOLDER] = "folder",
		[DIFF_BY_PACKAGE] = "package",
		[DIFF_BY_CATEGORY] = "category",
		[DIFF_BY_LAYER] = "layer_a,layer_b,instruction"};
	struct writing w = {.run = run, .out = out};
	struct diff_small small = {0};
	struct peel_error err = {0};
	int code;

	if (run->by == DIFF_BY_PATH) {
		fputs("path,differs,paths,a_bytes,b_bytes,a_layer,b_layer\r\n", out);
		code = diff_each_row(run, run->stat ? ignore_row : csv_row, &w, &small, &err);
	} else {
		fprintf(out, "%s,a_files,b_files,a_bytes,b_bytes\r\n", keys[run->by]);
		code = write_sums(&w, csv_bucket, &small, &err);
	}
	return finish(&w, code, &err);
}
