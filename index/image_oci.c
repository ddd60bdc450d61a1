/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.json lists descriptors; each leads to a manifest (an image or an artifact) or to a further
 * index. Every index is read once, whatever number of ways lead to it, so a cycle ends and a
 * lattice costs no more than its nodes; the depth, the number of items and the bytes of JSON are
 * bounded besides.
 *
 * Manifests that are not in the file are ordinary: `docker save` of one platform keeps the index of
 * all of them.
 */
#include "image_parts.h"

#include <stdio.h>
#include <string.h>

struct survey {
	struct peel_image *image;
	/* Digests of the indexes that were read: keys of an object. */
	json_t *seen;
};

/* What an index passes on to what it lists. */
struct branch {
	int level;
	int position;
	json_t *names;
};

enum document {
	DOCUMENT_UNKNOWN,
	DOCUMENT_MANIFEST,
	DOCUMENT_INDEX,
};

struct document_type {
	const char *name;
	enum document document;
};

static const struct document_type document_types[] = {
	{"application/vnd.docker.distribution.manifest.list.v2+json", DOCUMENT_INDEX},
	{"application/vnd.docker.distribution.manifest.v2+json", DOCUMENT_MANIFEST},
	{"application/vnd.oci.image.index.v1+json", DOCUMENT_INDEX},
	{"application/vnd.oci.image.manifest.v1+json", DOCUMENT_MANIFEST},
};

/* Configurations that are an image's. */
static const char *const config_types[] = {
	"application/vnd.docker.container.image.v1+json",
	"application/vnd.oci.image.config.v1+json",
};

/* Beginnings of the types of what signatures and attestations hold in place of layers. */
static const char *const artifact_layers[] = {
	"application/vnd.cncf.",
	"application/vnd.dev.cosign.",
	"application/vnd.dev.sigstore.",
	"application/vnd.dsse.",
	"application/vnd.in-toto",
	"application/vnd.oci.empty.",
};

static enum document document_of(const char *media_type)
{
	for (size_t i = 0; i < countof(document_types); i++) {
		if (strcmp(media_type, document_types[i].name) == 0) {
			return document_types[i].document;
		}
	}
	return DOCUMENT_UNKNOWN;
}

static bool has_list(const json_t *document, const char *key)
{
	return json_is_array(json_member(document, key));
}

/* Nothing said is an image too. */
static bool is_image_config(const char *media_type)
{
	for (size_t i = 0; i < countof(config_types); i++) {
		if (strcmp(media_type, config_types[i]) == 0) {
			return true;
		}
	}
	return !media_type[0];
}

static bool is_artifact_layer(const char *media_type)
{
	for (size_t i = 0; i < countof(artifact_layers); i++) {
		if (strncmp(media_type, artifact_layers[i], strlen(artifact_layers[i])) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_artifact(const json_t *manifest)
{
	const json_t *layers = json_member(manifest, "layers");
	size_t count = 0;
	size_t i;
	json_t *layer;

	/* Some builders give images an artifact type: that of their configuration. */
	if (!is_image_config(json_text(manifest, "artifactType")) ||
		!is_image_config(json_text(json_member(manifest, "config"), "mediaType"))) {
		return true;
	}
	json_array_foreach (layers, i, layer) {
		count += is_artifact_layer(json_text(layer, "mediaType"));
	}
	return count > 0 && count == json_array_size(layers);
}

/* Read and parse the document of a descriptor, and see that it is one thing only. */
static int read_document(struct peel_image *image, const char *what, const json_t *descriptor,
	json_t **ret_json, struct peel_error *err)
{
	char shown[IMAGE_SHOWN];
	cleanup_free char *bytes = NULL;
	cleanup_json json_t *json = NULL;
	size_t len = 0;
	int r = image_read_descriptor(image, what, descriptor, &bytes, &len, err);

	r = r < 0 ? r : json_parse_within(what, bytes, len, &image->limits, &json, err);
	if (r < 0) {
		return r == PEEL_ENOENT
			? r
			: peel_wrap(err, "%s", image_shown(shown, json_text(descriptor, "digest")));
	}
	if (!json_is_object(json) || (has_list(json, "layers") && has_list(json, "manifests"))) {
		return peel_fail(err, json_is_object(json) ? PEEL_EAMBIGUOUS : PEEL_EFORMAT,
			"the %s %s is no object, or manifest and index at once (CVE-2021-41190)",
			what, json_text(descriptor, "digest"));
	}
	*ret_json = steal_pointer(&json);
	return 0;
}

/* Names that a descriptor gives: its ref name, and containerd's full name. NULL: memory is exhausted. */
static json_t *names_of(const json_t *descriptor)
{
	static const char *const keys[] = {
		"io.containerd.image.name", "org.opencontainers.image.ref.name"};
	const json_t *annotations = json_member(descriptor, "annotations");
	json_t *names = json_array();

	for (size_t i = 0; names && i < countof(keys); i++) {
		json_t *name = json_object_get(annotations, keys[i]);

		if (json_is_string(name) && json_string_length(name) > 0 &&
			!json_equal(name, json_array_get(names, 0)) &&
			json_array_append(names, name) < 0) {
			json_decref(names);
			names = NULL;
		}
	}
	return names;
}

static const char *join_names(struct peel_image *image, const json_t *names)
{
	const char *first = json_string_value(json_array_get(names, 0));
	const char *second = json_string_value(json_array_get(names, 1));

	return second ? image_keep(image, "%s %s", first, second)
		      : image_keep(image, "%s", first ? first : "");
}

/* Bind the layers' places to the configuration, in the same form as image_docker.c does. */
static int sign(struct peel_image *image, const json_t *manifest, struct image_item *item,
	struct peel_error *err)
{
	cleanup_digest struct digest *digest = NULL;
	const char *config = json_text(json_member(manifest, "config"), "digest");
	char line[64];
	size_t i;
	json_t *layer;
	int r = digest_new("", &digest, err);

	if (r < 0) {
		return r;
	}
	digest_update(digest, config, strlen(config));
	json_array_foreach (json_member(manifest, "layers"), i, layer) {
		struct image_place place = {.offset = UINT64_MAX};

		r = image_find_blob(image, json_text(layer, "digest"), &place, err);
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

/* The platform by the configuration, where the descriptor has none. */
static int read_platform(struct peel_image *image, const json_t *manifest, struct image_item *item,
	struct peel_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *config = NULL;
	size_t len = 0;
	int r = image_read_descriptor(image, "configuration", json_member(manifest, "config"),
		&text, &len, err);

	r = r < 0 ? r : json_parse_within("configuration", text, len, &image->limits, &config, err);
	if (r == 0) {
		image_config_platform(config, &item->platform);
	}
	return image_may_be_unreadable(r) ? 0 : r;
}

/* Look into a manifest. What is wrong with the bytes of one that is not chosen does not matter. */
static int look_into(struct peel_image *image, struct image_item *item, struct peel_error *err)
{
	cleanup_json json_t *manifest = NULL;
	int r = read_document(image, "manifest", item->source, &manifest, err);

	item->missing = r == PEEL_ENOENT;
	if (r < 0) {
		return image_may_be_unreadable(r) ? 0 : r;
	}
	item->shown.artifact = item->shown.artifact || is_artifact(manifest);
	if (!item->shown.artifact && !item->platform.os[0]) {
		r = read_platform(image, manifest, item, err);
	}
	return r == 0 && !item->shown.artifact && image->hybrid ? sign(image, manifest, item, err)
								: r;
}

static int survey_manifest(struct survey *survey, const json_t *descriptor,
	const struct branch *branch, bool artifact, struct peel_error *err)
{
	const json_t *platform = json_member(descriptor, "platform");
	const json_t *annotations = json_member(descriptor, "annotations");
	struct image_item item = {.source = descriptor, .position = branch->position};
	int r;

	image_platform_set(&item.platform, json_text(platform, "os"),
		json_text(platform, "architecture"), json_text(platform, "variant"));
	item.shown.artifact = artifact || strcmp(item.platform.os, "unknown") == 0 ||
		json_object_get(annotations, "vnd.docker.reference.type") != NULL ||
		!is_image_config(json_text(descriptor, "artifactType"));
	r = look_into(survey->image, &item, err);
	if (r < 0) {
		return r;
	}
	item.names = json_incref(branch->names);
	item.shown.digest = json_text(descriptor, "digest");
	item.shown.tags = join_names(survey->image, item.names);
	item.shown.platform = image_keep_platform(survey->image, &item.platform);
	return image_item_add(survey->image, &item, err);
}

static int survey_index(struct survey *survey, const json_t *index, const struct branch *branch,
	struct peel_error *err);

/* A nested index: read it once. */
static int survey_nested(struct survey *survey, const json_t *descriptor,
	const struct branch *branch, struct peel_error *err)
{
	const char *digest = json_text(descriptor, "digest");
	json_t *index = NULL;
	int r;

	if (branch->level >= IMAGE_INDEX_DEPTH) {
		return peel_fail(err, PEEL_ELIMIT, "indexes are nested deeper than %d levels",
			IMAGE_INDEX_DEPTH);
	}
	if (json_object_get(survey->seen, digest)) {
		image_finding(survey->image, "repeated-index", -1, NULL, UINT64_MAX,
			"the index %s is listed more than once", digest);
		return 0;
	}
	if (json_object_set_new_nocheck(survey->seen, digest, json_true()) < 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = read_document(survey->image, "index", descriptor, &index, err);
	if (r == PEEL_ENOENT) {
		/* Its images are not in the file either, or cannot be told apart from others. */
		return survey_manifest(survey, descriptor, branch, false, err);
	}
	r = r < 0 ? r : image_keep_json(survey->image, index, err);
	return r < 0 ? r : survey_index(survey, index, branch, err);
}

/* A descriptor without a media type is what its document is. */
static int sniff(struct peel_image *image, const json_t *descriptor, enum document *ret_document,
	struct peel_error *err)
{
	cleanup_json json_t *json = NULL;
	int r;

	*ret_document = DOCUMENT_UNKNOWN;
	if (json_text(descriptor, "mediaType")[0]) {
		return 0;
	}
	r = read_document(image, "document", descriptor, &json, err);
	if (r < 0) {
		return image_may_be_unreadable(r) ? 0 : r;
	}
	*ret_document = has_list(json, "manifests") ? DOCUMENT_INDEX
		: has_list(json, "layers")          ? DOCUMENT_MANIFEST
						    : DOCUMENT_UNKNOWN;
	return 0;
}

static int survey_descriptor(struct survey *survey, const json_t *descriptor,
	const struct branch *branch, struct peel_error *err)
{
	enum document document = document_of(json_text(descriptor, "mediaType"));
	int r = 0;

	if (document == DOCUMENT_UNKNOWN) {
		r = sniff(survey->image, descriptor, &document, err);
	}
	if (r < 0) {
		return r;
	}
	if (document == DOCUMENT_INDEX) {
		return survey_nested(survey, descriptor, branch, err);
	}
	return survey_manifest(survey, descriptor, branch, document == DOCUMENT_UNKNOWN, err);
}

static int survey_index(struct survey *survey, const json_t *index, const struct branch *branch,
	struct peel_error *err)
{
	size_t i;
	json_t *descriptor;

	json_array_foreach (json_member(index, "manifests"), i, descriptor) {
		struct branch next = {.level = branch->level + 1,
			.position = branch->level ? branch->position : (int)i};
		int r;

		if (!json_is_object(descriptor)) {
			return peel_fail(err, PEEL_EFORMAT, "item %zu of an index is no object", i);
		}
		/* The names that the top gives hold for all below it. */
		next.names = json_array_size(branch->names) ? json_incref(branch->names)
							    : names_of(descriptor);
		r = next.names ? survey_descriptor(survey, descriptor, &next, err)
			       : peel_fail(err, PEEL_ENOMEM, "out of memory");
		json_decref(next.names);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int check_layout(struct peel_image *image, struct peel_error *err)
{
	cleanup_json json_t *layout = NULL;
	const char *version;
	char shown[IMAGE_SHOWN];
	int r = image_read_json(image, "oci-layout", &layout, err);

	if (r == PEEL_ENOENT) {
		image_finding(image, "missing-oci-layout", -1, "oci-layout", UINT64_MAX,
			"the file oci-layout is missing, which a layout must have");
		return 0;
	}
	version = r < 0 ? "" : json_text(layout, "imageLayoutVersion");
	if (r == 0 && strcmp(version, "1.0.0") != 0) {
		image_finding(image, "unknown-layout-version", -1, "oci-layout", UINT64_MAX,
			"imageLayoutVersion is \"%s\", not \"1.0.0\"", image_shown(shown, version));
	}
	return r;
}

int image_oci_survey(struct peel_image *image, struct peel_error *err)
{
	struct survey survey = {.image = image, .seen = json_object()};
	struct branch root = {.position = -1};
	json_t *index = NULL;
	int r = survey.seen ? check_layout(image, err)
			    : peel_fail(err, PEEL_ENOMEM, "out of memory");

	if (r == 0) {
		r = image_read_json(image, "index.json", &index, err);
		if (r == PEEL_ENOENT) {
			r = peel_fail(err, PEEL_EFORMAT,
				"not a container image: it has no index.json");
		}
	}
	r = r < 0 ? r : image_keep_json(image, index, err);
	if (r == 0 && (!json_is_object(index) || has_list(index, "layers"))) {
		r = peel_fail(err, PEEL_EFORMAT, "index.json is no index");
	}
	r = r < 0 ? r : survey_index(&survey, index, &root, err);
	json_decref(survey.seen);
	return r;
}

static int set_layer(struct peel_image *image, size_t i, const json_t *descriptor,
	struct peel_error *err)
{
	const json_t *size = json_member(descriptor, "size");
	const char *digest = json_text(descriptor, "digest");
	struct image_place place = {0};
	struct peel_error why = {0};
	char shown[IMAGE_SHOWN];
	int found;

	if (json_is_integer(size) && json_integer_value(size) < 0) {
		return peel_fail(err, PEEL_EFORMAT, "layer %zu: its descriptor's size is negative",
			i);
	}
	found = image_find_blob(image, digest, &place, &why);
	if (found == PEEL_EFORMAT && digest_valid(digest) && image->layout_fd >= 0) {
		image_finding(image, "link-escapes", (int)i, NULL, UINT64_MAX, "%s", why.message);
		found = PEEL_ENOENT;
	}
	if (found < 0 && found != PEEL_ENOENT) {
		return peel_fail(err, found, "layer %zu (%s): %s", i, image_shown(shown, digest),
			why.message);
	}
	image->layers[i].digest = digest;
	return image_layer_set(image, i, found, &place, json_text(descriptor, "mediaType"),
		json_is_integer(size) ? (int64_t)json_integer_value(size) : -1, err);
}

/* Engines differ in whether they go by the index's or by the configuration's platform. */
static void compare_platforms(struct peel_image *image, const struct image_item *item)
{
	if (item->shown.platform[0] && image->platform[0] &&
		strcmp(item->shown.platform, image->platform) != 0) {
		char shown[IMAGE_SHOWN];
		char other[IMAGE_SHOWN];

		image_finding(image, "platform-mismatch", -1, NULL, UINT64_MAX,
			"the index says %s, the configuration %s",
			image_shown(shown, item->shown.platform),
			image_shown(other, image->platform));
	}
}

static int load_config(struct peel_image *image, const json_t *descriptor, struct peel_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int r = image_read_descriptor(image, "configuration", descriptor, &text, &len, err);

	if (r < 0) {
		return r;
	}
	strcpy(image->config_digest, json_text(descriptor, "digest"));
	return image_config_load(image, image->config_digest, text, len, err);
}

int image_oci_open(struct peel_image *image, const struct image_item *item, struct peel_error *err)
{
	const char *digest = json_text(item->source, "digest");
	const json_t *layers;
	json_t *manifest = NULL;
	size_t i;
	json_t *layer;
	int r = read_document(image, "manifest", item->source, &manifest, err);

	r = r < 0 ? r : image_keep_json(image, manifest, err);
	if (r < 0) {
		return r;
	}
	if (has_list(manifest, "manifests") ||
		document_of(json_text(manifest, "mediaType")) == DOCUMENT_INDEX) {
		return peel_fail(err, PEEL_EFORMAT,
			"%s is an index, its descriptor says it is a manifest", digest);
	}
	strcpy(image->manifest_digest, digest);
	layers = json_member(manifest, "layers");
	r = image_layers_new(image, json_array_size(layers), err);
	json_array_foreach (layers, i, layer) {
		r = r < 0 ? r : set_layer(image, i, layer, err);
	}
	r = r < 0 ? r : load_config(image, json_member(manifest, "config"), err);
	if (r == 0) {
		compare_platforms(image, item);
		image_layers_compare(image);
	}
	return r;
}
