/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse files of a layer. The four formats of the map:
 *
 *	old GNU		typeflag S: four extents in the header, 21 in each block after it while a flag says so
 *	pax 0.0		records GNU.sparse.offset and GNU.sparse.numbytes in turn
 *	pax 0.1		record GNU.sparse.map: "offset,length,offset,length"
 *	pax 1.0		at the beginning of the data, a line a number, padded to a block
 *
 * A map that cannot be used costs its own entry, never the framing: the size in the tar does not
 * depend on it.
 */
#include <inttypes.h>

#include <peel/error.h>

#include "scan_priv.h"

/** A sparse file that claims more bytes than this is noted. */
#define SPARSE_NOTED (1ull << 40)

/**
 * The map of an old GNU sparse file, and its blocks after the header. @return as tar_sparse_gnu.
 */
static int read_gnu_map(struct scanner *scanner, struct peel_error *err)
{
	bool more = false;
	int result = tar_sparse_gnu(&scanner->sparse, scanner->group + scanner->header_at, true,
		&more, err);

	while (more) {
		int code = scan_more(scanner, TAR_BLOCK, err);

		if (code == 0) {
			return peel_fail(err, PEEL_ETRUNCATED,
				"offset %" PRIu64 ": the tar ends inside of a sparse map",
				scanner->group_off);
		}
		if (code > 0) {
			code = tar_sparse_gnu(&scanner->sparse,
				scanner->group + scanner->group_len - TAR_BLOCK, false, &more, err);
		}
		if (code < 0 && code != PEEL_EFORMAT) {
			return code;
		}
		/* A bad number does not matter for where the next block is. */
		result = result < 0 ? result : code;
	}
	return result;
}

/**
 * The map at the beginning of the data of a pax 1.0 sparse file, taken off data_len. @return as
 * tar_sparse_gnu.
 */
static int read_data_map(struct scanner *scanner, struct peel_error *err)
{
	int code = 0;

	while (code == 0) {
		if (scanner->data_len < TAR_BLOCK) {
			return peel_fail(err, PEEL_EFORMAT,
				"the sparse map is longer than the data");
		}
		code = scan_more(scanner, TAR_BLOCK, err);
		if (code == 0) {
			return peel_fail(err, PEEL_ETRUNCATED,
				"offset %" PRIu64 ": the tar ends inside of a sparse map",
				scanner->group_off);
		}
		if (code > 0) {
			scanner->data_len -= TAR_BLOCK;
			code = tar_sparse_data(&scanner->sparse,
				scanner->group + scanner->group_len - TAR_BLOCK, err);
		}
	}
	return code < 0 ? code : 0;
}

enum sparse_format {
	SPARSE_NONE,
	SPARSE_GNU,
	/** 0.0 and 0.1: the map is in the records. */
	SPARSE_RECORDS,
	/** 1.0: the map is in the data. */
	SPARSE_DATA,
};

static enum sparse_format sparse_format(const struct scanner *scanner)
{
	const struct tar_text *major = scan_record(scanner, TAR_PAX_SPARSE_MAJOR);
	const struct tar_text *minor = scan_record(scanner, TAR_PAX_SPARSE_MINOR);

	if (scanner->header.typeflag == TAR_GNU_SPARSE_FILE) {
		return SPARSE_GNU;
	}
	if (major && minor && tar_text_is(major, "0") &&
		(tar_text_is(minor, "0") || tar_text_is(minor, "1"))) {
		return SPARSE_RECORDS;
	}
	if (major && minor && tar_text_is(major, "1") && tar_text_is(minor, "0")) {
		return SPARSE_DATA;
	}
	if (!major && !minor && scanner->has_pax &&
		(scanner->pax.map_count > 0 || scan_record(scanner, TAR_PAX_SPARSE_MAP))) {
		return SPARSE_RECORDS;
	}
	return SPARSE_NONE;
}

/** @return 0; PEEL_EFORMAT where the map cannot be used; else a failure of the scan. */
static int read_map(struct scanner *scanner, enum sparse_format format, int64_t *size,
	struct peel_error *err)
{
	const struct tar_text *record = scan_record(scanner, TAR_PAX_SPARSE_SIZE);

	if (format == SPARSE_GNU) {
		const char *block = scanner->group + scanner->header_at;

		if (scanner->header.kind != TAR_GNU) {
			return peel_fail(err, PEEL_EFORMAT,
				"an old GNU sparse file without a GNU header");
		}
		return tar_number(block + TAR_GNU_REALSIZE, 12, size)
			? read_gnu_map(scanner, err)
			: peel_fail(err, PEEL_EFORMAT, "a bad real size");
	}
	if (!record) {
		record = scan_record(scanner, TAR_PAX_SPARSE_REALSIZE);
	}
	if (record && !tar_pax_number(record, size)) {
		return peel_fail(err, PEEL_EFORMAT, "a bad real size");
	}
	return format == SPARSE_DATA ? read_data_map(scanner, err)
				     : tar_sparse_records(&scanner->sparse, &scanner->pax, err);
}

int scan_decode_sparse(struct scanner *scanner, struct peel_error *err)
{
	struct scan_merged *merged = &scanner->merged;
	struct scan_entry *entry = &scanner->entry;
	enum sparse_format format = sparse_format(scanner);
	struct peel_error ignored = {0};
	const char *why = "the sparse map cannot be read";
	int code;

	if (format == SPARSE_NONE || entry->type == SCAN_UNKNOWN) {
		return 0;
	}
	if (format != SPARSE_GNU) {
		const struct tar_text *name = scan_record(scanner, TAR_PAX_SPARSE_NAME);

		merged->path = name ? *name : merged->path;
	}
	if (entry->type != SCAN_FILE) {
		scan_note(scanner, "bad-sparse", "a sparse map on an entry that has no data");
		entry->type = SCAN_UNKNOWN;
		return 0;
	}
	scanner->sparse.limits = scanner->sink->limits;
	tar_sparse_clear(&scanner->sparse);
	code = read_map(scanner, format, &merged->size, &ignored);
	if (code < 0 && code != PEEL_EFORMAT) {
		(void)peel_fail(err, code, "%s", ignored.message);
		return code == PEEL_ELIMIT ? scan_wrap_offset(err, code, scanner->group_off) : code;
	}
	if (code == 0) {
		why = merged->size < 0 ? "a negative real size"
				       : tar_sparse_check(&scanner->sparse, (uint64_t)merged->size,
						 scanner->data_len);
	}
	if (why) {
		scan_note(scanner, "bad-sparse", why);
		entry->type = SCAN_UNKNOWN;
		return 0;
	}
	if ((uint64_t)merged->size > SPARSE_NOTED) {
		scan_note(scanner, "huge-sparse", "a sparse file that claims more than 1 TiB");
	}
	entry->sparse = true;
	return 0;
}
