/* SPDX-License-Identifier: Apache-2.0 */
/* zstd: frames in order with access points, then at random through them, against libzstd alone, a frame at a time. */
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "fuzz.h"
#include "fuzz_codec.h"

#define MAGIC 0xfd2fb528u
#define SKIPPABLE 0x184d2a50u
#define SKIPPABLE_HEADER 8

static struct fuzz_plain plain;

static uint32_t get_32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* One frame that is not skippable, to the end of plain. @return bytes of data, 0: it is broken. */
static size_t decode_frame(ZSTD_DCtx *context, const uint8_t *data, size_t len)
{
	ZSTD_inBuffer in = {data, len, 0};
	ZSTD_outBuffer out = {plain.bytes, sizeof(plain.bytes), plain.len};
	const unsigned long long claimed = ZSTD_getFrameContentSize(data, len);
	const size_t start = plain.len;
	size_t status = 1, before;

	do {
		before = in.pos + out.pos;
		status = ZSTD_decompressStream(context, &out, &in);
	} while (status != 0 && !ZSTD_isError(status) && before != in.pos + out.pos);
	plain.len = out.pos;
	plain.large = plain.large || out.pos == out.size;
	/* Decoding in pieces, libzstd does not look at that where an empty block ends the frame. */
	if (status == 0 && claimed < ZSTD_CONTENTSIZE_ERROR && claimed != out.pos - start) {
		status = 1;
	}
	return status == 0 ? in.pos : 0;
}

static void decode_all(const uint8_t *data, size_t len)
{
	static ZSTD_DCtx *context;
	bool any = false, any_data = false;
	size_t pos = 0;

	context = context ? context : ZSTD_createDCtx();
	fuzz_check(context && !ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)));
	plain.len = 0;
	plain.large = false;
	plain.good = true;
	while (plain.good && len - pos >= 4) {
		const uint32_t magic = get_32(data + pos);
		size_t used = 0;

		if ((magic & 0xfffffff0u) == SKIPPABLE) {
			const uint64_t whole = len - pos < SKIPPABLE_HEADER
				? UINT64_MAX
				: (uint64_t)get_32(data + pos + 4) + SKIPPABLE_HEADER;

			used = whole <= len - pos ? (size_t)whole : 0;
		} else if (magic == MAGIC) {
			any_data = true;
			used = decode_frame(context, data + pos, len - pos);
		} else {
			break;
		}
		any = true;
		plain.good = used > 0;
		pos += used;
	}
	plain.trailing = len - pos;
	/* Nothing but frames to skip may be lz4's, so that data has to be there, or nothing behind. */
	plain.good = plain.good && any && (any_data || plain.trailing == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	decode_all(data, len);
	fuzz_codec(data, len, PEEL_CODEC_ZSTD, &plain, false);
	return 0;
}
