/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An item is a byte that tells its kind and what it has, then numbers of seven bits a byte, lowest first, and bytes
 * after their length. An entry is told against the one before it: what the paths begin with alike, the differences of
 * time and offset, owner names only where they change. Texts keep the NUL that follows them.
 *
 * An entry is put when its hash is known or cannot come any more, so that a row is written once.
 */
#include "layer_item.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "layer_item_priv.h"
#include "layer_tape.h"
#include "pack.h"
#include "points.h"
#include "util.h"

/** Room that is kept for the next item, bytes. */
#define ROOM_KEPT (64u << 10)

struct item_writer {
	struct tape *tape;
	/** Points come while an entry waits for its hash. */
	struct pack entry, other;
	bool pending;
	/** What the last entry had. */
	struct item_last last;
};

int item_writer_new(struct tape *tape, struct item_writer **ret_writer, struct peel_error *err)
{
	struct item_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	writer->tape = tape;
	*ret_writer = writer;
	return 0;
}

void item_writer_free(struct item_writer *writer)
{
	if (writer) {
		item_last_finish(&writer->last);
		free(writer->entry.bytes);
		free(writer->other.bytes);
		free(writer);
	}
}

void item_last_finish(struct item_last *last)
{
	free(last->path);
	free(last->names);
	*last = (struct item_last){0};
}

bool item_last_set(char **text, size_t *len, size_t *room, size_t at, const void *bytes, size_t n)
{
	if (at + n + 1 > *room) {
		char *grown = realloc(*text, (at + n + 1) * 2);

		if (!grown) {
			return false;
		}
		*text = grown;
		*room = (at + n + 1) * 2;
	}
	memcpy(*text + at, bytes, n);
	(*text)[at + n] = '\0';
	*len = at + n;
	return true;
}

static int write_item(struct item_writer *writer, const struct pack *pack, struct peel_error *err)
{
	return pack->failed ? peel_fail(err, PEEL_ENOMEM, "out of memory")
			    : tape_write(writer->tape, pack->bytes, pack->len, err);
}

int item_flush(struct item_writer *writer, struct peel_error *err)
{
	bool pending = writer->pending;

	writer->pending = false;
	return pending ? write_item(writer, &writer->entry, err) : 0;
}

static void shrink_pack(struct pack *pack)
{
	if (pack->room > ROOM_KEPT) {
		free(pack->bytes);
		*pack = (struct pack){0};
	}
}

int item_shrink(struct item_writer *writer, struct peel_error *err)
{
	struct item_last *last = &writer->last;
	int code = item_flush(writer, err);

	shrink_pack(&writer->entry);
	shrink_pack(&writer->other);
	/* The next entry is told against nothing then, which who reads need not know. */
	if (last->path_room > ROOM_KEPT || last->names_room > ROOM_KEPT) {
		free(last->path);
		free(last->names);
		*last = (struct item_last){.mtime = last->mtime, .data_end = last->data_end};
	}
	return code;
}

static void begin(struct pack *pack, unsigned tag)
{
	pack->len = 0;
	pack_number(pack, tag);
}

static void put_path(struct item_writer *writer, const struct scan_entry *entry)
{
	struct item_last *last = &writer->last;
	struct pack *pack = &writer->entry;
	size_t same = 0;
	size_t most = (size_t)min_u64(last->path_len, entry->path_len);

	while (same < most && last->path[same] == entry->path[same]) {
		same++;
	}
	pack_number(pack, same);
	pack_bytes(pack, entry->path + same, entry->path_len - same);
	pack->failed |= !item_last_set(&last->path, &last->path_len, &last->path_room, same,
		entry->path + same, entry->path_len - same);
}

/** Owner names, both with their NUL. @return false where they are those of the last entry. */
static bool names_changed(struct item_writer *writer, const struct scan_entry *entry)
{
	struct item_last *last = &writer->last;
	const char *uname = entry->uname ? entry->uname : "";
	const char *gname = entry->gname ? entry->gname : "";
	size_t uname_len = strlen(uname) + 1;
	size_t gname_len = strlen(gname) + 1;

	if (last->names_len == uname_len + gname_len &&
		memcmp(last->names, uname, uname_len) == 0 &&
		memcmp(last->names + uname_len, gname, gname_len) == 0) {
		return false;
	}
	writer->entry.failed |= !item_last_set(&last->names, &last->names_len, &last->names_room, 0,
					uname, uname_len) ||
		!item_last_set(&last->names, &last->names_len, &last->names_room, uname_len, gname,
			gname_len);
	return true;
}

static void put_side(struct pack *pack, const struct scan_entry *entry, unsigned tag)
{
	if (tag & ITEM_HAS_DEVICE) {
		pack_number(pack, entry->rdev_major);
		pack_number(pack, entry->rdev_minor);
	}
	if (tag & ITEM_HAS_XATTRS) {
		pack_number(pack, entry->xattr_count);
		for (size_t i = 0; i < entry->xattr_count; i++) {
			const struct scan_xattr *xattr = &entry->xattrs[i];

			pack_text(pack, xattr->name, strlen(xattr->name));
			pack_bytes(pack, xattr->value, xattr->value_len);
		}
	}
	if (tag & ITEM_HAS_EXTENTS) {
		pack_number(pack, entry->extent_count);
		for (size_t i = 0; i < entry->extent_count; i++) {
			pack_number(pack, entry->extents[i].offset);
			pack_number(pack, entry->extents[i].length);
		}
	}
	if (tag & ITEM_HAS_EXTRAS) {
		pack_bytes(pack, entry->extras, entry->extras_len);
	}
}

int item_put_entry(struct item_writer *writer, const struct scan_entry *entry, bool told,
	struct peel_error *err)
{
	struct item_last *last = &writer->last;
	struct pack *pack = &writer->entry;
	/* Writes what waits before the state that it was told against changes. */
	int code = item_flush(writer, err);
	unsigned tag = ITEM_ENTRY | (names_changed(writer, entry) ? ITEM_HAS_NAMES : 0u) |
		(entry->link_len > 0 ? ITEM_HAS_LINK : 0u) |
		(entry->rdev_major || entry->rdev_minor ? ITEM_HAS_DEVICE : 0u) |
		(entry->xattr_count > 0 ? ITEM_HAS_XATTRS : 0u) |
		(entry->sparse ? ITEM_HAS_EXTENTS : 0u) |
		(entry->extras_len > 0 ? ITEM_HAS_EXTRAS : 0u) | (told ? ITEM_IS_TOLD : 0u);

	if (code < 0) {
		return code;
	}
	begin(pack, tag);
	pack_number(pack, (unsigned char)entry->type);
	put_path(writer, entry);
	pack_number(pack, entry->mode);
	pack_signed(pack, entry->uid);
	pack_signed(pack, entry->gid);
	if (tag & ITEM_HAS_NAMES) {
		pack_bytes(pack, last->names, last->names_len);
	}
	pack_number(pack, entry->size);
	pack_signed(pack, (int64_t)(entry->stored - entry->size));
	pack_signed(pack, (int64_t)((uint64_t)entry->mtime_sec - (uint64_t)last->mtime));
	pack_number(pack, entry->mtime_nsec);
	pack_number(pack, entry->header_off - last->data_end);
	pack_number(pack, entry->data_off - entry->header_off);
	last->mtime = entry->mtime_sec;
	last->data_end = entry->data_off + entry->stored;
	if (tag & ITEM_HAS_LINK) {
		pack_text(pack, entry->link, entry->link_len);
	}
	put_side(pack, entry, tag);
	writer->pending = true;
	return 0;
}

int item_put_hash(struct item_writer *writer, const void *hash, struct peel_error *err)
{
	pack_raw(&writer->entry, hash, ITEM_HASH_SIZE);
	return item_flush(writer, err);
}

int item_put_finding(struct item_writer *writer, const char *code, const char *path,
	size_t path_len, uint64_t offset, const char *detail, struct peel_error *err)
{
	struct pack *pack = &writer->other;
	int r = item_flush(writer, err);

	if (r < 0) {
		return r;
	}
	begin(pack, ITEM_FINDING | (path ? ITEM_HAS_PATH : 0u));
	pack_text(pack, code, strlen(code));
	pack_text(pack, detail, strlen(detail));
	pack_number(pack, offset);
	if (path) {
		pack_bytes(pack, path, path_len);
	}
	return write_item(writer, pack, err);
}

int item_put_facts(struct item_writer *writer, const void *record, size_t len,
	struct peel_error *err)
{
	struct pack *pack = &writer->other;
	int code = item_flush(writer, err);

	if (code < 0) {
		return code;
	}
	begin(pack, ITEM_FACTS);
	pack_bytes(pack, record, len);
	return write_item(writer, pack, err);
}

int item_put_packed_point(struct item_writer *writer, const struct point *point, const void *packed,
	size_t len, struct peel_error *err)
{
	struct pack *pack = &writer->other;

	begin(pack, ITEM_POINT);
	pack_number(pack, point->out_off);
	pack_number(pack, point->in_off);
	pack_number(pack, point->bits);
	pack_number(pack, point->window_len);
	pack_bytes(pack, packed, len);
	return write_item(writer, pack, err);
}

int item_put_point(struct item_writer *writer, const struct point *point, const void *window,
	struct peel_error *err)
{
	cleanup_free void *packed = NULL;
	size_t len = 0;
	int code = 0;

	if (point->window_len > 0) {
		code = window_pack(window, point->window_len, &packed, &len, err);
	}
	return code < 0 ? code : item_put_packed_point(writer, point, packed, len, err);
}
