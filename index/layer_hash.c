/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder's bytes are its own only as long as it shows them, so they are copied, which takes a twentieth of the
 * time that hashing takes. Two blocks are enough: one is filled while the other one is hashed.
 */
#include "layer_hash.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "digest.h"
#include "util_lock.h"

struct layer_hash {
	struct digest *digest;
	bool threaded;
	pthread_t thread;
	/** Guards what follows. */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	/** Blocks that were filled, and that were hashed. */
	uint64_t filled, hashed;
	size_t len[HASH_BLOCKS];
	/** No more follows. */
	bool ended;
	/** Of the one who fills: bytes in the block at hand. */
	size_t fill;
	uint8_t blocks[HASH_BLOCKS][HASH_BLOCK];
};

/** Wait for a block. @return its number, or -1: no more follows. */
static int next_block(struct layer_hash *hash)
{
	scoped_lock(&hash->lock);

	while (hash->filled == hash->hashed && !hash->ended) {
		pthread_cond_wait(&hash->moved, &hash->lock);
	}
	return hash->filled == hash->hashed ? -1 : (int)(hash->hashed % HASH_BLOCKS);
}

static void give_back(struct layer_hash *hash)
{
	scoped_lock(&hash->lock);

	hash->hashed++;
	pthread_cond_signal(&hash->moved);
}

static void *work(void *arg)
{
	struct layer_hash *hash = arg;
	int block;

	while ((block = next_block(hash)) >= 0) {
		digest_update(hash->digest, hash->blocks[block], hash->len[block]);
		give_back(hash);
	}
	return NULL;
}

/** A thread that no signal is delivered to: handlers are for the thread that made it. */
static bool start_thread(struct layer_hash *hash)
{
	sigset_t all;
	sigset_t before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&hash->thread, NULL, work, hash);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0;
}

int layer_hash_new(const char *like, bool thread, struct layer_hash **ret_hash,
	struct peel_error *err)
{
	struct layer_hash *hash = malloc(sizeof(*hash));
	int code;

	if (!hash) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	/* The blocks stay untouched where there is no thread. */
	memset(hash, 0, offsetof(struct layer_hash, blocks));
	code = digest_new(like, &hash->digest, err);
	if (code < 0) {
		free(hash);
		return code;
	}
	pthread_mutex_init(&hash->lock, NULL);
	pthread_cond_init(&hash->moved, NULL);
	hash->threaded = thread && start_thread(hash);
	*ret_hash = hash;
	return 0;
}

/** Show the block at hand to the thread, and wait for a free one. */
static void pass_block(struct layer_hash *hash)
{
	scoped_lock(&hash->lock);

	hash->len[hash->filled % HASH_BLOCKS] = hash->fill;
	hash->filled++;
	hash->fill = 0;
	pthread_cond_signal(&hash->moved);
	while (hash->filled - hash->hashed == HASH_BLOCKS) {
		pthread_cond_wait(&hash->moved, &hash->lock);
	}
}

void layer_hash_update(struct layer_hash *hash, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	if (!hash->threaded) {
		digest_update(hash->digest, bytes, len);
		return;
	}
	while (len > 0) {
		size_t n = (size_t)min_u64(len, HASH_BLOCK - hash->fill);

		memcpy(hash->blocks[hash->filled % HASH_BLOCKS] + hash->fill, from, n);
		hash->fill += n;
		from += n;
		len -= n;
		if (hash->fill == HASH_BLOCK) {
			pass_block(hash);
		}
	}
}

static void end(struct layer_hash *hash)
{
	scoped_lock(&hash->lock);

	hash->ended = true;
	pthread_cond_signal(&hash->moved);
}

static void join(struct layer_hash *hash)
{
	if (hash->threaded) {
		end(hash);
		pthread_join(hash->thread, NULL);
		hash->threaded = false;
	}
}

void layer_hash_text(struct layer_hash *hash, char *text)
{
	if (hash->threaded && hash->fill > 0) {
		pass_block(hash);
	}
	join(hash);
	digest_text(hash->digest, text);
}

void layer_hash_free(struct layer_hash *hash)
{
	if (!hash) {
		return;
	}
	join(hash);
	pthread_cond_destroy(&hash->moved);
	pthread_mutex_destroy(&hash->lock);
	digest_free(hash->digest);
	free(hash);
}
