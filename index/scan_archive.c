/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second reading of one header group, by libarchive: it gets the bytes of the group and nothing
 * else, so it can neither move the walker nor see data. A new object for each group costs a few
 * microseconds, and no state survives a hostile one.
 *
 * Names must come out as stored, so the thread is in the C locale meanwhile: with a UTF-8 locale
 * libarchive 3.6.2 rewrites pax names from NFD to NFC. archive_entry_sparse_count() is called
 * before the list is used, as 3.6.2 frees the list there and leaves what
 * archive_entry_sparse_reset() stored pointing at it.
 *
 * Where memory is exhausted libarchive ends the process from within, or crashes; a group is a few
 * KiB.
 *
 * Rejected: libarchive for every group (then a second reader costs most of the time of a scan),
 * and one object for all groups, fed through a callback that feigns the data in between (a
 * disagreement on one size spoils all that follows).
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include <peel/error.h>

#include "scan_priv.h"
#include "util.h"

struct scan_archive {
	locale_t locale;
	/** Ours, because libarchive does not check whether it got one of its own. */
	struct archive_entry *entry;
};

static void cleanup_archive_(struct archive **archive)
{
	archive_read_free(*archive);
}

#define cleanup_archive cleanup(cleanup_archive_)

static void restore_locale(const locale_t *locale)
{
	(void)uselocale(*locale);
}

void scan_archive_free(struct scan_archive *archive)
{
	if (archive) {
		if (archive->locale) {
			freelocale(archive->locale);
		}
		archive_entry_free(archive->entry);
		free(archive);
	}
}

int scan_archive_new(struct scan_archive **ret_archive, struct peel_error *err)
{
	struct scan_archive *archive = calloc(1, sizeof(*archive));

	if (!archive) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for the tar reader");
	}
	archive->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	archive->entry = archive_entry_new();
	if (!archive->locale || !archive->entry) {
		scan_archive_free(archive);
		return peel_fail(err, PEEL_ENOMEM, "out of memory for the tar reader");
	}
	*ret_archive = archive;
	return 0;
}

static bool same_name(const char *name, const char *wanted, size_t len)
{
	return name && strlen(name) == len && memcmp(name, wanted, len) == 0;
}

static bool same_type(struct archive_entry *read, enum scan_type type)
{
	switch (type) {
	case SCAN_FILE:
		return archive_entry_filetype(read) == AE_IFREG;
	case SCAN_DIR:
		return archive_entry_filetype(read) == AE_IFDIR;
	case SCAN_SYMLINK:
		return archive_entry_filetype(read) == AE_IFLNK;
	case SCAN_CHAR:
		return archive_entry_filetype(read) == AE_IFCHR;
	case SCAN_BLOCK:
		return archive_entry_filetype(read) == AE_IFBLK;
	case SCAN_FIFO:
		return archive_entry_filetype(read) == AE_IFIFO;
	case SCAN_HARDLINK:
		return archive_entry_hardlink(read) != NULL;
	default:
		return true;
	}
}

static bool same_link(struct archive_entry *read, const struct scan_entry *entry)
{
	if (entry->type == SCAN_SYMLINK) {
		return same_name(archive_entry_symlink(read), entry->link, entry->link_len);
	}
	if (entry->type == SCAN_HARDLINK) {
		return same_name(archive_entry_hardlink(read), entry->link, entry->link_len);
	}
	return true;
}

/**
 * Compare the sparse lists; libarchive's may hold empty extents, and none at all stands for the
 * whole file.
 */
static bool same_map(struct archive_entry *read, const struct scan_entry *entry)
{
	const struct scan_extent *extents = entry->extents;
	size_t count = entry->extent_count;
	size_t at = 0;
	la_int64_t offset;
	la_int64_t length;

	if (entry->type != SCAN_FILE) {
		return true;
	}
	if (archive_entry_sparse_count(read) == 0) {
		return entry->stored == 0 ||
			(count == 1 && extents[0].offset == 0 && extents[0].length == entry->size);
	}
	(void)archive_entry_sparse_reset(read);
	while (archive_entry_sparse_next(read, &offset, &length) == ARCHIVE_OK) {
		if (length == 0) {
			continue;
		}
		if (at == count || extents[at].offset != (uint64_t)offset ||
			extents[at].length != (uint64_t)length) {
			return false;
		}
		at++;
	}
	return at == count;
}

/** Where an entry as libarchive reads it differs, or NULL. */
static const char *difference_of(struct archive_entry *read, const struct scan_entry *entry)
{
	if (!same_name(archive_entry_pathname(read), entry->path, entry->path_len)) {
		return "libarchive reads another path";
	}
	if (!same_type(read, entry->type)) {
		return "libarchive reads another type";
	}
	if (!same_link(read, entry)) {
		return "libarchive reads another link target";
	}
	if (entry->type == SCAN_FILE &&
		(archive_entry_size(read) < 0 ||
			(uint64_t)archive_entry_size(read) != entry->size)) {
		return "libarchive reads another size";
	}
	return same_map(read, entry) ? NULL : "libarchive reads another sparse map";
}

int scan_archive_compare(struct scan_archive *archive, const void *group, size_t len,
	const struct scan_entry *entry, const char **ret_difference, struct peel_error *err)
{
	cleanup(restore_locale) locale_t before = uselocale(archive->locale);
	cleanup_archive struct archive *reader = archive_read_new();
	struct archive_entry *read = archive->entry;
	int status;

	(void)before;
	if (!reader || archive_read_support_format_tar(reader) != ARCHIVE_OK) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for the tar reader");
	}
	status = archive_read_open_memory(reader, group, len);
	if (status == ARCHIVE_OK) {
		status = archive_read_next_header2(reader, read);
	}
	if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
		*ret_difference = "libarchive refuses the header";
	} else if (archive_filter_bytes(reader, 0) != (la_int64_t)len) {
		*ret_difference = "libarchive finds the data elsewhere";
	} else {
		*ret_difference = difference_of(read, entry);
	}
	return 0;
}

/** A ustar header block. */
static void make_block(char *block, const char *path, char typeflag, unsigned size)
{
	unsigned sum = 0;

	memset(block, 0, TAR_BLOCK);
	(void)snprintf(block, 100, "%s", path);
	(void)snprintf(block + 100, 8, "%07o", 0644u);
	(void)snprintf(block + 108, 8, "%07o", 0u);
	(void)snprintf(block + 116, 8, "%07o", 0u);
	(void)snprintf(block + 124, 12, "%011o", size);
	(void)snprintf(block + 136, 12, "%011o", 0u);
	memset(block + 148, ' ', 8);
	block[156] = typeflag;
	memcpy(block + 257,
		"ustar\0"
		"00",
		8);
	for (int i = 0; i < TAR_BLOCK; i++) {
		sum += (unsigned char)block[i];
	}
	(void)snprintf(block + 148, 8, "%06o", sum);
}

int scan_self_test(struct peel_error *err)
{
	static const char records[] =
		"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
		"22 GNU.sparse.name=\xc3\xa9\n31 GNU.sparse.realsize=1048576\n";
	static const char map[] = "2\n4096\n512\n8192\n100\n";
	static const struct scan_extent extents[] = {{4096, 512}, {8192, 100}};
	static const struct scan_entry entry = {
		.type = SCAN_FILE,
		.path = "\xc3\xa9",
		.path_len = 2,
		.size = 1048576,
		.sparse = true,
		.extents = extents,
		.extent_count = 2,
	};
	char group[4 * TAR_BLOCK] = {0};
	struct scan_archive *archive;
	const char *difference;
	int code;

	make_block(group, "PaxHeaders/a", TAR_PAX, sizeof(records) - 1);
	memcpy(group + TAR_BLOCK, records, sizeof(records) - 1);
	make_block(group + 2 * (size_t)TAR_BLOCK, "a", '0', TAR_BLOCK + 612);
	memcpy(group + 3 * (size_t)TAR_BLOCK, map, sizeof(map) - 1);
	code = scan_archive_new(&archive, err);
	if (code < 0) {
		return code;
	}
	code = scan_archive_compare(archive, group, sizeof(group), &entry, &difference, err);
	scan_archive_free(archive);
	if (code == 0 && difference) {
		return peel_fail(err, PEEL_EINTERNAL, "this libarchive (%s) fails its test: %s",
			archive_version_string(), difference);
	}
	return code;
}
