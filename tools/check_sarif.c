/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check as SARIF 2.1.0, one run. A result is at the line of the Dockerfile that made its layer; without that at
 * the rule's line in its policy; its paths in the image are logical locations. Undecided rules are of kind "open".
 *
 * GitHub takes 25,000 results of a run and shows 5,000, with at most 100 locations each: a rule with many complaints
 * tells those of one folder and layer together, and what is above the caps is counted in a property "overflow".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cmd.h"
#include "format.h"
#include "dockerfile.h"
#include "json_writer.h"

#define RESULTS_MAX 5000
#define LOCATIONS_MAX 100
/* Complaints of one rule from which on they are told by folder. */
#define GROUPED_FROM 100
#define RULES_MAX 64

struct sarif {
	const struct check_report *report;
	struct json json;
	/* Identifiers in the order of the tool's rules. */
	const char *ids[RULES_MAX];
	size_t id_count;
	size_t written, overflow;
};

static size_t rule_index(struct sarif *sarif, const char *id)
{
	size_t i = 0;

	while (i < sarif->id_count && strcmp(sarif->ids[i], id) != 0) {
		i++;
	}
	if (i == sarif->id_count && i < RULES_MAX) {
		sarif->ids[sarif->id_count++] = id;
	}
	return i;
}

static bool is_told(const struct peel_result *result)
{
	return result->state == PEEL_RESULT_FAIL || result->state == PEEL_RESULT_WARN ||
		result->state == PEEL_RESULT_UNSURE;
}

/* A path as a relative or absolute URI reference. */
static char *uri_of(const char *path)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	char *uri = malloc(3 * strlen(path) + 8);
	size_t len = 0;

	if (!uri) {
		return NULL;
	}
	if (*path == '/') {
		memcpy(uri, "file://", 7);
		len = 7;
	}
	for (; *path; path++) {
		len += (size_t)(strchr(plain, *path)
				? sprintf(uri + len, "%c", *path)
				: sprintf(uri + len, "%%%02X", (unsigned char)*path));
	}
	uri[len] = 0;
	return uri;
}

static void write_text(struct json *json, const char *key, const char *text)
{
	json_object(json, key);
	json_string(json, "text", text);
	json_close(json);
}

/* In a message, brackets would be a link. */
static void write_message(struct json *json, const char *text)
{
	/* Room for a backslash before each character. */
	cleanup_free char *escaped = malloc(2 * strlen(text) + 1);
	size_t len = 0;

	if (!escaped) {
		end_without_memory();
	}
	for (; *text; text++) {
		if (*text == '[' || *text == ']') {
			escaped[len++] = '\\';
		}
		escaped[len++] = *text;
	}
	escaped[len] = 0;
	write_text(json, "message", escaped);
}

static void write_rules(struct sarif *sarif)
{
	struct json *json = &sarif->json;

	json_array(json, "rules");
	for (size_t i = 0; i < sarif->id_count; i++) {
		const char *title = peel_rule_title(sarif->ids[i]);

		json_object(json, NULL);
		json_string(json, "id", sarif->ids[i]);
		write_text(json, "shortDescription", title ? title : sarif->ids[i]);
		json_close(json);
	}
	json_close(json);
}

static bool write_physical(struct json *json, const char *path, int line)
{
	cleanup_free char *uri = uri_of(path);

	if (!uri) {
		return false;
	}
	json_object(json, "physicalLocation");
	json_object(json, "artifactLocation");
	json_string(json, "uri", uri);
	json_close(json);
	if (line > 0) {
		json_object(json, "region");
		json_integer(json, "startLine", line);
		json_close(json);
	}
	json_close(json);
	return true;
}

static bool write_logical(struct json *json, const struct peel_violation *violation)
{
	json_array(json, "logicalLocations");
	for (size_t i = 0; i < violation->path_count; i++) {
		cleanup_free char *path = NULL;

		if (peel_text_escape(violation->paths[i], strlen(violation->paths[i]), &path) < 0) {
			return false;
		}
		json_object(json, NULL);
		json_string(json, "fullyQualifiedName", path);
		json_string(json, "kind", "resource");
		json_close(json);
	}
	json_close(json);
	return true;
}

/* @param violation NULL: of the rule alone. */
static bool write_location(struct sarif *sarif, const struct check_image *image,
	const struct peel_result *result, const struct peel_violation *violation)
{
	struct json *json = &sarif->json;
	const int line = violation ? check_line(sarif->report, image, violation) : 0;
	bool fine;

	json_object(json, NULL);
	fine = line > 0 ? write_physical(json, dockerfile_path(sarif->report->dockerfile), line)
		: result->line > 0 ? write_physical(json, result->file, result->line)
				   : write_physical(json, sarif->report->reference, 0);
	if (fine && violation && violation->path_count > 0) {
		fine = write_logical(json, violation);
	}
	json_close(json);
	return fine;
}

static size_t folder_len(const struct peel_violation *violation)
{
	const char *slash = violation->path_count ? strrchr(violation->paths[0], '/') : NULL;

	return slash ? (size_t)(slash - violation->paths[0]) : 0;
}

/* Complaints from first on that are told together. */
static size_t group_len(const struct peel_result *result, size_t first)
{
	const struct peel_violation *violations = result->violations;
	size_t len = 1;

	while (result->violation_count > GROUPED_FROM && first + len < result->violation_count &&
		violations[first].path_count > 0 && violations[first + len].path_count > 0 &&
		violations[first].layer == violations[first + len].layer &&
		folder_len(&violations[first]) == folder_len(&violations[first + len]) &&
		memcmp(violations[first].paths[0], violations[first + len].paths[0],
			folder_len(&violations[first])) == 0) {
		len++;
	}
	return len;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	/* FNV-1a; the NUL separates. */
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
	} while (*text++);
	return hash;
}

/* The same for the same rule and path in every image of that name, whatever the layer and the policy's lines are. */
static void write_fingerprint(struct json *json, const struct check_image *image,
	const struct peel_result *result, const struct peel_violation *violation)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);
	char text[20];

	hash = hash_text(hash, result->id);
	hash = hash_text(hash, result->title);
	hash = hash_text(hash, image->name);
	hash = hash_text(hash, violation && violation->path_count ? violation->paths[0] : "");
	snprintf(text, sizeof(text), "%016" PRIx64, hash);
	json_object(json, "partialFingerprints");
	json_string(json, "peelRuleAndPath/v1", text);
	json_close(json);
}

static char *message_of(const struct check_image *image, const struct peel_result *result,
	const struct peel_violation *violation, size_t count)
{
	cleanup_free char *subject = violation ? check_subject(violation) : NULL;
	char place[CHECK_PLACE_SIZE] = "";
	char more[40] = "";
	char *text = NULL;

	if (violation && !subject) {
		return NULL;
	}
	if (violation) {
		check_place(place, violation);
	}
	if (count > 1) {
		snprintf(more, sizeof(more), ", and %zu beside it", count - 1);
	}
	if (asprintf(&text, "%s%s%s: %s%s%s%s%s%s%s", image->name, *image->name ? ": " : "",
		    result->title, violation ? subject : "", violation ? ": " : "",
		    violation ? violation->what : result->detail, *place ? " (" : "", place,
		    *place ? ")" : "", more) < 0) {
		return NULL;
	}
	return text;
}

static bool write_one(struct sarif *sarif, const struct check_image *image,
	const struct peel_result *result, const struct peel_violation *violations, size_t count)
{
	struct json *json = &sarif->json;
	const bool open = result->state == PEEL_RESULT_UNSURE;
	const size_t locations = count < LOCATIONS_MAX ? count : LOCATIONS_MAX;
	cleanup_free char *message = message_of(image, result, violations, count);
	bool fine = message != NULL;

	if (!fine) {
		return false;
	}
	if (sarif->written == RESULTS_MAX) {
		sarif->overflow++;
		return true;
	}
	sarif->written++;
	json_object(json, NULL);
	json_string(json, "ruleId", result->id);
	json_unsigned(json, "ruleIndex", rule_index(sarif, result->id));
	json_string(json, "kind", open ? "open" : "fail");
	json_string(json, "level",
		open                                        ? "none"
			: result->state == PEEL_RESULT_FAIL ? "error"
							    : "warning");
	write_message(json, message);
	json_array(json, "locations");
	for (size_t i = 0; fine && i < (violations ? locations : 1); i++) {
		fine = write_location(sarif, image, result, violations ? &violations[i] : NULL);
	}
	json_close(json);
	write_fingerprint(json, image, result, violations);
	if (count > locations && violations) {
		json_object(json, "properties");
		json_unsigned(json, "overflow", count - locations);
		json_close(json);
	}
	json_close(json);
	return fine;
}

static bool write_result(struct sarif *sarif, const struct check_image *image,
	const struct peel_result *result)
{
	bool fine = true;

	if (result->violation_count == 0) {
		return write_one(sarif, image, result, NULL, 1);
	}
	for (size_t i = 0; fine && i < result->violation_count;) {
		const size_t len = group_len(result, i);

		fine = write_one(sarif, image, result, &result->violations[i], len);
		i += len;
	}
	sarif->overflow += result->omitted;
	return fine;
}

static void write_notifications(struct sarif *sarif, const struct check_image *image)
{
	const char *reasons = image->failure ? image->failure : image->reasons;
	const char *at;
	int len = 0;

	while ((at = format_next_line(&reasons, &len))) {
		cleanup_free char *line = format_text("%.*s", len, at);

		json_object(&sarif->json, NULL);
		json_string(&sarif->json, "level", "warning");
		write_message(&sarif->json, line);
		json_close(&sarif->json);
	}
}

static void write_invocation(struct sarif *sarif)
{
	struct json *json = &sarif->json;

	json_array(json, "invocations");
	json_object(json, NULL);
	json_bool(json, "executionSuccessful", sarif->report->status != STATUS_INCONCLUSIVE);
	json_integer(json, "exitCode", sarif->report->status);
	json_array(json, "toolExecutionNotifications");
	for (size_t i = 0; i < sarif->report->count; i++) {
		write_notifications(sarif, &sarif->report->images[i]);
	}
	json_close(json);
	json_close(json);
	json_close(json);
}

static void write_tool(struct sarif *sarif)
{
	struct json *json = &sarif->json;

	json_object(json, "tool");
	json_object(json, "driver");
	json_string(json, "name", "peel");
	json_string(json, "version", PEEL_VERSION);
	write_rules(sarif);
	json_close(json);
	json_close(json);
}

bool check_write_sarif(const struct check_report *report, FILE *out)
{
	struct sarif sarif = {.report = report, .json = {.out = out}};
	struct json *json = &sarif.json;
	bool fine = true;

	for (size_t i = 0; i < report->count; i++) {
		for (size_t k = 0; k < report->images[i].count; k++) {
			if (is_told(&report->images[i].results[k])) {
				rule_index(&sarif, report->images[i].results[k].id);
			}
		}
	}
	json_object(json, NULL);
	json_string(json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_string(json, "version", "2.1.0");
	json_array(json, "runs");
	json_object(json, NULL);
	write_tool(&sarif);
	write_invocation(&sarif);
	json_array(json, "results");
	for (size_t i = 0; fine && i < report->count; i++) {
		for (size_t k = 0; fine && k < report->images[i].count; k++) {
			fine = !is_told(&report->images[i].results[k]) ||
				write_result(&sarif, &report->images[i],
					&report->images[i].results[k]);
		}
	}
	json_close(json);
	json_object(json, "properties");
	json_string(json, "verdict", check_verdict(report->status));
	json_unsigned(json, "overflow", sarif.overflow);
	json_close(json);
	json_close(json);
	json_close(json);
	json_close(json);
	return fine;
}
