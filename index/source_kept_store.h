/* SPDX-License-Identifier: Apache-2.0 */
/** Bytes one after the other, in memory while they are few, then all in one file. */
#ifndef SOURCE_KEPT_STORE_H
#define SOURCE_KEPT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "source_kept.h"

/** Start with {.options, .fd = -1}. */
struct kept_store {
	struct kept_options options;
	/** Until there is a file. */
	uint8_t *memory;
	size_t room;
	/** The file, -1: none. */
	int fd;
	/** Bytes stored. */
	uint64_t used;
};

/** Free what it holds. */
void kept_store_finish(struct kept_store *store);

/** Put bytes behind what is stored. @return as kept_add; on failure nothing was added. */
int kept_store_add(struct kept_store *store, const void *bytes, size_t len, struct peel_error *err);

/** Read back what was stored, from many threads once nothing is added any more. @return 0; PEEL_EIO. */
int kept_store_read(const struct kept_store *store, uint64_t place, void *buf, size_t len,
	struct peel_error *err);

#endif
