/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of archives and bundles: ZIP with what is in its members, ar, PyInstaller, Nuitka, zipapps; and DEFLATE
 * alone. What a member gives does not depend on the room that it is read into.
 */
#include <stdbool.h>

#include <peel/error.h>

#include "filemem.h"
#include "util.h"

/* Members of one file that are unpacked, and bytes of each. */
#define UNPACKED_MAX 8
#define ROOM 2048

struct told {
	const struct facts_file *file;
	size_t members, unpacked;
	bool is_ar;
};

/* Bytes that come in pieces. */
struct gathered {
	uint8_t bytes[2 * ROOM];
	size_t len;
};

static void take_piece(void *arg, const void *bytes, size_t len)
{
	struct gathered *gathered = arg;

	fuzz_check(len <= sizeof(gathered->bytes) - gathered->len);
	memcpy(gathered->bytes + gathered->len, bytes, len);
	gathered->len += len;
}

static void unpack(struct told *told, const struct facts_member *member)
{
	static uint8_t whole[ROOM];
	static uint8_t piece[64];
	static struct gathered gathered;
	const struct facts_pieces pieces = {.buf = piece,
		.room = sizeof(piece),
		.most = ROOM,
		.piece = take_piece,
		.arg = &gathered};
	const int64_t got = facts_zip_read(told->file, member, whole, sizeof(whole), NULL);
	int64_t in_pieces;

	fuzz_check(got <= (int64_t)sizeof(whole));
	fuzz_check(got >= 0 || got == PEEL_EFORMAT || got == PEEL_EUNSUPPORTED);
	gathered.len = 0;
	in_pieces = facts_zip_each(told->file, member, &pieces, NULL);
	/* Damage behind what was asked for may be seen by one of them alone. */
	if (got >= 0 && in_pieces >= 0) {
		fuzz_check(gathered.len >= (size_t)got || got == (int64_t)sizeof(whole));
		fuzz_check(memcmp(gathered.bytes, whole, min_u64(gathered.len, (uint64_t)got)) ==
			0);
	}
}

static int take_member(void *arg, const struct facts_member *member)
{
	struct told *told = arg;

	told->members++;
	fuzz_check(member->name_len < FACTS_NAME_MAX && member->name[member->name_len] == '\0');
	if (told->is_ar) {
		fuzz_check(member->offset <= told->file->size);
	} else if (told->unpacked++ < UNPACKED_MAX) {
		unpack(told, member);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t room[ROOM];
	struct fuzz_input input = {data, len};
	const struct facts_file file = {len, filemem_read, &input};
	struct told zip = {.file = &file};
	struct told ar = {.file = &file, .is_ar = true};
	uint64_t offset = 0;
	int result = facts_zip_list(&file, take_member, &zip, NULL);

	fuzz_check(result >= 0 && result <= FACTS_LIST_PARTIAL);
	fuzz_check((result == 0) <= (zip.members == 0) && zip.members <= FACTS_MEMBERS_MAX);
	result = facts_ar_list(&file, take_member, &ar, NULL);
	fuzz_check(result >= 0 && result <= FACTS_LIST_PARTIAL);
	fuzz_check((result == 0) <= (ar.members == 0) && ar.members <= FACTS_MEMBERS_MAX);
	result = facts_bundle_look(&file, &offset, NULL);
	fuzz_check(result >= FACTS_BUNDLE_NONE && result <= FACTS_BUNDLE_ZIPAPP && offset <= len);
	fuzz_check(facts_inflate(&file, len / 2, len, room, sizeof(room), NULL) <= ROOM);
	return 0;
}
