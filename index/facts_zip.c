/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ZIP file is read from its end, and its bytes may begin anywhere: behind a line of script, behind a whole program.
 *
 *   anything │ local header, data │ … │ central directory │ (ZIP64 end, locator) │ end record, comment
 *            └ offsets count from here                    └ where it ends is known, so where all the rest is
 *
 * The last end record that a central directory stands before is taken, as those do who run programs out of ZIP
 * files. Its counts and sizes are claims: entries are listed as long as they look like entries, and where that is
 * not what was claimed the list is partial. So is that of an archive of many disks, and one with encrypted members.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "facts_window.h"
#include "util.h"

#define END_RECORD 22
#define COMMENT_MAX 65535
#define LOCATOR 20
#define END_RECORD_64 56
#define ENTRY 46
/* An entry's name and extra fields, both with their most. */
#define DIRECTORY_WINDOW (256u << 10)
/* End records that are tried: text may have the mark of one. */
#define TRIES_MAX 32

#define FLAG_ENCRYPTED 1
#define FLAG_HIDDEN_NAMES 0x2000

/* What an end record says. */
struct end {
	uint64_t count, size, offset;
	/* Where it stands itself, or the ZIP64 one before it: the directory ends there. */
	uint64_t at;
	bool wide;
	/* Says something that cannot be, or is of many disks. */
	bool odd;
};

struct zip {
	const struct facts_file *file;
	facts_member_fn *each;
	void *arg;
	struct facts_window window;
	uint64_t spent;
	/* The directory, and what to add to the offsets in it. */
	uint64_t begin, shift;
	struct end end;
	bool partial;
};

static bool has_mark(const uint8_t *bytes, const char *mark)
{
	return memcmp(bytes, mark, 4) == 0;
}

/* A ZIP64 end record at a place. @return 1; 0: there is none; as facts_window_at. */
static int read_wide(struct zip *zip, uint64_t at, struct end *end, struct peel_error *err)
{
	const uint8_t *bytes;
	int result = facts_window_at(&zip->window, at, END_RECORD_64, &bytes, err);

	if (result <= 0 || !has_mark(bytes, "PK\6\6")) {
		return result < 0 ? result : 0;
	}
	end->odd |= (end->count != 0xffff && end->count != facts_get64(bytes + 32, false)) ||
		(end->size != 0xffffffff && end->size != facts_get64(bytes + 40, false)) ||
		(end->offset != 0xffffffff && end->offset != facts_get64(bytes + 48, false));
	end->odd |= facts_get32(bytes + 16, false) != 0 || facts_get32(bytes + 20, false) != 0;
	end->count = facts_get64(bytes + 32, false);
	end->size = facts_get64(bytes + 40, false);
	end->offset = facts_get64(bytes + 48, false);
	end->at = at;
	end->wide = true;
	return 1;
}

/* The ZIP64 end record, if a locator before the end record tells of one: right before that, or where it says. */
static int find_wide(struct zip *zip, struct end *end, struct peel_error *err)
{
	const uint64_t locator = end->at - LOCATOR;
	const uint8_t *bytes;
	uint64_t at;
	int result;

	if (end->at < LOCATOR + END_RECORD_64) {
		return 1;
	}
	result = facts_window_at(&zip->window, locator, LOCATOR, &bytes, err);
	if (result <= 0 || !has_mark(bytes, "PK\6\7")) {
		return result < 0 ? result : 1;
	}
	at = facts_get64(bytes + 8, false);
	result = read_wide(zip, locator - END_RECORD_64, end, err);
	if (result == 0) {
		result = read_wide(zip, at, end, err);
	}
	end->odd |= result == 0;
	return result < 0 ? result : 1;
}

/* Whether an entry begins at a place. */
static int is_entry(struct zip *zip, uint64_t at, struct peel_error *err)
{
	const uint8_t *bytes;
	int result = facts_window_at(&zip->window, at, ENTRY, &bytes, err);

	return result > 0 ? has_mark(bytes, "PK\1\2") : result;
}

/* Find the directory that an end record tells of. @return 1; 0: there is none; as facts_window_at. */
static int find_directory(struct zip *zip, struct end *end, struct peel_error *err)
{
	int result = find_wide(zip, end, err);

	if (result < 0) {
		return result;
	}
	if (end->size == 0 && end->count == 0) {
		zip->begin = end->at;
		return end->at == 0;
	}
	if (end->size <= end->at) {
		zip->begin = end->at - end->size;
		zip->shift = zip->begin - end->offset;
		end->odd |= end->offset > zip->begin;
		result = is_entry(zip, zip->begin, err);
		if (result != 0) {
			return result;
		}
	}
	end->odd = true;
	zip->begin = end->offset;
	zip->shift = 0;
	return end->offset < end->at ? is_entry(zip, zip->begin, err) : 0;
}

/* Try one end record. */
static int try_end(struct zip *zip, const uint8_t *bytes, uint64_t at, struct peel_error *err)
{
	int result;

	zip->end = (struct end){
		.count = facts_get16(bytes + 10, false),
		.size = facts_get32(bytes + 12, false),
		.offset = facts_get32(bytes + 16, false),
		.at = at,
	};
	/* Numbers of disks; 0xffff sends to the ZIP64 record. */
	zip->end.odd = (facts_get16(bytes + 4, false) + 1) % 0x10000 > 1 ||
		(facts_get16(bytes + 6, false) + 1) % 0x10000 > 1;
	result = find_directory(zip, &zip->end, err);
	zip->partial = zip->end.odd;
	return result;
}

/* The last end record that has a directory. @return 1; 0: there is none; as file->read. */
static int find_end(struct zip *zip, struct peel_error *err)
{
	const size_t len = min_u64(zip->file->size, END_RECORD + COMMENT_MAX);
	const uint64_t begin = zip->file->size - len;
	cleanup_free uint8_t *tail = malloc(len + 1);
	const uint8_t *found;
	size_t tries = 0;
	int result;

	if (!tail) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	result = len < END_RECORD ? 0 : zip->file->read(zip->file->arg, begin, tail, len, err);
	if (result < 0 || len < END_RECORD) {
		return result;
	}
	found = tail + len - END_RECORD + 1;
	while (tries < TRIES_MAX && (found = memrchr(tail, 'P', (size_t)(found - tail)))) {
		const size_t at = (size_t)(found - tail);

		if (!has_mark(found, "PK\5\6") ||
			at + END_RECORD + facts_get16(found + 20, false) > len) {
			continue;
		}
		result = try_end(zip, found, begin + at, err);
		if (result != 0) {
			return result;
		}
		tries++;
	}
	return 0;
}

/* Sizes and offset that are too large for their fields stand in an extra field, in this order. */
static void widen(struct facts_member *member, const uint8_t *extra, size_t len)
{
	uint64_t *const fields[] = {&member->size, &member->stored, &member->offset};
	size_t at = 0;

	while (at + 4 <= len) {
		const size_t size = facts_get16(extra + at + 2, false);
		size_t used = 0;

		at += 4;
		if (size > len - at) {
			return;
		}
		for (size_t i = 0; facts_get16(extra + at - 4, false) == 1 && i < countof(fields);
			i++) {
			if (*fields[i] == UINT32_MAX && used + 8 <= size) {
				*fields[i] = facts_get64(extra + at + used, false);
				used += 8;
			}
		}
		at += size;
	}
}

/* Make a member of an entry and hand it on. @return 1 and the next one's place; 0: stop; less than 0. */
static int take_entry(struct zip *zip, const uint8_t *bytes, uint64_t *at, struct peel_error *err)
{
	const size_t name_len = facts_get16(bytes + 28, false);
	const size_t extra_len = facts_get16(bytes + 30, false);
	const size_t comment_len = facts_get16(bytes + 32, false);
	char name[FACTS_NAME_MAX];
	struct facts_member member = {
		.name = name,
		.name_len = min_u64(name_len, sizeof(name) - 1),
		.flags = facts_get16(bytes + 8, false),
		.method = facts_get16(bytes + 10, false),
		.stored = facts_get32(bytes + 20, false),
		.size = facts_get32(bytes + 24, false),
		.offset = facts_get32(bytes + 42, false),
	};
	int result = facts_window_at(&zip->window, *at + ENTRY, name_len + extra_len, &bytes, err);

	if (result <= 0) {
		zip->partial = true;
		return result;
	}
	memcpy(name, bytes, member.name_len);
	name[member.name_len] = '\0';
	widen(&member, bytes + name_len, extra_len);
	member.offset += zip->shift;
	zip->partial |= member.name_len < name_len || member.offset >= zip->file->size ||
		(member.flags & (FLAG_ENCRYPTED | FLAG_HIDDEN_NAMES)) != 0;
	*at += ENTRY + name_len + extra_len + comment_len;
	return zip->each(zip->arg, &member) ? 0 : 1;
}

/* Whether a list that ended at a place is what the end record claims. */
static bool is_whole(const struct zip *zip, uint64_t at, uint64_t count)
{
	return at == zip->begin + zip->end.size &&
		(zip->end.wide ? zip->end.count == count : zip->end.count == count % 0x10000);
}

static int list_entries(struct zip *zip, struct peel_error *err)
{
	uint64_t at = zip->begin;
	uint64_t count = 0;

	while (at < zip->end.at) {
		const uint8_t *bytes;
		int result = facts_window_at(&zip->window, at, ENTRY, &bytes, err);

		if (result < 0) {
			return result;
		}
		if (result == 0 || !has_mark(bytes, "PK\1\2")) {
			break;
		}
		if (count++ == FACTS_MEMBERS_MAX) {
			break;
		}
		result = take_entry(zip, bytes, &at, err);
		if (result <= 0) {
			return result;
		}
	}
	zip->partial |= !is_whole(zip, at, count);
	return 0;
}

/* Whether a file without a directory is the begin of a ZIP file. */
static int begins_like_one(struct zip *zip, struct peel_error *err)
{
	uint8_t bytes[4];
	int result = zip->file->size < sizeof(bytes)
		? 0
		: zip->file->read(zip->file->arg, 0, bytes, sizeof(bytes), err);

	if (result < 0 || zip->file->size < sizeof(bytes)) {
		return result;
	}
	return (has_mark(bytes, "PK\3\4") || has_mark(bytes, "PK\5\6")) ? FACTS_LIST_PARTIAL : 0;
}

int facts_zip_list(const struct facts_file *file, facts_member_fn *each, void *arg,
	struct peel_error *err)
{
	struct zip zip = {.file = file, .each = each, .arg = arg};
	int result;

	zip.window = (struct facts_window){
		.file = file, .room = DIRECTORY_WINDOW, .spent = &zip.spent};
	result = find_end(&zip, err);
	if (result > 0) {
		result = list_entries(&zip, err);
		if (result == 0) {
			result = zip.partial ? FACTS_LIST_PARTIAL : FACTS_LIST_WHOLE;
		}
	} else if (result == 0) {
		result = begins_like_one(&zip, err);
	}
	facts_window_finish(&zip.window);
	return result;
}
