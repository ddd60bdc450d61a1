/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, is told by the names in it, never by its own name: manifest.json makes it a
 * docker archive, index.json with oci-layout or blobs/ an OCI archive, neither a root filesystem.
 * Both make it a hybrid, which docker and containers/image may read as different images; it is
 * opened without a transport only where both halves have the same configurations and the same bytes
 * for every layer.
 */
#include "image_parts.h"

#include <string.h>

#include "codec.h"
#include "image_outer.h"
#include "points.h"
#include "source.h"

#define OUTER_OCI_MARKS (OUTER_LAYOUT | OUTER_BLOBS)

/* Choose among the items and open what was chosen. */
static int choose_and_open(struct peel_image *image, struct peel_error *err)
{
	struct image_item *item = NULL;
	int r = image_choose(image, &item, err);

	if (r < 0) {
		return r;
	}
	return item->docker ? image_docker_open(image, item, err)
			    : image_oci_open(image, item, err);
}

static int open_docker(struct peel_image *image, struct peel_error *err)
{
	int r;

	image->kind = PEEL_IMAGE_DOCKER_ARCHIVE;
	r = image_docker_survey(image, err);
	return r < 0 ? r : choose_and_open(image, err);
}

static int open_oci(struct peel_image *image, enum peel_image_kind kind, struct peel_error *err)
{
	int r;

	image->kind = kind;
	r = image_oci_survey(image, err);
	return r < 0 ? r : choose_and_open(image, err);
}

static const struct image_item *find_signature(const struct peel_image *image,
	const char *signature)
{
	for (size_t i = 0; i < image->item_count && signature[0]; i++) {
		if (!image->items[i].docker && strcmp(image->items[i].signature, signature) == 0) {
			return &image->items[i];
		}
	}
	return NULL;
}

/* Count the images of one half; artifacts are none. */
static size_t count_half(const struct peel_image *image, bool docker)
{
	size_t count = 0;

	for (size_t i = 0; i < image->item_count; i++) {
		count += image->items[i].docker == docker && !image->items[i].shown.artifact;
	}
	return count;
}

/* Drop the images of one half. */
static void drop_half(struct peel_image *image, bool docker)
{
	size_t used = 0;

	for (size_t i = 0; i < image->item_count; i++) {
		struct image_item *item = &image->items[i];

		if (item->docker != docker || item->shown.artifact) {
			image->items[used++] = *item;
		} else {
			json_decref(item->names);
		}
	}
	image->item_count = used;
}

/* Items of manifest.json come first; their tags are handed to their twins. */
static int compare_halves(struct peel_image *image, struct peel_error *err)
{
	for (size_t i = 0; i < image->item_count && image->items[i].docker; i++) {
		struct image_item *item = &image->items[i];
		const struct image_item *twin = find_signature(image, item->signature);

		if (!twin) {
			return peel_fail(err, PEEL_EAMBIGUOUS,
				"manifest.json and index.json tell of different images "
				"(configuration or layers of @%d); write docker-archive:PATH or oci-archive:PATH",
				item->position);
		}
		if (!twin->shown.tags[0]) {
			image->items[twin - image->items].shown.tags = item->shown.tags;
		}
	}
	return 0;
}

static int open_hybrid(struct peel_image *image, struct peel_error *err)
{
	int r;

	image->kind = PEEL_IMAGE_DOCKER_ARCHIVE;
	image->hybrid = true;
	r = image_docker_survey(image, err);
	r = r < 0 ? r : image_oci_survey(image, err);
	if (r < 0) {
		return r;
	}
	/*
	 * `docker save` by image ID writes an index.json that lists nothing: one half, one image.
	 */
	if (count_half(image, true) > 0 && count_half(image, false) > 0) {
		r = compare_halves(image, err);
		drop_half(image, true);
	}
	return r < 0 ? r : choose_and_open(image, err);
}

/* A root filesystem is its own layer, compressed or not; nothing else of the file matters. */
static int open_rootfs(struct peel_image *image, struct peel_error *err)
{
	struct image_place place = {.size = image->file->size};
	int r;

	if (image->platform_wanted) {
		return peel_fail(err, PEEL_EUSAGE,
			"a root filesystem names no platform, so none can be chosen");
	}
	image->kind = PEEL_IMAGE_ROOTFS;
	image->codec = PEEL_CODEC_NONE;
	image->plain_size = image->file->size;
	outer_free(image->outer);
	image->outer = NULL;
	source_drop(image->plain);
	image->plain = source_grab(image->file);
	point_list_free(image->points);
	image->points = NULL;
	image->finding_count = 0;
	limits_forget_decoded(&image->limits);
	r = image_layers_new(image, 1, err);
	return r < 0 ? r : image_layer_set(image, 0, 0, &place, "", -1, err);
}

/* What there is to say of an archive that has neither document. */
static int open_without_document(struct peel_image *image, struct peel_error *err)
{
	const struct outer *outer = image->outer;

	if (!outer->any && (outer->failure.code != 0 || outer->trailing)) {
		return peel_fail(err, PEEL_EFORMAT, "not a container image%s%s",
			outer->failure.code ? ": " : "", outer->failure.message);
	}
	if (!outer->any && image->reference.kind != PEEL_IMAGE_ROOTFS) {
		/*
		 * Zeros, such as a download that never came, would be a clean image with nothing in
		 * it.
		 */
		return peel_fail(err, PEEL_EFORMAT,
			"not a container image: an archive with nothing in it (if that is a "
			"root filesystem, write rootfs:PATH)");
	}
	if (outer->marks & (OUTER_LEGACY | OUTER_OCI_MARKS) && outer->failure.code != 0) {
		return peel_fail(err, outer->failure.code,
			"%s, before any manifest.json or index.json", outer->failure.message);
	}
	if (outer->marks & OUTER_LEGACY) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"an archive of docker before 1.10 (%s, no manifest.json), which "
			"peel does not read; load it and save it again",
			outer->marks & OUTER_REPOSITORIES ? "repositories" : "ID/layer.tar");
	}
	if (outer->marks & OUTER_OCI_MARKS) {
		return peel_fail(err, PEEL_EFORMAT,
			"not a container image: parts of an OCI layout, but no index.json "
			"(for a root filesystem with such files, write rootfs:PATH)");
	}
	return open_rootfs(image, err);
}

static int open_archive(struct peel_image *image, struct peel_error *err)
{
	const struct outer *outer = image->outer;
	bool docker = outer->marks & OUTER_DOCKER;
	bool oci = (outer->marks & OUTER_INDEX) && (outer->marks & OUTER_OCI_MARKS);
	enum peel_image_kind wanted = image->reference.kind;

	if ((docker || oci) && outer->overflow) {
		return limits_fail(&image->limits, PEEL_LIMIT_MEMBERS,
			limits_value(&image->limits, PEEL_LIMIT_MEMBERS) + 1, err);
	}
	if (docker || oci) {
		image->outer_failed = outer->failure.code != 0;
		if (outer->failure.code != 0) {
			image_finding(image, "damaged-archive", -1, NULL, outer->size, "%s",
				outer->failure.message);
		} else if (outer->trailing) {
			image_finding(image, "data-after-eof", -1, NULL, UINT64_MAX,
				"data follows the end of the archive");
		}
	}
	if ((wanted == PEEL_IMAGE_DOCKER_ARCHIVE && !docker) ||
		(wanted == PEEL_IMAGE_OCI_ARCHIVE && !oci)) {
		if (outer->marks & OUTER_LEGACY || outer->failure.code != 0) {
			return open_without_document(image, err);
		}
		return peel_fail(err, PEEL_EFORMAT,
			"not a container image of that kind: it has no %s",
			wanted == PEEL_IMAGE_OCI_ARCHIVE ? "index.json of an OCI layout"
							 : "manifest.json");
	}
	if (docker && oci && wanted == 0) {
		return open_hybrid(image, err);
	}
	if (docker && wanted != PEEL_IMAGE_OCI_ARCHIVE) {
		return open_docker(image, err);
	}
	return oci ? open_oci(image, PEEL_IMAGE_OCI_ARCHIVE, err)
		   : open_without_document(image, err);
}

/* The compression, by content. */
static int probe_codec(struct peel_image *image, struct peel_error *err)
{
	unsigned char head[16];
	const char *foreign;
	ssize_t n = source_read_at(image->file, 0, head, sizeof(head), err);

	if (n < 0) {
		return (int)n;
	}
	if (n == 0) {
		return peel_fail(err, PEEL_EFORMAT, "not a container image: the file is empty");
	}
	image->codec = codec_probe(head, (size_t)n);
	foreign = image->codec == PEEL_CODEC_NONE ? codec_probe_foreign(head, (size_t)n) : NULL;
	if (foreign) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"compressed with %s, which peel does not read; decompress it first",
			foreign);
	}
	return 0;
}

int image_open_by_kind(struct peel_image *image, struct peel_error *err)
{
	enum peel_image_kind wanted = image->reference.kind;
	int r;

	if (image->layout_fd >= 0) {
		if (wanted != 0 && wanted != PEEL_IMAGE_OCI_LAYOUT) {
			return peel_fail(err, PEEL_EUSAGE, "a folder; only oci: reads folders");
		}
		return open_oci(image, PEEL_IMAGE_OCI_LAYOUT, err);
	}
	if (wanted == PEEL_IMAGE_OCI_LAYOUT) {
		return peel_fail(err, PEEL_EUSAGE,
			"a file; oci: reads folders, oci-archive: files");
	}
	r = probe_codec(image, err);
	if (r < 0) {
		return r;
	}
	if (wanted == PEEL_IMAGE_ROOTFS) {
		return open_rootfs(image, err);
	}
	r = image_outer_open(image, err);
	return r < 0 ? r : open_archive(image, err);
}
