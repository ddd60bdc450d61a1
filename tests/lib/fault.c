/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "source.h"
#include "util.h"

/** The reason why a test is skipped, as a comment of TAP; cmocka's skip() takes none. */
#define NO_FAULTS "# the allocator is a sanitizer's or valgrind's: nothing can be made to fail"

static atomic_uint countdown;
static atomic_bool hit;
static atomic_long live;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifndef SANITIZED

/* The C library's own allocator; these are its names for programs that put theirs in front. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool fails(void)
{
	unsigned left = atomic_load(&countdown);

	while (left > 0) {
		if (atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
			if (left == 1) {
				atomic_store(&hit, true);
			}
			return left == 1;
		}
	}
	return false;
}

void *malloc(size_t size)
{
	void *block = fails() ? NULL : __libc_malloc(size);

	atomic_fetch_add(&live, block != NULL);
	return block;
}

void *calloc(size_t count, size_t size)
{
	void *block = fails() ? NULL : __libc_calloc(count, size);

	atomic_fetch_add(&live, block != NULL);
	return block;
}

void *realloc(void *block, size_t size)
{
	void *grown = fails() ? NULL : __libc_realloc(block, size);

	atomic_fetch_add(&live, !block && grown);
	return grown;
}

void *reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc(block, bytes);
}

void free(void *block)
{
	atomic_fetch_sub(&live, block != NULL);
	__libc_free(block);
}

bool fault_alloc_works(void)
{
	long before = atomic_load(&live);
	void *volatile block = malloc(1);
	/* valgrind puts its own allocator in front of ours. */
	bool ours = atomic_load(&live) != before;

	free(block);
	if (!ours) {
		puts(NO_FAULTS);
	}
	return ours;
}

#else

bool fault_alloc_works(void)
{
	puts(NO_FAULTS);
	return false;
}

#endif

void fault_alloc(unsigned n)
{
	atomic_store(&hit, false);
	atomic_store(&countdown, n);
}

bool fault_alloc_hit(void)
{
	atomic_store(&countdown, 0);
	return atomic_load(&hit);
}

long fault_alloc_live(void)
{
	return atomic_load(&live);
}

struct fault_source {
	struct source base;
	const char *bytes;
	atomic_uint countdown;
	atomic_bool hit;
};

static ssize_t read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct fault_source *self = (struct fault_source *)source;

	if (atomic_load(&self->countdown) > 0 && atomic_fetch_sub(&self->countdown, 1) == 1) {
		atomic_store(&self->hit, true);
		return peel_fail(err, PEEL_EIO, "a read that fails on purpose");
	}
	if (offset >= source->size) {
		return 0;
	}
	len = min_u64(len, source->size - offset);
	memcpy(buf, self->bytes + offset, len);
	return (ssize_t)len;
}

static void close_source(struct source *source)
{
	free(source);
}

static const struct source_ops fault_ops = {
	.read_at = read_at,
	.close = close_source,
};

int fault_source_new(const void *bytes, size_t len, unsigned n, struct source **ret_source,
	struct peel_error *err)
{
	struct fault_source *self = calloc(1, sizeof(*self));

	if (!self) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory for a source");
	}
	source_init(&self->base, &fault_ops, len);
	self->bytes = bytes;
	atomic_init(&self->countdown, n);
	*ret_source = &self->base;
	return 0;
}

bool fault_source_hit(const struct source *source)
{
	return atomic_load(&((const struct fault_source *)source)->hit);
}
