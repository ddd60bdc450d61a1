/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading goes span by span through the block cache. A span that is not there is decoded from the
 * nearest place before it: an access point, or a decoder that stopped between that point and the
 * span.
 *
 *      point                decoder A        span wanted         decoder B (busy, will end here)
 *        |-------------------->|.................|=====|.................|
 *
 * - Sequential readers go on with the decoder that they left; a few are kept, the least recently
 *   used goes first.
 * - The spans that a decoder passes on its way are offered to the cache.
 * - Threads that read one file in parallel would each restart from the point. So one that wants a
 *   span behind the place where a busy decoder will stop waits for that decoder; one that wants a
 *   span which a busy decoder will pass leaves a note, and the decoder puts the bytes there as it
 *   goes by.
 * - A decoder that failed is thrown away: the next reader starts from the point with a new one.
 *
 * Rejected: a thread that decodes ahead. The kernel's read-ahead already asks in time, and nothing
 * runs when nobody reads.
 */
#include "codec_source.h"

#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "blockcache.h"
#include "source.h"
#include "util.h"
#include "util_lock.h"

/** A decoder and where it stands. */
struct live {
	struct live *next;
	void *decoder;
	/** Uncompressed offset of the next byte. */
	uint64_t out_off;
	/** Where it will stand when it is done; 0: idle. */
	uint64_t busy_until;
	/** Clock at its last use. */
	uint64_t used;
};

/** A span that some thread waits for while a busy decoder comes by. */
struct note {
	struct note *next;
	uint64_t out_off;
	void *buf;
	bool done;
};

struct decoded {
	struct source base;
	struct source *raw;
	const struct decoder_ops *ops;
	struct point_finder finder;
	struct blockcache *cache;
	/** Holds all below. */
	pthread_mutex_t lock;
	/** A decoder became idle, went on or away. */
	pthread_cond_t moved;
	struct live *lives;
	struct note *notes;
	uint64_t clock;
};

int decoder_read(const struct decoder_ops *ops, void *decoder, void *buf, size_t len,
	struct peel_error *err)
{
	size_t done = 0;
	ssize_t got;

	while (done < len) {
		got = ops->decode(decoder, (uint8_t *)buf + done, len - done, err);
		if (got < 0) {
			return (int)got;
		}
		if (got == 0) {
			return peel_fail(err, PEEL_EFORMAT,
				"the data ends %zu bytes before the size that was found",
				len - done);
		}
		done += (size_t)got;
	}
	return 0;
}

static void unlink_live(struct decoded *decoded, struct live *live)
{
	struct live **link = &decoded->lives;

	while (*link != live) {
		link = &(*link)->next;
	}
	*link = live->next;
}

static void free_live(struct decoded *decoded, struct live *live)
{
	if (live->decoder) {
		decoded->ops->free(live->decoder);
	}
	free(live);
}

/** The decoder that is or will be nearest before a place, but not before a point; NULL: none. */
static struct live *nearest_live(const struct decoded *decoded, uint64_t point_off,
	uint64_t out_off)
{
	struct live *live;
	struct live *best = NULL;
	uint64_t best_off = 0;
	uint64_t stands;

	for (live = decoded->lives; live; live = live->next) {
		stands = live->busy_until ? live->busy_until : live->out_off;
		if (stands >= point_off && stands <= out_off && (!best || stands > best_off)) {
			best = live;
			best_off = stands;
		}
	}
	return best;
}

/** True where a busy decoder has yet to pass a place. */
static bool will_pass(const struct decoded *decoded, uint64_t out_off)
{
	const struct live *live;

	for (live = decoded->lives; live; live = live->next) {
		if (live->busy_until > out_off && live->out_off <= out_off) {
			return true;
		}
	}
	return false;
}

static void drop_note(struct decoded *decoded, struct note *note)
{
	struct note **link = &decoded->notes;

	while (*link != note) {
		link = &(*link)->next;
	}
	*link = note->next;
}

/**
 * Wait for a busy decoder that passes a place, if there is one. @return true where it left the
 * bytes.
 */
static bool wait_for_passing(struct decoded *decoded, uint64_t out_off, void *buf)
{
	struct note note = {.next = decoded->notes, .out_off = out_off, .buf = buf};

	decoded->notes = &note;
	while (!note.done && will_pass(decoded, out_off)) {
		pthread_cond_wait(&decoded->moved, &decoded->lock);
	}
	drop_note(decoded, &note);
	return note.done;
}

/**
 * Get a decoder that stands between two places, busy for the caller, or have the bytes put into buf
 * by one that passes.
 * @param end where the caller will leave it. @param ret_live NULL where the bytes were put into
 *   buf.
 * @return true where one of the two was possible.
 */
static bool take_live(struct decoded *decoded, uint64_t from, uint64_t out_off, uint64_t end,
	void *buf, struct live **ret_live)
{
	scoped_lock(&decoded->lock);
	struct live *live;

	*ret_live = NULL;
	if (wait_for_passing(decoded, out_off, buf)) {
		return true;
	}
	while ((live = nearest_live(decoded, from, out_off)) && live->busy_until) {
		pthread_cond_wait(&decoded->moved, &decoded->lock);
	}
	if (live) {
		live->busy_until = end;
		*ret_live = live;
	}
	return live != NULL;
}

/** Add a new decoder, busy for the caller, that is yet to start at a point. */
static int add_live(struct decoded *decoded, uint64_t point_off, uint64_t end,
	struct live **ret_live, struct peel_error *err)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	live->out_off = point_off;
	live->busy_until = end;
	{
		scoped_lock(&decoded->lock);
		live->next = decoded->lives;
		decoded->lives = live;
	}
	*ret_live = live;
	return 0;
}

/** The least recently used idle decoder where there are too many, taken out of the list. */
static struct live *surplus_live(struct decoded *decoded)
{
	struct live *live;
	struct live *oldest = NULL;
	unsigned idle = 0;

	for (live = decoded->lives; live; live = live->next) {
		if (live->busy_until) {
			continue;
		}
		idle++;
		if (!oldest || live->used < oldest->used) {
			oldest = live;
		}
	}
	if (idle <= decoded->ops->keep) {
		return NULL;
	}
	unlink_live(decoded, oldest);
	return oldest;
}

/** Give a decoder back, or away where it failed or is at the end. */
static void put_live(struct decoded *decoded, struct live *live, bool alive)
{
	struct live *gone = live;

	{
		scoped_lock(&decoded->lock);
		if (alive && live->out_off < decoded->base.size) {
			live->busy_until = 0;
			live->used = ++decoded->clock;
			gone = surplus_live(decoded);
		} else {
			unlink_live(decoded, live);
		}
		pthread_cond_broadcast(&decoded->moved);
	}
	if (gone) {
		free_live(decoded, gone);
	}
}

/** A span was decoded in passing: for whoever waits for it, else for the cache. */
static void hand_out(struct decoded *decoded, uint64_t out_off, const void *bytes, size_t len)
{
	bool wanted = false;

	{
		scoped_lock(&decoded->lock);
		struct note *note;

		for (note = decoded->notes; note; note = note->next) {
			if (note->out_off == out_off && !note->done) {
				memcpy(note->buf, bytes, len);
				note->done = true;
				wanted = true;
			}
		}
	}
	if (!wanted) {
		blockcache_offer(decoded->cache, decoded, out_off / BLOCK_SIZE, bytes, len);
	}
}

static void move_live(struct decoded *decoded, struct live *live, size_t len)
{
	scoped_lock(&decoded->lock);

	live->out_off += len;
	pthread_cond_broadcast(&decoded->moved);
}

/** Decode up to a place, span by span. */
static int pass_to(struct decoded *decoded, struct live *live, uint64_t out_off,
	struct peel_error *err)
{
	cleanup_free uint8_t *scratch = NULL;
	uint64_t start;
	size_t len;
	int r;

	if (live->out_off == out_off) {
		return 0;
	}
	scratch = malloc(BLOCK_SIZE);
	if (!scratch) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	while (live->out_off < out_off) {
		start = live->out_off;
		len = BLOCK_SIZE - (size_t)(start % BLOCK_SIZE);
		r = decoder_read(decoded->ops, live->decoder, scratch, len, err);
		if (r < 0) {
			return r;
		}
		if (len == BLOCK_SIZE) {
			hand_out(decoded, start, scratch, len);
		}
		move_live(decoded, live, len);
	}
	return 0;
}

/**
 * Bring a live decoder to a place and decode there; it starts at the point first where it is new.
 */
static int decode_at(struct decoded *decoded, struct live *live, const struct point *point,
	const void *window, uint64_t out_off, void *buf, size_t len, struct peel_error *err)
{
	int r = 0;

	if (!live->decoder) {
		r = decoded->ops->start(decoded->raw, point, window, &live->decoder, err);
	}
	r = r < 0 ? r : pass_to(decoded, live, out_off, err);
	r = r < 0 ? r : decoder_read(decoded->ops, live->decoder, buf, len, err);
	if (r == 0) {
		move_live(decoded, live, len);
	}
	return r;
}

static int find_point(struct decoded *decoded, uint64_t out_off, struct point *ret_point,
	void *window, struct peel_error *err)
{
	int r = decoded->finder.find(decoded->finder.arg, out_off, ret_point, window, err);

	if (r < 0) {
		return r;
	}
	if (ret_point->out_off > out_off || ret_point->window_len > POINT_WINDOW) {
		return peel_fail(err, PEEL_EFORMAT, "broken access point for offset %" PRIu64,
			out_off);
	}
	return 0;
}

/** Decode a span, or have a passing decoder do so. */
static int fetch_span(struct decoded *decoded, uint64_t out_off, void *buf, size_t len,
	struct peel_error *err)
{
	uint8_t window[POINT_WINDOW];
	uint64_t end = out_off + len;
	struct live *live = NULL;
	struct point point = {0};
	int r = 0;

	/* Looking up a point costs a query, and sequential readers do not need it. */
	if (!take_live(decoded, out_off, out_off, end, buf, &live)) {
		r = find_point(decoded, out_off, &point, window, err);
		if (r == 0 && !take_live(decoded, point.out_off, out_off, end, buf, &live)) {
			r = add_live(decoded, point.out_off, end, &live, err);
		}
	}
	if (r < 0 || !live) {
		return r;
	}
	r = decode_at(decoded, live, &point, window, out_off, buf, len, err);
	put_live(decoded, live, r == 0);
	return r;
}

/** blockcache_fill_fn */
static int64_t fill_span(void *arg, uint64_t block, void *buf, struct peel_error *err)
{
	struct decoded *decoded = arg;
	uint64_t out_off = block * BLOCK_SIZE;
	size_t len = (size_t)min_u64(BLOCK_SIZE, decoded->base.size - out_off);
	int r = fetch_span(decoded, out_off, buf, len, err);

	return r < 0 ? r : (int64_t)len;
}

static ssize_t decoded_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct decoded *decoded = (struct decoded *)source;
	size_t done = 0;
	int64_t got;

	if (offset >= source->size) {
		return 0;
	}
	len = (size_t)min_u64(len, source->size - offset);
	while (done < len) {
		got = blockcache_read(decoded->cache, decoded, (offset + done) / BLOCK_SIZE,
			(offset + done) % BLOCK_SIZE, (uint8_t *)buf + done, len - done, fill_span,
			decoded, err);
		if (got <= 0) {
			return got < 0 ? (ssize_t)got : (ssize_t)done;
		}
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/** Spans that are in the cache are at hand. */
static int decoded_read_now(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct decoded *decoded = (struct decoded *)source;
	size_t done = 0;
	size_t part;

	(void)err;
	while (done < len) {
		const size_t within = (size_t)((offset + done) % BLOCK_SIZE);

		part = (size_t)min_u64(len - done, BLOCK_SIZE - within);
		if (!blockcache_read_now(decoded->cache, decoded, (offset + done) / BLOCK_SIZE,
			    within, (uint8_t *)buf + done, part)) {
			return 0;
		}
		done += part;
	}
	return 1;
}

static void decoded_close(struct source *source)
{
	struct decoded *decoded = (struct decoded *)source;
	struct live *live;

	blockcache_forget(decoded->cache, decoded);
	while ((live = decoded->lives)) {
		decoded->lives = live->next;
		free_live(decoded, live);
	}
	if (decoded->finder.close) {
		decoded->finder.close(decoded->finder.arg);
	}
	pthread_cond_destroy(&decoded->moved);
	pthread_mutex_destroy(&decoded->lock);
	source_drop(decoded->raw);
	free(decoded);
}

static const struct source_ops decoded_ops = {
	.read_at = decoded_read_at,
	.close = decoded_close,
	.read_now = decoded_read_now,
};

int codec_source_new(struct source *raw, const struct decoder_ops *ops, uint64_t out_size,
	const struct point_finder *finder, struct blockcache *cache, struct source **ret_source,
	struct peel_error *err)
{
	struct decoded *decoded = calloc(1, sizeof(*decoded));

	if (!decoded) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	source_init(&decoded->base, &decoded_ops, out_size);
	decoded->raw = source_grab(raw);
	decoded->ops = ops;
	decoded->finder = *finder;
	decoded->cache = cache;
	pthread_mutex_init(&decoded->lock, NULL);
	pthread_cond_init(&decoded->moved, NULL);
	*ret_source = &decoded->base;
	return 0;
}
