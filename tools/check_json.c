/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check as JSON, schema peel/check/1. Of one image its identity, "complete" and the rest stand at the top, as in
 * every document of peel's; of several, "images" has a list of such. "figures" are what budgets_vs measures growth
 * from.
 */
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "detect.h"
#include "format.h"
#include "json_writer.h"

static void write_lines(struct json *json, const char *key, const char *lines)
{
	const char *at;
	int len = 0;

	json_array(json, key);
	while ((at = format_next_line(&lines, &len))) {
		cleanup_free char *line = format_text("%.*s", len, at);

		json_string(json, NULL, line);
	}
	json_close(json);
}

static void write_package(struct json *json, const struct peel_package *package)
{
	if (!package) {
		return;
	}
	json_object(json, "package");
	json_string(json, "db", package->db);
	json_bytes(json, "name", package->name, strlen(package->name));
	json_bytes(json, "version", package->version, strlen(package->version));
	json_close(json);
}

static void write_violation(const struct check_report *report, const struct check_image *image,
	const struct peel_violation *violation, struct json *json)
{
	const char *instruction = violation->instruction ? violation->instruction : "";
	const int line = check_line(report, image, violation);

	json_object(json, NULL);
	json_array(json, "paths");
	for (size_t i = 0; i < violation->path_count; i++) {
		json_object(json, NULL);
		json_bytes(json, "path", violation->paths[i], strlen(violation->paths[i]));
		json_close(json);
	}
	json_close(json);
	json_string(json, "what", violation->what);
	json_bool(json, "visible", violation->visible);
	json_integer(json, "layer", violation->layer);
	if (violation->hidden_by >= 0) {
		json_integer(json, "hidden_by", violation->hidden_by);
	}
	json_bytes(json, "instruction", instruction, strlen(instruction));
	if (line > 0) {
		json_integer(json, "dockerfile_line", line);
	}
	json_unsigned(json, "bytes", violation->bytes);
	write_package(json, violation->package);
	if (violation->evidence_count > 0) {
		detect_json_evidence(json, violation->evidence, violation->evidence_count);
	}
	json_close(json);
}

static void write_result(const struct check_report *report, const struct check_image *image,
	const struct peel_result *result, struct json *json)
{
	json_object(json, NULL);
	json_string(json, "id", result->id);
	json_bytes(json, "file", result->file, strlen(result->file));
	json_integer(json, "line", result->line);
	json_string(json, "rule", result->rule);
	json_string(json, "title", result->title);
	json_string(json, "state", check_state_name(result->state));
	json_string(json, "detail", result->detail);
	json_unsigned(json, "allowed", result->allowed);
	json_unsigned(json, "omitted", result->omitted);
	json_array(json, "violations");
	for (size_t i = 0; i < result->violation_count; i++) {
		write_violation(report, image, &result->violations[i], json);
	}
	json_close(json);
	json_close(json);
}

static void write_figures(const struct check_image *image, struct json *json)
{
	json_object(json, "figures");
	json_unsigned(json, "layers", (uint64_t)peel_layer_count(image->index));
	json_unsigned(json, "shipped_bytes", image->ledger.bytes);
	json_unsigned(json, "visible_bytes", image->ledger.visible_bytes);
	json_unsigned(json, "wasted_bytes", peel_ledger_wasted(&image->ledger));
	json_unsigned(json, "stored_bytes", image->stored_bytes);
	json_close(json);
}

static void write_summary(const struct check_image *image, struct json *json)
{
	json_string(json, "verdict", check_verdict(image->status));
	json_integer(json, "status", image->status);
	json_object(json, "summary");
	json_unsigned(json, "passed", image->passed);
	json_unsigned(json, "failed", image->failed);
	json_unsigned(json, "warned", image->warned);
	json_unsigned(json, "skipped", image->skipped);
	json_unsigned(json, "unsure", image->unsure);
	json_close(json);
	write_lines(json, "reasons", image->failure ? image->failure : image->reasons);
}

static void write_image(const struct check_report *report, const struct check_image *image,
	struct json *json)
{
	write_summary(image, json);
	if (image->index) {
		write_figures(image, json);
	}
	json_array(json, "results");
	for (size_t i = 0; i < image->count; i++) {
		write_result(report, image, &image->results[i], json);
	}
	json_close(json);
}

bool check_write_json(const struct check_report *report, FILE *out)
{
	struct json json = {.out = out};

	if (report->count == 1 && report->images[0].index) {
		json_document(&json, "check", report->images[0].index);
		write_image(report, &report->images[0], &json);
		json_close(&json);
		return true;
	}
	json_object(&json, NULL);
	json_string(&json, "schema", "peel/check/1");
	json_string(&json, "verdict", check_verdict(report->status));
	json_integer(&json, "status", report->status);
	json_array(&json, "images");
	for (size_t i = 0; i < report->count; i++) {
		const struct check_image *image = &report->images[i];

		json_object(&json, NULL);
		json_bytes(&json, "name", image->name, strlen(image->name));
		if (image->index) {
			json_image_members(&json, image->index);
		}
		write_image(report, image, &json);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return true;
}
