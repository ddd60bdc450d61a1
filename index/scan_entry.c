/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several answers counts, in Go's order: the header block, then the pax records of the
 * last x header (an empty value counts as none), then GNU long names, then GNU.sparse.name and
 * GNU.sparse.size. Whatever says otherwise is noted.
 *
 * The size that decides where the next header is, is never the one of GNU.sparse: it is the pax
 * size, else the header's, and 0 for types that have no data.
 */
#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "codec.h"
#include "scan_priv.h"
#include "util.h"

/**
 * Largest size that fits a header's eleven octal digits. Writers fill the field with it or 0 where
 * pax says more.
 */
#define OCTAL_SIZE_MAX 077777777777

static int refuse(const struct scanner *scanner, struct peel_error *err, const char *why)
{
	return peel_fail(err, PEEL_EFORMAT, "offset %" PRIu64 ": pax record with a bad %s",
		scanner->group_off, why);
}

static void merge_text(const struct scanner *scanner, enum tar_pax_key key, struct tar_text *text)
{
	const struct tar_text *record = scan_record(scanner, key);

	if (record) {
		*text = *record;
	}
}

static bool merge_number(const struct scanner *scanner, enum tar_pax_key key, int64_t *value)
{
	const struct tar_text *record = scan_record(scanner, key);

	return !record || tar_pax_number(record, value);
}

static bool merge_time(const struct scanner *scanner, enum tar_pax_key key, int64_t *sec,
	uint32_t *nsec)
{
	const struct tar_text *record = scan_record(scanner, key);

	return !record || tar_pax_time(record, sec, nsec);
}

static int merge_records(struct scanner *scanner, struct scan_merged *merged,
	struct peel_error *err)
{
	int64_t sec;
	uint32_t nsec;

	merge_text(scanner, TAR_PAX_PATH, &merged->path);
	merge_text(scanner, TAR_PAX_LINKPATH, &merged->link);
	merge_text(scanner, TAR_PAX_UNAME, &merged->uname);
	merge_text(scanner, TAR_PAX_GNAME, &merged->gname);
	if (!merge_number(scanner, TAR_PAX_UID, &merged->uid) ||
		!merge_number(scanner, TAR_PAX_GID, &merged->gid)) {
		return refuse(scanner, err, "uid or gid");
	}
	if (!merge_number(scanner, TAR_PAX_SIZE, &merged->size)) {
		return refuse(scanner, err, "size");
	}
	if (!merge_time(scanner, TAR_PAX_MTIME, &merged->mtime_sec, &merged->mtime_nsec) ||
		!merge_time(scanner, TAR_PAX_ATIME, &sec, &nsec) ||
		!merge_time(scanner, TAR_PAX_CTIME, &sec, &nsec)) {
		return refuse(scanner, err, "time");
	}
	if (scanner->has_pax && scanner->pax.repeated) {
		scan_note(scanner, "ambiguous-header",
			"a pax key twice with different values; the last one counts");
	}
	return 0;
}

static void merge_long(struct scanner *scanner, enum tar_pax_key key, const struct tar_text *text,
	struct tar_text *into)
{
	const struct tar_text *record = scan_record(scanner, key);

	if (!text->bytes || text->len == 0) {
		return;
	}
	if (record &&
		(record->len != text->len || memcmp(record->bytes, text->bytes, text->len) != 0)) {
		scan_note(scanner, "ambiguous-header",
			"a GNU long name and a pax record differ; the GNU name counts");
	}
	*into = *text;
}

static int merge(struct scanner *scanner, struct scan_merged *merged, struct peel_error *err)
{
	const struct tar_header *header = &scanner->header;
	int code;

	*merged = (struct scan_merged){
		.path = {header->path, header->path_len},
		.link = {header->link, header->link_len},
		.uname = {header->uname, strlen(header->uname)},
		.gname = {header->gname, strlen(header->gname)},
		.uid = header->uid,
		.gid = header->gid,
		.size = header->size,
		.mtime_sec = header->mtime,
	};
	code = merge_records(scanner, merged, err);
	merge_long(scanner, TAR_PAX_PATH, &scanner->long_name, &merged->path);
	merge_long(scanner, TAR_PAX_LINKPATH, &scanner->long_link, &merged->link);
	return code;
}

static enum scan_type type_of(struct scanner *scanner, const struct scan_merged *merged)
{
	bool slash = merged->path.len > 0 && merged->path.bytes[merged->path.len - 1] == '/';

	switch (scanner->header.typeflag) {
	case 0:
		return slash ? SCAN_DIR : SCAN_FILE;
	case '0':
		break;
	case '1':
		return SCAN_HARDLINK;
	case '2':
		return SCAN_SYMLINK;
	case '3':
		return SCAN_CHAR;
	case '4':
		return SCAN_BLOCK;
	case '5':
		return SCAN_DIR;
	case '6':
		return SCAN_FIFO;
	case '7':
		scan_note(scanner, "contiguous-file",
			"typeflag 7, read as a regular file; engines refuse the layer");
		break;
	case TAR_GNU_SPARSE_FILE:
		scan_note(scanner, "unsupported-type",
			"typeflag S (old GNU sparse file); engines refuse the layer");
		break;
	default:
		scan_note(scanner, "unsupported-type", "a typeflag that engines refuse");
		return SCAN_UNKNOWN;
	}
	if (slash) {
		scan_note(scanner, "file-with-slash",
			"a regular file whose name ends with a slash; some tools make a folder");
	}
	return SCAN_FILE;
}

/** Decide how many bytes follow. */
static int frame(struct scanner *scanner, const struct scan_merged *merged, struct peel_error *err)
{
	const struct tar_text *record = scan_record(scanner, TAR_PAX_SIZE);
	int64_t stored = scanner->header.size;

	/*
	 * As Go does, look at the header's own size as well, and before an old folder is recognised
	 * by its slash.
	 */
	if (tar_has_data(scanner->header.typeflag) && (stored < 0 || merged->size < 0)) {
		return peel_fail(err, PEEL_EFORMAT,
			"offset %" PRIu64 ": tar entry with a negative size", scanner->group_off);
	}
	if (!tar_has_data(scanner->header.typeflag) || scanner->entry.type == SCAN_DIR) {
		scanner->data_len = 0;
		scanner->padding = 0;
		if (merged->size != 0) {
			scan_note(scanner, "size-conflict", "a size on an entry that has no data");
		}
		return 0;
	}
	if (record && merged->size != stored &&
		(merged->size <= OCTAL_SIZE_MAX || (stored != 0 && stored != OCTAL_SIZE_MAX))) {
		scan_note(scanner, "size-conflict",
			"pax size and header size differ; the pax size counts");
	}
	scanner->data_len = (uint64_t)merged->size;
	scanner->padding = tar_padding(scanner->data_len);
	return 0;
}

static void set_device(struct scanner *scanner)
{
	static const enum tar_pax_key keys[] = {TAR_PAX_DEVMAJOR, TAR_PAX_DEVMINOR};
	const int64_t numbers[] = {scanner->header.devmajor, scanner->header.devminor};
	struct scan_entry *entry = &scanner->entry;

	if (entry->type != SCAN_CHAR && entry->type != SCAN_BLOCK) {
		return;
	}
	entry->rdev_major = (uint32_t)numbers[0];
	entry->rdev_minor = (uint32_t)numbers[1];
	for (size_t i = 0; i < countof(keys); i++) {
		const struct tar_text *record = scan_record(scanner, keys[i]);
		int64_t value;

		if (numbers[i] < 0 || numbers[i] > UINT32_MAX) {
			scan_note(scanner, "bad-device",
				"a device number that does not fit 32 bits");
		}
		if (record && (!tar_pax_number(record, &value) || value != numbers[i])) {
			scan_note(scanner, "ambiguous-header",
				"a SCHILY device number and the header differ; the header counts, as for engines");
		}
	}
}

static void set_entry(struct scanner *scanner, const struct scan_merged *merged)
{
	struct scan_entry *entry = &scanner->entry;
	bool link = entry->type == SCAN_SYMLINK || entry->type == SCAN_HARDLINK;

	entry->typeflag = scanner->header.typeflag;
	entry->path = merged->path.bytes;
	entry->path_len = merged->path.len;
	entry->link = link ? merged->link.bytes : "";
	entry->link_len = link ? merged->link.len : 0;
	entry->mode = (uint32_t)(scanner->header.mode & 07777);
	entry->uid = merged->uid;
	entry->gid = merged->gid;
	entry->uname = merged->uname.bytes;
	entry->gname = merged->gname.bytes;
	entry->size = entry->type == SCAN_FILE ? (uint64_t)merged->size : 0;
	entry->stored = scanner->data_len;
	entry->mtime_sec = merged->mtime_sec;
	entry->mtime_nsec = merged->mtime_nsec;
	entry->header_off = scanner->group_off;
	entry->data_off = stream_tell(scanner->stream);
	scanner->whole = (struct scan_extent){0, entry->size};
	if (entry->type == SCAN_FILE) {
		entry->extents = entry->sparse ? scanner->sparse.extents : &scanner->whole;
		entry->extent_count = entry->sparse ? scanner->sparse.count : 1;
	}
	set_device(scanner);
}

static void end_text(struct scanner *scanner, const char *bytes, size_t len)
{
	/* Texts of the header block are elsewhere, and end with a NUL already. */
	if (bytes >= scanner->group && bytes < scanner->group + scanner->group_len) {
		scanner->group[(size_t)(bytes - scanner->group) + len] = 0;
	}
}

/** Put a NUL after every text of the entry, over the newline or whatever follows it in the group. */
static void end_texts(struct scanner *scanner, const struct scan_merged *merged)
{
	const struct tar_pax *pax = &scanner->pax;

	end_text(scanner, merged->path.bytes, merged->path.len);
	end_text(scanner, merged->link.bytes, merged->link.len);
	end_text(scanner, merged->uname.bytes, merged->uname.len);
	end_text(scanner, merged->gname.bytes, merged->gname.len);
	for (size_t i = 0; scanner->has_pax && i < pax->count; i++) {
		end_text(scanner, pax->records[i].key.bytes, pax->records[i].key.len);
	}
}

/** Ask libarchive where readers are known to disagree. */
static int second_opinion(struct scanner *scanner, bool foreign, struct peel_error *err)
{
	const char *difference;
	int code = 0;

	if (!foreign && !scanner->entry.sparse) {
		return 0;
	}
	if (!scanner->archive) {
		code = scan_archive_new(&scanner->archive, err);
	}
	if (code == 0) {
		code = scan_archive_compare(scanner->archive, scanner->group, scanner->group_len,
			&scanner->entry, &difference, err);
	}
	if (code == 0 && difference) {
		scan_note(scanner, "ambiguous-header", difference);
	}
	return code;
}

int scan_decode(struct scanner *scanner, struct peel_error *err)
{
	struct scan_merged *merged = &scanner->merged;
	bool foreign = false;
	int code = merge(scanner, merged, err);

	if (code < 0) {
		return code;
	}
	scanner->entry = (struct scan_entry){.type = type_of(scanner, merged)};
	code = frame(scanner, merged, err);
	if (code == 0) {
		code = scan_decode_sparse(scanner, err);
	}
	if (code < 0) {
		return code;
	}
	set_entry(scanner, merged);
	if (scanner->has_pax && scanner->pax.nul_name) {
		scan_note(scanner, "nul-in-name",
			"a NUL in a name; the entry is passed over, engines refuse the layer");
		return 0;
	}
	if (scanner->has_pax) {
		code = scan_decode_records(scanner, &foreign, err);
	}
	if (code == 0) {
		code = second_opinion(scanner, foreign, err);
	}
	end_texts(scanner, merged);
	return code < 0 ? code : 1;
}
