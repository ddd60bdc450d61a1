/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as JSON. */
#include "detect.h"

#include <string.h>

#include "cmd.h"

void detect_json_begin(struct detect_run *run)
{
	run->json = (struct json){.out = run->out};
	json_begin(&run->json, "detect");
	if (run->values->all_platforms) {
		json_array(&run->json, "images");
	}
}

void detect_json_end(struct detect_run *run)
{
	if (run->values->all_platforms) {
		json_close(&run->json);
	}
	json_close(&run->json);
}

void detect_json_begin_image(struct detect_run *run)
{
	if (run->values->all_platforms) {
		json_object(&run->json, NULL);
	}
	if (run->image->index) {
		json_image(&run->json, run->image->index);
	}
	json_array(&run->json, "detectors");
	for (size_t i = 0; i < peel_detector_count(run->detectors); i++) {
		const char *name = peel_detector_get(run->detectors, i)->name;
		bool asked = run->name_count == 0;

		for (size_t j = 0; j < run->name_count; j++) {
			asked |= strcmp(name, run->names[j]) == 0;
		}
		if (asked) {
			json_string(&run->json, NULL, name);
		}
	}
	json_close(&run->json);
	json_array(&run->json, "findings");
}

void detect_json_evidence(struct json *json, const struct peel_evidence *evidence, size_t count)
{
	json_array(json, "evidence");
	for (size_t i = 0; i < count; i++) {
		json_object(json, NULL);
		json_string(json, "type", evidence[i].type);
		json_bytes(json, "text", evidence[i].text, strlen(evidence[i].text));
		if (evidence[i].offset >= 0) {
			json_integer(json, "offset", evidence[i].offset);
		}
		json_close(json);
	}
	json_close(json);
}

static void write_layer(struct json *json, const struct peel_detection *found)
{
	if (found->layer >= 0) {
		json_integer(json, "layer", found->layer);
		json_bytes(json, "instruction", found->instruction, strlen(found->instruction));
	}
	if (found->hidden_by >= 0) {
		json_integer(json, "hidden_by", found->hidden_by);
		json_bytes(json, "hidden_instruction", found->hidden_instruction,
			strlen(found->hidden_instruction));
	}
	if (found->cause) {
		json_string(json, "cause", peel_cause_name(found->cause));
	}
}

static void write_package(struct json *json, const struct peel_package *package)
{
	if (package) {
		json_object(json, "package");
		json_string(json, "db", package->db);
		json_bytes(json, "name", package->name, strlen(package->name));
		json_bytes(json, "version", package->version, strlen(package->version));
		json_close(json);
	}
}

int detect_json_take(struct detect_run *run, const struct peel_detection *found)
{
	struct json *json = &run->json;

	run->count++;
	run->visible += found->visible;
	run->tiers_count[found->tier]++;
	json_object(json, NULL);
	json_string(json, "detector", found->detector);
	json_string(json, "tier", peel_tier_name(found->tier));
	json_string(json, "rule", found->rule);
	json_bytes(json, "title", found->title, strlen(found->title));
	json_bool(json, "visible", found->visible);
	json_bool(json, "shipped", found->shipped);
	json_array(json, "names");
	for (size_t i = 0; i < found->path_count; i++) {
		json_object(json, NULL);
		json_bytes(json, "path", found->paths[i], strlen(found->paths[i]));
		json_close(json);
	}
	json_close(json);
	json_unsigned(json, "bytes", found->bytes);
	write_layer(json, found);
	write_package(json, found->package);
	detect_json_evidence(json, found->evidence, found->evidence_count);
	json_close(json);
	return 0;
}

void detect_json_end_image(struct detect_run *run)
{
	struct json *json = &run->json;

	json_close(json);
	json_object(json, "summary");
	for (int tier = PEEL_TIER_INTERPRETER; tier <= PEEL_TIER_DECLARED; tier++) {
		json_unsigned(json, peel_tier_name((enum peel_tier)tier), run->tiers_count[tier]);
	}
	json_unsigned(json, "visible", run->visible);
	json_close(json);
	json_reasons(json, run->image->reasons);
	if (run->values->all_platforms) {
		json_close(json);
	}
}
