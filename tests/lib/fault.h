/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Things that fail on purpose: the n-th allocation of this program, the n-th read of a source.
 *
 *	for (unsigned n = 1;; n++) {
 *		fault_alloc(n);
 *		code = what_is_tested(…);
 *		if (!fault_alloc_hit()) {
 *			break;
 *		}
 *		assert_int_equal(code, PEEL_ENOMEM);
 *	}
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct peel_error;
struct source;

/**
 * False where a sanitizer or valgrind owns the allocator; allocations then never fail and are not
 * counted.
 */
bool fault_alloc_works(void);

/** From now on let the n-th allocation fail (1: the next one), once; 0: none. */
void fault_alloc(unsigned n);

/** Stop failing. @return true where an allocation failed since fault_alloc. */
bool fault_alloc_hit(void);

/** Blocks allocated and not freed; the difference of two calls is what was leaked in between. */
long fault_alloc_live(void);

/**
 * A source over memory, which must stay, whose n-th read fails with PEEL_EIO (1: the first one; 0:
 * none).
 * @return 0; PEEL_ENOMEM.
 */
int fault_source_new(const void *bytes, size_t len, unsigned n, struct source **ret_source,
	struct peel_error *err);

/** True where the source has failed a read. */
bool fault_source_hit(const struct source *source);

#endif
