/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_zstd_frames.h"

#include <inttypes.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <peel/error.h>

#include "codec_priv.h"
#include "limit.h"
#include "source.h"
#include "util.h"

/** Bytes that tell what a frame is and which dictionary it needs (RFC 8878, 3.1.1: at most 18). */
#define HEADER_SIZE 18

struct zstd_frames {
	struct source *raw;
	stream_fn *input;
	void *input_arg;
	ZSTD_DCtx *context;
	/** To be asked before a large window; NULL: not, or not any more. */
	int (*large)(void *arg, struct peel_error *err);
	void *large_arg;
	/** NULL: none but window_log. */
	struct limit_watch *limits;
	/** Largest window, as a power of two. */
	unsigned window_log;
	/** Compressed offset right after the buffer's last byte. */
	uint64_t read_off;
	/** Next byte, and the end of what was read, in buf. */
	size_t pos;
	size_t len;
	/** Inside a frame, for zstd_frames_read. */
	bool in_frame;
	/** What the frame's header says of its length, and how much there was. */
	unsigned long long claimed;
	uint64_t made;
	/** The decoder failed and cannot go on. */
	struct peel_error failure;
	uint8_t buf[HEADER_SIZE + STREAM_IN_SIZE];
};

int zstd_frames_new(struct source *raw, uint64_t in_off, stream_fn *input, void *input_arg,
	struct zstd_frames **ret_frames, struct peel_error *err)
{
	struct zstd_frames *frames = calloc(1, sizeof(*frames));

	if (!frames) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	frames->context = ZSTD_createDCtx();
	if (!frames->context) {
		free(frames);
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	zstd_frames_set_window(frames, ZSTD_WINDOW_LOG_MAX);
	frames->raw = raw;
	frames->input = input;
	frames->input_arg = input_arg;
	frames->read_off = in_off;
	*ret_frames = frames;
	return 0;
}

void zstd_frames_set_window(struct zstd_frames *frames, unsigned window_log)
{
	frames->window_log = window_log;
	ZSTD_DCtx_setParameter(frames->context, ZSTD_d_windowLogMax, (int)window_log);
}

void zstd_frames_limit(struct zstd_frames *frames, struct limit_watch *limits)
{
	frames->limits = limits;
	zstd_frames_set_window(frames, limits_window_log(limits));
}

void zstd_frames_ask(struct zstd_frames *frames, int (*large)(void *arg, struct peel_error *err),
	void *arg)
{
	frames->large = large;
	frames->large_arg = arg;
	if (large) {
		ZSTD_DCtx_setParameter(frames->context, ZSTD_d_windowLogMax, STREAM_WINDOW_SMALL);
	}
}

void zstd_frames_free(struct zstd_frames *frames)
{
	if (frames) {
		ZSTD_freeDCtx(frames->context);
		free(frames);
	}
}

uint64_t zstd_frames_tell(const struct zstd_frames *frames)
{
	return frames->read_off - (frames->len - frames->pos);
}

/**
 * Read the next piece behind the (at most HEADER_SIZE) bytes left. @return 1; 0 at the end; less
 * than 0.
 */
static int refill(struct zstd_frames *frames, struct peel_error *err)
{
	size_t left = frames->len - frames->pos;
	ssize_t got;
	int r;

	memmove(frames->buf, frames->buf + frames->pos, left);
	frames->pos = 0;
	frames->len = left;
	got = source_read_at(frames->raw, frames->read_off, frames->buf + left, STREAM_IN_SIZE,
		err);
	if (got <= 0) {
		return (int)got;
	}
	if (frames->input) {
		r = frames->input(frames->input_arg, frames->buf + left, (size_t)got, err);
		if (r < 0) {
			return r;
		}
	}
	frames->read_off += (uint64_t)got;
	frames->len += (size_t)got;
	return 1;
}

int zstd_frames_header(struct zstd_frames *frames, struct peel_error *err)
{
	const uint8_t *next;
	unsigned dictionary;
	int r = 1;

	while (frames->len - frames->pos < HEADER_SIZE && r > 0) {
		r = refill(frames, err);
	}
	if (r < 0) {
		return r;
	}
	next = frames->buf + frames->pos;
	if (codec_probe(next, frames->len - frames->pos) != PEEL_CODEC_ZSTD) {
		return 0;
	}
	frames->claimed = ZSTD_CONTENTSIZE_UNKNOWN;
	frames->made = 0;
	if ((next[0] & 0xf0) == 0x50) {
		return 2;
	}
	frames->claimed = ZSTD_getFrameContentSize(next, frames->len - frames->pos);
	dictionary = ZSTD_getDictID_fromFrame(next, frames->len - frames->pos);
	if (dictionary != 0) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"zstd: the frame at compressed offset %" PRIu64 " needs dictionary %u",
			zstd_frames_tell(frames), dictionary);
	}
	return 1;
}

static int code_of(size_t status)
{
	switch (ZSTD_getErrorCode(status)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return PEEL_ELIMIT;
	case ZSTD_error_memory_allocation:
		return PEEL_ENOMEM;
	default:
		return PEEL_EFORMAT;
	}
}

/** The window that the frame at hand asks for (RFC 8878, 3.1.1.1.2), bytes. */
static uint64_t window_of(const struct zstd_frames *frames)
{
	const uint8_t *header = frames->buf + frames->pos;
	unsigned long long content;

	if (frames->len - frames->pos < 6) {
		return 0;
	}
	if (header[4] & 0x20) {
		content = ZSTD_getFrameContentSize(header, frames->len - frames->pos);
		return content < ZSTD_CONTENTSIZE_ERROR ? content : 0;
	}
	return ((UINT64_C(1) << 10) << (header[5] >> 3)) / 8 * (8 + (header[5] & 7));
}

/** Get permission for a large window, and have the frame's header read again. @return 0, or less than 0. */
static int allow_large(struct zstd_frames *frames, struct peel_error *err)
{
	const uint64_t window = window_of(frames);
	int r = 0;

	/* One that is refused anyway waits for nobody. */
	if (window <= UINT64_C(1) << frames->window_log) {
		limits_note_window(frames->limits, window);
		r = frames->large(frames->large_arg, err);
	}
	if (r < 0) {
		return r;
	}
	frames->large = NULL;
	ZSTD_DCtx_reset(frames->context, ZSTD_reset_session_only);
	zstd_frames_set_window(frames, frames->window_log);
	return 0;
}

/** The decoder cannot go on after this. */
static int fail_for_good(struct zstd_frames *frames, int code, const char *what,
	struct peel_error *err)
{
	peel_fail(&frames->failure, code, "zstd: %s at compressed offset %" PRIu64, what,
		zstd_frames_tell(frames));
	return peel_fail(err, code, "%s", frames->failure.message);
}

ssize_t zstd_frames_some(struct zstd_frames *frames, void *out, size_t room, bool *ret_done,
	struct peel_error *err)
{
	ZSTD_outBuffer output = {.dst = out, .size = room};
	ZSTD_inBuffer input;
	size_t status;
	int r = 1;

	*ret_done = false;
	if (frames->failure.code < 0) {
		return peel_fail(err, frames->failure.code, "%s", frames->failure.message);
	}
	if (frames->pos == frames->len) {
		r = refill(frames, err);
		if (r < 0) {
			return r;
		}
	}
	input = (ZSTD_inBuffer){.src = frames->buf, .size = frames->len, .pos = frames->pos};
	status = ZSTD_decompressStream(frames->context, &output, &input);
	/* That is told by the header, which is in the buffer whole, before anything has been taken. */
	if (frames->large && ZSTD_isError(status) && code_of(status) == PEEL_ELIMIT) {
		return allow_large(frames, err);
	}
	if (ZSTD_isError(status) && code_of(status) == PEEL_ELIMIT) {
		limits_fail_window(frames->limits, window_of(frames), &frames->failure);
		peel_wrap(&frames->failure, "compressed offset %" PRIu64, zstd_frames_tell(frames));
		return peel_fail(err, PEEL_ELIMIT, "%s", frames->failure.message);
	}
	if (ZSTD_isError(status)) {
		return fail_for_good(frames, code_of(status), ZSTD_getErrorName(status), err);
	}
	if (status != 0 && input.pos == frames->pos && output.pos == 0) {
		return r == 0 ? fail_for_good(frames, PEEL_ETRUNCATED,
					"the data ends within a frame", err)
			      : fail_for_good(frames, PEEL_EFORMAT, "invalid data", err);
	}
	frames->pos = input.pos;
	frames->made += output.pos;
	/* libzstd looks at that too, but not where an empty block ends a frame that it decodes in pieces. */
	if (status == 0 && frames->claimed < ZSTD_CONTENTSIZE_ERROR &&
		frames->made != frames->claimed) {
		int code = fail_for_good(frames, PEEL_EFORMAT, "a frame is not as long as it says",
			err);

		return output.pos > 0 ? (ssize_t)output.pos : code;
	}
	*ret_done = status == 0;
	return (ssize_t)output.pos;
}

ssize_t zstd_frames_read(struct zstd_frames *frames, void *out, size_t room, struct peel_error *err)
{
	ssize_t got = 0;
	bool done = false;
	int r;

	while (got == 0) {
		if (!frames->in_frame) {
			r = zstd_frames_header(frames, err);
			if (r <= 0) {
				return r;
			}
			frames->in_frame = true;
		}
		got = zstd_frames_some(frames, out, room, &done, err);
		if (got >= 0 && done) {
			frames->in_frame = false;
		}
	}
	return got;
}

int zstd_frames_drain(struct zstd_frames *frames, uint64_t *ret_bytes, struct peel_error *err)
{
	uint64_t start = zstd_frames_tell(frames);
	int r;

	do {
		frames->pos = frames->len;
		r = refill(frames, err);
	} while (r > 0);
	*ret_bytes = zstd_frames_tell(frames) - start;
	return r;
}
