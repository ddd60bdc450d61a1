/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel waste --dive-compat: the figures of dive, in the words and the JSON members that its users know. What dive's
 * JSON has beyond figures, the list of every file of each layer, is not there: peel export has it.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cmd.h"
#include "format.h"
#include "waste.h"

/* As dive's humanize.Bytes has it: 80 B, 6.4 kB, 13 kB. Returns buf. */
static const char *human_bytes(char *buf, uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(buf, FORMAT_SIZE, "%" PRIu64 " B", bytes);
		return buf;
	}
	for (value /= 1000; value >= 1000 && unit + 1 < countof(units); unit++) {
		value /= 1000;
	}
	value = floor(value * 10 + 0.5) / 10;
	snprintf(buf, FORMAT_SIZE, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

static void print_analysis(const struct peel_dive *dive, FILE *out)
{
	char bytes[FORMAT_SIZE];

	fputs("Analysis:\n", out);
	fprintf(out, "  efficiency:        %.2f %%\n", dive->efficiency * 100);
	if (dive->wasted_bytes == 0) {
		fputs("  wastedBytes:       0 bytes\n  userWastedPercent: 0 %\n\n", out);
		return;
	}
	fprintf(out, "  wastedBytes:       %" PRIu64 " bytes (%s)\n", dive->wasted_bytes,
		human_bytes(bytes, dive->wasted_bytes));
	if (isinf(dive->user_wasted)) {
		fputs("  userWastedPercent: +Inf %\n\n", out);
	} else {
		fprintf(out, "  userWastedPercent: %.2f %%\n\n", dive->user_wasted * 100);
	}
}

static void print_paths(const struct peel_dive *dive, FILE *out)
{
	if (dive->path_total == 0) {
		fputs("Inefficient Files: (None)\n", out);
		return;
	}
	fputs("Inefficient Files:\n  Count  Wasted Space  File Path\n", out);
	for (size_t i = 0; i < dive->path_count; i++) {
		const struct peel_dive_path *path = &dive->paths[i];
		char bytes[FORMAT_SIZE];

		fprintf(out, "  %-5" PRIu64 "  %-12s  ", path->count,
			human_bytes(bytes, path->bytes));
		peel_text_print(out, path->path, path->path_len);
		putc('\n', out);
	}
	if (dive->path_total > dive->path_count) {
		fprintf(out, "and %zu more: --top 0 shows all\n",
			dive->path_total - dive->path_count);
	}
}

static void print_json(struct peel_index *index, const struct peel_dive *dive, FILE *out)
{
	struct json json = {.out = out};

	json_object(&json, NULL);
	json_array(&json, "layer");
	for (int i = 0; i < peel_layer_count(index); i++) {
		struct peel_layer_stat stat;

		if (peel_layer_stat(index, i, &stat, NULL) < 0) {
			continue;
		}
		json_object(&json, NULL);
		json_integer(&json, "index", i);
		json_bytes(&json, "digestId", stat.layer.diff_id, strlen(stat.layer.diff_id));
		json_unsigned(&json, "sizeBytes", stat.bytes);
		json_bytes(&json, "command", stat.layer.instruction,
			strlen(stat.layer.instruction));
		json_close(&json);
	}
	json_close(&json);
	json_object(&json, "image");
	json_unsigned(&json, "sizeBytes", dive->size_bytes);
	json_unsigned(&json, "inefficientBytes", dive->wasted_bytes);
	json_real(&json, "efficiencyScore", dive->efficiency);
	json_array(&json, "fileReference");
	for (size_t i = 0; i < dive->path_count; i++) {
		json_object(&json, NULL);
		json_unsigned(&json, "count", dive->paths[i].count);
		json_unsigned(&json, "sizeBytes", dive->paths[i].bytes);
		json_bytes(&json, "file", dive->paths[i].path, dive->paths[i].path_len);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	json_close(&json);
}

int waste_dive(struct peel_index *index, const char *format, size_t top, FILE *out)
{
	struct peel_dive *dive = NULL;
	struct peel_error err = {0};

	if (peel_dive(index, top, &dive, &err) < 0) {
		return complain_error(&err);
	}
	if (strcmp(format, "json") == 0) {
		print_json(index, dive, out);
	} else {
		print_analysis(dive, out);
		print_paths(dive, out);
	}
	peel_dive_free(dive);
	return STATUS_OK;
}
