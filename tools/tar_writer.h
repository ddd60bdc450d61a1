/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A tar written entry by entry to a descriptor: ustar headers, and pax records for what those
 * cannot hold. The same entries give the same bytes. Every call may write; after a failed one only
 * tar_finish is of use.
 */
#ifndef TAR_WRITER_H
#define TAR_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Unit of everything in a tar, bytes. */
#define TAR_BLOCK 512

/** Part of a sparse file that holds data. */
struct tar_extent {
	uint64_t offset;
	uint64_t length;
};

/** One member. Strings are bytes with a length and hold no NUL. */
struct tar_member {
	/**
	 * '0' file, '1' hard link, '2' symlink, '3' character device, '4' block device, '5' folder,
	 * '6' fifo.
	 */
	char type;
	/** As it shall stand in the tar; of a folder with a slash at its end. */
	const char *path;
	size_t path_len;
	/** Target of a link. */
	const char *link;
	size_t link_len;
	/** Permission bits. */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	/** Bytes of a file, holes included; of everything else 0. */
	uint64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t major;
	uint32_t minor;
	/** Of a file with holes: what is data, ascending; else 0. */
	const struct tar_extent *extents;
	size_t extent_count;
	/** True where the file has holes. */
	bool sparse;
};

/** A tar that is being written. Zeroed memory with a descriptor is valid for tar_begin. */
struct tar {
	int fd;
	/** errno of the write that failed, 0: none. */
	int failed;
	/** Bytes that wait for the descriptor. */
	char *buf;
	size_t len;
	/** Bytes of the tar so far. */
	uint64_t offset;
	/** pax records of the member to come. */
	char *pax;
	size_t pax_len;
	size_t pax_room;
};

/** Begin. @return false where memory is exhausted. */
bool tar_begin(struct tar *tar, int fd);

/**
 * Add an xattr to the member whose tar_member comes next. @return false where memory is exhausted.
 */
bool tar_xattr(struct tar *tar, const char *name, const void *value, size_t len);

/**
 * Write a member's headers. As many bytes as its size says, or its extents together, must follow,
 * then tar_pad.
 * @return false where memory is exhausted or writing failed (tar->failed).
 */
bool tar_member(struct tar *tar, const struct tar_member *member);

/**
 * Room for data of the member, so that it is read to where it is written from.
 * @param want bytes still to come. @param ret_room bytes that the place holds, at least 1.
 * @return the place, NULL where writing failed.
 */
void *tar_place(struct tar *tar, uint64_t want, size_t *ret_room);

/** Count bytes that were put where tar_place said. */
void tar_placed(struct tar *tar, size_t len);

/** Fill the last block of a member with zeros. @return false where writing failed. */
bool tar_pad(struct tar *tar);

/**
 * Write what waits, and free.
 * @param whole also the blocks that mark the end of a tar; without them a reader sees that it is
 *   not all.
 * @return false where writing failed (tar->failed).
 */
bool tar_finish(struct tar *tar, bool whole);

#endif
