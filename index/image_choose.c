/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing is filtering: artifacts fall out, then what the selector does not name, then what is for
 * another platform, then what is not in the file. If the rest is one image (or several times the
 * same one), that is it. Nothing is preferred: neither the first, nor "latest", nor the platform of
 * the machine.
 */
#include "image_parts.h"

#include <stdio.h>
#include <string.h>

#include <peel/text.h>

/* Most images named in a message. */
#define LISTED_MAX 12
/* Of each, room for its tags and for its platform, escaped; for the start of its digest; for one of a list. */
#define LISTED_TEXT 81
#define LISTED_DIGEST 20
#define LISTED_ROOM 240

bool image_may_be_unreadable(int code)
{
	return code == PEEL_ENOENT || code == PEEL_EFORMAT || code == PEEL_EDIGEST ||
		code == PEEL_ETRUNCATED || code == PEEL_EUNSUPPORTED;
}

int image_item_add(struct peel_image *image, const struct image_item *item, struct peel_error *err)
{
	int r = limits_check(&image->limits, PEEL_LIMIT_MANIFESTS, image->item_count + 1, err);

	if (r < 0) {
		json_decref(item->names);
		return r;
	}
	if (!grow_array(&image->items, image->item_count, &image->item_room, sizeof(*item))) {
		json_decref(item->names);
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	image->items[image->item_count++] = *item;
	return 0;
}

static bool has_name(const struct image_item *item, const char *tag, bool exact)
{
	size_t i;
	json_t *name;

	json_array_foreach (item->names, i, name) {
		const char *text = json_string_value(name);

		if (text && (exact ? strcmp(text, tag) == 0 : image_names_equal(text, tag))) {
			return true;
		}
	}
	return exact && digest_valid(tag) && strcmp(item->shown.digest, tag) == 0;
}

static bool tag_known(const struct peel_image *image, bool exact)
{
	for (size_t i = 0; i < image->item_count; i++) {
		if (has_name(&image->items[i], image->reference.tag, exact)) {
			return true;
		}
	}
	return false;
}

static bool platform_fits(const struct image_platform *platform,
	const struct image_platform *wanted)
{
	return strcmp(platform->os, wanted->os) == 0 && strcmp(platform->arch, wanted->arch) == 0 &&
		(!wanted->variant[0] || strcmp(platform->variant, wanted->variant) == 0);
}

static bool selected(const struct peel_image *image, const struct image_item *item, bool exact)
{
	return !item->shown.artifact &&
		(image->reference.position < 0 || image->reference.position == item->position) &&
		(!image->reference.tag || has_name(item, image->reference.tag, exact));
}

static bool same_image(const struct image_item *a, const struct image_item *b)
{
	return a->docker == b->docker &&
		(a->docker ? json_equal(json_member(a->source, "Config"),
				     json_member(b->source, "Config")) &&
					json_equal(json_member(a->source, "Layers"),
						json_member(b->source, "Layers"))
			   : a->shown.digest[0] && strcmp(a->shown.digest, b->shown.digest) == 0);
}

/* Every string of a candidate is a stranger's. */
static void shorten(char *buf, size_t size, const char *text)
{
	(void)peel_text_escape_into(buf, size, text, strlen(text));
}

/* "@0 name linux/amd64 sha256:012345678901; @1 …" */
static void list_items(const struct peel_image *image, const bool *fits, char *buf, size_t size)
{
	char tags[LISTED_TEXT];
	char platform[LISTED_TEXT];
	char digest[LISTED_DIGEST];
	size_t used = 0;
	size_t listed = 0;
	size_t more = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < image->item_count; i++) {
		const struct image_item *item = &image->items[i];
		int n;

		if (!fits[i]) {
			continue;
		}
		if (listed == LISTED_MAX || used + LISTED_ROOM > size) {
			more++;
			continue;
		}
		shorten(tags, sizeof(tags), item->shown.tags);
		shorten(platform, sizeof(platform), item->shown.platform);
		snprintf(digest, sizeof(digest), "%.19s",
			digest_valid(item->shown.digest) ? item->shown.digest : "");
		n = snprintf(buf + used, size - used, "%s@%d%s%s%s%s%s%s%s", listed ? "; " : "",
			item->position, tags[0] ? " " : "", tags, platform[0] ? " " : "", platform,
			digest[0] ? " " : "", digest, item->missing ? " (not in the file)" : "");
		used += n > 0 ? min_u64((uint64_t)n, size - used - 1) : 0;
		listed++;
	}
	if (more > 0) {
		snprintf(buf + used, size - used, "; and %zu more", more);
	}
}

static int no_such(struct peel_image *image, bool *fits, struct peel_error *err)
{
	char wanted[IMAGE_SHOWN];
	char list[592];
	size_t images = 0;

	for (size_t i = 0; i < image->item_count; i++) {
		fits[i] = !image->items[i].shown.artifact;
		images += fits[i];
	}
	if (images == 0) {
		return peel_fail(err, PEEL_ENOENT,
			image->item_count ? "it holds no image, only artifacts "
					    "(signatures, attestations or the like)"
					  : "it lists no image");
	}
	list_items(image, fits, list, sizeof(list));
	if (image->platform_wanted) {
		snprintf(wanted, sizeof(wanted), "for platform %s",
			image_keep_platform(image, &image->wanted));
	} else if (image->reference.tag) {
		shorten(list, 101, image->reference.tag);
		snprintf(wanted, sizeof(wanted), "named \"%.100s\"", list);
		list_items(image, fits, list, sizeof(list));
	} else {
		snprintf(wanted, sizeof(wanted), "at position @%d", image->reference.position);
	}
	return peel_fail(err, PEEL_ENOENT, "it holds no image %s; it holds %s", wanted, list);
}

static int several(struct peel_image *image, const bool *fits, size_t count, struct peel_error *err)
{
	char list[592];
	const char *transport = image->kind == PEEL_IMAGE_OCI_LAYOUT ? "oci"
		: image->kind == PEEL_IMAGE_OCI_ARCHIVE              ? "oci-archive"
								     : "docker-archive";

	list_items(image, fits, list, sizeof(list));
	return peel_fail(err, PEEL_EAMBIGUOUS,
		"%zu images match; choose with --platform, or with %s:PATH:NAME or :@N: %s", count,
		transport, list);
}

/*
 * Take out what does not fit any more. @return how many different ones are left; *ret_first the
 * first of them.
 */
static size_t count_fits(struct peel_image *image, const bool *fits, struct image_item **ret_first)
{
	size_t count = 0;

	*ret_first = NULL;
	for (size_t i = 0; i < image->item_count; i++) {
		if (fits[i] && (!*ret_first || !same_image(*ret_first, &image->items[i]))) {
			*ret_first = *ret_first ? *ret_first : &image->items[i];
			count++;
		}
	}
	return count;
}

static size_t drop_missing(struct peel_image *image, bool *fits, struct image_item **ret_first)
{
	for (size_t i = 0; i < image->item_count; i++) {
		fits[i] = fits[i] && !image->items[i].missing;
	}
	return count_fits(image, fits, ret_first);
}

/* Whether item i fits and none of those before it is the same image. */
static bool is_first(const struct peel_image *image, const bool *fits, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (fits[k] && same_image(&image->items[k], &image->items[i])) {
			return false;
		}
	}
	return fits[i];
}

/* The number-th of the different ones that fit. @return 0; PEEL_ENOENT. */
static int take_nth(struct peel_image *image, const bool *fits, struct image_item **ret_item,
	struct peel_error *err)
{
	unsigned int left = image->options.nth;

	for (size_t i = 0; i < image->item_count; i++) {
		if (is_first(image, fits, i) && --left == 0) {
			image->items[i].shown.chosen = true;
			*ret_item = &image->items[i];
			return 0;
		}
	}
	return peel_fail(err, PEEL_ENOENT, "there is no image number %u that matches",
		image->options.nth);
}

/* How many different ones fit. */
static unsigned int count_different(const struct peel_image *image, const bool *fits)
{
	unsigned int count = 0;

	for (size_t i = 0; i < image->item_count; i++) {
		count += is_first(image, fits, i);
	}
	return count;
}

int image_choose(struct peel_image *image, struct image_item **ret_item, struct peel_error *err)
{
	cleanup_free bool *fits = calloc(image->item_count + 1, sizeof(*fits));
	cleanup_free bool *present = calloc(image->item_count + 1, sizeof(*present));
	struct image_item *item;
	struct image_item *here;
	bool exact = !image->reference.tag || tag_known(image, true);
	size_t count;

	if (!fits || !present) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < image->item_count; i++) {
		fits[i] = selected(image, &image->items[i], exact) &&
			(!image->platform_wanted ||
				platform_fits(&image->items[i].platform, &image->wanted));
	}
	image->matches = count_different(image, fits);
	if (image->options.ret_matches) {
		*image->options.ret_matches = image->matches;
	}
	if (image->options.nth > 0) {
		return take_nth(image, fits, ret_item, err);
	}
	memcpy(present, fits, image->item_count * sizeof(*fits));
	count = count_fits(image, fits, &item);
	if (count > 1 && drop_missing(image, present, &here) == 1) {
		count = 1;
		item = here;
	}
	if (count == 0) {
		return no_such(image, fits, err);
	}
	if (count > 1) {
		return several(image, fits, count, err);
	}
	item->shown.chosen = true;
	*ret_item = item;
	return 0;
}
