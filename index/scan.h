/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One layer's tar, entry by entry.
 *
 * The framing is ours: a strict walker over 512-byte blocks decides type, size and where the next
 * header is; libarchive reads the header groups that readers disagree about a second time and never
 * decides how far to skip. Paths come out as the tar has them (raw bytes); path.h cleans them.
 *
 * Findings, by code. Those about an entry are told before it is given out, with its path as the tar has it:
 *
 *	ambiguous-header	readers take another path, size, type or map (two pax headers, …)
 *	bad-device		a device number that does not fit 32 bits
 *	bad-sparse		the sparse map is broken; the entry comes as SCAN_UNKNOWN
 *	contiguous-file		typeflag 7, given as a regular file
 *	data-after-eof		bytes that are not zero after the end (no path); says whether they look like a tar
 *	engines-differ		an empty xattr; a global pax header
 *	file-with-slash		a regular file named "f/"
 *	global-header		a global pax header with path, linkpath or size; never applied
 *	header-without-entry	the tar ends after an extension header (no path)
 *	huge-sparse		a sparse file that claims more than 1 TiB
 *	nul-in-name		a NUL in a pax path or linkpath; the entry is not given out
 *	size-conflict		pax size against header size, or a size on a type that has no data
 *	unsupported-type	a typeflag that engines refuse, S included
 *
 * What a clean path or an entry as it is given out tells (path-traversal, names that are too long,
 * duplicates, links, whiteouts, owners, times) is found by whoever builds the tree (tree_add.c).
 */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit_watch;
struct peel_error;
struct stream;

/** Headers of one entry that are nothing special, bytes. */
#define SCAN_GROUP_SMALL (64u << 10)

/** Type of an entry, by its typeflag alone (mode's type bits are masked). */
enum scan_type {
	SCAN_FILE = 'f',
	SCAN_DIR = 'd',
	SCAN_SYMLINK = 'l',
	SCAN_HARDLINK = 'h',
	SCAN_CHAR = 'c',
	SCAN_BLOCK = 'b',
	SCAN_FIFO = 'p',
	/**
	 * A typeflag that no engine knows, or a file with a bad sparse map: skipped by its size, a
	 * finding.
	 */
	SCAN_UNKNOWN = '?',
};

/** length bytes at logical offset, packed back to back from data_off on. */
struct scan_extent {
	uint64_t offset;
	uint64_t length;
};

struct scan_xattr {
	/** NUL-terminated name without the SCHILY.xattr. prefix. */
	const char *name;
	const void *value;
	size_t value_len;
};

/** One entry. Everything points into the scanner and is valid during the callback. */
struct scan_entry {
	enum scan_type type;
	/** The raw typeflag byte. */
	char typeflag;
	/** Path as the tar has it, no NUL inside, one after it (link, too). */
	const char *path;
	size_t path_len;
	/** Link target of symlinks and hard links, as the tar has it; "" for others. */
	const char *link;
	size_t link_len;
	/** Permission bits, 07777. */
	uint32_t mode;
	/** Owner as the tar has it; may exceed 32 bits or be negative. */
	int64_t uid, gid;
	/** Names of owner and group; "" where none. */
	const char *uname, *gname;
	/** Logical size in bytes (real size of a sparse file); 0 for all but regular files. */
	uint64_t size;
	/** Bytes of data stored in the tar. */
	uint64_t stored;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t rdev_major, rdev_minor;
	const struct scan_xattr *xattrs;
	size_t xattr_count;
	/**
	 * Of files, in ascending order, none empty; sparse false: one extent that is the whole
	 * file, empty or not.
	 */
	bool sparse;
	const struct scan_extent *extents;
	size_t extent_count;
	/** Offset in the uncompressed layer of the first header block of the group, and of the data. */
	uint64_t header_off;
	uint64_t data_off;
	/**
	 * Other pax records that peel does not interpret (LIBARCHIVE.*, SCHILY.acl.*, …) as stored, or
	 * NULL: "key=value\n" each.
	 */
	const char *extras;
	size_t extras_len;
};

struct scan_sink {
	/** Take an entry before its data passes. Return 0, or less than 0 to stop. */
	int (*entry)(void *arg, const struct scan_entry *entry, struct peel_error *err);
	/**
	 * Take the stored data bytes of the last regular file, in pieces, in order; NULL: data is
	 * passed over.
	 */
	int (*data)(void *arg, const void *bytes, size_t len, struct peel_error *err);
	/** After the data of a regular file, where data is set. May be NULL. */
	int (*end)(void *arg, struct peel_error *err);
	/**
	 * An anomaly: code of semantics (a), path may be NULL. Return 0, or less than 0 to stop
	 * (strict).
	 */
	int (*finding)(void *arg, const char *code, const char *path, size_t path_len,
		uint64_t offset, const char *detail, struct peel_error *err);
	/**
	 * Called before more than SCAN_GROUP_SMALL bytes of one entry's headers are read, and when that entry is done
	 * with and its memory given back, so that of many scans side by side one at a time may have such an
	 * entry. May be NULL. Return 0, or less than 0 to stop.
	 */
	int (*large)(void *arg, struct peel_error *err);
	int (*small)(void *arg, struct peel_error *err);
	void *arg;
	/** Limits of headers, paths, sparse maps and xattrs; borrowed. NULL: the defaults. */
	struct limit_watch *limits;
};

/** What scan_layer found besides entries. */
struct scan_result {
	/** Number of entries given out. */
	uint64_t entries;
	/** Uncompressed bytes of the stream up to where it was read. */
	uint64_t size;
	/** True where two zero blocks ended the tar, false where the stream just ended after an entry. */
	bool ended;
	/** Bytes that follow the end blocks and are not zero (data-after-eof), 0: none. */
	uint64_t trailing;
};

/**
 * Read a layer's tar to its end (the stream to its end too, so that digests cover all of it).
 * Entries before a failure have been given out; the message names the offset. The rest of the
 * stream is then unread.
 * @param ret_result filled on failure too, as far as the scan went.
 * @return 0; PEEL_EFORMAT (refused by the engines too: bad checksum, bad number, bad pax, lone zero block…),
 *   PEEL_ETRUNCATED, PEEL_ELIMIT, what the stream or the sink returned.
 */
int scan_layer(struct stream *stream, const struct scan_sink *sink, struct scan_result *ret_result,
	struct peel_error *err);

/**
 * Check once that this libarchive reads a header group as scan_archive.c expects (offset of the
 * data, bytes of a name kept, sparse list), on a tar in memory.
 * @return 0, or PEEL_EINTERNAL.
 */
int scan_self_test(struct peel_error *err);

#endif
