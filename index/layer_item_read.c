/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "layer_item.h"
#include "layer_item_priv.h"
#include "layer_tape.h"
#include "pack.h"
#include "util.h"

struct item_reader {
	struct tape *tape;
	/** The item being read. A temporary file may come back damaged, so nothing is read past its end. */
	struct unpack in;
	bool failed;
	struct item_last last;
	struct scan_xattr *xattrs;
	size_t xattr_room;
	struct scan_extent *extents;
	size_t extent_room;
};

int item_reader_new(struct tape *tape, struct item_reader **ret_reader, struct peel_error *err)
{
	struct item_reader *reader = calloc(1, sizeof(*reader));

	if (!reader) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	reader->tape = tape;
	*ret_reader = reader;
	return 0;
}

void item_reader_free(struct item_reader *reader)
{
	if (reader) {
		item_last_finish(&reader->last);
		free(reader->xattrs);
		free(reader->extents);
		free(reader);
	}
}

static void get_path(struct item_reader *reader, struct scan_entry *entry)
{
	struct item_last *last = &reader->last;
	uint64_t same = unpack_number(&reader->in);
	size_t len = 0;
	const void *rest = unpack_bytes(&reader->in, &len);

	if (!rest || same > last->path_len) {
		reader->in.damaged = true;
		return;
	}
	reader->failed |= !item_last_set(&last->path, &last->path_len, &last->path_room,
		(size_t)same, rest, len);
	entry->path = last->path;
	entry->path_len = last->path_len;
}

static void get_names(struct item_reader *reader, bool changed, struct scan_entry *entry)
{
	struct item_last *last = &reader->last;

	if (changed) {
		size_t len = 0;
		const char *names = unpack_bytes(&reader->in, &len);
		const char *nul = names ? memchr(names, '\0', len) : NULL;

		if (!nul ||
			memchr(nul + 1, '\0', len - (size_t)(nul + 1 - names)) != names + len - 1) {
			reader->in.damaged = true;
			return;
		}
		reader->failed |= !item_last_set(&last->names, &last->names_len, &last->names_room,
			0, names, len);
	}
	if (last->names && !reader->failed) {
		entry->uname = last->names;
		entry->gname = last->names + strlen(last->names) + 1;
	}
}

static void get_xattrs(struct item_reader *reader, struct scan_entry *entry)
{
	uint64_t count = unpack_number(&reader->in);

	for (uint64_t i = 0; i < count && !reader->in.damaged && !reader->failed; i++) {
		struct scan_xattr *xattr;
		size_t len = 0;

		if (!grow_array(&reader->xattrs, entry->xattr_count, &reader->xattr_room,
			    sizeof(*reader->xattrs))) {
			reader->failed = true;
			return;
		}
		xattr = &reader->xattrs[entry->xattr_count++];
		xattr->name = unpack_text(&reader->in, &len);
		xattr->value = unpack_bytes(&reader->in, &xattr->value_len);
	}
	entry->xattrs = reader->xattrs;
}

static void get_extents(struct item_reader *reader, struct scan_entry *entry)
{
	uint64_t count = unpack_number(&reader->in);

	entry->sparse = true;
	for (uint64_t i = 0; i < count && !reader->in.damaged && !reader->failed; i++) {
		struct scan_extent *extent;

		if (!grow_array(&reader->extents, entry->extent_count, &reader->extent_room,
			    sizeof(*reader->extents))) {
			reader->failed = true;
			return;
		}
		extent = &reader->extents[entry->extent_count++];
		extent->offset = unpack_number(&reader->in);
		extent->length = unpack_number(&reader->in);
	}
	entry->extents = reader->extents;
}

/** The one extent of a file that is not sparse. */
static void set_whole(struct item_reader *reader, struct scan_entry *entry)
{
	if (!grow_array(&reader->extents, 0, &reader->extent_room, sizeof(*reader->extents))) {
		reader->failed = true;
		return;
	}
	reader->extents[0] = (struct scan_extent){0, entry->size};
	entry->extents = reader->extents;
	entry->extent_count = 1;
}

static void get_side(struct item_reader *reader, unsigned tag, struct scan_entry *entry)
{
	if (tag & ITEM_HAS_DEVICE) {
		entry->rdev_major = (uint32_t)unpack_number(&reader->in);
		entry->rdev_minor = (uint32_t)unpack_number(&reader->in);
	}
	if (tag & ITEM_HAS_XATTRS) {
		get_xattrs(reader, entry);
	}
	if (tag & ITEM_HAS_EXTENTS) {
		get_extents(reader, entry);
	} else if (entry->type == SCAN_FILE) {
		set_whole(reader, entry);
	}
	if (tag & ITEM_HAS_EXTRAS) {
		entry->extras = unpack_bytes(&reader->in, &entry->extras_len);
	}
}

static void get_entry(struct item_reader *reader, unsigned tag, struct item *item)
{
	struct scan_entry *entry = &item->entry;
	struct item_last *last = &reader->last;

	*entry = (struct scan_entry){.path = "", .link = "", .uname = "", .gname = ""};
	entry->type = (enum scan_type)unpack_number(&reader->in);
	get_path(reader, entry);
	entry->mode = (uint32_t)unpack_number(&reader->in);
	entry->uid = unpack_signed(&reader->in);
	entry->gid = unpack_signed(&reader->in);
	get_names(reader, tag & ITEM_HAS_NAMES, entry);
	entry->size = unpack_number(&reader->in);
	entry->stored = entry->size + (uint64_t)unpack_signed(&reader->in);
	entry->mtime_sec = (int64_t)((uint64_t)last->mtime + (uint64_t)unpack_signed(&reader->in));
	entry->mtime_nsec = (uint32_t)unpack_number(&reader->in);
	entry->header_off = last->data_end + unpack_number(&reader->in);
	entry->data_off = entry->header_off + unpack_number(&reader->in);
	last->mtime = entry->mtime_sec;
	last->data_end = entry->data_off + entry->stored;
	if (tag & ITEM_HAS_LINK) {
		entry->link = unpack_text(&reader->in, &entry->link_len);
	}
	get_side(reader, tag, entry);
	item->told = tag & ITEM_IS_TOLD;
	item->hash = reader->in.at < reader->in.end ? unpack_raw(&reader->in, ITEM_HASH_SIZE)
						    : NULL;
}

static void get_finding(struct item_reader *reader, unsigned tag, struct item *item)
{
	size_t len = 0;

	item->code = unpack_text(&reader->in, &len);
	item->detail = unpack_text(&reader->in, &len);
	item->offset = unpack_number(&reader->in);
	item->path = NULL;
	item->path_len = 0;
	if (tag & ITEM_HAS_PATH) {
		item->path = unpack_bytes(&reader->in, &item->path_len);
	}
}

static void get_point(struct item_reader *reader, struct item *item)
{
	item->point.out_off = unpack_number(&reader->in);
	item->point.in_off = unpack_number(&reader->in);
	item->point.bits = (uint8_t)unpack_number(&reader->in);
	item->point.window_len = (uint32_t)unpack_number(&reader->in);
	item->window = unpack_bytes(&reader->in, &item->window_len);
	item->window = item->window_len > 0 ? item->window : NULL;
}

int item_next(struct item_reader *reader, struct item *ret_item, unsigned wait_ms,
	struct peel_error *err)
{
	const void *bytes = NULL;
	size_t len = 0;
	int r = tape_next(reader->tape, &bytes, &len, wait_ms, err);
	unsigned tag;

	if (r != 1) {
		return r;
	}
	reader->in.at = bytes;
	reader->in.end = reader->in.at + len;
	tag = (unsigned)unpack_number(&reader->in);
	ret_item->kind = (enum item_kind)(tag & ITEM_KIND);
	switch (ret_item->kind) {
	case ITEM_ENTRY:
		get_entry(reader, tag, ret_item);
		break;
	case ITEM_FINDING:
		get_finding(reader, tag, ret_item);
		break;
	case ITEM_POINT:
		get_point(reader, ret_item);
		break;
	case ITEM_FACTS:
		ret_item->record = unpack_bytes(&reader->in, &ret_item->record_len);
		break;
	default:
		reader->in.damaged = true;
	}
	if (reader->failed) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return reader->in.damaged ? peel_fail(err, PEEL_EIO, "a temporary file is damaged") : 1;
}
