/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ndb, as SUSE has it: pages of slots at the begin of the file, each with the number of a package and the blocks of
 * 16 bytes that hold its header, between a head and a tail. All little-endian. The first two slots are the file's
 * own head.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "pkgdb_rpm.h"
#include "util.h"

#define MAGIC 0x506d7052u
#define SLOT_MAGIC 0x746f6c53u
#define BLOB_MAGIC 0x53626c42u

/* Bytes of a page of slots, a slot, a block, a blob's head. */
#define PAGE 4096
#define SLOT 16
#define BLOCK 16
#define HEAD 16

/* Slots of the file's head. */
#define HEAD_SLOTS 2

static uint32_t read_le32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static bool read_all(struct peel_index *index, uint64_t ino, uint64_t offset, void *buf, size_t len)
{
	return peel_read(index, ino, offset, buf, len, NULL) == (ssize_t)len;
}

/*
 * A header, which a slot points to.
 * @param left bytes that headers may still have: they do not overlap.
 * @return 0, less than 0 damaged or no memory, or what the callback returned.
 */
static int read_blob(struct peel_index *index, uint64_t ino, uint64_t size, const uint8_t *slot,
	uint64_t *left, pkgdb_blob_fn *each, void *arg, const char **ret_what)
{
	const uint64_t offset = (uint64_t)read_le32(slot + 8) * BLOCK;
	cleanup_free uint8_t *blob = NULL;
	uint8_t head[HEAD];
	uint32_t len;

	*ret_what = "a slot leads to no package";
	if (offset > size || size - offset < HEAD || !read_all(index, ino, offset, head, HEAD) ||
		read_le32(head) != BLOB_MAGIC || read_le32(head + 4) != read_le32(slot + 4)) {
		return 0;
	}
	len = read_le32(head + 12);
	if (len > PKGDB_RPM_HEADER_MAX || len > size - offset - HEAD) {
		return 0;
	}
	/* Else a million slots that lead to one large header would be read a million times. */
	if (len > *left) {
		*ret_what = "its packages overlap";
		return 0;
	}
	*left -= len;
	blob = malloc(len + 1);
	if (!blob) {
		return PEEL_ENOMEM;
	}
	if (!read_all(index, ino, offset + HEAD, blob, len)) {
		*ret_what = "a package cannot be read";
		return 0;
	}
	*ret_what = NULL;
	return each(arg, blob, len);
}

int pkgdb_rpm_ndb(struct peel_index *index, uint64_t ino, uint64_t size, pkgdb_blob_fn *each,
	void *arg, const char **ret_what)
{
	uint8_t page[PAGE];
	uint64_t left = size;
	uint32_t pages;
	int r = 0;

	*ret_what = "its head is damaged";
	if (size < PAGE || !read_all(index, ino, 0, page, PAGE) || read_le32(page) != MAGIC ||
		read_le32(page + 4) != 0) {
		return 0;
	}
	pages = read_le32(page + 12);
	if (pages > size / PAGE) {
		return 0;
	}
	*ret_what = NULL;
	for (uint32_t i = 0; r == 0 && !*ret_what && i < pages; i++) {
		if (i > 0 && !read_all(index, ino, (uint64_t)i * PAGE, page, PAGE)) {
			*ret_what = "a page of slots cannot be read";
			return 0;
		}
		for (size_t j = i == 0 ? HEAD_SLOTS : 0; r == 0 && j < PAGE / SLOT; j++) {
			const uint8_t *slot = page + j * SLOT;

			if (read_le32(slot) != SLOT_MAGIC) {
				*ret_what = "a slot is damaged";
				return 0;
			}
			if (read_le32(slot + 4) != 0) {
				r = read_blob(index, ino, size, slot, &left, each, arg, ret_what);
			}
			if (*ret_what) {
				return r;
			}
		}
	}
	return r;
}
