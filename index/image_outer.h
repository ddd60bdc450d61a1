/* SPDX-License-Identifier: Apache-2.0 */
/** The outer tar: its members, as a strict walk over its headers finds them. */
#ifndef IMAGE_OUTER_H
#define IMAGE_OUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>

struct limit_watch;
struct stream;
struct tar_header;

/** Names that tell what an archive is. */
enum outer_mark {
	/** manifest.json */
	OUTER_DOCKER = 1 << 0,
	/** index.json */
	OUTER_INDEX = 1 << 1,
	/** oci-layout */
	OUTER_LAYOUT = 1 << 2,
	/** repositories */
	OUTER_REPOSITORIES = 1 << 3,
	/** Something in blobs/. */
	OUTER_BLOBS = 1 << 4,
	/** ID/layer.tar */
	OUTER_LEGACY = 1 << 5,
};

struct outer_member {
	/** Cleaned: no leading slash, no "." or "..". */
	char *name;
	/** Target of a link as a member's name; NULL: no link. */
	char *link;
	/** Not a link that stays inside the archive. */
	bool escapes;
	/** Typeflag, 0 for regular files. */
	char type;
	/** Its data is not one piece. */
	bool sparse;
	uint64_t header_off;
	uint64_t data_off;
	uint64_t size;
};

struct outer {
	/** Sorted by name, then by place. */
	struct outer_member *members;
	size_t count, room;
	unsigned int marks;
	/** There were more members than an image's archive may have; the list is empty, as a rootfs needs none. */
	bool overflow;
	/** True where one whole header was read. */
	bool any;
	/** Bytes of the decoded file. */
	uint64_t size;
	/** Bytes after the end of the archive that are not zero were seen. */
	bool trailing;
	/** Why the walk stopped early, code 0: it did not. Members before are good. */
	struct peel_error failure;
};

/** A member that the walk has come to; its data is next. */
struct outer_seen {
	/** Cleaned; "" where it leads out of the archive. */
	const char *name;
	const struct tar_header *header;
	/** Its header block. */
	const unsigned char *block;
	uint64_t size;
	/** As the tar has it, the name ends with a slash. */
	bool slash;
	/** Its data is not one piece, and may begin with a map of the pieces. */
	bool sparse;
};

/** Who is told of members before their data passes. {0}: nobody. */
struct outer_watch {
	void (*member)(void *arg, const struct outer_seen *seen);
	void *arg;
	/** Borrowed; NULL: the defaults. */
	struct limit_watch *limits;
};

/**
 * Walk a tar to its end. A malformed, truncated or cut tar is no failure: see outer.failure.
 * @param watch may be NULL. @param ret_outer free with outer_free.
 * @return 0; PEEL_EIO, PEEL_ECHANGED, PEEL_ELIMIT (one that ends everything), PEEL_ENOMEM.
 */
int outer_walk(struct stream *stream, const struct outer_watch *watch, struct outer **ret_outer,
	struct peel_error *err);
/** Free; NULL is fine. */
void outer_free(struct outer *outer);
/** Members of a name: the first one, and how many there are. @return NULL: none. */
const struct outer_member *outer_lookup(const struct outer *outer, const char *name,
	size_t *ret_count);

static inline void cleanup_outer_(struct outer **outer)
{
	outer_free(*outer);
}

#define cleanup_outer cleanup(cleanup_outer_)

#endif
