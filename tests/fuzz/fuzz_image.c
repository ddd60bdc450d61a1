/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests, configurations and indexes. The input is not an archive but what an archive is made of, so that a
 * mutation meets the documents and not the digests that guard them:
 *
 *	way, then for each member: NAME \0 CONTENT \xff
 *
 * A byte of 1 to 8 in a name or a content stands for the SHA-256 of the member of that number, in hex digits; 0x10 in
 * a content for the length of the member whose number is in the byte behind it. Members are written in the order of
 * the input, so a document comes after those that it names.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "fuzz.h"
#include "fuzz_open.h"
#include "tar_header.h"

/* Members that can be named. */
#define MEMBERS_MAX 8
/* Longest tar that is made, bytes. */
#define TAR_MAX (64u << 10)
#define NAME_MAX_LEN 100
#define HEX_LEN 64
#define LENGTH_OF 0x10

struct member {
	char digest[HEX_LEN + 1];
	size_t len;
};

struct archive {
	struct member members[MEMBERS_MAX];
	size_t count;
	size_t used;
	uint8_t bytes[TAR_MAX];
};

static void write_digest(const uint8_t *bytes, size_t len, char *ret)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t value[SHA256_DIGEST_LENGTH];

	(void)SHA256(bytes, len, value);
	for (size_t i = 0; i < sizeof(value); i++) {
		ret[2 * i] = hex[value[i] >> 4];
		ret[2 * i + 1] = hex[value[i] & 15];
	}
	ret[HEX_LEN] = 0;
}

/* Put text in place, with what its control bytes stand for. @return its length, at most room. */
static size_t expand(const struct archive *archive, const uint8_t *in, size_t len, uint8_t *out,
	size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		char text[HEX_LEN + 1] = {(char)in[i], 0};
		size_t text_len = 1;

		if (in[i] >= 1 && in[i] <= archive->count) {
			memcpy(text, archive->members[in[i] - 1].digest, sizeof(text));
			text_len = HEX_LEN;
		} else if (in[i] == LENGTH_OF && i + 1 < len && in[i + 1] >= 1 &&
			in[i + 1] <= archive->count) {
			text_len = (size_t)snprintf(text, sizeof(text), "%zu",
				archive->members[in[++i] - 1].len);
		}
		if (text_len > room - used) {
			break;
		}
		memcpy(out + used, text, text_len);
		used += text_len;
	}
	return used;
}

static void add_member(struct archive *archive, const uint8_t *name, size_t name_len,
	const uint8_t *content, size_t content_len)
{
	uint8_t *block = archive->bytes + archive->used;
	const size_t room = sizeof(archive->bytes) - archive->used;
	size_t len;

	if (room < 4 * TAR_BLOCK || archive->count == MEMBERS_MAX) {
		return;
	}
	memset(block, 0, TAR_BLOCK);
	(void)expand(archive, name, name_len, block, NAME_MAX_LEN);
	len = expand(archive, content, content_len, block + TAR_BLOCK, room - 4 * TAR_BLOCK);
	memcpy(block + 100, "0000644", 7);
	(void)snprintf((char *)block + 124, 12, "%011zo", len);
	memcpy(block + 136, "00000000000", 11);
	/* A name that begins with > is a link to the content. */
	block[156] = '0';
	if (block[0] == '>') {
		memmove(block, block + 1, NAME_MAX_LEN - 1);
		block[156] = '2';
		memcpy(block + 157, block + TAR_BLOCK, len < 100 ? len : 100);
		len = 0;
		memset(block + 124, '0', 11);
	}
	memcpy(block + 257, "ustar\00000", 8);
	fuzz_mend_tar(block, TAR_BLOCK);
	write_digest(block + TAR_BLOCK, len, archive->members[archive->count].digest);
	archive->members[archive->count++].len = len;
	memset(block + TAR_BLOCK + len, 0, (size_t)tar_padding(len));
	archive->used += TAR_BLOCK + len + (size_t)tar_padding(len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct archive archive;
	const uint8_t *end = data + len;
	const uint8_t *at = data + 1;

	if (len == 0) {
		return 0;
	}
	archive.count = 0;
	archive.used = 0;
	while (at < end) {
		const uint8_t *stop = memchr(at, 0xff, (size_t)(end - at));
		const uint8_t *name_end;

		stop = stop ? stop : end;
		name_end = memchr(at, 0, (size_t)(stop - at));
		if (name_end) {
			add_member(&archive, at, (size_t)(name_end - at), name_end + 1,
				(size_t)(stop - name_end - 1));
		}
		at = stop + 1;
	}
	memset(archive.bytes + archive.used, 0, (size_t)2 * TAR_BLOCK);
	fuzz_open_image(archive.bytes, archive.used + (size_t)2 * TAR_BLOCK, data[0]);
	return 0;
}
