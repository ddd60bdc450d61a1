/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: in order with access points, then at random through them, against zlib. The mutator mends the CRC and the size
 * of every member, as far as zlib can decode it.
 *
 * ISA-L, like igzip and so those engines that call it, takes blocks whose sets of codes are not complete; zlib and
 * Go refuse them. What both take must be the same.
 */
#include <string.h>
#include <zlib.h>

#include "fuzz.h"
#include "fuzz_codec.h"

#define HEADER_MIN 10
#define TRAILER 8

static struct fuzz_plain plain;
/* zlib refused a set of codes. */
static bool lax;

static bool is_member(const uint8_t *data, size_t len)
{
	return len >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* Decode one member with zlib to the end of plain. @return zlib's word; *ret_used bytes of data. */
static int inflate_member(const uint8_t *data, size_t len, int bits, size_t *ret_used)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (uInt)len};
	int status;

	z.next_out = plain.bytes + plain.len;
	z.avail_out = (uInt)(sizeof(plain.bytes) - plain.len);
	fuzz_check(inflateInit2(&z, bits) == Z_OK);
	status = inflate(&z, Z_FINISH);
	lax = lax || (status == Z_DATA_ERROR && z.msg && strstr(z.msg, " set"));
	plain.len = sizeof(plain.bytes) - z.avail_out;
	plain.large = plain.large || z.avail_out == 0;
	*ret_used = len - z.avail_in;
	(void)inflateEnd(&z);
	return status;
}

static void decode_all(const uint8_t *data, size_t len)
{
	size_t pos = 0, used = 0;

	plain.len = 0;
	plain.large = false;
	lax = false;
	plain.good = is_member(data, len);
	while (plain.good && is_member(data + pos, len - pos)) {
		plain.good = inflate_member(data + pos, len - pos, 16 + MAX_WBITS, &used) ==
			Z_STREAM_END;
		pos += used;
	}
	plain.trailing = len - pos;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	decode_all(data, len);
	fuzz_codec(data, len, PEEL_CODEC_GZIP, &plain, lax);
	return 0;
}

/* Length of a member's header without a checksum of its own. @return 0: it has one, or is cut. */
static size_t header_len(const uint8_t *data, size_t len)
{
	size_t pos = HEADER_MIN;

	if (len < HEADER_MIN || (data[3] & 0xe2) || data[2] != 8) {
		return 0;
	}
	if (data[3] & 4) {
		pos += len < pos + 2 ? len : (size_t)2 + data[pos] + 256u * data[pos + 1];
	}
	for (unsigned flag = 8; flag <= 16; flag *= 2) {
		const uint8_t *end = (data[3] & flag) && pos < len
			? memchr(data + pos, 0, len - pos)
			: NULL;

		if (data[3] & flag) {
			pos = end ? (size_t)(end - data) + 1 : len;
		}
	}
	return pos < len ? pos : 0;
}

static void put_32(uint8_t *at, uLong value)
{
	for (int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

/* Write CRC and size where the data of each member ends. */
static void mend(uint8_t *data, size_t len)
{
	for (size_t pos = 0; is_member(data + pos, len - pos);) {
		const size_t header = header_len(data + pos, len - pos);
		size_t used = 0;

		plain.len = 0;
		if (header == 0 ||
			inflate_member(data + pos + header, len - pos - header, -MAX_WBITS,
				&used) != Z_STREAM_END) {
			return;
		}
		pos += header + used;
		if (len - pos < TRAILER) {
			return;
		}
		put_32(data + pos, crc32(0, plain.bytes, (uInt)plain.len));
		put_32(data + pos + 4, plain.len);
		pos += TRAILER;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	len = LLVMFuzzerMutate(data, len, max_len);
	if (seed % 16) {
		mend(data, len);
	}
	return len;
}
