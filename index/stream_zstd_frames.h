/* SPDX-License-Identifier: Apache-2.0 */
/**
 * zstd frames over a source: frame after frame, skippable ones included, checksums checked where
 * there are any. The stream, the decoded source and the spool drive it. One thread.
 */
#ifndef STREAM_ZSTD_FRAMES_H
#define STREAM_ZSTD_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "codec.h"

struct limit_watch;
struct zstd_frames;

/**
 * Largest window accepted where nothing else is said, as a power of two: 128 MiB, zstd's own default.
 */
#define ZSTD_WINDOW_LOG_MAX 27

/**
 * Start at a frame.
 * @param raw borrowed. @param in_off compressed offset of the frame.
 * @param input takes every compressed byte in order as it is read; may be NULL.
 * @return 0; PEEL_ENOMEM.
 */
int zstd_frames_new(struct source *raw, uint64_t in_off, stream_fn *input, void *input_arg,
	struct zstd_frames **ret_frames, struct peel_error *err);
/** Ask before the first window over STREAM_WINDOW_SMALL, as stream_options.large; before anything is decoded. */
void zstd_frames_ask(struct zstd_frames *frames, int (*large)(void *arg, struct peel_error *err),
	void *arg);
/** Have the memory limit say how large a window may be; before zstd_frames_ask. @param limits borrowed. */
void zstd_frames_limit(struct zstd_frames *frames, struct limit_watch *limits);
/** Take windows up to a power of two; for what was decoded once before. */
void zstd_frames_set_window(struct zstd_frames *frames, unsigned window_log);
/** Free; NULL is fine. */
void zstd_frames_free(struct zstd_frames *frames);

/**
 * At the end of a frame: see whether another one begins (nothing is consumed).
 * @return 1; 2 (a skippable one); 0 where none does: the end, or something else; PEEL_EUNSUPPORTED
 *   (it needs a dictionary), what reading raw or input gave.
 */
int zstd_frames_header(struct zstd_frames *frames, struct peel_error *err);

/**
 * Decode some of the frame.
 * @param ret_done set to true where the frame is at its end.
 * @return bytes decoded, may be 0; PEEL_EFORMAT, PEEL_ETRUNCATED, PEEL_ELIMIT (window),
 *   PEEL_ENOMEM, what reading raw or input gave (only after that a further call makes sense). Each
 *   call takes input, gives output, or is done.
 */
ssize_t zstd_frames_some(struct zstd_frames *frames, void *out, size_t room, bool *ret_done,
	struct peel_error *err);

/**
 * Decode bytes over as many frames as there are. @return bytes, at least one; 0 at the end; as the
 * two above.
 */
ssize_t zstd_frames_read(struct zstd_frames *frames, void *out, size_t room,
	struct peel_error *err);

/** Offset of the next compressed byte. */
uint64_t zstd_frames_tell(const struct zstd_frames *frames);

/** Read to the end of raw, through input. @return 0, what reading raw or input gave. */
int zstd_frames_drain(struct zstd_frames *frames, uint64_t *ret_bytes, struct peel_error *err);

#endif
