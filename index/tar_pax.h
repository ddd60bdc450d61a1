/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The records of a pax header: "LENGTH KEY=VALUE\n" each. Strict as Go's archive/tar; nothing is
 * copied, all texts point into the bytes that were parsed.
 */
#ifndef TAR_PAX_H
#define TAR_PAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;

/** Bytes that are not NUL-terminated; bytes NULL means that there are none. */
struct tar_text {
	const char *bytes;
	size_t len;
};

/** Keys that mean something to peel. */
enum tar_pax_key {
	TAR_PAX_ATIME,
	TAR_PAX_CTIME,
	TAR_PAX_DEVMAJOR,
	TAR_PAX_DEVMINOR,
	TAR_PAX_GID,
	TAR_PAX_GNAME,
	TAR_PAX_LINKPATH,
	TAR_PAX_MTIME,
	TAR_PAX_PATH,
	TAR_PAX_SIZE,
	TAR_PAX_SPARSE_MAJOR,
	TAR_PAX_SPARSE_MAP,
	TAR_PAX_SPARSE_MINOR,
	TAR_PAX_SPARSE_NAME,
	TAR_PAX_SPARSE_NUMBLOCKS,
	TAR_PAX_SPARSE_REALSIZE,
	TAR_PAX_SPARSE_SIZE,
	TAR_PAX_UID,
	TAR_PAX_UNAME,
	TAR_PAX_KEYS,
};

/** Prefix of the keys that hold extended attributes. */
#define TAR_PAX_XATTR "SCHILY.xattr."

struct tar_pax_record {
	struct tar_text key;
	struct tar_text value;
};

/** A parsed pax header. {0} is valid and empty. */
struct tar_pax {
	/** Values by key, the last one of each. */
	struct tar_text known[TAR_PAX_KEYS];
	/**
	 * Records of other keys, and atime and ctime: the last one of each key, in byte order of
	 * the keys.
	 */
	struct tar_pax_record *records;
	size_t count, room;
	/** Values of GNU.sparse.offset and GNU.sparse.numbytes in turn (sparse format 0.0). */
	struct tar_text *map;
	size_t map_count, map_room;
	/** GNU.sparse.offset and numbytes do not alternate. */
	bool bad_map;
	/** A NUL in path, linkpath or GNU.sparse.name. */
	bool nul_name;
	/** A key came twice with different values. */
	bool repeated;
};

/**
 * Parse a pax header; what was in pax before is forgotten.
 * @param bytes must stay as long as the texts are used.
 * @return 0; PEEL_EFORMAT (lengths that lie, no newline, no "=", no key, a NUL in a key or an
 *   owner's name); PEEL_ENOMEM. pax is then empty.
 */
int tar_pax_parse(struct tar_pax *pax, const char *bytes, size_t len, struct peel_error *err);

/** Forget the records, keep the memory. */
void tar_pax_clear(struct tar_pax *pax);

/** Let the texts point to where the bytes that were parsed have moved. */
void tar_pax_move(struct tar_pax *pax, const char *from, const char *to);

/** Free the memory; pax is then empty. NULL is fine. */
void tar_pax_finish(struct tar_pax *pax);

/**
 * A decimal number with an optional sign and nothing around it. @return false where it is none or
 * does not fit.
 */
bool tar_pax_number(const struct tar_text *text, int64_t *ret);

/**
 * Seconds with an optional fraction; digits past the ninth are cut.
 * @param ret_nsec 0 to 999999999, added to ret_sec: -1.5 is -2 and 500000000.
 * @return false where it is no time.
 */
bool tar_pax_time(const struct tar_text *text, int64_t *ret_sec, uint32_t *ret_nsec);

/** True where text is exactly the C string wanted. */
bool tar_text_is(const struct tar_text *text, const char *wanted);

/** True where text begins with the C string prefix. */
bool tar_text_begins(const struct tar_text *text, const char *prefix);

#endif
