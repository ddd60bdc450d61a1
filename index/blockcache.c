/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of spans, each span in a bucket's chain and, while nobody uses it, in the order of
 * last use.
 *
 *     new -- fill --> filling -- success --> full, used <--> full, unused (may be evicted)
 *                        +--- failure --> out of the table, waiters try again themselves
 *
 * Only the table is locked: filling and copying happen outside, on spans that are held by their
 * users. Spans in use are not evicted, so the cache goes over its budget by at most one span for
 * each thread that reads. Evicted buffers are used again at once, so a full cache does not
 * allocate.
 *
 * A waiter of a failed fill fills itself instead of taking over the failure: the next attempt may
 * succeed (a disk that recovered), and no failure is ever kept.
 */
#include "blockcache.h"

#include <pthread.h>
#include <string.h>

#include <peel/error.h>

#include "util.h"
#include "util_lock.h"

/** Chains; a power of two. With spans of 256 KiB, a cache of 1 GiB has one span a chain. */
#define BUCKETS 4096u

struct span {
	const void *owner;
	uint64_t block;
	struct span *chain;
	/** Neighbours in the order of use; NULL ends. Only for spans without users. */
	struct span *newer;
	struct span *older;
	/** Threads that fill, wait for or copy from it. */
	unsigned users;
	bool full;
	/** Filling failed: not in the table any more, freed by the last user. */
	bool dead;
	size_t len;
	uint8_t bytes[BLOCK_SIZE];
};

struct blockcache {
	pthread_mutex_t lock;
	/** Some span was filled, or its filling failed. */
	pthread_cond_t settled;
	size_t spans;
	size_t spans_max;
	struct span *newest;
	struct span *oldest;
	struct span *buckets[BUCKETS];
};

int blockcache_new(size_t budget, struct blockcache **ret_cache, struct peel_error *err)
{
	struct blockcache *cache = calloc(1, sizeof(*cache));

	if (!cache) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->settled, NULL);
	cache->spans_max = budget / BLOCK_SIZE > 4 ? budget / BLOCK_SIZE : 4;
	*ret_cache = cache;
	return 0;
}

static struct span **bucket_of(struct blockcache *cache, const void *owner, uint64_t block)
{
	uint64_t hash = ((uint64_t)(uintptr_t)owner >> 4) * 0x9e3779b97f4a7c15u +
		block * 0xc2b2ae3d27d4eb4fu;

	return &cache->buckets[(hash >> 40) & (BUCKETS - 1)];
}

static struct span *find_span(struct blockcache *cache, const void *owner, uint64_t block)
{
	struct span *span = *bucket_of(cache, owner, block);

	while (span && (span->owner != owner || span->block != block)) {
		span = span->chain;
	}
	return span;
}

static void unchain(struct blockcache *cache, struct span *span)
{
	struct span **link = bucket_of(cache, span->owner, span->block);

	while (*link != span) {
		link = &(*link)->chain;
	}
	*link = span->chain;
}

/** Take a span without users out of the order of use. */
static void unlist(struct blockcache *cache, struct span *span)
{
	*(span->newer ? &span->newer->older : &cache->newest) = span->older;
	*(span->older ? &span->older->newer : &cache->oldest) = span->newer;
	span->newer = NULL;
	span->older = NULL;
}

static void enlist(struct blockcache *cache, struct span *span)
{
	span->newer = NULL;
	span->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = span;
	cache->newest = span;
}

/**
 * A span for a key that is not in the table, used by the caller. @return NULL where memory is
 * exhausted.
 */
static struct span *add_span(struct blockcache *cache, const void *owner, uint64_t block)
{
	struct span *span = NULL;
	struct span **bucket;

	if (cache->spans >= cache->spans_max && cache->oldest) {
		span = cache->oldest;
		unlist(cache, span);
		unchain(cache, span);
	} else {
		span = malloc(sizeof(*span));
		if (!span) {
			return NULL;
		}
		cache->spans++;
	}
	bucket = bucket_of(cache, owner, block);
	memset(span, 0, offsetof(struct span, bytes));
	span->owner = owner;
	span->block = block;
	span->users = 1;
	span->chain = *bucket;
	*bucket = span;
	return span;
}

static void free_span(struct blockcache *cache, struct span *span)
{
	cache->spans--;
	free(span);
}

/** The caller is done with a span. */
static void release_span(struct blockcache *cache, struct span *span)
{
	span->users--;
	if (span->users > 0) {
		return;
	}
	if (span->dead || cache->spans > cache->spans_max) {
		if (!span->dead) {
			unchain(cache, span);
		}
		free_span(cache, span);
		return;
	}
	enlist(cache, span);
}

/**
 * Find the span and hold it, or make an empty one that the caller must fill.
 * @return 1: full; 0: to fill; PEEL_ENOMEM.
 */
static int hold_span(struct blockcache *cache, const void *owner, uint64_t block,
	struct span **ret_span, struct peel_error *err)
{
	scoped_lock(&cache->lock);
	struct span *span;

	while ((span = find_span(cache, owner, block))) {
		if (span->users++ == 0) {
			unlist(cache, span);
		}
		while (!span->full && !span->dead) {
			pthread_cond_wait(&cache->settled, &cache->lock);
		}
		if (!span->dead) {
			*ret_span = span;
			return 1;
		}
		release_span(cache, span);
	}
	*ret_span = add_span(cache, owner, block);
	return *ret_span ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

/** Say how filling a held span went, and let go of it where it failed. */
static void settle_span(struct blockcache *cache, struct span *span, int64_t filled)
{
	scoped_lock(&cache->lock);

	if (filled >= 0) {
		span->len = (size_t)filled;
		span->full = true;
	} else {
		unchain(cache, span);
		span->dead = true;
		release_span(cache, span);
	}
	pthread_cond_broadcast(&cache->settled);
}

static void let_go(struct blockcache *cache, struct span *span)
{
	scoped_lock(&cache->lock);

	release_span(cache, span);
}

int64_t blockcache_read(struct blockcache *cache, const void *owner, uint64_t block, size_t offset,
	void *buf, size_t len, blockcache_fill_fn *fill, void *arg, struct peel_error *err)
{
	struct span *span = NULL;
	int64_t filled;
	int r = hold_span(cache, owner, block, &span, err);

	if (r < 0) {
		return r;
	}
	if (r == 0) {
		filled = fill(arg, block, span->bytes, err);
		settle_span(cache, span, filled);
		if (filled < 0) {
			return filled;
		}
	}
	len = offset < span->len ? (size_t)min_u64(len, span->len - offset) : 0;
	memcpy(buf, span->bytes + offset, len);
	let_go(cache, span);
	return (int64_t)len;
}

/** Hold a span that is full. @return NULL where there is none. */
static struct span *hold_full(struct blockcache *cache, const void *owner, uint64_t block)
{
	scoped_lock(&cache->lock);
	struct span *span = find_span(cache, owner, block);

	if (!span || !span->full) {
		return NULL;
	}
	if (span->users++ == 0) {
		unlist(cache, span);
	}
	return span;
}

bool blockcache_read_now(struct blockcache *cache, const void *owner, uint64_t block, size_t offset,
	void *buf, size_t len)
{
	struct span *span = hold_full(cache, owner, block);
	bool there;

	if (!span) {
		return false;
	}
	there = offset <= span->len && len <= span->len - offset;
	if (there) {
		memcpy(buf, span->bytes + offset, len);
	}
	let_go(cache, span);
	return there;
}

void blockcache_offer(struct blockcache *cache, const void *owner, uint64_t block,
	const void *bytes, size_t len)
{
	struct span *span = NULL;

	{
		scoped_lock(&cache->lock);
		if (find_span(cache, owner, block)) {
			return;
		}
		span = add_span(cache, owner, block);
	}
	if (span) {
		memcpy(span->bytes, bytes, len);
		settle_span(cache, span, (int64_t)len);
		let_go(cache, span);
	}
}

/**
 * Forget what one chain has of an owner. Nobody reads it any more, so none of its spans has users.
 */
static void forget_chain(struct blockcache *cache, struct span *span, const void *owner)
{
	struct span *next;

	for (; span; span = next) {
		next = span->chain;
		if (span->owner == owner && span->users == 0) {
			unlist(cache, span);
			unchain(cache, span);
			free_span(cache, span);
		}
	}
}

void blockcache_forget(struct blockcache *cache, const void *owner)
{
	scoped_lock(&cache->lock);
	unsigned i;

	for (i = 0; i < BUCKETS; i++) {
		forget_chain(cache, cache->buckets[i], owner);
	}
}

void blockcache_free(struct blockcache *cache)
{
	if (!cache) {
		return;
	}
	for (struct span *span = cache->oldest, *newer; span; span = newer) {
		newer = span->newer;
		free(span);
	}
	pthread_cond_destroy(&cache->settled);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}
