/* SPDX-License-Identifier: Apache-2.0 */
/** The form of an item, shared by writing (layer_item.c) and reading (layer_item_read.c). */
#ifndef LAYER_ITEM_PRIV_H
#define LAYER_ITEM_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer_read.h"

#define ITEM_HASH_SIZE LAYER_HASH_SIZE
/** Bits of the tag that are the kind. */
#define ITEM_KIND 3u

/** What an item has. An entry has a hash where bytes are left at its end. */
enum item_tag {
	ITEM_HAS_NAMES = 4,
	ITEM_HAS_LINK = 8,
	ITEM_HAS_DEVICE = 16,
	ITEM_HAS_XATTRS = 32,
	ITEM_HAS_EXTENTS = 64,
	ITEM_HAS_EXTRAS = 128,
	ITEM_IS_TOLD = 256,
	/** Of a finding. */
	ITEM_HAS_PATH = 4,
};

/** What the last entry had. */
struct item_last {
	char *path;
	size_t path_len, path_room;
	/** Owner and group, each with its NUL. */
	char *names;
	size_t names_len, names_room;
	int64_t mtime;
	/** Offset after its data, without padding. */
	uint64_t data_end;
};

/** Free what it holds; it is then as new. */
void item_last_finish(struct item_last *last);

/** Put n bytes at a place of a text, and a NUL after them; they are its end. @return false: no memory. */
bool item_last_set(char **text, size_t *len, size_t *room, size_t at, const void *bytes, size_t n);

#endif
