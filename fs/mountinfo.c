/* SPDX-License-Identifier: Apache-2.0 */
#include "mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peel/text.h>

#include "errors.h"
#include "scope.h"

/** Fields of a mountinfo line up to the mount point: id, parent, major:minor, root. */
#define FIELDS_BEFORE_PATH 4
/** Longest answer of fusermount3 that is kept. */
#define ANSWER_SIZE 256
/** Read-ahead within a file in KiB, as text: the largest request that the kernel sends. */
#define READ_AHEAD_KB "1024"
/** Status of a child that could not be run, as the shell's. */
#define STATUS_NOT_RUN 127

extern char **environ;

static void close_file(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

/* Turn \040 and its like into bytes, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int byte;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &byte) == 1 && byte <= UCHAR_MAX) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* One line: "36 35 98:0 /root /mount/point options [tags…] - type source super-options". */
static bool parse_line(char *line, const char *path, struct mountinfo *ret_info)
{
	unsigned int major_number, minor_number;
	char *separator = strstr(line, " - ");
	char *field = line;
	char *end;

	if (!separator || sscanf(line, "%*u %*u %u:%u", &major_number, &minor_number) != 2) {
		return false;
	}
	for (int i = 0; i < FIELDS_BEFORE_PATH; i++) {
		field = strchr(field, ' ');
		if (!field) {
			return false;
		}
		field++;
	}
	end = strchr(field, ' ');
	if (!end) {
		return false;
	}
	*end = '\0';
	unescape(field);
	if (strcmp(field, path) != 0) {
		return false;
	}
	ret_info->dev = makedev(major_number, minor_number);
	separator += strlen(" - ");
	snprintf(ret_info->type, sizeof(ret_info->type), "%.*s", (int)strcspn(separator, " "),
		separator);
	return true;
}

int mountinfo_find(const char *path, struct mountinfo *ret_info, struct peel_error *err)
{
	__attribute__((__cleanup__(close_file))) FILE *file = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!file) {
		return peel_fail(err, PEEL_EIO, "/proc/self/mountinfo: %s", strerror(errno));
	}
	/* Later lines are mounted over earlier ones. */
	while (getline(&line, &room, file) >= 0) {
		if (parse_line(line, path, ret_info)) {
			found = 1;
		}
	}
	/* Without memory a line ends the loop, and is no error of the file. */
	return !feof(file) ? peel_fail(err, PEEL_EIO, "/proc/self/mountinfo: %s", strerror(errno))
			   : found;
}

int mountinfo_resolve(const char *mount_point, char **ret_path, struct peel_error *err)
{
	cleanup_free char *copy = strdup(mount_point);
	cleanup_free char *folder = NULL;
	char *name;
	size_t len = copy ? strlen(copy) : 0;

	if (!copy) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	while (len > 1 && copy[len - 1] == '/') {
		copy[--len] = '\0';
	}
	name = strrchr(copy, '/');
	name = name ? name + 1 : copy;
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		*ret_path = realpath(copy, NULL);
		return *ret_path ? 0
				 : peel_fail(err, errors_from_errno(errno), "%s", strerror(errno));
	}
	if (name == copy) {
		folder = realpath(".", NULL);
	} else {
		name[-1] = '\0';
		folder = realpath(copy[0] ? copy : "/", NULL);
	}
	if (!folder) {
		return peel_fail(err, errors_from_errno(errno), "%s", strerror(errno));
	}
	if (asprintf(ret_path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

/* Run fusermount3 -u and give back its status, or -1; what it says goes to answer. */
static int run_fusermount(const char *path, bool lazy, int answer)
{
	const char *const argv[] = {"fusermount3", "-u", lazy ? "-z" : "-u", "--", path, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = -1;
	int r;

	if (posix_spawn_file_actions_init(&actions) != 0) {
		return -1;
	}
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0) {
		r = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	}
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, answer, 2);
	}
	if (r == 0) {
		r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0) {
		return STATUS_NOT_RUN;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int unmount_by_helper(const char *path, bool lazy, struct peel_error *err)
{
	cleanup_fd int answer = memfd_create("answer", MFD_CLOEXEC);
	char text[ANSWER_SIZE];
	char shown[ANSWER_SIZE];
	ssize_t len;
	int status;

	if (answer < 0) {
		return peel_fail(err, PEEL_EIO, "memfd_create: %s", strerror(errno));
	}
	status = run_fusermount(path, lazy, answer);
	if (status == 0) {
		return 0;
	}
	if (status == STATUS_NOT_RUN) {
		return peel_fail(err, PEEL_EACCES, "not allowed, and fusermount3 cannot be run");
	}
	len = pread(answer, text, sizeof(text), 0);
	while (len > 0 && text[len - 1] == '\n') {
		len--;
	}
	peel_text_escape_into(shown, sizeof(shown), text, len > 0 ? (size_t)len : 0);
	return peel_fail(err, strstr(shown, "busy") ? PEEL_EIO : PEEL_EACCES, "%s", shown);
}

int mountinfo_unmount(const char *path, bool lazy, struct peel_error *err)
{
	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) {
		return 0;
	}
	if (errno == EBUSY) {
		return peel_fail(err, PEEL_EIO,
			"busy: files are open in it, or a process stands in it");
	}
	if (errno != EPERM) {
		return peel_fail(err, PEEL_EIO, "%s", strerror(errno));
	}
	return unmount_by_helper(path, lazy, err);
}

int mountinfo_detach(const char *path, dev_t dev, struct peel_error *err)
{
	struct mountinfo info;
	int r = mountinfo_find(path, &info, err);

	if (r <= 0 || info.dev != dev) {
		return r < 0 ? r : 0;
	}
	return mountinfo_unmount(path, true, err);
}

int mountinfo_detach_dead(const char *path, dev_t dev, struct peel_error *err)
{
	struct mountinfo info;
	struct statfs stat;
	int r = mountinfo_find(path, &info, err);

	if (r <= 0 || info.dev != dev || statfs(path, &stat) == 0) {
		return r < 0 ? r : 0;
	}
	return mountinfo_unmount(path, true, err);
}

void mountinfo_read_ahead(dev_t dev)
{
	char path[64];
	ssize_t ignored;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(dev), minor(dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ignored = write(fd, READ_AHEAD_KB, strlen(READ_AHEAD_KB));
		(void)ignored;
		close(fd);
	}
}
