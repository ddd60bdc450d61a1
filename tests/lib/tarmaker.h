/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tars in memory, byte by byte as a test wants them, broken ones too. Nothing is checked and
 * nothing is put right: what a function is not told to write is not there. Running out of memory
 * ends the test program.
 *
 *	struct tarmaker tar = {0};
 *	tarmaker_pax(&tar, 'x', "mtime=1.5", "SCHILY.xattr.user.a=b", NULL);
 *	tarmaker_add(&tar, &(struct tar_member){.path = "f", .data = "hello", .data_len = 5});
 *	tarmaker_end(&tar);
 *	…
 *	tarmaker_finish(&tar);
 */
#ifndef TARMAKER_H
#define TARMAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A growing tar. {0} is valid and empty. */
struct tarmaker {
	unsigned char *bytes;
	size_t len, room;
};

/** Layout of a header. */
enum tarmaker_kind {
	TARMAKER_USTAR,
	TARMAKER_GNU,
	TARMAKER_V7,
};

/** A member; what is left out is 0 or as said. */
struct tar_member {
	/** Cut at 100 bytes. */
	const char *path;
	/** ustar only. */
	const char *prefix;
	/** Cut at 100 bytes. */
	const char *link;
	const char *uname, *gname;
	/** '0' where left out; TARMAKER_NUL writes a NUL. */
	char type;
	enum tarmaker_kind kind;
	/** 0644 where left out. */
	unsigned mode;
	/** Octal where they fit, else base-256. */
	int64_t uid, gid, mtime;
	uint32_t major, minor;
	const void *data;
	size_t data_len;
	/** Where set, the header says this size and not data_len. */
	const int64_t *size;
};

/** Type of a member whose typeflag is a NUL byte. */
#define TARMAKER_NUL ((char)-1)

/** Append a header, its data, and padding. */
void tarmaker_add(struct tarmaker *tar, const struct tar_member *member);

/** Append a header alone. @return where it is, for changes; valid until the next call. */
unsigned char *tarmaker_header(struct tarmaker *tar, const struct tar_member *member);

/** Write a header block's checksum again. */
void tarmaker_checksum(unsigned char *block);

/** Append a pax header (type 'x' or 'g') with records "key=value"; ends with NULL. */
void tarmaker_pax(struct tarmaker *tar, int type, ...) __attribute__((sentinel));

/** Append an extension header (x, g, L, K) with this payload. */
void tarmaker_extension(struct tarmaker *tar, char type, const void *payload, size_t len);

/** Append bytes as they are. */
void tarmaker_bytes(struct tarmaker *tar, const void *bytes, size_t len);

/** Append zeros up to the next block. */
void tarmaker_pad(struct tarmaker *tar);

/** Append two zero blocks. */
void tarmaker_end(struct tarmaker *tar);

/** Free the bytes; tar is then empty. */
void tarmaker_finish(struct tarmaker *tar);

#endif
