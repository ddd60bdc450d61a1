/* SPDX-License-Identifier: Apache-2.0 */
/** Standard input, read once from its start to its end. */
#ifndef IMAGE_INPUT_H
#define IMAGE_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <peel/image.h>

struct input;
struct peel_error;

/** Most bytes that input_peek shows. */
#define INPUT_PEEK 512

/**
 * Start reading a descriptor, which stays the caller's.
 * @param progress told of the bytes read, of an unknown total; NULL: nobody is.
 * @return 0; PEEL_ENOMEM. Free with input_close.
 */
int input_open(int fd, peel_progress_fn *progress, void *progress_arg, struct input **ret_input,
	struct peel_error *err);
/** Free; NULL is fine. */
void input_close(struct input *input);

/**
 * Look at the next bytes without taking them.
 * @param len up to INPUT_PEEK. @return bytes there, fewer than len only at the end; PEEL_EIO, PEEL_ECANCELED.
 */
ssize_t input_peek(struct input *input, size_t len, const void **ret_bytes, struct peel_error *err);
/**
 * Take the next bytes, as many as are at hand and at most len. @param ret_bytes valid until the next
 *   call.
 * @return bytes, 0 at the end; PEEL_EIO, PEEL_ECANCELED.
 */
ssize_t input_take(struct input *input, uint64_t len, const void **ret_bytes,
	struct peel_error *err);
/**
 * Pass over up to len bytes, of a pipe without copying them.
 * @return 0 and *ret_passed, fewer than len only at the end; PEEL_EIO, PEEL_ECANCELED.
 */
int input_pass(struct input *input, uint64_t len, uint64_t *ret_passed, struct peel_error *err);

static inline void cleanup_input_(struct input **input)
{
	input_close(*input);
}

/** input_close() at the end of the scope. */
#define cleanup_input __attribute__((__cleanup__(cleanup_input_)))

#endif
