/* SPDX-License-Identifier: Apache-2.0 */
/** Makes ZIP files in memory, behind other bytes where wanted, as ZIP64 where wanted. */
#ifndef ZIPMAKER_H
#define ZIPMAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compress.h"

/** One file that grows; {0} begins one, bytes added to out before the first member lie before the ZIP file. */
struct zipmaker {
	struct bytes out;
	struct bytes directory;
	/** Where the ZIP file begins, and what was added to it. */
	size_t begin;
	size_t count;
	/** Sizes and offsets are in the extra fields of ZIP64, and the end record has its counterpart. */
	bool wide;
	/** Flags of the members that follow: 1 encrypted. */
	uint16_t flags;
};

/** Add a member. @param method 0 stored, 8 deflated; others store, and claim it. */
void zipmaker_add(struct zipmaker *zip, const char *name, const void *data, size_t len,
	uint16_t method);
/** Add the directory and the end record. @param claimed how many members it claims. */
void zipmaker_end(struct zipmaker *zip, size_t claimed, const char *comment);
/** Free. */
void zipmaker_finish(struct zipmaker *zip);

#endif
