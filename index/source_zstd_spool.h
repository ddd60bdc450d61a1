/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A zstd blob decoded once, as far as it is read, into a file without a name.
 */
#ifndef SOURCE_ZSTD_SPOOL_H
#define SOURCE_ZSTD_SPOOL_H

#include <stdint.h>

struct peel_error;
struct source;

/**
 * Make the spool (empty as yet) and the source that reads through it.
 * @param raw grabbed. @param dir folder for the file; not needed afterwards. @param limit most
 *   bytes to spool. @param window_log as in struct codec_options.
 * @return 0; PEEL_ELIMIT (out_size is over the limit); PEEL_EIO (no file can be made); PEEL_ENOMEM.
 */
int spool_source_new(struct source *raw, uint64_t out_size, int dir, uint64_t limit,
	unsigned window_log, struct source **ret_source, struct peel_error *err);

#endif
