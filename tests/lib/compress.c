/* SPDX-License-Identifier: Apache-2.0 */
#include "compress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "util.h"

/** A call of a compressor that must succeed. */
static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s failed\n", what);
		abort();
	}
}

uint32_t test_random(uint32_t *state, uint32_t limit)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*state * limit) >> 32);
}

static uint8_t *bytes_room(struct bytes *bytes, size_t len)
{
	if (bytes->room - bytes->len < len) {
		bytes->room = (bytes->len + len) * 2;
		bytes->data = realloc(bytes->data, bytes->room);
		must(bytes->data, "realloc");
	}
	return bytes->data + bytes->len;
}

void bytes_add(struct bytes *bytes, const void *data, size_t len)
{
	if (len > 0) {
		memcpy(bytes_room(bytes, len), data, len);
		bytes->len += len;
	}
}

void bytes_finish(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

static void add_word(uint8_t *to, size_t len, uint32_t *state)
{
	static const char words[] =
		"the quick brown fox jumps over a lazy dog usr lib share python3 ";

	while (len-- > 0) {
		*to++ = (uint8_t)words[test_random(state, 8) * 8 + len % 8];
	}
}

static void add_noise(uint8_t *to, size_t len, uint32_t *state)
{
	while (len-- > 0) {
		*to++ = (uint8_t)test_random(state, 256);
	}
}

void bytes_add_text(struct bytes *bytes, uint32_t seed, size_t len)
{
	uint8_t *to = bytes_room(bytes, len);
	uint32_t state = seed;
	size_t done = 0;
	size_t n;
	uint32_t kind;

	while (done < len) {
		kind = test_random(&state, 16);
		n = min_u64(len - done,
			kind == 0 ? test_random(&state, 400) : test_random(&state, 60));
		if (kind == 0) {
			memset(to + done, 0, n);
		} else if (kind == 1) {
			add_noise(to + done, n, &state);
		} else if (kind < 6 && done > 40000) {
			memcpy(to + done, to + done - 60 - test_random(&state, 32000), n);
		} else {
			add_word(to + done, n, &state);
		}
		done += n;
	}
	bytes->len += len;
}

void gzip_add(struct bytes *out, const void *data, size_t len, int level)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t room = len + len / 100 + 65536;
	char text[2] = {(char)('0' + level), '\0'};
	size_t used = 0;

	must(archive && entry && archive_write_set_format_raw(archive) == ARCHIVE_OK, "raw format");
	must(archive_write_add_filter_gzip(archive) == ARCHIVE_OK, "gzip filter");
	must(archive_write_set_filter_option(archive, "gzip", "compression-level", text) ==
			ARCHIVE_OK,
		"level");
	archive_write_set_bytes_in_last_block(archive, 1);
	must(archive_write_open_memory(archive, bytes_room(out, room), room, &used) == ARCHIVE_OK,
		"open");
	archive_entry_set_filetype(entry, AE_IFREG);
	must(archive_write_header(archive, entry) == ARCHIVE_OK, "header");
	must(len == 0 || archive_write_data(archive, data, len) == (la_ssize_t)len, "data");
	must(archive_write_close(archive) == ARCHIVE_OK, "close");
	archive_entry_free(entry);
	archive_write_free(archive);
	out->len += used;
}

static void add_little_endian(struct bytes *out, uint32_t value, int bytes)
{
	uint8_t byte;

	while (bytes-- > 0) {
		byte = (uint8_t)value;
		bytes_add(out, &byte, 1);
		value >>= 8;
	}
}

void gzip_add_header(struct bytes *out, unsigned flags)
{
	size_t start = out->len;
	const uint8_t fixed[] = {0x1f, 0x8b, 8, (uint8_t)flags, 1, 2, 3, 4, 0, 3};

	bytes_add(out, fixed, sizeof(fixed));
	if (flags & 4) {
		bytes_add(out, "\x06\0SG\2\0xy", 8);
	}
	if (flags & 8) {
		bytes_add(out, "a name", 7);
	}
	if (flags & 16) {
		bytes_add(out, "a comment", 10);
	}
	if (flags & 2) {
		add_little_endian(out, crc32_gzip_refl(0, out->data + start, out->len - start), 2);
	}
}

void gzip_add_trailer(struct bytes *out, const void *data, size_t len)
{
	add_little_endian(out, crc32_gzip_refl(0, data, len), 4);
	add_little_endian(out, (uint32_t)len, 4);
}

void gzip_add_stored(struct bytes *out, const void *data, size_t len, size_t block)
{
	size_t done = 0;
	size_t n;
	uint8_t last;

	gzip_add_header(out, 0);
	do {
		n = min_u64(block, len - done);
		last = done + n == len;
		bytes_add(out, &last, 1);
		add_little_endian(out, (uint32_t)n, 2);
		add_little_endian(out, ~(uint32_t)n, 2);
		bytes_add(out, (const uint8_t *)data + done, n);
		done += n;
	} while (done < len);
	gzip_add_trailer(out, data, len);
}

void gzip_add_isal(struct bytes *out, const void *data, size_t len, const struct gzip_isal *how)
{
	static const uint32_t level_sizes[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
		ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
	struct isal_zstream *stream = calloc(1, sizeof(*stream));
	uint8_t *level_buf = malloc(level_sizes[how->level] + 1);
	size_t every = how->flush_every ? how->flush_every : len + 1;
	size_t done = 0;

	must(stream && level_buf, "malloc");
	gzip_add_header(out, 0);
	isal_deflate_init(stream);
	stream->level = (uint32_t)how->level;
	stream->level_buf = level_buf;
	stream->level_buf_size = level_sizes[how->level];
	if (how->fixed_codes) {
		isal_deflate_set_hufftables(stream, NULL, IGZIP_HUFFTABLE_STATIC);
	}
	do {
		stream->avail_in = (uint32_t)min_u64(every, len - done);
		/* ISA-L takes its input by a pointer without const, and reads it. */
		stream->next_in = (uint8_t *)(uintptr_t)data + done;
		done += stream->avail_in;
		stream->end_of_stream = done == len;
		stream->flush = !how->flush_every ? NO_FLUSH
			: how->full_flush         ? FULL_FLUSH
						  : SYNC_FLUSH;
		do {
			stream->next_out = bytes_room(out, 65536);
			stream->avail_out = 65536;
			must(isal_deflate(stream) == COMP_OK, "isal_deflate");
			out->len += 65536 - stream->avail_out;
		} while (stream->avail_out == 0);
	} while (done < len);
	free(level_buf);
	free(stream);
	gzip_add_trailer(out, data, len);
}

void zstd_add(struct bytes *out, const void *data, size_t len, const struct zstd_how *how)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(len) + 64;
	ZSTD_outBuffer output = {.dst = bytes_room(out, room), .size = room};
	ZSTD_inBuffer input = {.src = data, .size = how->streamed ? len / 2 : len};

	must(context, "ZSTD_createCCtx");
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, how->level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, how->checksum);
	if (how->window_log) {
		must(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog,
			     how->window_log)),
			"window");
	}
	if (how->streamed) {
		must(!ZSTD_isError(ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue)),
			"zstd");
		input.size = len;
	}
	must(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) == 0, "zstd");
	ZSTD_freeCCtx(context);
	out->len += output.pos;
}

void zstd_add_skippable(struct bytes *out, unsigned kind, uint32_t len)
{
	add_little_endian(out, 0x184d2a50u + kind, 4);
	add_little_endian(out, len, 4);
	memset(bytes_room(out, len), 0, len);
	out->len += len;
}
