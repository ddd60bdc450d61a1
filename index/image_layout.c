/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layout folder comes from a stranger as much as an archive does: a blob may be a link to
 * /etc/shadow. Real layouts do hold links (docker-library/busybox: blobs/sha256/X ->
 * ../../rootfs.tar.gz), so links are resolved here, as text, and must stay below the folder at
 * every step. The path that comes out has no link; it is opened one component at a time without
 * following any, so that a link that is slipped in meanwhile is refused and not followed.
 *
 * Rejected: openat2 with RESOLVE_BENEATH, which does the same in one call, but gives no path to
 * keep in the index, and is missing in some sandboxes.
 */
#include "image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker.h"
#include "path.h"
#include "source.h"

/* Most links on the way to one file. */
#define LINKS_MAX 8

struct resolver {
	int folder;
	/* What is resolved, without links; and what is still to be walked. */
	char path[IMAGE_NAME_MAX];
	size_t len;
	char rest[IMAGE_NAME_MAX];
	int links;
};

static int system_failure(struct peel_error *err, const char *what, const char *path)
{
	char shown[IMAGE_SHOWN];
	int code = errno == ENOENT || errno == ENOTDIR ? PEEL_ENOENT
		: errno == EACCES                      ? PEEL_EACCES
		: errno == ELOOP                       ? PEEL_EFORMAT
						       : PEEL_EIO;

	return peel_fail(err, code, "cannot %s %s: %s", what, image_shown(shown, path),
		strerror(errno));
}

/* Put a link's target before what is still to be walked. */
static int expand_link(struct resolver *resolver, size_t parent_len, const char *rest,
	struct peel_error *err)
{
	char target[IMAGE_NAME_MAX];
	char joined[2 * IMAGE_NAME_MAX];
	char shown[IMAGE_SHOWN];
	ssize_t len = readlinkat(resolver->folder, resolver->path, target, sizeof(target) - 1);

	if (len < 0) {
		return system_failure(err, "read the link", resolver->path);
	}
	target[len] = '\0';
	if (target[0] == '/' || ++resolver->links > LINKS_MAX) {
		return peel_fail(err, PEEL_EFORMAT,
			"\"%s\" is a link that leads out of the layout folder, or to a link "
			"and so on",
			image_shown(shown, resolver->path));
	}
	snprintf(joined, sizeof(joined), "%s/%s", target, rest);
	if (strlen(joined) >= sizeof(resolver->rest)) {
		return peel_fail(err, PEEL_EFORMAT, "\"%s\" is a link to a path that is too long",
			image_shown(shown, resolver->path));
	}
	strcpy(resolver->rest, joined);
	resolver->len = parent_len;
	resolver->path[parent_len] = '\0';
	return 0;
}

static int step_up(struct resolver *resolver, struct peel_error *err)
{
	char *slash = strrchr(resolver->path, '/');

	if (resolver->len == 0) {
		return peel_fail(err, PEEL_EFORMAT, "a link leads out of the layout folder");
	}
	resolver->len = slash ? (size_t)(slash - resolver->path) : 0;
	resolver->path[resolver->len] = '\0';
	return 0;
}

/* Go down into one name. */
static int step_down(struct resolver *resolver, const char *name, size_t len, const char *rest,
	struct peel_error *err)
{
	size_t parent_len = resolver->len;
	struct stat st;

	if (resolver->len + len + 2 > sizeof(resolver->path)) {
		return peel_fail(err, PEEL_EFORMAT, "a path in the layout folder is too long");
	}
	if (resolver->len > 0) {
		resolver->path[resolver->len++] = '/';
	}
	memcpy(resolver->path + resolver->len, name, len);
	resolver->len += len;
	resolver->path[resolver->len] = '\0';
	if (fstatat(resolver->folder, resolver->path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return system_failure(err, "find", resolver->path);
	}
	return S_ISLNK(st.st_mode) ? expand_link(resolver, parent_len, rest, err) : 0;
}

static int resolve(struct resolver *resolver, struct peel_error *err)
{
	char walked[IMAGE_NAME_MAX];
	size_t pos = 0;
	size_t start;
	size_t len;
	int links = resolver->links;
	int r = 0;

	strcpy(walked, resolver->rest);
	while (r == 0 && path_next(walked, strlen(walked), &pos, &start, &len)) {
		if (len == 1 && walked[start] == '.') {
			continue;
		}
		if (len == 2 && memcmp(walked + start, "..", 2) == 0) {
			r = step_up(resolver, err);
			continue;
		}
		r = step_down(resolver, walked + start, len, walked + pos, err);
		if (r == 0 && resolver->links > links) {
			/* The rest is another now. */
			links = resolver->links;
			strcpy(walked, resolver->rest);
			pos = 0;
		}
	}
	return r;
}

int layout_resolve(int folder, const char *name, char **ret_path, struct peel_error *err)
{
	cleanup_free struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (strlen(name) >= sizeof(resolver->rest)) {
		return peel_fail(err, PEEL_EFORMAT, "a name in the layout folder is too long");
	}
	resolver->folder = folder;
	strcpy(resolver->rest, name);
	r = resolve(resolver, err);
	if (r < 0) {
		return r;
	}
	*ret_path = strdup(resolver->path);
	return *ret_path ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

int layout_open(int folder, const char *file, int *ret_fd, struct peel_error *err)
{
	cleanup_fd int parent = -1;
	char name[NAME_MAX + 1];
	size_t pos = 0;
	size_t start;
	size_t len;
	struct stat st;

	while (path_next(file, strlen(file), &pos, &start, &len)) {
		bool last = file[pos] == '\0';
		int next;

		if (len > NAME_MAX || (len == 2 && memcmp(file + start, "..", 2) == 0)) {
			return peel_fail(err, PEEL_EFORMAT,
				"a path in the layout folder is malformed");
		}
		memcpy(name, file + start, len);
		name[len] = '\0';
		next = openat(parent < 0 ? folder : parent, name,
			O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
				(last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY));
		if (next < 0) {
			return system_failure(err, "open", file);
		}
		if (parent >= 0) {
			close(parent);
		}
		parent = next;
	}
	if (parent < 0 || fstat(parent, &st) < 0 || !S_ISREG(st.st_mode)) {
		return peel_fail(err, PEEL_EFORMAT, "\"%s\" is no regular file",
			image_shown((char[IMAGE_SHOWN]){0}, file));
	}
	*ret_fd = steal_fd(&parent);
	return 0;
}

/* A source that owns its descriptor; taken over in any case. */
static int open_source(int fd, struct source **ret_source, struct peel_error *err)
{
	int r = fd < 0 ? fd : source_open_fd(fd, ret_source, err);

	if (r < 0 && fd >= 0) {
		close(fd);
	}
	return r;
}

int image_file_open(int folder, const char *file, struct source **ret_source,
	struct peel_error *err)
{
	int fd = -1;
	int r;

	if (broker_is(folder)) {
		return open_source(broker_blob(folder, file, NULL, err), ret_source, err);
	}
	r = layout_open(folder, file, &fd, err);
	return r < 0 ? r : open_source(fd, ret_source, err);
}

int layout_find(int folder, const char *name, char **ret_path, struct source **ret_source,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	int r;

	if (broker_is(folder)) {
		r = open_source(broker_blob(folder, name, &path, err), ret_source, err);
	} else {
		r = layout_resolve(folder, name, &path, err);
		r = r < 0 ? r : image_file_open(folder, path, ret_source, err);
	}
	if (r == 0) {
		*ret_path = steal_pointer(&path);
	}
	return r;
}
