/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index is built where it will be published. If that disk fills up, what is written so far moves
 * to another file system, and the build goes on: the bytes that came through a pipe cannot be read
 * twice, and a second pass over twenty gigabytes is no answer either. dup3(2) puts the new file
 * under the old number, so that nobody above needs to know; who wants to publish the file sees that
 * the name is no longer its own.
 *
 * Memory comes last: an index has 200 bytes an entry or so, no more than one percent of the image.
 */
#include "store_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "broker.h"
#include "tempfile.h"
#include "util.h"

/** Bytes copied at a time. */
#define MOVE_CHUNK (256u << 10)

int store_place_folder(int place)
{
	const char *const folders[STORE_PLACES] = {getenv("TMPDIR"), "/var/tmp", "/tmp", NULL};

	if (!folders[place] || !*folders[place]) {
		errno = ENOENT;
		return -1;
	}
	return open(folders[place], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int store_place_file(int place)
{
	cleanup_fd int folder = -1;

	if (place == STORE_PLACES - 1) {
		return memfd_create("peel-index", MFD_CLOEXEC);
	}
	folder = store_place_folder(place);
	return folder >= 0 ? tempfile_make(folder) : -1;
}

/* Everything but holes' nature: an index has none. */
static bool copy_all(int from, int to)
{
	cleanup_free char *buf = malloc(MOVE_CHUNK);
	uint64_t offset = 0;

	while (buf) {
		ssize_t got = tempfile_get(from, buf, MOVE_CHUNK, offset);

		if (got <= 0) {
			return got == 0;
		}
		if (tempfile_put(to, buf, (size_t)got, offset) < (size_t)got) {
			return false;
		}
		offset += (uint64_t)got;
	}
	return false;
}

bool store_place_move(int fd, int folder, int *place)
{
	const bool asking = broker_is(folder);
	struct stat full;

	/* A device that is full has no end either. */
	if (fstat(fd, &full) < 0 || !S_ISREG(full.st_mode)) {
		return false;
	}
	while (*place < STORE_PLACES) {
		const int next = (*place)++;
		cleanup_fd int other = asking ? broker_place(folder, next) : store_place_file(next);
		struct stat st;

		if (other >= 0 && fstat(other, &st) == 0 && st.st_dev != full.st_dev &&
			copy_all(fd, other)) {
			return dup3(other, fd, O_CLOEXEC) == fd;
		}
	}
	return false;
}

bool store_place_write(int fd, int folder, int *place, const void *bytes, size_t len,
	uint64_t offset)
{
	const char *from = bytes;

	for (;;) {
		size_t done = tempfile_put(fd, from, len, offset);

		if (done == len) {
			return true;
		}
		if (errno != ENOSPC && errno != EDQUOT) {
			return false;
		}
		if (!store_place_move(fd, folder, place)) {
			errno = ENOSPC;
			return false;
		}
		from += done;
		len -= done;
		offset += done;
	}
}
