/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the scanner share: scan.c walks, scan_group.c reads a header group,
 * scan_entry.c (with scan_sparse.c and scan_records.c) makes an entry out of it, scan_archive.c
 * asks libarchive for a second opinion.
 */
#ifndef SCAN_PRIV_H
#define SCAN_PRIV_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>

#include "scan.h"
#include "tar_header.h"
#include "tar_pax.h"
#include "tar_sparse.h"

struct scan_archive;
struct stream;

/**
 * Most bytes of a header group: all extension headers, the header, a sparse map. Legitimate ones
 * need 5 MiB at most.
 */
#define SCAN_GROUP_MAX (8u << 20)
/** Room for a group to begin with, bytes. */
#define SCAN_GROUP_MIN (16u << 10)
/** Most anomalies noted of one entry. */
#define SCAN_NOTES_MAX 24

/** An anomaly of the entry at hand. */
struct scan_note {
	const char *code;
	const char *detail;
};

/** What header block, records and long names come to, before checks. */
struct scan_merged {
	struct tar_text path, link, uname, gname;
	int64_t uid, gid, size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
};

/** A scan under way; one thread. */
struct scanner {
	struct stream *stream;
	const struct scan_sink *sink;
	struct scan_result result;
	/** The header group as stored; moves while it grows. */
	char *group;
	size_t group_len, group_room;
	uint64_t group_off;
	/** It is more than SCAN_GROUP_SMALL, and the sink said that it may. */
	bool large;
	/** The entry's own header block: group + header_at, decoded in header. */
	size_t header_at;
	struct tar_header header;
	/** The last x header of the group; has_pax where there was one. */
	struct tar_pax pax;
	bool has_pax;
	/** What the last L and K headers hold; bytes NULL: none. */
	struct tar_text long_name, long_link;
	/** Texts of the group and of header. */
	struct scan_merged merged;
	struct tar_sparse sparse;
	struct scan_note notes[SCAN_NOTES_MAX];
	size_t note_count;
	struct scan_entry entry;
	/** The extent of a file that is not sparse. */
	struct scan_extent whole;
	struct scan_xattr *xattrs;
	size_t xattr_room;
	char *extras;
	size_t extras_room;
	/** Bytes of data that follow the group, without padding (a 1.0 map is taken off). */
	uint64_t data_len;
	/** Padding that follows the data. */
	uint64_t padding;
	/** Made when first needed. */
	struct scan_archive *archive;
};

/** The value of a record of the group, or NULL where there is none or an empty one. */
static inline const struct tar_text *scan_record(const struct scanner *scanner,
	enum tar_pax_key key)
{
	const struct tar_text *value = &scanner->pax.known[key];

	return scanner->has_pax && value->len > 0 ? value : NULL;
}

/**
 * Note an anomaly of the entry at hand; one that is noted already is not noted again. Texts are
 * static.
 */
void scan_note(struct scanner *scanner, const char *code, const char *detail);

/** Give an anomaly to the sink. @return what the sink returned. */
int scan_tell(struct scanner *scanner, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err);

/** Put an offset before a failure's message. @return code. */
static inline int scan_wrap_offset(struct peel_error *err, int code, uint64_t offset)
{
	(void)peel_wrap(err, "offset %" PRIu64, offset);
	return code;
}

/**
 * Read the next group, up to its header block.
 * @return 1; 0 at the end of the tar (an anomaly there is told); PEEL_EFORMAT, PEEL_ETRUNCATED,
 *   PEEL_ELIMIT, PEEL_ENOMEM, or what the stream or the sink returned.
 */
int scan_next_group(struct scanner *scanner, struct peel_error *err);

/**
 * Read more of the group: len bytes, all of them. @return 1; 0 where the stream ends before the
 * first one; less than 0.
 */
int scan_more(struct scanner *scanner, size_t len, struct peel_error *err);

/**
 * Make scanner->entry out of the header group, reading a sparse map where one follows.
 * @return 1; 0 where the entry must not be given out (a NUL in its name); PEEL_EFORMAT,
 *   PEEL_ETRUNCATED, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int scan_decode(struct scanner *scanner, struct peel_error *err);

/**
 * Read the sparse map where there is one, set the real size and name; an entry whose map cannot be
 * used becomes SCAN_UNKNOWN.
 * @return 0; PEEL_ETRUNCATED, PEEL_ELIMIT, PEEL_ENOMEM, or what the stream returned.
 */
int scan_decode_sparse(struct scanner *scanner, struct peel_error *err);

/**
 * Split the entry's other pax records into xattrs and extras.
 * @param ret_foreign set where libarchive may read one in a way of its own.
 * @return 0; PEEL_ENOMEM.
 */
int scan_decode_records(struct scanner *scanner, bool *ret_foreign, struct peel_error *err);

/** A reader of header groups by libarchive. @return 0; PEEL_ENOMEM. */
int scan_archive_new(struct scan_archive **ret_archive, struct peel_error *err);

/** Free; NULL is fine. */
void scan_archive_free(struct scan_archive *archive);

/**
 * Have libarchive decode a header group too.
 * @param ret_difference receives a static text that says where it disagrees with the entry, NULL
 *   where it does not.
 * @return 0; PEEL_ENOMEM.
 */
int scan_archive_compare(struct scan_archive *archive, const void *group, size_t len,
	const struct scan_entry *entry, const char **ret_difference, struct peel_error *err);

#endif
