/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of blocks between two threads:
 *
 *	reading ahead                       whoever decodes
 *	read block n ──► ring (4 blocks) ──► copy out of block n - 3 … n
 *	then give it to each
 *
 * A block is shown to the decoder before it is given away, and is written again only by the thread that reads ahead,
 * so both look at the same bytes and nothing is copied for the digest. The copy out of the ring takes the place of the
 * kernel's copy, which happens on the other thread.
 *
 * Rejected: hashing what the decoder has read (a copy more, or buffers that change hands in every codec), and a
 * thread that reads the file a second time (twice the disk where it is not in memory).
 */
#include "source_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <peel/error.h>

#include "source.h"
#include "util_lock.h"

struct ahead_source {
	struct source base;
	struct source *inner;
	source_pass_fn *each;
	void *arg;
	pthread_t thread;
	bool joined;
	/** Guards what follows. */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	/** Blocks that were read, and that were taken whole; their difference is at most AHEAD_BLOCKS. */
	uint64_t read, taken;
	/** Bytes of the blocks in the ring. */
	size_t len[AHEAD_BLOCKS];
	/** The thread will read no more: the end, or a failure. */
	bool ended;
	bool stop;
	struct peel_error failure;
	/** Of the reader alone: offset of the next byte, and where that is in its block. */
	uint64_t offset;
	size_t pos;
	uint8_t blocks[AHEAD_BLOCKS][AHEAD_BLOCK];
};

/** Wait for a free block. @return false where nobody wants any more. */
static bool wait_for_room(struct ahead_source *ahead)
{
	scoped_lock(&ahead->lock);

	while (!ahead->stop && ahead->read - ahead->taken == AHEAD_BLOCKS) {
		pthread_cond_wait(&ahead->moved, &ahead->lock);
	}
	return !ahead->stop;
}

/** Show a block, or what came instead. @return true where there are more. */
static bool show_block(struct ahead_source *ahead, ssize_t got, const struct peel_error *failure)
{
	scoped_lock(&ahead->lock);

	if (got > 0) {
		ahead->len[ahead->read % AHEAD_BLOCKS] = (size_t)got;
		ahead->read++;
	} else {
		ahead->ended = true;
		ahead->failure = *failure;
	}
	pthread_cond_signal(&ahead->moved);
	return got > 0;
}

static void *read_ahead(void *arg)
{
	struct ahead_source *ahead = arg;
	uint64_t offset = 0;

	for (uint64_t n = 0; wait_for_room(ahead); n++) {
		struct peel_error failure = {0};
		uint8_t *block = ahead->blocks[n % AHEAD_BLOCKS];
		ssize_t got = source_read_at(ahead->inner, offset, block, AHEAD_BLOCK, &failure);

		if (got < 0 && failure.code == 0) {
			peel_fail(&failure, (int)got, "%s", peel_strerror((int)got));
		}
		if (!show_block(ahead, got, &failure)) {
			break;
		}
		ahead->each(ahead->arg, block, (size_t)got);
		offset += (uint64_t)got;
	}
	return NULL;
}

/**
 * Wait for bytes. @return those that are there in the block at hand; 0 at the end; less than 0.
 */
static ssize_t wait_for_bytes(struct ahead_source *ahead, struct peel_error *err)
{
	scoped_lock(&ahead->lock);

	while (ahead->read == ahead->taken && !ahead->ended) {
		pthread_cond_wait(&ahead->moved, &ahead->lock);
	}
	if (ahead->read > ahead->taken) {
		return (ssize_t)(ahead->len[ahead->taken % AHEAD_BLOCKS] - ahead->pos);
	}
	if (ahead->failure.code < 0 && err) {
		*err = ahead->failure;
	}
	return ahead->failure.code;
}

static void take_block(struct ahead_source *ahead)
{
	scoped_lock(&ahead->lock);

	ahead->taken++;
	ahead->pos = 0;
	pthread_cond_signal(&ahead->moved);
}

static ssize_t ahead_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct ahead_source *ahead = (struct ahead_source *)source;
	size_t done = 0;

	if (offset != ahead->offset) {
		return source_read_at(ahead->inner, offset, buf, len, err);
	}
	while (done < len) {
		struct peel_error failure = {0};
		ssize_t there = wait_for_bytes(ahead, &failure);
		size_t n;

		if (there < 0 && done == 0) {
			return peel_fail(err, failure.code, "%s", failure.message);
		}
		if (there <= 0) {
			break;
		}
		n = min_u64((uint64_t)there, len - done);
		memcpy((uint8_t *)buf + done,
			ahead->blocks[ahead->taken % AHEAD_BLOCKS] + ahead->pos, n);
		done += n;
		ahead->pos += n;
		ahead->offset += n;
		if (n == (size_t)there) {
			take_block(ahead);
		}
	}
	return (ssize_t)done;
}

static void join(struct ahead_source *ahead)
{
	if (!ahead->joined) {
		pthread_join(ahead->thread, NULL);
		ahead->joined = true;
	}
}

static void stop_thread(struct ahead_source *ahead)
{
	scoped_lock(&ahead->lock);

	ahead->stop = true;
	pthread_cond_signal(&ahead->moved);
}

void source_ahead_finish(struct source *source)
{
	join((struct ahead_source *)source);
}

static void free_ahead(struct ahead_source *ahead)
{
	pthread_cond_destroy(&ahead->moved);
	pthread_mutex_destroy(&ahead->lock);
	source_drop(ahead->inner);
	free(ahead);
}

static void ahead_close(struct source *source)
{
	struct ahead_source *ahead = (struct ahead_source *)source;

	stop_thread(ahead);
	join(ahead);
	free_ahead(ahead);
}

static const struct source_ops ahead_ops = {
	.read_at = ahead_read_at,
	.close = ahead_close,
};

/** A thread that no signal is delivered to: handlers are for the thread that made it. */
static int start_thread(struct ahead_source *ahead)
{
	sigset_t all;
	sigset_t before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&ahead->thread, NULL, read_ahead, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int source_new_ahead(struct source *inner, source_pass_fn *each, void *arg,
	struct source **ret_source, struct peel_error *err)
{
	struct ahead_source *ahead = malloc(sizeof(*ahead));

	if (!ahead) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	/* The blocks stay untouched: a small blob needs one of them at most. */
	memset(ahead, 0, offsetof(struct ahead_source, blocks));
	source_init(&ahead->base, &ahead_ops, inner->size);
	ahead->inner = source_grab(inner);
	ahead->each = each;
	ahead->arg = arg;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->moved, NULL);
	if (start_thread(ahead) != 0) {
		free_ahead(ahead);
		return peel_fail(err, PEEL_EIO, "cannot start a thread");
	}
	*ret_source = &ahead->base;
	return 0;
}
