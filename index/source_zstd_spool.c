/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding stops where the reader that is farthest has got to, so the first byte does not wait for
 * the last, and the decoder goes on from there. What is below `filled` is read from the file
 * without a lock:
 *
 *     file:  | decoded and written ......... filled | pending (decoded, yet to be written) | not decoded
 *
 * A disk that is full leaves the decoded piece pending, so the next reader tries to write it again.
 * A read error of the image leaves the decoder where it was. Data that is broken stays broken, and
 * all before it can be read.
 */
#include "source_zstd_spool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "source.h"
#include "stream_zstd_frames.h"
#include "tempfile.h"
#include "util.h"
#include "util_lock.h"

/** Bytes decoded and written at a time. */
#define SPOOL_PIECE (1u << 20)
/** What the file is, in messages. */
#define SPOOL_WHAT "the spool file"

struct spool {
	struct source base;
	struct source *raw;
	int fd;
	/** Bytes that are in the file. */
	atomic_uint_least64_t filled;
	/** Holds all below. */
	pthread_mutex_t lock;
	/** NULL once all is decoded. */
	struct zstd_frames *frames;
	/** Decoded bytes, and how many of them are written. */
	size_t pending;
	size_t written;
	uint8_t *piece;
};

/** Write what is pending. */
static int flush_piece(struct spool *spool, struct peel_error *err)
{
	size_t left = spool->pending - spool->written;
	size_t done = tempfile_put(spool->fd, spool->piece + spool->written, left, spool->filled);

	spool->written += done;
	spool->filled += done;
	if (done < left) {
		return peel_fail(err, PEEL_EIO, "cannot write " SPOOL_WHAT ": %s", strerror(errno));
	}
	spool->pending = 0;
	spool->written = 0;
	return 0;
}

/** Decode and write the next piece. */
static int spool_piece(struct spool *spool, struct peel_error *err)
{
	uint64_t left;
	ssize_t got;
	int r = flush_piece(spool, err);

	left = spool->base.size - spool->filled;
	while (r == 0 && spool->pending < min_u64(SPOOL_PIECE, left)) {
		got = zstd_frames_read(spool->frames, spool->piece + spool->pending,
			(size_t)min_u64(SPOOL_PIECE, left) - spool->pending, err);
		if (got == 0) {
			got = peel_fail(err, PEEL_EFORMAT,
				"zstd: the data ends before the size that was found");
		}
		if (got < 0) {
			/* What came before is good, and may be all that the reader wants. */
			r = flush_piece(spool, NULL);
			return r < 0 ? r : (int)got;
		}
		spool->pending += (size_t)got;
	}
	return r < 0 ? r : flush_piece(spool, err);
}

static void free_decoder(struct spool *spool)
{
	zstd_frames_free(spool->frames);
	spool->frames = NULL;
	free(spool->piece);
	spool->piece = NULL;
}

/** Decode up to an offset. */
static int fill_to(struct spool *spool, uint64_t end, struct peel_error *err)
{
	scoped_lock(&spool->lock);
	int r = 0;

	while (r == 0 && spool->filled < end) {
		r = spool_piece(spool, err);
	}
	if (r < 0 && spool->filled >= end) {
		r = 0;
	}
	if (spool->filled == spool->base.size) {
		free_decoder(spool);
	}
	return r;
}

static ssize_t spool_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct spool *spool = (struct spool *)source;
	int r = 0;

	if (offset >= source->size) {
		return 0;
	}
	len = (size_t)min_u64(len, source->size - offset);
	if (spool->filled < offset + len) {
		r = fill_to(spool, offset + len, err);
	}
	if (r == 0) {
		r = tempfile_read(spool->fd, SPOOL_WHAT, buf, len, offset, err);
	}
	return r < 0 ? r : (ssize_t)len;
}

static void spool_close(struct source *source)
{
	struct spool *spool = (struct spool *)source;

	free_decoder(spool);
	if (spool->fd >= 0) {
		close(spool->fd);
	}
	pthread_mutex_destroy(&spool->lock);
	source_drop(spool->raw);
	free(spool);
}

static const struct source_ops spool_ops = {
	.read_at = spool_read_at,
	.close = spool_close,
};

int spool_source_new(struct source *raw, uint64_t out_size, int dir, uint64_t limit,
	unsigned window_log, struct source **ret_source, struct peel_error *err)
{
	cleanup_source struct source *made = NULL;
	struct spool *spool;
	int r;

	if (out_size > limit) {
		return peel_fail(err, PEEL_ELIMIT,
			"spool: a zstd layer of %" PRIu64 " bytes in one frame is over the "
			"limit of %" PRIu64 " (--limit spool=N raises it)",
			out_size, limit);
	}
	spool = calloc(1, sizeof(*spool));
	if (!spool) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	source_init(&spool->base, &spool_ops, out_size);
	made = &spool->base;
	spool->raw = source_grab(raw);
	spool->fd = -1;
	pthread_mutex_init(&spool->lock, NULL);
	spool->piece = malloc(SPOOL_PIECE);
	if (!spool->piece) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = zstd_frames_new(raw, 0, NULL, NULL, &spool->frames, err);
	if (r < 0) {
		return r;
	}
	if (window_log) {
		zstd_frames_set_window(spool->frames, window_log);
	}
	spool->fd = tempfile_new(dir, SPOOL_WHAT, err);
	if (spool->fd < 0) {
		return spool->fd;
	}
	*ret_source = steal_pointer(&made);
	return 0;
}
