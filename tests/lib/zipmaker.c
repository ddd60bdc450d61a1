/* SPDX-License-Identifier: Apache-2.0 */
#include "zipmaker.h"

#include <string.h>

#include "util.h"

#define GZIP_HEADER 10
#define GZIP_TRAILER 8

static void put(struct bytes *out, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++) {
		const uint8_t byte = (uint8_t)(value >> 8 * i);

		bytes_add(out, &byte, 1);
	}
}

/* The fields that local headers and entries share. */
static void put_fields(struct bytes *out, const struct zipmaker *zip, uint16_t method,
	uint64_t stored, uint64_t size, size_t name_len)
{
	put(out, 2, 20);
	put(out, 2, zip->flags);
	put(out, 2, method);
	put(out, 4, 0);
	put(out, 4, 0);
	put(out, 4, zip->wide ? UINT32_MAX : stored);
	put(out, 4, zip->wide ? UINT32_MAX : size);
	put(out, 2, name_len);
}

void zipmaker_add(struct zipmaker *zip, const char *name, const void *data, size_t len,
	uint16_t method)
{
	struct bytes packed = {0};
	struct bytes *directory = &zip->directory;
	uint64_t offset;

	if (zip->count++ == 0) {
		zip->begin = zip->out.len;
	}
	offset = zip->out.len - zip->begin;
	gzip_add(&packed, data, len, 6);
	if (method != 8) {
		packed.len = 0;
		bytes_add(&packed, "0123456789", GZIP_HEADER);
		bytes_add(&packed, data, len);
		bytes_add(&packed, "01234567", GZIP_TRAILER);
	}
	packed.len -= GZIP_HEADER + GZIP_TRAILER;

	bytes_add(&zip->out, "PK\3\4", 4);
	put_fields(&zip->out, zip, method, packed.len, len, strlen(name));
	put(&zip->out, 2, 4);
	bytes_add(&zip->out, name, strlen(name));
	/* An extra field that the directory does not have. */
	bytes_add(&zip->out, "\x99\x99\0\0", 4);
	bytes_add(&zip->out, packed.data + GZIP_HEADER, packed.len);

	bytes_add(directory, "PK\1\2", 4);
	put(directory, 2, 20);
	put_fields(directory, zip, method, packed.len, len, strlen(name));
	put(directory, 2, zip->wide ? 32 : 0);
	put(directory, 2, 0);
	put(directory, 2, 0);
	put(directory, 2, 0);
	put(directory, 4, 0);
	put(directory, 4, zip->wide ? UINT32_MAX : offset);
	bytes_add(directory, name, strlen(name));
	if (zip->wide) {
		bytes_add(directory, "\x99\x99\0\0", 4);
		put(directory, 2, 1);
		put(directory, 2, 24);
		put(directory, 8, len);
		put(directory, 8, packed.len);
		put(directory, 8, offset);
	}
	bytes_finish(&packed);
}

void zipmaker_end(struct zipmaker *zip, size_t claimed, const char *comment)
{
	const uint64_t offset = zip->out.len - zip->begin;
	const uint64_t size = zip->directory.len;
	struct bytes *out = &zip->out;

	bytes_add(out, zip->directory.data, zip->directory.len);
	if (zip->wide) {
		const uint64_t end = out->len - zip->begin;

		bytes_add(out, "PK\6\6", 4);
		put(out, 8, 44);
		put(out, 4, 0);
		put(out, 8, 0);
		put(out, 8, claimed);
		put(out, 8, claimed);
		put(out, 8, size);
		put(out, 8, offset);
		bytes_add(out, "PK\6\7", 4);
		put(out, 4, 0);
		put(out, 8, end);
		put(out, 4, 1);
	}
	bytes_add(out, "PK\5\6", 4);
	put(out, 4, 0);
	put(out, 2, zip->wide ? 0xffff : claimed);
	put(out, 2, zip->wide ? 0xffff : claimed);
	put(out, 4, zip->wide ? UINT32_MAX : size);
	put(out, 4, zip->wide ? UINT32_MAX : offset);
	put(out, 2, strlen(comment));
	bytes_add(out, comment, strlen(comment));
}

void zipmaker_finish(struct zipmaker *zip)
{
	bytes_finish(&zip->out);
	bytes_finish(&zip->directory);
}
