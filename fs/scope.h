/* SPDX-License-Identifier: Apache-2.0 */
/** Scoped cleanup for what this folder owns. */
#ifndef FS_SCOPE_H
#define FS_SCOPE_H

#include <stdlib.h>
#include <unistd.h>

static inline void scope_free_(void *pointer)
{
	free(*(void **)pointer);
}

static inline void scope_close_(const int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

/** free() at the end of the scope. */
#define cleanup_free __attribute__((__cleanup__(scope_free_)))
/** close() at the end of the scope; -1 is none. */
#define cleanup_fd __attribute__((__cleanup__(scope_close_)))
/** Number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof((array)[0]))

/** Take a descriptor out of a variable and leave -1. */
static inline int steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

#endif
