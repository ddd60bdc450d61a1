/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

/** Bytes of the longest number. */
#define NUMBER_MAX 10

static bool make_room(struct pack *pack, size_t len)
{
	uint8_t *grown;

	if (pack->room - pack->len >= len) {
		return true;
	}
	grown = realloc(pack->bytes, (pack->len + len) * 2);
	if (!grown) {
		pack->failed = true;
		return false;
	}
	pack->bytes = grown;
	pack->room = (pack->len + len) * 2;
	return true;
}

void pack_number(struct pack *pack, uint64_t value)
{
	if (!make_room(pack, NUMBER_MAX)) {
		return;
	}
	for (; value >= 0x80; value >>= 7) {
		pack->bytes[pack->len++] = (uint8_t)(value | 0x80);
	}
	pack->bytes[pack->len++] = (uint8_t)value;
}

void pack_signed(struct pack *pack, int64_t value)
{
	pack_number(pack, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void pack_raw(struct pack *pack, const void *bytes, size_t len)
{
	if (len > 0 && make_room(pack, len)) {
		memcpy(pack->bytes + pack->len, bytes, len);
		pack->len += len;
	}
}

void pack_bytes(struct pack *pack, const void *bytes, size_t len)
{
	pack_number(pack, len);
	pack_raw(pack, bytes, len);
}

void pack_text(struct pack *pack, const char *text, size_t len)
{
	pack_bytes(pack, text, len);
	pack_raw(pack, "", 1);
}

uint64_t unpack_number(struct unpack *in)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			return value;
		}
	}
	in->damaged = true;
	return 0;
}

int64_t unpack_signed(struct unpack *in)
{
	uint64_t value = unpack_number(in);

	return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

const void *unpack_raw(struct unpack *in, uint64_t len)
{
	const void *bytes = in->at;

	if (len > (uint64_t)(in->end - in->at)) {
		in->damaged = true;
		return NULL;
	}
	in->at += len;
	return bytes;
}

const void *unpack_bytes(struct unpack *in, size_t *ret_len)
{
	const void *bytes;

	*ret_len = (size_t)unpack_number(in);
	bytes = unpack_raw(in, *ret_len);
	*ret_len = bytes ? *ret_len : 0;
	return bytes;
}

const char *unpack_text(struct unpack *in, size_t *ret_len)
{
	const char *text = unpack_bytes(in, ret_len);
	const char *nul = unpack_raw(in, 1);

	if (!text || !nul || *nul != '\0') {
		in->damaged = true;
		*ret_len = 0;
		return "";
	}
	return text;
}
