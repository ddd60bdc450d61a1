/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_codec.h"

#include <string.h>

#include <peel/error.h>

#include "blockcache.h"
#include "fuzz.h"
#include "source.h"

/* Random reads of an input, and the longest of them in bytes. */
#define READS 4
#define READ_MAX 6000
/* Points of an input: members are no nearer than POINT_MEMBER_SPACING. */
#define POINTS_MAX (FUZZ_PLAIN_MAX / (1u << 10) + 2)

/* Points as they came. points.c would pack each window, which costs more than all else. */
static struct {
	struct point points[POINTS_MAX];
	uint8_t windows[POINTS_MAX][POINT_WINDOW];
	size_t count;
	size_t in_len;
} seen;

static uint8_t decoded[FUZZ_PLAIN_MAX];

/* Points ascend from 0 and lie within the input. */
static int take_point(void *arg, const struct point *point, const void *window,
	struct peel_error *err)
{
	(void)arg;
	(void)err;
	fuzz_check(seen.count < POINTS_MAX);
	fuzz_check(seen.count == 0 ? point->out_off == 0
				   : point->out_off > seen.points[seen.count - 1].out_off);
	fuzz_check(point->in_off <= seen.in_len && point->bits < 8);
	fuzz_check(point->window_len <= POINT_WINDOW && point->window_len <= point->out_off);
	seen.points[seen.count] = *point;
	if (point->window_len) {
		memcpy(seen.windows[seen.count], window, point->window_len);
	}
	seen.count++;
	return 0;
}

static int find_point(void *arg, uint64_t out_off, struct point *ret_point, void *window,
	struct peel_error *err)
{
	size_t at = seen.count - 1;

	(void)arg;
	(void)err;
	while (seen.points[at].out_off > out_off) {
		at--;
	}
	*ret_point = seen.points[at];
	memcpy(window, seen.windows[at], ret_point->window_len);
	return 0;
}

/* Windows that take memory are asked for, and refused. */
static int refuse_large(void *arg, struct peel_error *err)
{
	*(bool *)arg = true;
	return peel_fail(err, PEEL_ELIMIT, "a large window");
}

/* Decode in pieces of different lengths. @return bytes; *ret_code how it ended. */
static size_t decode(struct stream *stream, int *ret_code)
{
	static const size_t pieces[] = {1, 511, 4096, 33, 20000};
	struct peel_error err = {0};
	size_t used = 0;
	ssize_t got = 1;

	for (size_t i = 0; got > 0 && used < sizeof(decoded); i++) {
		size_t piece = pieces[i % 5];

		piece = piece < sizeof(decoded) - used ? piece : sizeof(decoded) - used;
		got = stream_read(stream, decoded + used, piece, &err);
		used += got > 0 ? (size_t)got : 0;
	}
	fuzz_check(got >= 0 || (err.code == got && err.message[0]));
	fuzz_check(stream_tell(stream) == used || (got < 0 && stream_tell(stream) > used));
	*ret_code = got < 0 ? (int)got : 0;
	return used;
}

static void read_at_random(struct source *raw, enum peel_codec codec, const uint8_t *data,
	size_t len, size_t plain_len)
{
	static uint8_t buf[READ_MAX];
	const struct point_finder finder = {.find = find_point};
	struct codec_options options = {.spool_dir = -1};
	struct source *source = NULL;
	uint64_t state = len;

	fuzz_check(blockcache_new(4 * BLOCK_SIZE, &options.cache, NULL) == 0);
	fuzz_check(codec_open(raw, codec, plain_len, &finder, &options, &source, NULL) == 0);
	for (size_t i = 0; i < READS; i++) {
		struct peel_error err = {0};
		size_t offset, want;
		ssize_t got;

		state = state * UINT64_C(6364136223846793005) + data[(state >> 33) % len] + 1;
		offset = (state >> 33) % (plain_len + 1);
		want = i % 2 ? 17 : READ_MAX;
		got = source_read_at(source, offset, buf, want, &err);
		want = want < plain_len - offset ? want : plain_len - offset;
		fuzz_check(got == (ssize_t)want);
		fuzz_check(memcmp(buf, decoded + offset, want) == 0);
	}
	source_drop(source);
	blockcache_free(options.cache);
}

void fuzz_codec(const uint8_t *data, size_t len, enum peel_codec codec,
	const struct fuzz_plain *told, bool lax)
{
	struct source *raw = fuzz_source(data, len);
	const struct point_sink sink = {.add = take_point};
	bool refused = false;
	const struct stream_options options = {
		.points = &sink, .large = refuse_large, .large_arg = &refused};
	struct stream *stream = NULL;
	size_t used;
	int code = 0;

	seen.count = 0;
	seen.in_len = len;
	fuzz_check(stream_open(raw, codec, &options, &stream, NULL) == 0);
	used = decode(stream, &code);
	if (!told->large && !refused && used < sizeof(decoded)) {
		fuzz_check(memcmp(decoded, told->bytes, used < told->len ? used : told->len) == 0);
		fuzz_check(code == 0 || !told->good);
		fuzz_check(code < 0 || told->good || lax);
		if (code == 0 && told->good) {
			fuzz_check(used == told->len && stream_trailing(stream) == told->trailing);
		}
		if (code == 0 && used > 0) {
			read_at_random(raw, codec, data, len, used);
		}
	}
	stream_close(stream);
	source_drop(raw);
}
