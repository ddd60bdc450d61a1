/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <peel/error.h>

#include "util.h"

/** Most bytes of one pread: what the kernel transfers at most anyway, and far below SSIZE_MAX. */
#define PREAD_MAX (1u << 30)

struct file_source {
	struct source base;
	int fd;
	/** What the file was when it was opened. */
	struct stat identity;
};

struct slice_source {
	struct source base;
	struct source *inner;
	/** Where the slice starts in inner. */
	uint64_t offset;
};

struct memory_source {
	struct source base;
	const uint8_t *bytes;
	/** The copy to free, or NULL where the bytes are the caller's. */
	void *owned;
};

void source_init(struct source *source, const struct source_ops *ops, uint64_t size)
{
	source->ops = ops;
	source->size = size;
	atomic_init(&source->references, 1);
}

struct source *source_grab(struct source *source)
{
	atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
	return source;
}

void source_drop(struct source *source)
{
	if (!source) {
		return;
	}
	if (atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) == 1) {
		source->ops->close(source);
	}
}

ssize_t source_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	return source->ops->read_at(source, offset, buf, len, err);
}

uint64_t source_reach(struct source *source, uint64_t offset)
{
	return source->ops->reach ? source->ops->reach(source, offset) : UINT64_MAX;
}

int source_read_exact(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	ssize_t got = source_read_at(source, offset, buf, len, err);

	if (got < 0) {
		return (int)got;
	}
	if ((size_t)got < len) {
		return peel_fail(err, PEEL_ETRUNCATED,
			"%zu bytes wanted at offset %" PRIu64 ", %zd there", len, offset, got);
	}
	return 0;
}

int source_read_now(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	uint64_t end;

	if (!source->ops->read_now || !checked_add(offset, len, &end) || end > source->size) {
		return 0;
	}
	return source->ops->read_now(source, offset, buf, len, err);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool source_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

/**
 * Fail where the file is not what it was at opening; called after each read, so that what was read
 * is covered.
 */
static int check_unchanged(const struct file_source *file, struct peel_error *err)
{
	struct stat now;

	if (fstat(file->fd, &now) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot stat the file: %s", strerror(errno));
	}
	if (!source_same_file(&now, &file->identity)) {
		return peel_fail(err, PEEL_ECHANGED, "the file changed since it was opened");
	}
	return 0;
}

static ssize_t file_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct file_source *file = (struct file_source *)source;
	size_t done = 0;
	ssize_t got;
	int r;

	if (offset >= source->size) {
		return 0;
	}
	len = (size_t)min_u64(len, source->size - offset);
	while (done < len) {
		got = pread(file->fd, (uint8_t *)buf + done, min_u64(len - done, PREAD_MAX),
			(off_t)(offset + done));
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return peel_fail(err, PEEL_EIO, "cannot read at offset %" PRIu64 ": %s",
				offset + done, strerror(errno));
		}
		if (got == 0) {
			break;
		}
		done += (size_t)got;
	}
	r = check_unchanged(file, err);
	return r < 0 ? r : (ssize_t)done;
}

/** What is in the page cache is at hand; a file system that cannot tell has nothing. */
static int file_read_now(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct file_source *file = (struct file_source *)source;
	const struct iovec piece = {.iov_base = buf, .iov_len = len};
	ssize_t got = preadv2(file->fd, &piece, 1, (off_t)offset, RWF_NOWAIT);
	int r;

	if (got < 0 || (size_t)got < len) {
		return 0;
	}
	r = check_unchanged(file, err);
	return r < 0 ? r : 1;
}

static void file_close(struct source *source)
{
	struct file_source *file = (struct file_source *)source;

	close(file->fd);
	free(file);
}

static const struct source_ops file_ops = {
	.read_at = file_read_at,
	.close = file_close,
	.read_now = file_read_now,
};

/** Size of a regular file or a block device. */
static int file_size(int fd, const struct stat *st, uint64_t *ret_size, struct peel_error *err)
{
	if (S_ISREG(st->st_mode)) {
		*ret_size = (uint64_t)st->st_size;
		return 0;
	}
	if (!S_ISBLK(st->st_mode)) {
		return peel_fail(err, PEEL_EUSAGE, "not a regular file");
	}
	if (ioctl(fd, BLKGETSIZE64, ret_size) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot ask the device for its size: %s",
			strerror(errno));
	}
	return 0;
}

int source_open_fd(int fd, struct source **ret_source, struct peel_error *err)
{
	cleanup_free struct file_source *file = NULL;
	uint64_t size = 0;
	int r;

	file = calloc(1, sizeof(*file));
	if (!file) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (fstat(fd, &file->identity) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot stat the file: %s", strerror(errno));
	}
	r = file_size(fd, &file->identity, &size, err);
	if (r < 0) {
		return r;
	}
	file->fd = fd;
	source_init(&file->base, &file_ops, size);
	*ret_source = &steal_pointer(&file)->base;
	return 0;
}

static ssize_t slice_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct slice_source *slice = (struct slice_source *)source;

	if (offset >= source->size) {
		return 0;
	}
	len = (size_t)min_u64(len, source->size - offset);
	return source_read_at(slice->inner, slice->offset + offset, buf, len, err);
}

static uint64_t slice_reach(struct source *source, uint64_t offset)
{
	struct slice_source *slice = (struct slice_source *)source;

	return offset < source->size ? source_reach(slice->inner, slice->offset + offset)
				     : UINT64_MAX;
}

static int slice_read_now(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct slice_source *slice = (struct slice_source *)source;

	return source_read_now(slice->inner, slice->offset + offset, buf, len, err);
}

static void slice_close(struct source *source)
{
	struct slice_source *slice = (struct slice_source *)source;

	source_drop(slice->inner);
	free(slice);
}

static const struct source_ops slice_ops = {
	.read_at = slice_read_at,
	.close = slice_close,
	.read_now = slice_read_now,
	.reach = slice_reach,
};

int source_new_slice(struct source *inner, uint64_t offset, uint64_t len,
	struct source **ret_source, struct peel_error *err)
{
	struct slice_source *slice;
	uint64_t end;

	/* Within INT64_MAX, so that the kernel's signed offsets never see a negative one. */
	if (!checked_add(offset, len, &end) || end > INT64_MAX) {
		return peel_fail(err, PEEL_EUSAGE,
			"offset %" PRIu64 " and size %" PRIu64 " overflow", offset, len);
	}
	if (inner->size != SOURCE_SIZE_UNKNOWN && end > inner->size) {
		len = offset < inner->size ? inner->size - offset : 0;
	}
	slice = calloc(1, sizeof(*slice));
	if (!slice) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	source_init(&slice->base, &slice_ops, len);
	slice->inner = source_grab(inner);
	slice->offset = offset;
	*ret_source = &slice->base;
	return 0;
}

static ssize_t memory_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct memory_source *memory = (struct memory_source *)source;

	(void)err;
	if (offset >= source->size) {
		return 0;
	}
	len = (size_t)min_u64(len, source->size - offset);
	memcpy(buf, memory->bytes + offset, len);
	return (ssize_t)len;
}

static void memory_close(struct source *source)
{
	struct memory_source *memory = (struct memory_source *)source;

	free(memory->owned);
	free(memory);
}

static const struct source_ops memory_ops = {
	.read_at = memory_read_at,
	.close = memory_close,
};

int source_new_memory(const void *bytes, size_t len, int copy, struct source **ret_source,
	struct peel_error *err)
{
	cleanup_free struct memory_source *memory = NULL;

	memory = calloc(1, sizeof(*memory));
	if (!memory) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	memory->bytes = bytes;
	if (copy && len > 0) {
		memory->owned = malloc(len);
		if (!memory->owned) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		memcpy(memory->owned, bytes, len);
		memory->bytes = memory->owned;
	}
	source_init(&memory->base, &memory_ops, len);
	*ret_source = &steal_pointer(&memory)->base;
	return 0;
}
