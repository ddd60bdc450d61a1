/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package's header as databases keep it: the number of entries and the bytes of data, big-endian; entries of tag,
 * type, offset and count; the data. Paths are folded: names of files, and for each the number of its folder.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "pkgdb_rpm.h"
#include "util.h"

/* Bytes before the entries, of an entry; rpm's own bound for entries. */
#define INTRO 8
#define ENTRY 16
#define ENTRIES_MAX 65535

/* Types of data. */
#define TYPE_CHAR 1
#define TYPE_INT16 3
#define TYPE_INT32 4
#define TYPE_INT64 5
#define TYPE_STRING 6
#define TYPE_STRINGS 8
#define TYPE_TRANSLATED 9

/* Tags. */
#define TAG_NAME 1000
#define TAG_VERSION 1001
#define TAG_RELEASE 1002
#define TAG_EPOCH 1003
#define TAG_SIZE 1009
#define TAG_ARCH 1022
#define TAG_FILE_STATES 1029
#define TAG_FILE_MODES 1030
#define TAG_SOURCE 1044
#define TAG_FOLDER_NUMBERS 1116
#define TAG_FILE_NAMES 1117
#define TAG_FOLDERS 1118
#define TAG_LONG_SIZE 5009

/* A file that is installed as its package has it. */
#define STATE_NORMAL 0

static uint32_t read_be32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

/* An entry of the index. */
struct entry {
	uint32_t tag, type, count;
	const uint8_t *data;
	/* From data to the end of all. */
	size_t left;
};

/* True where a string's NUL is within the data, and it is no longer than what is kept. */
static bool is_string(const struct entry *entry)
{
	return (entry->type == TYPE_STRING || entry->type == TYPE_TRANSLATED) &&
		memchr(entry->data, '\0', min_u64(entry->left, PKGDB_NAME_MAX + 1));
}

static bool has_numbers(const struct entry *entry, uint32_t type, size_t size)
{
	return entry->type == type && entry->count > 0 && entry->count <= entry->left / size;
}

static void take_strings(struct pkgdb_rpm_header *header, const struct entry *entry)
{
	if (!is_string(entry)) {
		return;
	}
	switch (entry->tag) {
	case TAG_NAME:
		header->name = (const char *)entry->data;
		break;
	case TAG_VERSION:
		header->version = (const char *)entry->data;
		break;
	case TAG_RELEASE:
		header->release = (const char *)entry->data;
		break;
	case TAG_ARCH:
		header->arch = (const char *)entry->data;
		break;
	case TAG_SOURCE:
		header->source = (const char *)entry->data;
		break;
	default:
		break;
	}
}

/* Numbers and arrays of a header. */
struct arrays {
	struct entry names, folders, numbers, modes, states;
	bool has_epoch;
	uint32_t epoch;
};

static void take_entry(struct pkgdb_rpm_header *header, struct arrays *arrays,
	const struct entry *entry)
{
	switch (entry->tag) {
	case TAG_EPOCH:
		arrays->has_epoch = has_numbers(entry, TYPE_INT32, 4);
		arrays->epoch = arrays->has_epoch ? read_be32(entry->data) : 0;
		break;
	case TAG_SIZE:
		if (has_numbers(entry, TYPE_INT32, 4) && header->claimed < 0) {
			header->claimed = read_be32(entry->data);
		}
		break;
	case TAG_LONG_SIZE:
		if (has_numbers(entry, TYPE_INT64, 8) && read_be32(entry->data) <= INT32_MAX) {
			header->claimed = (int64_t)read_be32(entry->data) << 32 |
				read_be32(entry->data + 4);
		}
		break;
	case TAG_FILE_STATES:
		arrays->states = *entry;
		break;
	case TAG_FILE_MODES:
		arrays->modes = *entry;
		break;
	case TAG_FOLDER_NUMBERS:
		arrays->numbers = *entry;
		break;
	case TAG_FILE_NAMES:
		arrays->names = *entry;
		break;
	case TAG_FOLDERS:
		arrays->folders = *entry;
		break;
	default:
		take_strings(header, entry);
	}
}

/* The arrays of files, where all of them fit together. @return false where they do not. */
static bool set_files(struct pkgdb_rpm_header *header, const struct arrays *arrays)
{
	const uint32_t count = arrays->names.count;

	if (count == 0) {
		return true;
	}
	if (arrays->names.type != TYPE_STRINGS || arrays->folders.type != TYPE_STRINGS ||
		!has_numbers(&arrays->numbers, TYPE_INT32, 4) || arrays->numbers.count != count ||
		count > arrays->names.left || arrays->folders.count > arrays->folders.left) {
		return false;
	}
	header->file_count = count;
	header->folder_count = arrays->folders.count;
	header->names = (const char *)arrays->names.data;
	header->folders = (const char *)arrays->folders.data;
	header->folder_numbers = arrays->numbers.data;
	if (has_numbers(&arrays->modes, TYPE_INT16, 2) && arrays->modes.count == count) {
		header->modes = arrays->modes.data;
	}
	if (has_numbers(&arrays->states, TYPE_CHAR, 1) && arrays->states.count == count) {
		header->states = arrays->states.data;
	}
	return true;
}

bool pkgdb_rpm_header_read(const void *bytes, size_t len, struct pkgdb_rpm_header *ret_header)
{
	const uint8_t *at = bytes;
	struct arrays arrays = {0};
	uint32_t count;
	size_t data;

	if (len < INTRO) {
		return false;
	}
	*ret_header = (struct pkgdb_rpm_header){
		.name = "",
		.version = "",
		.release = "",
		.arch = "",
		.source = "",
		.claimed = -1,
		.end = (const char *)bytes + len,
	};
	count = read_be32(at);
	if (count > ENTRIES_MAX || count > (len - INTRO) / ENTRY) {
		return false;
	}
	data = INTRO + (size_t)count * ENTRY;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = at + INTRO + (size_t)i * ENTRY;
		const uint32_t offset = read_be32(entry + 8);
		struct entry taken = {.tag = read_be32(entry),
			.type = read_be32(entry + 4),
			.count = read_be32(entry + 12)};

		if (offset > len - data) {
			return false;
		}
		taken.data = at + data + offset;
		taken.left = len - data - offset;
		take_entry(ret_header, &arrays, &taken);
	}
	if (arrays.has_epoch) {
		snprintf(ret_header->evr, sizeof(ret_header->evr), "%u:%s-%s", arrays.epoch,
			ret_header->version, ret_header->release);
	} else {
		snprintf(ret_header->evr, sizeof(ret_header->evr), "%s-%s", ret_header->version,
			ret_header->release);
	}
	return ret_header->name[0] != '\0' && set_files(ret_header, &arrays);
}

/* The string behind one; NULL where its NUL is not within the header. */
static const char *next_string(const struct pkgdb_rpm_header *header, const char *at)
{
	const char *nul = at < header->end ? memchr(at, '\0', (size_t)(header->end - at)) : NULL;

	return nul ? nul + 1 : NULL;
}

/* Where each folder's name begins. @return NULL where memory is exhausted, or they do not lie within the header. */
static const char **list_folders(const struct pkgdb_rpm_header *header, int *ret_code)
{
	const char **folders = calloc((size_t)header->folder_count + 1, sizeof(*folders));
	const char *at = header->folders;

	*ret_code = folders ? PEEL_EFORMAT : PEEL_ENOMEM;
	for (uint32_t i = 0; folders && i < header->folder_count; i++) {
		folders[i] = at;
		at = next_string(header, at);
		if (!at) {
			free(folders);
			return NULL;
		}
	}
	return folders;
}

/* True where a file is there as the package has it. */
static bool is_installed(const struct pkgdb_rpm_header *header, uint32_t i)
{
	const uint8_t *mode = header->modes ? header->modes + 2 * (size_t)i : NULL;

	return (!header->states || header->states[i] == STATE_NORMAL) &&
		(!mode || S_ISREG((mode[0] << 8 | mode[1])));
}

int pkgdb_rpm_header_paths(const struct pkgdb_rpm_header *header, pkgdb_rpm_path_fn *each,
	void *arg)
{
	cleanup_free const char **folders = NULL;
	const char *name = header->names;
	char path[PEEL_PATH_MAX + 1];
	int r;

	if (header->file_count == 0) {
		return 0;
	}
	folders = list_folders(header, &r);
	for (uint32_t i = 0; folders && i < header->file_count; i++) {
		const uint32_t number = read_be32(header->folder_numbers + 4 * (size_t)i);
		const char *next = next_string(header, name);
		int len;

		if (!next || number >= header->folder_count) {
			return PEEL_EFORMAT;
		}
		len = is_installed(header, i)
			? snprintf(path, sizeof(path), "%s%s", folders[number], name)
			: 0;
		r = len > 0 && len < (int)sizeof(path) ? each(arg, path, (size_t)len) : 0;
		if (r != 0) {
			return r;
		}
		name = next;
	}
	return r;
}

struct pkgdb_record pkgdb_rpm_record(const struct pkgdb_rpm_header *header, const char *path)
{
	return (struct pkgdb_record){
		.db = "rpm",
		.name = header->name,
		.version = header->evr,
		.arch = header->arch,
		.source = header->source,
		.record = path,
		.layer = -1,
		.claimed = header->claimed,
	};
}
