/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything happens relative to the descriptor of the folder where it happens, one component at a
 * time, and no call follows a link: going into a folder is openat with O_NOFOLLOW, and whatever has
 * a name already is not opened but replaced, by a rename of something new over it. So no link can
 * lead a write elsewhere, neither one of the image, nor one that the target held before, nor one
 * that somebody puts there in the middle.
 *
 * Paths checked first and used then (realpath and a prefix) were no way: what was checked may be
 * another thing when it is used. One descriptor a level would do, but trees are deeper than
 * descriptors are many. Only the base's and the current one are held; the way back is "..", and it
 * is believed only where device and inode are those of the folder that was left on the way down.
 * Somebody who moves a folder while it is being filled finds its files in it, where he put it, and
 * the copy ends.
 */
#include "put.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
/* Room for "/proc/self/fd/N". */
#define PROC_SIZE 40

/* One component, and one that stays: the library promises it, here it matters. */
static bool is_component(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int push(struct put *put, int fd, bool made)
{
	struct stat st;

	if (put->depth == put->room) {
		size_t room = put->room ? put->room * 2 : 32;
		struct put_level *levels = reallocarray(put->levels, room, sizeof(*levels));

		if (!levels) {
			return ENOMEM;
		}
		put->levels = levels;
		put->room = room;
	}
	if (fstat(fd, &st) < 0) {
		return errno;
	}
	put->levels[put->depth++] = (struct put_level){st.st_dev, st.st_ino, made};
	return 0;
}

int put_open(struct put *put, const char *folder)
{
	int error;

	*put = (struct put){.base = open(folder, FOLDER_FLAGS)};
	put->current = put->base;
	error = put->base < 0 ? errno : push(put, put->base, false);
	if (error) {
		put_close(put);
	}
	return error;
}

void put_close(struct put *put)
{
	if (put->current >= 0 && put->current != put->base) {
		close(put->current);
	}
	if (put->base >= 0) {
		close(put->base);
	}
	free(put->levels);
	*put = (struct put){.base = -1, .current = -1};
}

int put_enter(struct put *put, const char *name)
{
	bool made;
	int error;
	int fd;

	if (!is_component(name)) {
		return EINVAL;
	}
	made = mkdirat(put->current, name, 0700) == 0;
	if (!made && errno != EEXIST) {
		return errno;
	}
	fd = openat(put->current, name, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd < 0) {
		return errno == ELOOP ? ENOTDIR : errno;
	}
	error = push(put, fd, made);
	if (error) {
		close(fd);
		return error;
	}
	if (put->current != put->base) {
		close(put->current);
	}
	put->current = fd;
	return 0;
}

/* The folder above the current one, where it still is the one that was left. @return an errno. */
static int open_parent(const struct put *put, int *ret_fd)
{
	const struct put_level *level = &put->levels[put->depth - 2];
	struct stat st;
	int fd;

	if (put->depth == 2) {
		*ret_fd = put->base;
		return 0;
	}
	fd = openat(put->current, "..", FOLDER_FLAGS);
	if (fd < 0) {
		return errno;
	}
	if (fstat(fd, &st) < 0 || st.st_dev != level->dev || st.st_ino != level->ino) {
		close(fd);
		return ESTALE;
	}
	*ret_fd = fd;
	return 0;
}

int put_leave(struct put *put, int *ret_left, bool *ret_made)
{
	int parent = -1;
	int error = open_parent(put, &parent);

	if (error) {
		return error;
	}
	*ret_left = put->current;
	*ret_made = put->levels[--put->depth].made;
	put->current = parent;
	return 0;
}

bool put_stat(const struct put *put, const char *name, struct stat *ret_stat)
{
	return is_component(name) &&
		fstatat(put->current, name, ret_stat, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What something new is made of. */
struct recipe {
	mode_t mode;
	dev_t device;
	const char *target;
	const struct put_owner *owner;
	int link_folder;
	const char *link_name;
};

/*
 * The owner of a symlink is changed by its name alone, which the sandbox does not let through: so it is made as its
 * owner, with the user that files are made as. Who may not be another stays who he is.
 */
static int make_symlink_as(const struct put_owner *owner, const char *target, int folder,
	const char *name)
{
	const int group = setfsgid(owner->gid);
	const int user = setfsuid(owner->uid);
	int r = symlinkat(target, folder, name);
	int saved = errno;

	setfsuid((uid_t)user);
	setfsgid((gid_t)group);
	errno = saved;
	return r;
}

/* @return 0, or -1 with errno set. */
static int make(int folder, const char *name, const struct recipe *recipe)
{
	if (recipe->target && recipe->owner &&
		make_symlink_as(recipe->owner, recipe->target, folder, name) == 0) {
		return 0;
	}
	if (recipe->link_name) {
		return linkat(recipe->link_folder, recipe->link_name, folder, name, 0);
	}
	return recipe->target ? symlinkat(recipe->target, folder, name)
			      : mknodat(folder, name, recipe->mode, recipe->device);
}

/* Make something under a name that nothing has, and open it. */
static int make_new(struct put *put, const struct recipe *recipe, struct put_new *ret_new)
{
	int flags = S_ISREG(recipe->mode) ? O_WRONLY : O_PATH;

	for (int i = 0; i < TEMP_NAME_TRIES; i++) {
		if (!temp_name(ret_new->name)) {
			return errno;
		}
		/* A file is made by the call that opens it: there is no moment in between. */
		if (S_ISREG(recipe->mode)) {
			flags |= O_CREAT | O_EXCL;
		} else if (make(put->current, ret_new->name, recipe) < 0) {
			if (errno == EEXIST) {
				continue;
			}
			return errno;
		}
		ret_new->fd = openat(put->current, ret_new->name, flags | O_NOFOLLOW | O_CLOEXEC,
			recipe->mode & 07777);
		if (ret_new->fd >= 0) {
			return 0;
		}
		if (errno != EEXIST) {
			return errno;
		}
	}
	return EEXIST;
}

/* Only some filesystems have files without a name, and only /proc can give them one. */
static int open_unnamed(const struct put *put)
{
	return access("/proc/self/fd", X_OK) == 0
		? openat(put->current, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)
		: -1;
}

int put_file(struct put *put, struct put_new *ret_new)
{
	const struct recipe recipe = {.mode = S_IFREG | 0600};

	ret_new->name[0] = '\0';
	ret_new->fd = open_unnamed(put);
	return ret_new->fd >= 0 ? 0 : make_new(put, &recipe, ret_new);
}

/* The name by which the kernel leads to an open file. */
static const char *proc_path(char buf[PROC_SIZE], int fd)
{
	snprintf(buf, PROC_SIZE, "/proc/self/fd/%d", fd);
	return buf;
}

/*
 * Give a file without a name the one that is wanted, or, where that is taken, a temporary one. @return
 * an errno.
 */
static int name_file(const struct put *put, struct put_new *new, const char *name)
{
	char proc[PROC_SIZE];
	char temporary[TEMP_NAME_SIZE];

	proc_path(proc, new->fd);
	if (linkat(AT_FDCWD, proc, put->current, name, AT_SYMLINK_FOLLOW) == 0) {
		return 0;
	}
	for (int i = 0; i < TEMP_NAME_TRIES && errno == EEXIST; i++) {
		if (temp_name(temporary) &&
			linkat(AT_FDCWD, proc, put->current, temporary, AT_SYMLINK_FOLLOW) == 0) {
			memcpy(new->name, temporary, sizeof(temporary));
			return 0;
		}
	}
	return errno;
}

/* Put a temporary name in the place of what has the name. @return an errno. */
static int take_name(const struct put *put, struct put_new *new, const char *name)
{
	if (renameat(put->current, new->name, put->current, name) < 0) {
		return errno;
	}
	/*
	 * Renaming a link over another name of the same file does nothing, and leaves the temporary
	 * name.
	 */
	unlinkat(put->current, new->name, 0);
	return 0;
}

/*
 * Whether what was opened is what was made, and has no other name: somebody may have exchanged it.
 */
static int check_new(struct put *put, struct put_new *new, mode_t type)
{
	struct stat st;

	if (fstat(new->fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_nlink == 1) {
		return 0;
	}
	put_drop(put, new);
	return ESTALE;
}

/* What is open takes its attributes without a name. Where it may not be opened, it goes on as it is. */
static void open_fifo(struct put_new *new)
{
	char proc[PROC_SIZE];
	int fd = open(proc_path(proc, new->fd), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		close(new->fd);
		new->fd = fd;
	}
}

int put_symlink(struct put *put, const char *target, const struct put_owner *owner,
	struct put_new *ret_new)
{
	const struct recipe recipe = {.target = target, .owner = owner};
	int error = make_new(put, &recipe, ret_new);

	return error ? error : check_new(put, ret_new, S_IFLNK);
}

int put_special(struct put *put, mode_t mode, dev_t device, struct put_new *ret_new)
{
	const struct recipe recipe = {.mode = mode, .device = device};
	int error = make_new(put, &recipe, ret_new);

	error = error ? error : check_new(put, ret_new, mode & S_IFMT);
	if (!error && S_ISFIFO(mode)) {
		open_fifo(ret_new);
	}
	return error;
}

/* Where an open file is. @param buf PATH_MAX bytes. @return false where nobody says, or it is too long. */
static bool find_path(int fd, char *buf)
{
	char proc[PROC_SIZE];
	ssize_t len = readlink(proc_path(proc, fd), buf, PATH_MAX);

	if (len <= 0 || len >= PATH_MAX) {
		return false;
	}
	buf[len] = 0;
	return true;
}

/*
 * Go down to a folder in one call: component by component, a deep one costs more than a thousand, for
 * each of its links. openat2 would refuse links on the way, and the sandbox has no openat2; so one looks afterwards
 * where that has led. @return -1 with errno set: also where it cannot be told.
 */
static int descend_at_once(const struct put *put, const char *path, size_t len)
{
	char wanted[PATH_MAX];
	char found[PATH_MAX];
	size_t base_len;
	int fd;

	if (!find_path(put->base, wanted) || (base_len = strlen(wanted)) + len + 2 > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	base_len = base_len == 1 ? 0 : base_len;
	wanted[base_len] = '/';
	memcpy(wanted + base_len + 1, path, len);
	wanted[base_len + 1 + len] = 0;
	if (len == 0) {
		return fcntl(put->base, F_DUPFD_CLOEXEC, 0);
	}
	fd = openat(put->base, wanted + base_len + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (!find_path(fd, found) || strcmp(found, wanted) != 0)) {
		close(fd);
		fd = -1;
		errno = ELOOP;
	}
	return fd;
}

/* Go one component down. @return as open. */
static int descend_one(int fd, const char *path, size_t len)
{
	char name[NAME_MAX + 1];

	if (len >= sizeof(name)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(name, path, len);
	name[len] = 0;
	if (!is_component(name)) {
		errno = EINVAL;
		return -1;
	}
	return openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Go down from the base without following links. @return the folder, -1 with errno set. */
static int descend(const struct put *put, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	int fd = descend_at_once(put, path, slash ? (size_t)(slash - path) : 0);

	*ret_name = slash ? slash + 1 : path;
	if (fd >= 0) {
		return fd;
	}
	fd = fcntl(put->base, F_DUPFD_CLOEXEC, 0);
	for (; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		int next = descend_one(fd, path, (size_t)(slash - path));
		int saved = errno;

		close(fd);
		errno = saved;
		fd = next;
	}
	return fd;
}

int put_hardlink(struct put *put, const char *path, struct put_new *ret_new)
{
	struct recipe recipe = {0};
	int error;

	recipe.link_folder = descend(put, path, &recipe.link_name);
	if (recipe.link_folder < 0) {
		return errno;
	}
	error = is_component(recipe.link_name) ? make_new(put, &recipe, ret_new) : EINVAL;
	close(recipe.link_folder);
	return error;
}

int put_commit(struct put *put, struct put_new *new, const char *name)
{
	int error = is_component(name) ? 0 : EINVAL;

	if (!error && !new->name[0]) {
		error = name_file(put, new, name);
	}
	if (!error && new->name[0]) {
		error = take_name(put, new, name);
	}
	if (error) {
		put_drop(put, new);
		return error;
	}
	if (close(new->fd) < 0) {
		error = errno;
	}
	new->fd = -1;
	return error;
}

void put_drop(struct put *put, struct put_new *new)
{
	if (new->fd >= 0) {
		if (new->name[0]) {
			unlinkat(put->current, new->name, 0);
		}
		close(new->fd);
		new->fd = -1;
	}
}
