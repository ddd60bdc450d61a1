/* SPDX-License-Identifier: Apache-2.0 */
/* What callers see of an open image. */
#include "image_parts.h"

#include <string.h>

#include "source.h"

enum peel_image_kind peel_image_kind(const struct peel_image *image)
{
	return image->kind;
}

const char *peel_image_kind_name(enum peel_image_kind kind)
{
	switch (kind) {
	case PEEL_IMAGE_DOCKER_ARCHIVE:
		return "docker-archive";
	case PEEL_IMAGE_OCI_ARCHIVE:
		return "oci-archive";
	case PEEL_IMAGE_OCI_LAYOUT:
		return "oci";
	case PEEL_IMAGE_ROOTFS:
		return "rootfs";
	}
	return "unknown";
}

const char *peel_codec_name(enum peel_codec codec)
{
	switch (codec) {
	case PEEL_CODEC_NONE:
		return "none";
	case PEEL_CODEC_GZIP:
		return "gzip";
	case PEEL_CODEC_ZSTD:
		return "zstd";
	}
	return "unknown";
}

enum peel_codec peel_image_codec(const struct peel_image *image)
{
	return image->codec;
}

const char *peel_image_reference(const struct peel_image *image)
{
	return image->reference_text;
}

const char *peel_image_manifest_digest(const struct peel_image *image)
{
	return image->manifest_digest;
}

const char *peel_image_config_digest(const struct peel_image *image)
{
	return image->config_digest;
}

const char *peel_image_platform(const struct peel_image *image)
{
	return image->platform;
}

const char *peel_image_config(const struct peel_image *image, size_t *ret_len)
{
	*ret_len = image->config_len;
	return image->config;
}

const char *peel_image_env_path(const struct peel_image *image)
{
	return image->env_path;
}

int peel_image_layer_count(const struct peel_image *image)
{
	return (int)image->layer_count;
}

const struct peel_layer *peel_image_layer(const struct peel_image *image, int i)
{
	return &image->layers[i];
}

int peel_image_history_count(const struct peel_image *image)
{
	return (int)image->history_count;
}

const struct peel_history *peel_image_history(const struct peel_image *image, int i)
{
	return &image->history[i];
}

int peel_image_candidate_count(const struct peel_image *image)
{
	return (int)image->item_count;
}

const struct peel_candidate *peel_image_candidate(const struct peel_image *image, int i)
{
	return &image->items[i].shown;
}

int peel_image_finding_count(const struct peel_image *image)
{
	return (int)image->finding_count;
}

const struct peel_finding *peel_image_finding(const struct peel_image *image, int i)
{
	return &image->findings[i];
}

const struct image_blob *image_layer_blob(const struct peel_image *image, int i)
{
	return image->layers[i].state == PEEL_LAYER_MISSING ? NULL : &image->blobs[i];
}

int image_layer_source(struct peel_image *image, int i, struct source **ret_source,
	struct peel_error *err)
{
	const struct image_blob *blob = image_layer_blob(image, i);
	struct image_place place;

	if (!blob) {
		return peel_fail(err, PEEL_ENOENT, "layer %d: %s", i,
			image->layers[i].state_reason);
	}
	if (image->layers[i].state == PEEL_LAYER_UNSUPPORTED) {
		return peel_fail(err, PEEL_EUNSUPPORTED, "layer %d: %s", i,
			image->layers[i].state_reason);
	}
	place = (struct image_place){
		.file = blob->file, .offset = blob->offset, .size = blob->size};
	return image_place_source(image, &place, ret_source, err);
}

struct source *image_file(struct peel_image *image)
{
	return image->file;
}

const struct point_list *image_points(const struct peel_image *image)
{
	return image->points;
}

unsigned int image_matches(const struct peel_image *image)
{
	return image->matches;
}

struct limit_watch *image_limits(struct peel_image *image)
{
	return &image->limits;
}

uint64_t image_file_size(const struct peel_image *image)
{
	return image->plain_size;
}

int image_layout_fd(const struct peel_image *image)
{
	return image->layout_fd;
}
