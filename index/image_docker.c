/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.json, as `docker save` and all who imitate it write it: an array of images, each with
 * the names of its configuration and of its layers in the archive. The names are free: ID/layer.tar
 * (and links between those), HEX.tar, HEX.tar.gz, blobs/sha256/HEX. Nothing in it binds a layer's
 * bytes but the configuration's diff IDs.
 */
#include "image_parts.h"

#include <stdio.h>
#include <string.h>

#include "path.h"

/* A name in manifest.json as a member's: cleaned, and never leading out of the archive. */
static int member_name(const char *raw, char *buf, size_t size, struct peel_error *err)
{
	char shown[IMAGE_SHOWN];
	bool escaped = false;
	size_t len = strlen(raw);

	if (len >= size) {
		return peel_fail(err, PEEL_EFORMAT,
			"manifest.json has a name of more than %zu bytes", size);
	}
	memcpy(buf, raw, len + 1);
	len = path_clean(buf, len, &escaped);
	buf[len] = '\0';
	if (escaped || len == 0) {
		return peel_fail(err, PEEL_EFORMAT,
			"manifest.json names \"%s\", which is not inside the archive",
			image_shown(shown, raw));
	}
	return 0;
}

/*
 * The digest that a file's name claims ("sha256:HEX", "blobs/sha256/HEX", "HEX.json", "HEX.tar.gz",
 * "HEX/layer.tar" does not), or "".
 */
static void claimed_digest(const char *name, char *digest)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *prefix = "sha256:";
	size_t hex;

	base += strncmp(base, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
	hex = strspn(base, "0123456789abcdef");
	digest[0] = '\0';
	if (hex == 64 && (base[hex] == '\0' || base[hex] == '.')) {
		snprintf(digest, DIGEST_TEXT_SIZE, "%s%.64s", prefix, base);
	}
}

static int read_config(struct peel_image *image, const json_t *source, char **ret_text,
	size_t *ret_len, char *digest, struct peel_error *err)
{
	const char *raw = json_text(source, "Config");
	cleanup_free char *text = NULL;
	char name[IMAGE_NAME_MAX];
	char shown[IMAGE_SHOWN];
	struct image_place place;
	size_t len = 0;
	int r;

	if (!raw[0]) {
		return peel_fail(err, PEEL_EFORMAT, "manifest.json names no configuration");
	}
	r = member_name(raw, name, sizeof(name), err);
	r = r < 0 ? r : image_find(image, name, &place, err);
	if (r == PEEL_ENOENT) {
		return peel_fail(err, PEEL_ENOENT, "the configuration \"%s\" is not in the archive",
			image_shown(shown, name));
	}
	r = r < 0 ? r : image_read(image, image_shown(shown, name), &place, &text, &len, err);
	r = r < 0 ? r : digest_buffer("", text, len, digest, err);
	if (r < 0) {
		return r;
	}
	*ret_text = steal_pointer(&text);
	*ret_len = len;
	return 0;
}

/*
 * Where every layer is, bound to the configuration: what the other half of a hybrid must have too.
 */
static int sign(struct peel_image *image, struct image_item *item, struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	char name[IMAGE_NAME_MAX];
	char line[64];
	size_t i;
	json_t *layer;
	int r = digest_new("", &digest, err);

	if (r < 0) {
		return r;
	}
	digest_update(digest, item->shown.digest, strlen(item->shown.digest));
	json_array_foreach (json_member(item->source, "Layers"), i, layer) {
		struct image_place place = {.offset = UINT64_MAX};
		const char *raw = json_string_value(layer);

		r = member_name(raw ? raw : "", name, sizeof(name), err);
		r = r < 0 ? r : image_find(image, name, &place, err);
		if (r < 0 && r != PEEL_ENOENT) {
			return r;
		}
		digest_update(digest, line,
			(size_t)snprintf(line, sizeof(line), " %llu",
				(unsigned long long)place.offset));
	}
	digest_text(digest, item->signature);
	return 0;
}

static const char *join_names(struct peel_image *image, const json_t *names)
{
	const char *joined = "";
	size_t i;
	json_t *name;

	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (text && i < IMAGE_NAMES_SHOWN) {
			joined = joined[0] ? image_keep(image, "%s %s", joined, text) : text;
		}
	}
	return joined;
}

/*
 * What a list shows of an item. Its configuration may be unreadable; that matters only when it is
 * chosen.
 */
static int survey_item(struct peel_image *image, json_t *source, int position,
	struct peel_error *err)
{
	struct image_item item = {.source = source, .docker = true, .position = position};
	cleanup_free char *text = NULL;
	cleanup_json json_t *config = NULL;
	char digest[DIGEST_TEXT_SIZE] = "";
	struct peel_error ignored = {0};
	size_t len = 0;
	int r;

	if (!json_is_object(source)) {
		return peel_fail(err, PEEL_EFORMAT, "item %d of manifest.json is no object",
			position);
	}
	r = read_config(image, source, &text, &len, digest, &ignored);
	item.missing = r == PEEL_ENOENT;
	r = r < 0
		? r
		: json_parse_within("configuration", text, len, &image->limits, &config, &ignored);
	if (r < 0 && !image_may_be_unreadable(r)) {
		return peel_fail(err, r, "%s", ignored.message);
	}
	if (r == 0) {
		image_config_platform(config, &item.platform);
	}
	item.shown.digest = image_keep(image, "%s", digest);
	item.shown.platform = image_keep_platform(image, &item.platform);
	item.names = json_incref(json_member(source, "RepoTags"));
	item.shown.tags = join_names(image, item.names);
	r = image->hybrid && digest[0] ? sign(image, &item, err) : 0;
	if (r < 0) {
		json_decref(item.names);
		return r;
	}
	return image_item_add(image, &item, err);
}

int image_docker_survey(struct peel_image *image, struct peel_error *err)
{
	json_t *list = NULL;
	size_t i;
	json_t *source;
	int r = image_read_json(image, "manifest.json", &list, err);

	if (r == PEEL_ENOENT) {
		return peel_fail(err, PEEL_EFORMAT, "manifest.json is a link to nothing");
	}
	r = r < 0 ? r : image_keep_json(image, list, err);
	if (r < 0) {
		return r;
	}
	if (!json_is_array(list) && !json_is_null(list)) {
		return peel_fail(err, PEEL_EFORMAT,
			"manifest.json is no array, so not that of a docker archive (for a "
			"root filesystem that has such a file, write rootfs:PATH)");
	}
	json_array_foreach (list, i, source) {
		r = survey_item(image, source, (int)i, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int set_layer(struct peel_image *image, size_t i, const json_t *layer,
	struct peel_error *err)
{
	const char *raw = json_string_value(layer);
	char digest[DIGEST_TEXT_SIZE];
	char name[IMAGE_NAME_MAX];
	struct image_place place = {0};
	int r = member_name(raw ? raw : "", name, sizeof(name), err);
	int found = r < 0 ? r : image_find(image, name, &place, err);

	if (found < 0 && found != PEEL_ENOENT) {
		return peel_wrap(err, "layer %zu", i);
	}
	r = image_layer_set(image, i, found, &place, "", -1, err);
	claimed_digest(name, digest);
	image->layers[i].digest = strncmp(name, "blobs/", 6) == 0 ? image_keep(image, "%s", digest)
								  : "";
	return r;
}

int image_docker_open(struct peel_image *image, const struct image_item *item,
	struct peel_error *err)
{
	const json_t *layers = json_member(item->source, "Layers");
	const char *raw = json_text(item->source, "Config");
	cleanup_free char *text = NULL;
	char claimed[DIGEST_TEXT_SIZE];
	char shown[IMAGE_SHOWN];
	size_t len = 0;
	size_t i;
	json_t *layer;
	int r = read_config(image, item->source, &text, &len, image->config_digest, err);

	r = r < 0 ? r : image_layers_new(image, json_array_size(layers), err);
	json_array_foreach (layers, i, layer) {
		r = r < 0 ? r : set_layer(image, i, layer, err);
	}
	if (r < 0) {
		return r;
	}
	claimed_digest(raw, claimed);
	if (claimed[0] && strcmp(claimed, image->config_digest) != 0) {
		image_finding(image, "config-digest-mismatch", -1, raw, UINT64_MAX,
			"the configuration's name is not its digest, which is %s",
			image->config_digest);
	}
	r = image_config_load(image, image_shown(shown, raw), steal_pointer(&text), len, err);
	if (r == 0) {
		image_layers_compare(image);
	}
	return r;
}
