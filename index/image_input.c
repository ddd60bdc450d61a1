/* SPDX-License-Identifier: Apache-2.0 */
#include "image_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <peel/error.h>

#include "util.h"

/** Bytes read at a time: a pipe's whole content, and still in the second-level cache. */
#define INPUT_CHUNK (256u << 10)
/** Size asked for a pipe: what an ordinary user may have. */
#define PIPE_SIZE (1 << 20)
/** Fewer bytes than this are passed over by reading them. */
#define SPLICE_MIN (128u << 10)
/** Most bytes of one splice. */
#define SPLICE_MAX (1u << 30)
/** Progress is told at most this often, nanoseconds. */
#define PROGRESS_INTERVAL 100000000

struct input {
	int fd;
	/** Where a pipe's bytes go that nobody wants; -1: they are read. */
	int nowhere;
	/** Bytes read and not taken: pos to len. */
	uint8_t buf[INPUT_CHUNK];
	size_t pos, len;
	bool ended;
	peel_progress_fn *progress;
	void *progress_arg;
	/** Bytes read, and when that was told last. */
	uint64_t total;
	int64_t told_ns;
};

int input_open(int fd, peel_progress_fn *progress, void *progress_arg, struct input **ret_input,
	struct peel_error *err)
{
	struct input *input = malloc(sizeof(*input));

	if (!input) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	input->fd = fd;
	input->pos = 0;
	input->len = 0;
	input->ended = false;
	input->progress = progress;
	input->progress_arg = progress_arg;
	input->total = 0;
	input->told_ns = 0;
	/* Fails for all that is no pipe; a smaller pipe works as well. */
	input->nowhere = fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE) < 0 && fcntl(fd, F_GETPIPE_SZ) < 0
		? -1
		: open("/dev/null", O_WRONLY | O_CLOEXEC);
	*ret_input = input;
	return 0;
}

void input_close(struct input *input)
{
	if (input && input->nowhere >= 0) {
		close(input->nowhere);
	}
	free(input);
}

/* After a call that failed: may it be tried again? A descriptor may be set not to block. */
static bool try_again(const struct input *input)
{
	struct pollfd waiting = {.fd = input->fd, .events = POLLIN};

	if (errno == EAGAIN) {
		return poll(&waiting, 1, -1) >= 0 || errno == EINTR;
	}
	return errno == EINTR;
}

/* Tell of n more bytes, 0: the end. @return 0; PEEL_ECANCELED. */
static int tell(struct input *input, size_t n, struct peel_error *err)
{
	struct timespec now;
	int64_t now_ns;

	input->total += n;
	if (!input->progress) {
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	if (n > 0 && now_ns - input->told_ns < PROGRESS_INTERVAL) {
		return 0;
	}
	input->told_ns = now_ns;
	if (input->progress(input->progress_arg, "standard input", input->total, 0) != 0) {
		return peel_fail(err, PEEL_ECANCELED, "canceled");
	}
	return 0;
}

/* Read behind what is there. @return 0; PEEL_EIO; PEEL_ECANCELED. */
static int fill(struct input *input, struct peel_error *err)
{
	ssize_t n;

	if (input->pos > 0) {
		memmove(input->buf, input->buf + input->pos, input->len - input->pos);
		input->len -= input->pos;
		input->pos = 0;
	}
	do {
		n = read(input->fd, input->buf + input->len, INPUT_CHUNK - input->len);
	} while (n < 0 && try_again(input));
	if (n < 0) {
		return peel_fail(err, PEEL_EIO, "cannot read it: %s", strerror(errno));
	}
	input->len += (size_t)n;
	input->ended = n == 0;
	return tell(input, (size_t)n, err);
}

ssize_t input_peek(struct input *input, size_t len, const void **ret_bytes, struct peel_error *err)
{
	while (input->len - input->pos < len && !input->ended) {
		int r = fill(input, err);

		if (r < 0) {
			return r;
		}
	}
	*ret_bytes = input->buf + input->pos;
	return (ssize_t)min_u64(len, input->len - input->pos);
}

ssize_t input_take(struct input *input, uint64_t len, const void **ret_bytes,
	struct peel_error *err)
{
	ssize_t there = input_peek(input, len > 0, ret_bytes, err);
	size_t taken;

	if (there <= 0) {
		return there;
	}
	taken = (size_t)min_u64(len, input->len - input->pos);
	input->pos += taken;
	return (ssize_t)taken;
}

/* Let a pipe's bytes go. @return bytes; 0 at the end, or where that cannot be done any more. */
static size_t splice_away(struct input *input, uint64_t len)
{
	ssize_t n;

	do {
		n = splice(input->fd, NULL, input->nowhere, NULL, (size_t)min_u64(len, SPLICE_MAX),
			SPLICE_F_MOVE);
	} while (n < 0 && try_again(input));
	if (n <= 0) {
		close(input->nowhere);
		input->nowhere = -1;
	}
	return n > 0 ? (size_t)n : 0;
}

int input_pass(struct input *input, uint64_t len, uint64_t *ret_passed, struct peel_error *err)
{
	const void *bytes;
	uint64_t done = 0;

	while (done < len) {
		ssize_t n = 0;

		if (input->pos == input->len && input->nowhere >= 0 && len - done >= SPLICE_MIN) {
			n = (ssize_t)splice_away(input, len - done);
			if (n > 0 && tell(input, (size_t)n, err) < 0) {
				return PEEL_ECANCELED;
			}
		}
		/* What splice cannot do, and whether this is the end, reading tells. */
		n = n > 0 ? n : input_take(input, len - done, &bytes, err);
		if (n < 0) {
			return (int)n;
		}
		if (n == 0) {
			break;
		}
		done += (uint64_t)n;
	}
	*ret_passed = done;
	return 0;
}
