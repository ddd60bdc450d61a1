/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name leads to bytes in two ways, and both are confined: in an archive a link is followed once
 * and to another member (containers/image follows one, docker any number: further ones would be
 * read differently), in a folder as layout_resolve allows. Two members of one name are two images
 * to somebody: docker takes the last, containers/image the first. They are refused unless their
 * bytes are the same.
 */
#include "image_parts.h"

#include <stdio.h>
#include <string.h>

#include "image_outer.h"
#include "source.h"

/* Bytes compared at a time. */
#define COMPARE_CHUNK 65536

static int compare_bytes(struct source *source, const struct outer_member *a,
	const struct outer_member *b, bool *ret_same, struct peel_error *err)
{
	cleanup_free char *buf = malloc(2 * COMPARE_CHUNK);
	bool same = a->size == b->size;

	if (!buf) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (uint64_t pos = 0; same && pos < a->size; pos += COMPARE_CHUNK) {
		size_t len = (size_t)min_u64(COMPARE_CHUNK, a->size - pos);
		int r = source_read_exact(source, a->data_off + pos, buf, len, err);

		r = r < 0 ? r
			  : source_read_exact(source, b->data_off + pos, buf + COMPARE_CHUNK, len,
				    err);
		if (r < 0) {
			return r;
		}
		same = memcmp(buf, buf + COMPARE_CHUNK, len) == 0;
	}
	*ret_same = same;
	return 0;
}

static bool is_link(const struct outer_member *member)
{
	return member->type == '1' || member->type == '2';
}

/* The documents that say what the image is may not come twice even with the same bytes. */
static bool is_document(const char *name)
{
	return strcmp(name, "manifest.json") == 0 || strcmp(name, "index.json") == 0 ||
		strcmp(name, "oci-layout") == 0;
}

/* Members of the same name must be the same file. */
static int check_duplicates(struct peel_image *image, const struct outer_member *members,
	size_t count, struct peel_error *err)
{
	char shown[IMAGE_SHOWN];
	int r = 0;

	for (size_t i = 1; i < count; i++) {
		const struct outer_member *a = &members[0];
		const struct outer_member *b = &members[i];
		bool same = a->type == b->type && !is_document(a->name);

		if (same && is_link(a)) {
			same = strcmp(a->link, b->link) == 0;
		} else if (same && a->type == '\0') {
			r = compare_bytes(image->plain, a, b, &same, err);
		}
		if (r < 0) {
			return r;
		}
		if (!same) {
			return peel_fail(err, PEEL_EAMBIGUOUS,
				"the archive holds \"%s\" twice, at offsets %llu and "
				"%llu; tools differ in which one they take",
				image_shown(shown, a->name), (unsigned long long)a->header_off,
				(unsigned long long)b->header_off);
		}
		image_finding(image, "duplicate-member", -1, b->name, b->header_off,
			"the archive holds this member twice, with the same content");
	}
	return 0;
}

static int find_member(struct peel_image *image, const char *name,
	const struct outer_member **ret_member, struct peel_error *err)
{
	size_t count = 0;
	const struct outer_member *member = outer_lookup(image->outer, name, &count);
	int r = member ? check_duplicates(image, member, count, err) : PEEL_ENOENT;

	*ret_member = member;
	return r;
}

static int find_in_archive(struct peel_image *image, const char *name,
	struct image_place *ret_place, struct peel_error *err)
{
	const struct outer_member *member = NULL;
	char shown[IMAGE_SHOWN];
	int r = find_member(image, name, &member, err);

	if (r == 0 && is_link(member)) {
		if (member->escapes) {
			return peel_fail(err, PEEL_EFORMAT,
				"member \"%s\" at offset %llu is a link that leads out of "
				"the archive",
				image_shown(shown, name), (unsigned long long)member->header_off);
		}
		r = find_member(image, member->link, &member, err);
	}
	if (r < 0) {
		return r;
	}
	if (is_link(member)) {
		return peel_fail(err, PEEL_EFORMAT,
			"member \"%s\" is reached by more than one link", image_shown(shown, name));
	}
	if (member->type != '\0') {
		return peel_fail(err, PEEL_EFORMAT,
			"member \"%s\" at offset %llu is no regular file", image_shown(shown, name),
			(unsigned long long)member->header_off);
	}
	if (member->sparse) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"member \"%s\" at offset %llu is stored as a sparse file",
			image_shown(shown, name), (unsigned long long)member->header_off);
	}
	*ret_place = (struct image_place){.offset = member->data_off,
		.size = member->size,
		.cut = member->data_off + member->size > image->plain_size};
	return 0;
}

static int find_in_layout(struct peel_image *image, const char *name, struct image_place *ret_place,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	cleanup_source struct source *source = NULL;
	int r = layout_find(image->layout_fd, name, &path, &source, err);

	if (r < 0) {
		return r;
	}
	*ret_place = (struct image_place){
		.file = image_keep(image, "%s", path), .size = source->size};
	return 0;
}

int image_find(struct peel_image *image, const char *name, struct image_place *ret_place,
	struct peel_error *err)
{
	return image->outer ? find_in_archive(image, name, ret_place, err)
			    : find_in_layout(image, name, ret_place, err);
}

int image_find_blob(struct peel_image *image, const char *digest, struct image_place *ret_place,
	struct peel_error *err)
{
	char name[DIGEST_TEXT_SIZE + 8];
	char shown[IMAGE_SHOWN];
	const char *colon;

	/* Before any name is made of it: "sha256:../../x" is a path too (CVE-2024-3727). */
	if (!digest_valid(digest)) {
		return peel_fail(err, PEEL_EFORMAT, "\"%s\" is no digest",
			image_shown(shown, digest));
	}
	colon = strchr(digest, ':');
	snprintf(name, sizeof(name), "blobs/%.*s/%s", (int)(colon - digest), digest, colon + 1);
	return image_find(image, name, ret_place, err);
}

int image_place_source(struct peel_image *image, const struct image_place *place,
	struct source **ret_source, struct peel_error *err)
{
	if (place->file) {
		return image_file_open(image->layout_fd, place->file, ret_source, err);
	}
	return source_new_slice(image->plain ? image->plain : image->file, place->offset,
		place->size, ret_source, err);
}

int image_read(struct peel_image *image, const char *what, const struct image_place *place,
	char **ret_bytes, size_t *ret_len, struct peel_error *err)
{
	cleanup_source struct source *source = NULL;
	cleanup_free char *bytes = NULL;
	int r;

	const uint64_t budget = IMAGE_JSON_DOCUMENTS *
		limits_value(&image->limits, PEEL_LIMIT_JSON_SIZE);

	if (limits_check(&image->limits, PEEL_LIMIT_JSON_SIZE, place->size, err) < 0) {
		(void)peel_wrap(err, "%s at offset %llu", what, (unsigned long long)place->offset);
		return PEEL_ELIMIT;
	}
	if (image->json_read + place->size > budget) {
		return peel_fail(err, PEEL_ELIMIT,
			"%s: the manifests and configurations are larger than %llu bytes in all, "
			"%d times the limit json-size (--limit json-size=N raises it)",
			what, (unsigned long long)budget, IMAGE_JSON_DOCUMENTS);
	}
	bytes = malloc((size_t)place->size + 1);
	if (!bytes) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = image_place_source(image, place, &source, err);
	r = r < 0 ? r : source_read_exact(source, 0, bytes, (size_t)place->size, err);
	if (r < 0) {
		return peel_wrap(err, "%s at offset %llu", what, (unsigned long long)place->offset);
	}
	bytes[place->size] = '\0';
	image->json_read += place->size;
	*ret_bytes = steal_pointer(&bytes);
	*ret_len = (size_t)place->size;
	return 0;
}

int image_read_json(struct peel_image *image, const char *name, json_t **ret_json,
	struct peel_error *err)
{
	cleanup_free char *bytes = NULL;
	struct image_place place;
	size_t len = 0;
	int r = image_find(image, name, &place, err);

	if (r < 0) {
		return r;
	}
	r = image_read(image, name, &place, &bytes, &len, err);
	return r < 0 ? r : json_parse_within(name, bytes, len, &image->limits, ret_json, err);
}

int image_read_descriptor(struct peel_image *image, const char *what, const json_t *descriptor,
	char **ret_bytes, size_t *ret_len, struct peel_error *err)
{
	const char *digest = json_text(descriptor, "digest");
	const json_t *size = json_member(descriptor, "size");
	cleanup_free char *bytes = NULL;
	char found[DIGEST_TEXT_SIZE];
	struct image_place place;
	size_t len = 0;
	int r = image_find_blob(image, digest, &place, err);

	if (r == PEEL_ENOENT) {
		return peel_fail(err, PEEL_ENOENT, "the %s %s is not in the file", what, digest);
	}
	if (r < 0) {
		return peel_wrap(err, "%s", what);
	}
	if (json_is_integer(size) && json_integer_value(size) != (json_int_t)place.size) {
		return peel_fail(err, PEEL_EDIGEST,
			"the %s %s has %llu bytes, its descriptor says %lld", what, digest,
			(unsigned long long)place.size, (long long)json_integer_value(size));
	}
	r = image_read(image, what, &place, &bytes, &len, err);
	r = r < 0 ? r : digest_buffer(digest, bytes, len, found, err);
	if (r < 0) {
		return r;
	}
	if (strcmp(found, digest) != 0) {
		return peel_fail(err, PEEL_EDIGEST, "the %s %s has the digest %s", what, digest,
			found);
	}
	*ret_bytes = steal_pointer(&bytes);
	*ret_len = len;
	return 0;
}
