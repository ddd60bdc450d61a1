/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration ties the layers to the diff IDs that their uncompressed bytes must have, and to
 * the history. The history also has instructions without a layer (empty_layer), so the layers are
 * dealt out to the records in order. Where the counts differ nothing says which record is too many or
 * missing (a squashed or imported base, a builder without history), so no layer has one, and that is a
 * finding: people read those lines as causes.
 */
#include "image_parts.h"

#include <string.h>

/* History records for each layer that there may be: most lines of a Dockerfile make none. */
#define HISTORY_RECORDS 4

int image_config_platform(const json_t *config, struct image_platform *ret_platform)
{
	image_platform_set(ret_platform, json_text(config, "os"), json_text(config, "architecture"),
		json_text(config, "variant"));
	return 0;
}

/* The last PATH of Env, as a process would see it. */
static const char *find_path(const json_t *config)
{
	const char *found = NULL;
	size_t i;
	json_t *entry;

	json_array_foreach (json_member(json_member(config, "config"), "Env"), i, entry) {
		const char *text = json_string_value(entry);

		if (text && strncmp(text, "PATH=", 5) == 0) {
			found = text + 5;
		}
	}
	return found;
}

static int load_diff_ids(struct peel_image *image, const char *name, const json_t *config,
	struct peel_error *err)
{
	const json_t *rootfs = json_member(config, "rootfs");
	const json_t *ids = json_member(rootfs, "diff_ids");
	const char *type = json_text(rootfs, "type");
	char shown[IMAGE_SHOWN];
	size_t i;
	json_t *id;

	if (strcmp(type, "layers") != 0 && (type[0] || image->layer_count > 0)) {
		return peel_fail(err, PEEL_EFORMAT, "%s: rootfs.type is \"%s\", not \"layers\"",
			name, image_shown(shown, type));
	}
	if (json_array_size(ids) != image->layer_count) {
		return peel_fail(err, PEEL_EFORMAT,
			"%s: %zu diff IDs in the configuration, but %zu layers in the manifest",
			name, json_array_size(ids), image->layer_count);
	}
	json_array_foreach (ids, i, id) {
		const char *text = json_string_value(id);

		if (!text || !digest_valid(text)) {
			return peel_fail(err, PEEL_EFORMAT, "%s: diff ID %zu is no digest: \"%s\"",
				name, i, image_shown(shown, text ? text : ""));
		}
		image->layers[i].diff_id = text;
	}
	return 0;
}

/* Give the layers their records, if there are as many as there should be. */
static void match_history(struct peel_image *image, size_t wanted)
{
	const bool matched = wanted == image->layer_count;

	for (size_t i = 0; i < image->history_count; i++) {
		struct peel_history *history = &image->history[i];

		if (matched && history->layer >= 0) {
			struct peel_layer *layer = &image->layers[history->layer];

			layer->created = history->created;
			layer->instruction = history->instruction;
			layer->comment = history->comment;
		}
		history->layer = matched ? history->layer : -1;
	}
	if (!matched && image->history_count > 0) {
		image_finding(image, "history-mismatch", -1, NULL, UINT64_MAX,
			"the history tells of %zu layers, the image has %zu: no instruction is matched to a layer",
			wanted, image->layer_count);
	}
}

static int load_history(struct peel_image *image, const char *name, const json_t *config,
	struct peel_error *err)
{
	const json_t *records = json_member(config, "history");
	size_t count = json_array_size(records);
	size_t layer = 0;
	size_t i;
	json_t *record;

	if (count > HISTORY_RECORDS * limits_value(&image->limits, PEEL_LIMIT_LAYERS)) {
		return peel_fail(err, PEEL_ELIMIT,
			"%s: %zu history records, more than %d for each of the limit layers "
			"(--limit layers=N raises it)",
			name, count, HISTORY_RECORDS);
	}
	image->history = calloc(count + 1, sizeof(*image->history));
	if (!image->history) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	json_array_foreach (records, i, record) {
		struct peel_history *history = &image->history[image->history_count++];
		bool empty = json_is_true(json_member(record, "empty_layer"));

		*history = (struct peel_history){.layer = -1,
			.created = json_text(record, "created"),
			.instruction = json_text(record, "created_by"),
			.comment = json_text(record, "comment"),
			.author = json_text(record, "author")};
		history->layer = empty ? -1 : (int)layer++;
	}
	match_history(image, layer);
	return 0;
}

int image_config_load(struct peel_image *image, const char *shown_name, char *text, size_t len,
	struct peel_error *err)
{
	struct image_platform platform = {0};
	json_t *config = NULL;
	int r;

	image->config = text;
	image->config_len = len;
	r = json_parse_within(shown_name, text, len, &image->limits, &config, err);
	r = r < 0 ? r : image_keep_json(image, config, err);
	if (r < 0) {
		return r;
	}
	if (!json_is_object(config)) {
		return peel_fail(err, PEEL_EFORMAT, "%s is no JSON object", shown_name);
	}
	image_config_platform(config, &platform);
	image->platform = image_keep_platform(image, &platform);
	image->env_path = find_path(config);
	r = load_diff_ids(image, shown_name, config, err);
	return r < 0 ? r : load_history(image, shown_name, config, err);
}
