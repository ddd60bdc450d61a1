/* SPDX-License-Identifier: Apache-2.0 */
/* peel inspect: what is in an image file: images, configuration, layers, anomalies. */
#include <string.h>

#include "cage.h"
#include "cmd.h"
#include "format.h"
#include "json_writer.h"

/* Most words of one fact's key. */
#define KEY_SIZE 32

/* What both formats print from. image is NULL where it cannot be opened a second time (standard input). */
struct inspection {
	struct peel_index *index;
	struct peel_image *image;
	FILE *out;
	struct json json;
	/* Key of the fact before, to join lists. */
	char key[KEY_SIZE];
	uint64_t findings;
};

static void print_line(FILE *out, const char *name, const char *value)
{
	if (*value) {
		fprintf(out, "%-12s ", name);
		peel_text_print(out, value, strlen(value));
		putc('\n', out);
	}
}

static void print_identity(struct inspection *inspection)
{
	static const struct {
		const char *name;
		const char *key;
	} lines[] = {
		{"reference", "reference"},
		{"kind", "kind"},
		{"compression", "codec"},
		{"platform", "platform"},
		{"manifest", "manifest_digest"},
		{"config", "config_digest"},
	};
	const char *reasons = peel_index_incomplete_reasons(inspection->index);
	const char *line;
	int len = 0;

	for (size_t i = 0; i < countof(lines); i++) {
		print_line(inspection->out, lines[i].name,
			peel_image_value(inspection->index, lines[i].key));
	}
	print_line(inspection->out, "complete",
		peel_index_complete(inspection->index) ? "yes" : "no");
	while ((line = format_next_line(&reasons, &len))) {
		fprintf(inspection->out, "%12s %.*s\n", "", len, line);
	}
}

static int print_totals(struct inspection *inspection, struct peel_error *err)
{
	struct peel_totals totals;
	char size[FORMAT_SIZE];
	char allocated[FORMAT_SIZE];
	int r = peel_totals(inspection->index, &totals, err);

	if (r >= 0) {
		fprintf(inspection->out,
			"%-12s %llu files, folders and links; %s in files, %s allocated\n", "shows",
			(unsigned long long)totals.nodes, format_bytes(size, totals.bytes),
			format_bytes(allocated, totals.allocated));
	}
	return r;
}

static void print_images(struct inspection *inspection)
{
	int count = inspection->image ? peel_image_candidate_count(inspection->image) : 0;

	if (count == 0) {
		return;
	}
	fputs("\nImages in the file (* is this one):\n", inspection->out);
	for (int i = 0; i < count; i++) {
		const struct peel_candidate *candidate = peel_image_candidate(inspection->image, i);

		fprintf(inspection->out, "%c ", candidate->chosen ? '*' : ' ');
		peel_text_print(inspection->out, candidate->digest, strlen(candidate->digest));
		putc(' ', inspection->out);
		peel_text_print(inspection->out, candidate->platform, strlen(candidate->platform));
		fputs(candidate->artifact ? " artifact" : "", inspection->out);
		fputs(*candidate->tags ? " " : "", inspection->out);
		peel_text_print(inspection->out, candidate->tags, strlen(candidate->tags));
		putc('\n', inspection->out);
	}
}

static int print_fact(void *arg, const char *key, const char *value)
{
	struct inspection *inspection = arg;

	if (!inspection->key[0]) {
		fputs("\nConfiguration:\n", inspection->out);
	}
	fprintf(inspection->out, "  %-12s ", strcmp(key, inspection->key) == 0 ? "" : key);
	peel_text_print(inspection->out, value, strlen(value));
	putc('\n', inspection->out);
	snprintf(inspection->key, sizeof(inspection->key), "%s", key);
	return 0;
}

static int print_layers(struct inspection *inspection, struct peel_error *err)
{
	static const struct column columns[] = {{"", true}, {"STATE", false}, {"CODEC", false},
		{"STORED", true}, {"DIGEST", false}, {"DIFF_ID", false}, {"MEDIA TYPE", false}};
	struct table *table;
	bool fine;
	int r = 0;

	fputs("\nLayers, lowest first:\n", inspection->out);
	table = table_new(inspection->out, columns, countof(columns), true);
	fine = table != NULL;
	for (int i = 0; fine && r >= 0 && i < peel_layer_count(inspection->index); i++) {
		struct peel_layer_stat stat;
		char number[FORMAT_SIZE];
		char stored[FORMAT_SIZE];
		char digest[FORMAT_SIZE];
		char diff_id[FORMAT_SIZE];
		cleanup_free char *media_type = NULL;

		r = peel_layer_stat(inspection->index, i, &stat, err);
		if (r < 0) {
			break;
		}
		media_type = format_escaped(stat.layer.media_type, strlen(stat.layer.media_type));
		const char *cells[] = {format_number(number, (uint64_t)i),
			format_state(stat.layer.state), peel_codec_name(stat.layer.codec),
			format_bytes(stored, stat.layer.stored_size),
			format_short_digest(digest, stat.layer.digest),
			format_short_digest(diff_id, stat.layer.diff_id), media_type};
		fine = table_row(table, cells);
	}
	table_finish(table);
	return fine ? r : peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
}

static int print_finding(void *arg, const struct peel_finding *finding)
{
	struct inspection *inspection = arg;

	if (inspection->findings++ == 0) {
		fputs("\nAnomalies:\n", inspection->out);
	}
	fputs("  ", inspection->out);
	if (finding->layer >= 0) {
		fprintf(inspection->out, "layer %d: ", finding->layer);
	}
	fputs(finding->code, inspection->out);
	if (finding->path) {
		fputs(": ", inspection->out);
		peel_text_print(inspection->out, finding->path, finding->path_len);
	}
	if (finding->offset != UINT64_MAX) {
		fprintf(inspection->out, " at offset %llu", (unsigned long long)finding->offset);
	}
	fprintf(inspection->out, "%s%s\n", *finding->detail ? ": " : "", finding->detail);
	return 0;
}

static int emit_text(struct inspection *inspection, struct peel_error *err)
{
	const char *config = peel_image_value(inspection->index, "config");
	int r;

	print_identity(inspection);
	r = print_totals(inspection, err);
	print_images(inspection);
	if (r >= 0 && *config) {
		r = peel_config_facts(config, strlen(config), print_fact, inspection, err);
	}
	r = r < 0 ? r : print_layers(inspection, err);
	return r < 0 ? r : peel_findings(inspection->index, print_finding, inspection, err);
}

static void json_text(struct json *json, const char *key, const char *text)
{
	json_bytes(json, key, text, strlen(text));
}

static void json_images(struct inspection *inspection)
{
	struct json *json = &inspection->json;

	if (!inspection->image) {
		return;
	}
	json_array(json, "images");
	for (int i = 0; i < peel_image_candidate_count(inspection->image); i++) {
		const struct peel_candidate *candidate = peel_image_candidate(inspection->image, i);

		json_object(json, NULL);
		json_text(json, "digest", candidate->digest);
		json_text(json, "tags", candidate->tags);
		json_text(json, "platform", candidate->platform);
		json_bool(json, "artifact", candidate->artifact);
		json_bool(json, "chosen", candidate->chosen);
		json_close(json);
	}
	json_close(json);
}

/* Facts come grouped by key: an array a key. */
static int json_fact(void *arg, const char *key, const char *value)
{
	struct inspection *inspection = arg;

	if (strcmp(key, inspection->key) != 0) {
		if (inspection->key[0]) {
			json_close(&inspection->json);
		}
		json_array(&inspection->json, key);
		snprintf(inspection->key, sizeof(inspection->key), "%s", key);
	}
	json_string(&inspection->json, NULL, value);
	return 0;
}

static int json_configuration(struct inspection *inspection, struct peel_error *err)
{
	const char *config = peel_image_value(inspection->index, "config");
	int r = 0;

	json_object(&inspection->json, "configuration");
	if (*config) {
		r = peel_config_facts(config, strlen(config), json_fact, inspection, err);
	}
	if (inspection->key[0]) {
		json_close(&inspection->json);
	}
	json_close(&inspection->json);
	return r;
}

static int json_layers(struct inspection *inspection, struct peel_error *err)
{
	struct json *json = &inspection->json;
	int r = 0;

	json_array(json, "layers");
	for (int i = 0; r >= 0 && i < peel_layer_count(inspection->index); i++) {
		struct peel_layer_stat stat;

		r = peel_layer_stat(inspection->index, i, &stat, err);
		if (r < 0) {
			break;
		}
		json_object(json, NULL);
		json_integer(json, "layer", i);
		json_string(json, "state", format_state(stat.layer.state));
		json_text(json, "state_reason", stat.layer.state_reason);
		json_string(json, "codec", peel_codec_name(stat.layer.codec));
		json_text(json, "media_type", stat.layer.media_type);
		json_text(json, "digest", stat.layer.digest);
		json_text(json, "diff_id", stat.layer.diff_id);
		json_text(json, "digest_computed", stat.blob_hashed);
		json_text(json, "diff_id_computed", stat.diff_hashed);
		json_unsigned(json, "stored_bytes", stat.layer.stored_size);
		json_unsigned(json, "tar_bytes", stat.tar_size);
		json_close(json);
	}
	json_close(json);
	return r;
}

static int json_finding(void *arg, const struct peel_finding *finding)
{
	struct json *json = &((struct inspection *)arg)->json;

	json_object(json, NULL);
	json_string(json, "code", finding->code);
	if (finding->layer >= 0) {
		json_integer(json, "layer", finding->layer);
	}
	if (finding->path) {
		json_bytes(json, "path", finding->path, finding->path_len);
	}
	if (finding->offset != UINT64_MAX) {
		json_unsigned(json, "offset", finding->offset);
	}
	json_text(json, "detail", finding->detail);
	json_close(json);
	return 0;
}

static int emit_json(struct inspection *inspection, struct peel_error *err)
{
	struct json *json = &inspection->json;
	struct peel_totals totals = {0};
	int r = peel_totals(inspection->index, &totals, err);

	json_document(json, "inspect", inspection->index);
	json_text(json, "compression", peel_image_value(inspection->index, "codec"));
	json_unsigned(json, "nodes", totals.nodes);
	json_unsigned(json, "entries", totals.entries);
	json_unsigned(json, "bytes", totals.bytes);
	json_unsigned(json, "allocated_bytes", totals.allocated);
	json_images(inspection);
	r = r < 0 ? r : json_configuration(inspection, err);
	r = r < 0 ? r : json_layers(inspection, err);
	json_array(json, "anomalies");
	r = r < 0 ? r : peel_findings(inspection->index, json_finding, inspection, err);
	json_close(json);
	json_close(json);
	return r;
}

static int emit_inspect(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	struct inspection inspection = {
		.index = index, .image = arg, .out = out, .json = {.out = out}};
	struct peel_error err = {0};
	int r;

	(void)call;
	r = strcmp(format, "json") == 0 ? emit_json(&inspection, &err)
					: emit_text(&inspection, &err);
	return r < 0 ? complain_error(&err) : STATUS_OK;
}

static int run_inspect(struct call *call)
{
	cleanup_index struct peel_index *index = NULL;
	struct peel_image *opened = NULL;
	struct peel_index_options options;
	struct peel_error err = {0};
	int status = open_operand(call, 0, &index);

	if (status != STATUS_OK) {
		return status;
	}
	index_options(call, &options);
	/* The file is opened by its name once more, and then no more. */
	options.image.opened = cage_opened;
	options.image.opened_arg = call;
	if (!peel_index_image(index) &&
		peel_image_open(call->argv[0], &options.image, &opened, &err) < 0) {
		cage_hint(call, &err);
		return complain_error(&err);
	}
	status = cage_enter(call, &index, 1);
	if (status == STATUS_OK) {
		status = emit_all(call, index, emit_inspect,
			opened ? opened : peel_index_image(index));
	}
	peel_image_close(opened);
	return status == STATUS_ERROR ? status : reading_status(index, status);
}

const struct verb cmd_inspect = {
	.name = "inspect",
	.operands = "IMAGE",
	.summary = "show what is in the file: images, configuration, layers, anomalies",
	.image = true,
	.headers_only = true,
	.formats = "text json",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_inspect,
};
