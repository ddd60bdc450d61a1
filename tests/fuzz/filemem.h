/* SPDX-License-Identifier: Apache-2.0 */
/** A file of the fuzzer's bytes for the readers of facts: a read past its end is a finding. */
#ifndef FILEMEM_H
#define FILEMEM_H

#include <string.h>

#include "facts_look.h"
#include "fuzz.h"

/** facts_file.read; arg is a struct fuzz_input of the whole. */
static inline int filemem_read(void *arg, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	const struct fuzz_input *file = arg;

	(void)err;
	fuzz_check(offset <= file->left && len <= file->left - offset);
	memcpy(buf, file->at + offset, len);
	return 0;
}

#endif
