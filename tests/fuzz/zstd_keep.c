/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders of libzstd, kept from one input to the next: to make one asks the processor what it can do, which takes a
 * virtual machine longer than to decode what an input holds. Not where sanitizers watch what is used after its end.
 */
#include <stddef.h>

#include <zstd.h>

#include "fuzz.h"

#if defined(__SANITIZE_ADDRESS__)
#define KEPT_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT_MAX 0
#endif
#endif
#ifndef KEPT_MAX
#define KEPT_MAX 8
#endif

static ZSTD_DCtx *kept[KEPT_MAX + 1];
static size_t count;

/* The linker gives these in the place of libzstd's, which are there under the names with __real. */
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
size_t __real_ZSTD_freeDCtx(ZSTD_DCtx *decoder);
size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx *decoder);

ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
	return count > 0 ? kept[--count] : __real_ZSTD_createDCtx();
}

size_t __wrap_ZSTD_freeDCtx(ZSTD_DCtx *decoder)
{
	if (!decoder || count + 1 > KEPT_MAX) {
		return __real_ZSTD_freeDCtx(decoder);
	}
	fuzz_check(!ZSTD_isError(ZSTD_DCtx_reset(decoder, ZSTD_reset_session_and_parameters)));
	kept[count++] = decoder;
	return 0;
}
