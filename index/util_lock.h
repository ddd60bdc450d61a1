/* SPDX-License-Identifier: Apache-2.0 */
/** Scoped locking. */
#ifndef UTIL_LOCK_H
#define UTIL_LOCK_H

#include <pthread.h>

#include "util.h"

static inline pthread_mutex_t *lock_mutex_(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void cleanup_unlock_(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/** Hold a mutex to the end of the scope; stands among the declarations, once a scope. */
#define scoped_lock(mutex) \
	pthread_mutex_t *scoped_lock_ \
		__attribute__((__cleanup__(cleanup_unlock_), __unused__)) = lock_mutex_(mutex)

#endif
