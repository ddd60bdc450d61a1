/* SPDX-License-Identifier: Apache-2.0 */
/** Connections to one open index file, one a call under way; idle ones are kept. */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include <pthread.h>

struct peel_error;
struct store;

/** Most idle connections kept; as many are open as calls are under way. */
#define STORE_POOL_IDLE 8

/** Safe from several threads. */
struct store_pool {
	/** The index file, borrowed. */
	int fd;
	/** The facts beside it, borrowed; -1: none. */
	int facts_fd;
	/** Guards the rest. */
	pthread_mutex_t lock;
	struct store *idle[STORE_POOL_IDLE];
	int idle_count;
};

/** Set up an empty pool. */
void store_pool_init(struct store_pool *pool, int fd);
/** From now on connections have facts attached. None may be taken. @param facts_fd borrowed as long as the pool. */
void store_pool_attach(struct store_pool *pool, int facts_fd);
/** Close the idle connections; none may be taken. */
void store_pool_finish(struct store_pool *pool);

/** Take a connection. @return 0, give it back with store_pool_give; otherwise as store_open. */
int store_pool_take(struct store_pool *pool, struct store **ret_store, struct peel_error *err);
/** Give a connection back; all its statements must be reset. NULL store is fine. */
void store_pool_give(struct store_pool *pool, struct store *store);

#endif
