/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access points as an index from a stranger has them: where decoding is to begin, and windows of history, against
 * compressed bytes that are whole or not. Wrong points give wrong bytes or a failure, and nothing else. What was
 * read is read the same again; what failed may come from another point, which tells of other bytes.
 *
 *	codec · size · windows' and points' numbers · points · windows' bytes · compressed bytes
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "blockcache.h"
#include "codec.h"
#include "fuzz.h"
#include "points.h"
#include "source.h"
#include "util.h"

#define POINTS_MAX 4
/* Bytes of a window before it is packed, and as it is kept. */
#define WINDOW_MAX 64
#define CACHE_BYTES (256u << 10)
#define ROOM 512

struct kept {
	struct point points[POINTS_MAX];
	size_t count;
	const uint8_t *window;
	size_t window_len;
	/* The window is packed bytes, as the index has them; else history itself. */
	bool packed;
};

/* The same bytes over and over; none are zeros. */
static void fill(uint8_t *window, size_t len, const uint8_t *bytes, size_t count)
{
	size_t done = min_u64(len, count);

	memcpy(window, bytes, done);
	if (done == 0) {
		memset(window, 0, len);
		return;
	}
	while (done < len) {
		const size_t more = min_u64(done, len - done);

		memcpy(window + done, window, more);
		done += more;
	}
}

/* As content.c's, which asks the index for the last point before an offset. */
static int find_point(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	const struct kept *kept = arg;
	const struct point *found = NULL;

	for (size_t i = 0; i < kept->count; i++) {
		if (kept->points[i].out_off <= out_off &&
			(!found || kept->points[i].out_off > found->out_off)) {
			found = &kept->points[i];
		}
	}
	if (!found) {
		return peel_fail(err, PEEL_EFORMAT, "no point");
	}
	*ret_point = *found;
	if (found->window_len == 0) {
		return 0;
	}
	if (kept->packed) {
		return window_unpack(kept->window, kept->window_len, window, found->window_len,
			err);
	}
	fill(window, found->window_len, kept->window, kept->window_len);
	return 0;
}

static void take_points(struct fuzz_input *input, struct kept *kept)
{
	kept->count = fuzz_byte(input) % (POINTS_MAX + 1);
	for (size_t i = 0; i < kept->count; i++) {
		/* Most are small enough to be somewhere; one in some is anywhere. */
		const unsigned int how = fuzz_byte(input);
		const uint64_t far = how & 0x80 ? UINT64_MAX - 4096 : 0;

		kept->points[i] = (struct point){
			.out_off = i == 0 && how & 1 ? 0 : far + fuzz_below(input, 4096),
			.in_off = (how & 0x40 ? far : 0) + fuzz_below(input, 1024),
			.bits = how >> 3 & 7,
			.window_len = how & 2 ? fuzz_below(input, POINT_WINDOW + 1) : 0,
		};
	}
}

static void read_all(struct source *source, uint64_t size)
{
	static uint8_t first[ROOM], again[ROOM];
	const uint64_t offsets[] = {0, size / 2, size > 100 ? size - 100 : 0, 1000, size};

	for (size_t i = 0; i < countof(offsets); i++) {
		const ssize_t a = source_read_at(source, offsets[i], first, ROOM, NULL);
		const ssize_t b = source_read_at(source, offsets[i], again, ROOM, NULL);

		fuzz_check(a <= ROOM && b <= ROOM);
		fuzz_check(a < 0 || (a == b && memcmp(first, again, (size_t)a) == 0));
		fuzz_check(a < 0 || (uint64_t)a <= size - min_u64(size, offsets[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const unsigned int head = fuzz_byte(&input);
	const enum peel_codec codec = head & 1 ? PEEL_CODEC_GZIP : PEEL_CODEC_ZSTD;
	const uint64_t size = fuzz_below(&input, 8192);
	struct kept kept = {.packed = head & 2};
	const struct point_finder finder = {.find = find_point, .arg = &kept};
	struct codec_options options = {.spool_dir = -1, .window_log = 20};
	struct source *source = NULL;

	take_points(&input, &kept);
	kept.window_len = fuzz_bytes(&input, fuzz_byte(&input) % (WINDOW_MAX + 1), &kept.window);
	cleanup_source struct source *raw = fuzz_source(input.at, input.left);

	fuzz_check(blockcache_new(CACHE_BYTES, &options.cache, NULL) == 0);
	if (codec_open(raw, codec, size, &finder, &options, &source, NULL) == 0) {
		read_all(source, size);
		source_drop(source);
	}
	blockcache_free(options.cache);
	return 0;
}
