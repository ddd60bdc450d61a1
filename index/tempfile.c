/* SPDX-License-Identifier: Apache-2.0 */
#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <peel/error.h>

#include "broker.h"

/** Attempts at a name that is not taken yet. */
#define NAME_TRIES 16

/** A file with a name, taken away at once. */
static int make_named(int folder)
{
	int fd = -1;

	for (int i = 0; fd < 0 && i < NAME_TRIES; i++) {
		char name[sizeof(".peel-spill-") + 16];
		uint64_t random = 0;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
			return -1;
		}
		snprintf(name, sizeof(name), ".peel-spill-%016" PRIx64, random);
		fd = openat(folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			unlinkat(folder, name, 0);
		} else if (errno != EEXIST) {
			break;
		}
	}
	return fd;
}

int tempfile_make(int folder)
{
	int fd;

	if (broker_is(folder)) {
		return broker_file(folder);
	}
	fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : make_named(folder);
}

int tempfile_new(int folder, const char *what, struct peel_error *err)
{
	int fd = tempfile_make(folder);

	return fd >= 0 ? fd : peel_fail(err, PEEL_EIO, "cannot make %s: %s", what, strerror(errno));
}

size_t tempfile_put(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *from = bytes;
	size_t done = 0;

	while (done < len) {
		ssize_t put = pwrite(fd, from + done, len - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR) {
			continue;
		}
		if (put <= 0) {
			errno = put < 0 ? errno : ENOSPC;
			break;
		}
		done += (size_t)put;
	}
	return done;
}

ssize_t tempfile_get(int fd, void *buf, size_t len, uint64_t offset)
{
	uint8_t *to = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, to + done, len - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -1;
		}
		if (got == 0) {
			break;
		}
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int tempfile_write(int fd, const char *what, const void *bytes, size_t len, uint64_t offset,
	struct peel_error *err)
{
	return tempfile_put(fd, bytes, len, offset) == len
		? 0
		: peel_fail(err, PEEL_EIO, "cannot write %s: %s", what, strerror(errno));
}

int tempfile_read(int fd, const char *what, void *buf, size_t len, uint64_t offset,
	struct peel_error *err)
{
	ssize_t got = tempfile_get(fd, buf, len, offset);

	return got == (ssize_t)len ? 0
				   : peel_fail(err, PEEL_EIO, "cannot read %s: %s", what,
					     got < 0 ? strerror(errno) : "it ends too early");
}
