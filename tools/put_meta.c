/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner first, for chown takes set-id bits and capabilities away; then xattrs; then the mode,
 * which also sets an ACL's mask; the time last. Set-id bits are set only where the file belongs to
 * whom the image says: one of root's programs that became mine, or mine that became root's, must
 * not run as somebody else.
 */
#include "put_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Room for "/proc/self/fd/N". */
#define PROC_PATH 40

mode_t put_mode(const struct put_rules *rules, const struct peel_node *node)
{
	/* A folder that all may write into is no danger as long as its sticky bit stays. */
	mode_t sticky = S_ISDIR(node->mode) ? node->mode & S_ISVTX : 0;

	return sticky | ((node->mode & 0777) & ~(rules->preserve ? 0 : rules->mask));
}

/*
 * O_PATH descriptors take a way around: the kernel resolves this link to the file itself, a symlink
 * too.
 */
static const char *proc_path(char buf[PROC_PATH], int fd)
{
	snprintf(buf, PROC_PATH, "/proc/self/fd/%d", fd);
	return buf;
}

struct xattr_target {
	int fd;
	const char *path;
	int error;
};

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct xattr_target *target = arg;
	int r = fsetxattr(target->fd, name, value, len, 0);

	if (r < 0 && errno == EBADF) {
		r = setxattr(target->path, name, value, len, 0);
	}
	if (r < 0 && errno != EPERM && errno != EACCES && errno != ENOTSUP) {
		target->error = errno;
	}
	return 0;
}

static int set_xattrs(int fd, struct peel_index *index, const struct peel_node *node)
{
	char path[PROC_PATH];
	struct xattr_target target = {.fd = fd, .path = proc_path(path, fd)};

	if (peel_xattrs(index, node->ino, take_xattr, &target, NULL) < 0) {
		return EIO;
	}
	return target.error;
}

/*
 * By name for O_PATH, which the sandbox does not let through: there a symlink is made by its owner (put_symlink). Its
 * group is then that of a folder with the set-gid bit, and means nothing: nobody asks for a link's group.
 */
static int set_owner(int fd, const struct peel_node *node)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return errno;
	}
	if ((st.st_uid == node->uid && st.st_gid == node->gid) ||
		fchown(fd, node->uid, node->gid) == 0 ||
		(errno == EBADF && fchownat(fd, "", node->uid, node->gid, AT_EMPTY_PATH) == 0)) {
		return 0;
	}
	return errno == EPERM && S_ISLNK(st.st_mode) && st.st_uid == node->uid ? 0 : errno;
}

static int set_mode(int fd, mode_t mode)
{
	char path[PROC_PATH];
	struct stat st;

	/* What was made with the right mode needs no /proc. */
	if ((fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode) || fchmod(fd, mode) == 0 ||
		(errno == EBADF && chmod(proc_path(path, fd), mode) == 0)) {
		return 0;
	}
	return errno;
}

static int set_time(int fd, const struct peel_node *node)
{
	const struct timespec times[] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = node->mtime_sec, .tv_nsec = node->mtime_nsec},
	};

	/* By name for O_PATH; kernels before 5.8 cannot, and a link's time is not worth more. */
	if (futimens(fd, times) < 0 &&
		(errno != EBADF || utimensat(fd, "", times, AT_EMPTY_PATH) < 0) &&
		errno != EINVAL) {
		return errno;
	}
	return 0;
}

int put_meta(int fd, struct peel_index *index, const struct peel_node *node,
	const struct put_rules *rules)
{
	mode_t mode = put_mode(rules, node);
	int error = 0;
	int one;

	if (rules->preserve && rules->root) {
		error = set_owner(fd, node);
		mode = error ? mode : node->mode & 07777;
	}
	if (rules->xattrs && node->has_xattrs) {
		one = set_xattrs(fd, index, node);
		error = error ? error : one;
	}
	if (!S_ISLNK(node->mode)) {
		one = set_mode(fd, mode);
		error = error ? error : one;
	}
	if (rules->preserve) {
		one = set_time(fd, node);
		error = error ? error : one;
	}
	return error;
}
