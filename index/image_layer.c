/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a layer before it is read: where it is, whether its type is known, how it is
 * compressed.
 */
#include "image_parts.h"

#include <string.h>

#include "codec.h"
#include "source.h"

/* Bytes that tell a compression. */
#define PROBE_SIZE 16

struct layer_type {
	const char *name;
	enum peel_codec codec;
	/* Content that is meant to be fetched from elsewhere. */
	bool foreign;
};

static const struct layer_type layer_types[] = {
	{"application/vnd.docker.image.rootfs.diff.tar", PEEL_CODEC_NONE, false},
	{"application/vnd.docker.image.rootfs.diff.tar.gzip", PEEL_CODEC_GZIP, false},
	{"application/vnd.docker.image.rootfs.diff.tar.zstd", PEEL_CODEC_ZSTD, false},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar", PEEL_CODEC_NONE, true},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", PEEL_CODEC_GZIP, true},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.zstd", PEEL_CODEC_ZSTD, true},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", PEEL_CODEC_NONE, true},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", PEEL_CODEC_GZIP, true},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", PEEL_CODEC_ZSTD, true},
	{"application/vnd.oci.image.layer.v1.tar", PEEL_CODEC_NONE, false},
	{"application/vnd.oci.image.layer.v1.tar+gzip", PEEL_CODEC_GZIP, false},
	{"application/vnd.oci.image.layer.v1.tar+zstd", PEEL_CODEC_ZSTD, false},
};

static const struct layer_type *find_type(const char *media_type)
{
	for (size_t i = 0; i < countof(layer_types); i++) {
		if (strcmp(media_type, layer_types[i].name) == 0) {
			return &layer_types[i];
		}
	}
	return NULL;
}

int image_layers_new(struct peel_image *image, size_t count, struct peel_error *err)
{
	int r = limits_check(&image->limits, PEEL_LIMIT_LAYERS, count, err);

	if (r < 0) {
		return r;
	}
	image->layers = calloc(count + 1, sizeof(*image->layers));
	image->blobs = calloc(count + 1, sizeof(*image->blobs));
	if (!image->layers || !image->blobs) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	image->layer_count = count;
	for (size_t i = 0; i < count; i++) {
		image->layers[i] = (struct peel_layer){.digest = "",
			.diff_id = "",
			.media_type = "",
			.state_reason = "",
			.created = "",
			.instruction = "",
			.comment = ""};
	}
	return 0;
}

/* Set a state that is not OK; every such state is an anomaly as well. */
static void spoil(struct peel_image *image, size_t i, enum peel_layer_state state, const char *code,
	const char *reason)
{
	image->layers[i].state = state;
	image->layers[i].state_reason = reason;
	image_finding(image, code, (int)i, NULL, UINT64_MAX, "layer %zu: %s", i, reason);
}

static int probe_content(struct peel_image *image, size_t i, const struct image_place *place,
	const struct layer_type *type, struct peel_error *err)
{
	struct peel_layer *layer = &image->layers[i];
	cleanup_source struct source *source = NULL;
	unsigned char head[PROBE_SIZE];
	const char *foreign;
	ssize_t n;
	int r = image_place_source(image, place, &source, err);

	if (r < 0) {
		return r;
	}
	n = source_read_at(source, 0, head, sizeof(head), err);
	if (n < 0) {
		return peel_wrap(err, "layer %zu at offset %llu", i,
			(unsigned long long)place->offset);
	}
	layer->codec = codec_probe(head, (size_t)n);
	foreign = layer->codec == PEEL_CODEC_NONE ? codec_probe_foreign(head, (size_t)n) : NULL;
	if (foreign) {
		spoil(image, i, PEEL_LAYER_UNSUPPORTED, "unsupported-layer",
			image_keep(image, "compressed with %s, which peel does not read", foreign));
	} else if (type && layer->codec != type->codec && n > 0) {
		image_finding(image, "mediatype-mismatch", (int)i, NULL, UINT64_MAX,
			"the media type %s says %s, the bytes are %s", layer->media_type,
			peel_codec_name(type->codec), peel_codec_name(layer->codec));
	}
	return 0;
}

static void set_missing(struct peel_image *image, size_t i, const struct layer_type *type)
{
	spoil(image, i, PEEL_LAYER_MISSING,
		type && type->foreign ? "foreign-layer" : "missing-layer",
		type && type->foreign
			? "a foreign layer, whose content is kept elsewhere; peel never fetches it"
			: image->outer && image->outer_failed
			? "not in the archive, which is cut off or damaged"
			: "its blob is not in the file");
}

int image_layer_set(struct peel_image *image, size_t i, int found, const struct image_place *place,
	const char *media_type, int64_t size, struct peel_error *err)
{
	struct peel_layer *layer = &image->layers[i];
	const struct layer_type *type = find_type(media_type);
	char shown[IMAGE_SHOWN];
	int r;

	layer->media_type = media_type;
	if (found < 0) {
		set_missing(image, i, type);
		return 0;
	}
	image->blobs[i] = (struct image_blob){
		.file = place->file, .offset = place->offset, .size = place->size};
	layer->stored_size = place->size;
	if (media_type[0] && !type) {
		bool encrypted = strstr(media_type, "+encrypted") != NULL;

		spoil(image, i, PEEL_LAYER_UNSUPPORTED,
			encrypted ? "encrypted-layer" : "unsupported-layer",
			encrypted ? "encrypted"
				  : image_keep(image, "media type \"%s\" is not known",
					    image_shown(shown, media_type)));
		return 0;
	}
	r = probe_content(image, i, place, type, err);
	if (r < 0 || layer->state != PEEL_LAYER_OK) {
		return r;
	}
	if (place->cut) {
		spoil(image, i, PEEL_LAYER_BROKEN, "truncated-layer",
			image_keep(image, "the image file ends within it, at offset %llu",
				(unsigned long long)image->plain_size));
	} else if (size >= 0 && (uint64_t)size != place->size) {
		spoil(image, i, PEEL_LAYER_BROKEN, "size-mismatch",
			image_keep(image, "it has %llu bytes, its descriptor says %lld",
				(unsigned long long)place->size, (long long)size));
	}
	return 0;
}

void image_layers_compare(struct peel_image *image)
{
	for (size_t i = 0; i < image->layer_count; i++) {
		struct peel_layer *layer = &image->layers[i];

		if (layer->codec != PEEL_CODEC_NONE || layer->state != PEEL_LAYER_OK) {
			continue;
		}
		if (!layer->digest[0]) {
			layer->digest = layer->diff_id;
		} else if (strcmp(layer->digest, layer->diff_id) != 0 &&
			strncmp(layer->digest, layer->diff_id, 7) == 0) {
			spoil(image, i, PEEL_LAYER_BROKEN, "digest-mismatch",
				image_keep(image,
					"it is not compressed, but its digest %s is not its diff ID %s",
					layer->digest, layer->diff_id));
		}
	}
}
