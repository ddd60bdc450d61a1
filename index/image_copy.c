/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input kept whole, for a reader that cannot be the process that has it: the server of a mount, whose
 * index is built by a child without rights. Nobody looks at the bytes on the way, so that a stranger's may pass
 * through a process that still has its rights. What is small stays in memory, the rest goes where other spools go.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_input.h"
#include "image_parts.h"
#include "source_kept.h"
#include "tempfile.h"
#include "util.h"

/** What the file is, in messages. */
#define SPOOL_WHAT "the spool file"

/* A copy on its way. */
struct copy {
	const struct peel_image_options *options;
	/** In memory at first. */
	int fd;
	bool in_file;
	uint64_t used;
};

/* More than memory is used for: what is there goes into a file, and all that follows. */
static int move_to_file(struct copy *copy, struct peel_error *err)
{
	cleanup_fd int file = image_spool_file(copy->options, err);
	cleanup_free char *bytes = malloc((size_t)copy->used + 1);
	int r;

	if (file < 0) {
		return file;
	}
	if (!bytes) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = tempfile_read(copy->fd, SPOOL_WHAT, bytes, (size_t)copy->used, 0, err);
	r = r < 0 ? r : tempfile_write(file, SPOOL_WHAT, bytes, (size_t)copy->used, 0, err);
	if (r == 0) {
		close(copy->fd);
		copy->fd = steal_fd(&file);
		copy->in_file = true;
	}
	return r;
}

static int add(struct copy *copy, const void *bytes, size_t len, struct peel_error *err)
{
	const uint64_t limit = image_spool_limit(copy->options);
	uint64_t end;
	int r = 0;

	if (!checked_add(copy->used, len, &end) || end > limit) {
		return peel_fail(err, PEEL_ELIMIT,
			"what must be kept is more than the spool limit of %" PRIu64 " bytes",
			limit);
	}
	if (!copy->in_file && end > KEPT_MEMORY) {
		r = move_to_file(copy, err);
	}
	r = r < 0 ? r : tempfile_write(copy->fd, SPOOL_WHAT, bytes, len, copy->used, err);
	copy->used = r < 0 ? copy->used : end;
	return r;
}

static int copy_all(struct copy *copy, struct peel_error *err)
{
	cleanup_input struct input *input = NULL;
	const void *bytes;
	ssize_t got = 1;
	int r = input_open(STDIN_FILENO, copy->options->progress, copy->options->progress_arg,
		&input, err);

	while (r == 0 && got > 0) {
		got = input_take(input, UINT64_MAX, &bytes, err);
		r = got > 0 ? add(copy, bytes, (size_t)got, err) : (int)got;
	}
	return r;
}

/* A regular file from its beginning lies where it is. @return -1 where it is none, or may not be opened again. */
static int open_again(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
			lseek(STDIN_FILENO, 0, SEEK_CUR) == 0
		? open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC)
		: -1;
}

int peel_input_copy(const struct peel_image_options *options, int *ret_fd, struct peel_error *err)
{
	struct copy copy = {.options = options};
	cleanup_free char *folder = NULL;
	int r;

	*ret_fd = open_again();
	if (*ret_fd >= 0) {
		return 0;
	}
	copy.fd = memfd_create("peel-input", MFD_CLOEXEC);
	if (copy.fd < 0) {
		return peel_fail(err, PEEL_EIO, "memfd_create: %s", strerror(errno));
	}
	r = copy_all(&copy, err);
	if (r == 0 && copy.in_file && options->spooled) {
		r = image_spool_path(options, &folder, err);
	}
	if (r < 0) {
		close(copy.fd);
		return peel_wrap(err, "standard input");
	}
	if (folder) {
		options->spooled(options->spooled_arg, folder, copy.used);
	}
	*ret_fd = copy.fd;
	return 0;
}
