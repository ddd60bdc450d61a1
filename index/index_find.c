/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be trusted: an index of the cache is taken for a file only if it was made when that
 * file had the same device, inode, size, mtime and ctime, and none of those times was younger than two
 * seconds then: a file that is written within the tick of a clock after we read it looks the same. Digests
 * that an archive claims are no key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_parts.h"
#include "index_cache.h"
#include "index_open.h"
#include "source.h"
#include "store.h"
#include "store_seal.h"
#include "util.h"

/** Open the file or folder that a reference names, and be sure that it is still what the identity says. */
static int open_image_files(const struct opening *opening, struct source **ret_file,
	int *ret_layout, struct peel_error *err)
{
	struct image_reference reference = {0};
	cleanup_free char *identity = NULL;
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;
	uint64_t age = 0;
	struct stat opened;
	int code = image_reference_parse(opening->reference, &reference, err);

	if (code < 0) {
		return code;
	}
	path = reference.path ? strdup(reference.path) : NULL;
	image_reference_finish(&reference);
	if (!path) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &opened) < 0) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	code = image_identity_of(opening->reference, &opening->options->image, fd, &identity, &age,
		err);
	if (code < 0) {
		return code;
	}
	if (strcmp(identity, opening->identity) != 0) {
		return peel_fail(err, PEEL_ECHANGED, "the image file changed while it was opened");
	}
	if (S_ISDIR(opened.st_mode)) {
		*ret_layout = steal_fd(&fd);
		return 0;
	}
	code = source_open_fd(fd, ret_file, err);
	if (code == 0) {
		fd = -1;
	}
	return code;
}

/** Would building it now give the same? See limit_reached.c. */
static bool is_within_limits(const struct opening *opening, const struct peel_index *index)
{
	struct limit_watch limits;
	struct stat st;

	limits_begin(&limits, &opening->options->image.limits);
	return fstat(index->fd, &st) == 0 &&
		(uint64_t)st.st_size <= limits_value(&limits, PEEL_LIMIT_INDEX_SIZE) &&
		limits_allow(&limits, peel_image_value(index, "limits"), true);
}

/**
 * Use an index file if it is one for exactly these bytes.
 * @return 0; PEEL_ENOENT where it is not; others where it is refused.
 */
static int try_file(struct opening *opening, int folder, const char *name,
	struct peel_index **ret_index, struct peel_error *err)
{
	cleanup(index_cleanup) struct peel_index *index = NULL;
	cleanup_source struct source *file = NULL;
	cleanup_fd int layout = -1;
	cleanup_fd int fd = -1;
	int code = cache_find(folder, name, &fd, err);

	if (code == 0 && opening->rules) {
		/* A verdict must not rest on a byte that a disk changed. */
		code = store_check_seal(fd, err);
	}
	if (code == 0) {
		code = index_attach(fd, &index, err);
	}
	if (code != 0) {
		return code;
	}
	fd = -1;
	if (strcmp(peel_image_value(index, "identity"), opening->identity) != 0 ||
		(opening->options->verify &&
			strcmp(peel_image_value(index, "verified"), "1") != 0)) {
		return peel_fail(err, PEEL_ENOENT, "the index is of another file");
	}
	if (!is_within_limits(opening, index)) {
		return peel_fail(err, PEEL_ENOENT, "the index was made under other limits");
	}
	code = open_image_files(opening, &file, &layout, err);
	if (code == 0) {
		code = index_attach_content(opening, index, file, layout, err);
	}
	if (code == 0) {
		*ret_index = steal_pointer(&index);
	}
	return code;
}

/** Is this an index of peel, of whatever version? Nothing else is ever overwritten. */
static bool is_ours(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return false;
	}
	return st.st_size == 0 || store_version(fd) >= 0;
}

int index_find(struct opening *opening, struct peel_index **ret_index, struct peel_error *err)
{
	const struct peel_index_options *options = opening->options;
	struct peel_error why = {0};
	int code;

	if (!opening->identity || options->no_cache) {
		return 1;
	}
	if (options->index_file) {
		code = try_file(opening, AT_FDCWD, options->index_file, ret_index, &why);
		if (code == 0 && !options->rebuild) {
			return 0;
		}
		if (code == PEEL_EACCES) {
			return peel_fail(err, code, "%s", why.message);
		}
		if (access(options->index_file, F_OK) == 0 && !is_ours(options->index_file)) {
			return peel_fail(err, PEEL_EFORMAT,
				"%s is not an index of peel and is left alone",
				options->index_file);
		}
	} else if (opening->folder < 0 || options->rebuild) {
		return 1;
	} else {
		code = try_file(opening, opening->folder, opening->name, ret_index, &why);
		if (code == 0) {
			cache_touch((*ret_index)->fd);
		}
	}
	if (code == 0 && options->rebuild) {
		peel_index_close(*ret_index);
		*ret_index = NULL;
		return 1;
	}
	return code == 0 ? 0 : 1;
}
