/* SPDX-License-Identifier: Apache-2.0 */
#include "store_pool.h"

#include "store.h"
#include "store_facts.h"
#include "util_lock.h"

void store_pool_init(struct store_pool *pool, int fd)
{
	*pool = (struct store_pool){.fd = fd, .facts_fd = -1};
	pthread_mutex_init(&pool->lock, NULL);
}

static void close_idle(struct store_pool *pool)
{
	while (pool->idle_count > 0) {
		store_close(pool->idle[--pool->idle_count]);
	}
}

void store_pool_attach(struct store_pool *pool, int facts_fd)
{
	close_idle(pool);
	pool->facts_fd = facts_fd;
}

void store_pool_finish(struct store_pool *pool)
{
	close_idle(pool);
	pthread_mutex_destroy(&pool->lock);
}

static struct store *take_idle(struct store_pool *pool)
{
	scoped_lock(&pool->lock);

	return pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
}

static bool keep_idle(struct store_pool *pool, struct store *store)
{
	scoped_lock(&pool->lock);

	if (pool->idle_count == STORE_POOL_IDLE) {
		return false;
	}
	pool->idle[pool->idle_count++] = store;
	return true;
}

int store_pool_take(struct store_pool *pool, struct store **ret_store, struct peel_error *err)
{
	*ret_store = take_idle(pool);
	return *ret_store ? 0 : store_open_with_facts(pool->fd, pool->facts_fd, ret_store, err);
}

void store_pool_give(struct store_pool *pool, struct store *store)
{
	if (store && !keep_idle(pool, store)) {
		store_close(store);
	}
}
