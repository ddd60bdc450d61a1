/* SPDX-License-Identifier: Apache-2.0 */
/** Scoped cleanup, checked arithmetic and small inline helpers. No I/O. */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/** Number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof((array)[0]))

/**
 * A size, and the one of builds that are fuzzed (meson option `fuzz`): inputs of a few KiB then fill buffers, reach
 * access points and empty caches as images of gigabytes do.
 */
#ifdef PEEL_FUZZ
#define fuzz_size(usual, small) (small)
#else
#define fuzz_size(usual, small) (usual)
#endif

/** Run a cleanup function on a local when it goes out of scope. */
#define cleanup(function) __attribute__((__cleanup__(function)))

/** Take the value out of a pointer and leave NULL, so that its cleanup does nothing. */
#define steal_pointer(pointer) \
	({ \
		__typeof__(*(pointer)) *steal_from = (pointer); \
		__typeof__(*(pointer)) steal_value = *steal_from; \
		*steal_from = NULL; \
		steal_value; \
	})

static inline void cleanup_free_(void *pointer)
{
	free(*(void **)pointer);
}

/** free() at the end of the scope. */
#define cleanup_free cleanup(cleanup_free_)

static inline void cleanup_fd_(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

/** close() at the end of the scope; -1 is none. */
#define cleanup_fd cleanup(cleanup_fd_)

/** Take a descriptor out of a variable and leave -1. */
static inline int steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

/** a + b; false where it overflows (ret is then untouched). */
static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum)) {
		return false;
	}
	*ret = sum;
	return true;
}

/** a * b; false where it overflows (ret is then untouched). */
static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product)) {
		return false;
	}
	*ret = product;
	return true;
}

/** Add to a sum, which stays at UINT64_MAX: holes cost an image nothing, so claimed sizes may pass any number. */
static inline void sum_add(uint64_t *sum, uint64_t number)
{
	if (!checked_add(*sum, number, sum)) {
		*sum = UINT64_MAX;
	}
}

/** The smaller of two. */
static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** The larger of two. */
static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/**
 * Make room for one more element in a growing array (doubling).
 * @param array pointer to the array's pointer; @param count elements in use; @param room elements
 *   allocated.
 * @return false where memory is exhausted; the array is then unchanged.
 */
static inline bool grow_array(void *array, size_t count, size_t *room, size_t element_size)
{
	void **base = array;
	size_t wanted = *room ? *room * 2 : 8;
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
