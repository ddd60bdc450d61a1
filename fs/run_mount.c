/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to mount so that nothing is left, whoever is killed: in a mount namespace, which the kernel
 * takes away with its last process, and on a folder that is there already. What the folder holds is
 * hidden from the command, so it must hold nothing: /mnt on most machines, else the next that is
 * empty. Which one it is matters to nobody outside.
 *
 * Rejected: a folder of our own, made before and removed after: it stays when all are killed, and
 * removing it takes the mount away as well, so it cannot be removed early. A tmpfs over a folder
 * that is in use: the command may need it. The mount as a descriptor without any place
 * (fsmount): getcwd() fails in it, and no path leads there.
 */
#include "run_mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "errors.h"
#include "mountinfo.h"
#include "scope.h"
#include "session.h"

/** A folder that may be empty, and the mount on which it usually is. */
struct place {
	const char *path, *mount;
};

/*
 * In order of preference. The kernel keeps the last one empty for the sake of old programs; it is
 * there where /proc is, even in a chroot whose root is no mount.
 */
static const struct place places[] = {
	{"/mnt", "/"},
	{"/media", "/"},
	{"/srv", "/"},
	{"/opt", "/"},
	{"/var/opt", "/"},
	{"/var/local", "/"},
	{"/usr/local/src", "/"},
	{"/usr/local/games", "/"},
	{"/proc/tty/ldisc", "/proc"},
};

int run_mount_unshare(bool *ret_user_namespace, struct peel_error *err)
{
	*ret_user_namespace = false;
	if (unshare(CLONE_NEWNS) == 0) {
		return 0;
	}
	*ret_user_namespace = true;
	if (errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
		return 0;
	}
	return peel_fail(err, errno == EPERM || errno == ENOSPC ? PEEL_EACCES : PEEL_EUNSUPPORTED,
		"a private mount is not allowed here: cannot make a namespace: %s",
		errno == ENOSPC ? "the system's limit is reached" : strerror(errno));
}

static void close_folder(DIR **folder)
{
	if (*folder) {
		closedir(*folder);
	}
}

static bool is_empty(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	__attribute__((__cleanup__(close_folder))) DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			return false;
		}
	}
	return folder != NULL;
}

/*
 * Mounts of the machine go on coming in, ours does not go out. In a user namespace they are so from
 * the start. It fails where the path is no mount: for "/", in a chroot.
 */
static bool make_private(const char *mount_point)
{
	return mount(NULL, mount_point, NULL, MS_REC | MS_SLAVE, NULL) == 0;
}

static int choose_place(bool user_namespace, const char **ret_path, struct peel_error *err)
{
	bool allowed = true;

	for (size_t i = 0; i < countof(places); i++) {
		if (!is_empty(places[i].path)) {
			continue;
		}
		if (user_namespace || make_private(places[i].mount)) {
			*ret_path = places[i].path;
			return 0;
		}
		allowed = errno == EINVAL;
	}
	return allowed ? peel_fail(err, PEEL_EUNSUPPORTED,
				 "no place for a private mount: /mnt or another folder that could "
				 "serve must be empty, and in a chroot, /proc be there")
		       : peel_fail(err, PEEL_EACCES, "a private mount is not allowed here: %s",
				 strerror(errno));
}

/* Add one option of the kernel's: a flag, or text. Commas and backslashes are escaped. */
static char *add_option(char *to, const char *option, size_t len, unsigned long *flags)
{
	if (len == strlen("noexec") && memcmp(option, "noexec", len) == 0) {
		*flags |= MS_NOEXEC;
		return to;
	}
	*to++ = ',';
	for (size_t i = 0; i < len; i++) {
		i += option[i] == '\\' && i + 1 < len;
		*to++ = option[i];
	}
	return to;
}

static char *add_options(char *to, const char *options, unsigned long *flags)
{
	while (*options) {
		size_t len = 0;

		while (options[len] && options[len] != ',') {
			len += options[len] == '\\' && options[len + 1] ? 2 : 1;
		}
		to = add_option(to, options, len, flags);
		options += len + (options[len] == ',');
	}
	*to = '\0';
	return to;
}

/* What the kernel wants to know; the caller frees. NULL: no memory. */
static char *mount_data(int device, const struct peel_mount_options *options, unsigned long *flags)
{
	const char *kernel = options->kernel_options ? options->kernel_options : "";
	/* The fixed words and four numbers. */
	size_t room = strlen(kernel) + 256;
	char *data = malloc(room);

	if (data) {
		int len = snprintf(data, room, "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s%s",
			device, geteuid(), getegid(), options->allow_other ? ",allow_other" : "",
			options->allow_other || options->default_permissions
				? ",default_permissions"
				: "");

		add_options(data + len, kernel, flags);
	}
	return data;
}

int run_mount_attach(const char *name, const struct peel_mount_options *options,
	bool user_namespace, const char **ret_path, struct peel_error *err)
{
	unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
	cleanup_fd int device = -1;
	cleanup_free char *data = NULL;
	int r = choose_place(user_namespace, ret_path, err);

	if (r == 0) {
		r = device = session_open_device(err);
	}
	if (r < 0) {
		return r;
	}
	data = mount_data(device, options, &flags);
	if (!data) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (mount(name, *ret_path, MOUNT_TYPE, flags, data) != 0) {
		return peel_fail(err,
			errno == ENODEV ? PEEL_EUNSUPPORTED : errors_from_errno(errno),
			"cannot mount: %s", strerror(errno));
	}
	return steal_fd(&device);
}
