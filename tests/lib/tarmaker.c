/* SPDX-License-Identifier: Apache-2.0 */
#include "tarmaker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512

/** Room for len more bytes, zeroed. */
static unsigned char *extend(struct tarmaker *tar, size_t len)
{
	unsigned char *at;

	if (tar->len + len > tar->room) {
		tar->room = 2 * (tar->len + len);
		tar->bytes = realloc(tar->bytes, tar->room);
		if (!tar->bytes) {
			abort();
		}
	}
	at = tar->bytes + tar->len;
	memset(at, 0, len);
	tar->len += len;
	return at;
}

void tarmaker_bytes(struct tarmaker *tar, const void *bytes, size_t len)
{
	if (len > 0) {
		memcpy(extend(tar, len), bytes, len);
	}
}

void tarmaker_pad(struct tarmaker *tar)
{
	(void)extend(tar, -tar->len % BLOCK);
}

void tarmaker_end(struct tarmaker *tar)
{
	(void)extend(tar, 2 * BLOCK);
}

void tarmaker_finish(struct tarmaker *tar)
{
	free(tar->bytes);
	*tar = (struct tarmaker){0};
}

static void put_text(unsigned char *at, const char *text, size_t room)
{
	if (text) {
		memcpy(at, text, strnlen(text, room));
	}
}

static void put_number(unsigned char *at, int64_t value, size_t width)
{
	char text[32];

	if (value >= 0 && value < INT64_C(1) << (3 * (width - 1))) {
		(void)snprintf(text, sizeof(text), "%0*llo", (int)width - 1,
			(unsigned long long)value);
		memcpy(at, text, width - 1);
		return;
	}
	for (size_t i = width; i-- > 0;) {
		at[i] = (unsigned char)value;
		value = value < 0 ? -((-(value + 1)) >> 8) - 1 : value >> 8;
	}
	at[0] |= 0x80;
}

void tarmaker_checksum(unsigned char *block)
{
	unsigned sum = 0;
	char text[8];

	memset(block + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++) {
		sum += block[i];
	}
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
}

unsigned char *tarmaker_header(struct tarmaker *tar, const struct tar_member *member)
{
	unsigned char *block = extend(tar, BLOCK);

	put_text(block, member->path, 100);
	put_number(block + 100, member->mode ? member->mode : 0644, 8);
	put_number(block + 108, member->uid, 8);
	put_number(block + 116, member->gid, 8);
	put_number(block + 124, member->size ? *member->size : (int64_t)member->data_len, 12);
	put_number(block + 136, member->mtime, 12);
	block[156] = (unsigned char)(member->type == 0 ? '0' : member->type);
	if (member->type == TARMAKER_NUL) {
		block[156] = 0;
	}
	put_text(block + 157, member->link, 100);
	if (member->kind != TARMAKER_V7) {
		memcpy(block + 257,
			member->kind == TARMAKER_GNU ? "ustar  "
						     : "ustar\0"
						       "00",
			8);
		put_text(block + 265, member->uname, 32);
		put_text(block + 297, member->gname, 32);
		put_number(block + 329, member->major, 8);
		put_number(block + 337, member->minor, 8);
		put_text(block + 345, member->prefix, 155);
	}
	tarmaker_checksum(block);
	return block;
}

void tarmaker_add(struct tarmaker *tar, const struct tar_member *member)
{
	(void)tarmaker_header(tar, member);
	tarmaker_bytes(tar, member->data, member->data_len);
	tarmaker_pad(tar);
}

void tarmaker_extension(struct tarmaker *tar, char type, const void *payload, size_t len)
{
	tarmaker_add(tar,
		&(struct tar_member){.path = "ext",
			.type = type,
			.kind = type == 'L' || type == 'K' ? TARMAKER_GNU : TARMAKER_USTAR,
			.data = payload,
			.data_len = len});
}

/** "LENGTH record\n", where LENGTH counts itself. */
static void add_record(struct tarmaker *text, const char *record)
{
	size_t body = strlen(record) + 2;
	size_t len = body + 1;
	char digits[24];

	while ((size_t)snprintf(digits, sizeof(digits), "%zu", len) + body != len) {
		len = strlen(digits) + body;
	}
	tarmaker_bytes(text, digits, strlen(digits));
	tarmaker_bytes(text, " ", 1);
	tarmaker_bytes(text, record, strlen(record));
	tarmaker_bytes(text, "\n", 1);
}

void tarmaker_pax(struct tarmaker *tar, int type, ...)
{
	struct tarmaker text = {0};
	const char *record;
	va_list list;

	va_start(list, type);
	while ((record = va_arg(list, const char *)) != NULL) {
		add_record(&text, record);
	}
	va_end(list);
	tarmaker_extension(tar, (char)type, text.bytes, text.len);
	tarmaker_finish(&text);
}
