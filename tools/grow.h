/* SPDX-License-Identifier: Apache-2.0 */
/** An array that grows. */
#ifndef GROW_H
#define GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/**
 * Make room for one more element in an array that holds count of them.
 * @param array points to the array's pointer. @param room elements that it has room for; doubled when it is full.
 * @return false where memory is exhausted; nothing is changed then.
 */
static inline bool grow_array(void *array, size_t count, size_t *room, size_t element_size)
{
	void **base = array;
	size_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room) {
		return true;
	}
	grown = reallocarray(*base, wanted, element_size);
	if (!grown) {
		return false;
	}
	*base = grown;
	*room = wanted;
	return true;
}

#endif
