/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfuse has an option for this, auto_unmount, with which fusermount3 stays behind. It does not
 * work here: before it unmounts, fusermount3 opens the mount point and looks for ENOTCONN; but
 * since opendir was answered with ENOSYS, the kernel opens the folder without asking anyone, and a
 * dead mount opens well. Hence a guard of our own. It is another program, so that what kills every
 * process called peel does not kill it.
 *
 * It detaches only what it was told to guard: if the topmost mount on the path is not that device,
 * it leaves it alone. If the others died before they could tell, between the mount and the message,
 * a mount of peel on the path is theirs: nothing is mounted over one. A mount that answers is never
 * theirs. A fusermount3 that they had called may outlive them and mount yet: where one runs, it is waited for.
 *
 * The guard of a private mount takes its processes away instead, as members.c does. It holds the same
 * two descriptors as its namesakes there.
 */
#include "guard.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mountinfo.h"
#include "scope.h"

static char search[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/*
 * $at is the mount point as mountinfo writes it. fusermount3 is for users, umount for root where
 * there is none.
 */
static const char mount_script[] =
	"trap '' HUP INT TERM PIPE\n"
	"read -r guarded || guarded=untold\n"
	"[ $guarded = untold ] || ! read -r word || exit 0\n"
	"mounting() {\n"
	"	for name in /proc/[0-9]*/comm; do\n"
	"		read -r word 2>/dev/null <\"$name\" || continue\n"
	"		[ \"$word\" = fusermount3 ] && return 0\n"
	"	done\n"
	"	return 1\n"
	"}\n"
	"tries=50\n"
	"while [ $guarded = untold ] && [ $tries -gt 0 ] && mounting; do\n"
	"	sleep 0.1\n"
	"	tries=$((tries - 1))\n"
	"done\n"
	"device= untold=\n"
	"while read -r id parent number root path rest; do\n"
	"	[ \"$path\" = \"$at\" ] || continue\n"
	"	device=$number\n"
	"	case $rest in\n"
	"	*' - " MOUNT_TYPE " '*) untold=untold ;;\n"
	"	*) untold= ;;\n"
	"	esac\n"
	"done </proc/self/mountinfo\n"
	"case $guarded in\n"
	"\"$device\" | \"$untold\") ;;\n"
	"*) exit 0 ;;\n"
	"esac\n"
	"stat -f -- \"$mount_point\" && exit 0\n"
	"fusermount3 -u -q -z -- \"$mount_point\" || exec umount -l -- \"$mount_point\"\n";

/** Where the second script finds the namespace. */
#define GUARDED_FD 3

/* $device is the mount's, as mountinfo writes it. */
static const char members_script[] =
	"trap '' HUP INT TERM PIPE\n"
	"read -r word && exit 0\n"
	"sees() {\n"
	"	while read -r id parent number rest; do\n"
	"		[ \"$number\" != $device ] || return 0\n"
	"	done <$1/mountinfo\n"
	"	return 1\n"
	"}\n"
	"more=more\n"
	"while [ $more ]; do\n"
	"	more=\n"
	"	for folder in /proc/[0-9]*; do\n"
	"		[ $folder/ns/mnt -ef /proc/self/ns/mnt ] && continue\n"
	"		[ $folder/ns/mnt -ef /proc/self/fd/3 ] || sees $folder || continue\n"
	"		kill -9 ${folder#/proc/} && more=more\n"
	"	done\n"
	"	[ -z $more ] || sleep 0.05\n"
	"done\n";

/*
 * The path as mountinfo writes it: blank, tab, newline, backslash and # in octal. The caller frees.
 */
static char *mountinfo_form(const char *path)
{
	char *text = malloc(strlen(path) * 4 + 1);
	char *to = text;

	for (; text && *path; path++) {
		if (strchr(" \t\n\\#", *path)) {
			to += sprintf(to, "\\%03o", (unsigned char)*path);
		} else {
			*to++ = *path;
		}
	}
	if (text) {
		*to = '\0';
	}
	return text;
}

/* @param guarded their namespace becomes GUARDED_FD, their root the next one; NULL: none. */
static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int lifeline,
	const struct members *guarded)
{
	sigset_t none;
	int r = 0;

	sigemptyset(&none);
	r |= posix_spawn_file_actions_adddup2(actions, lifeline, 0);
	r |= posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
	r |= posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
	if (guarded) {
		r |= posix_spawn_file_actions_adddup2(actions, guarded->mount_namespace,
			GUARDED_FD);
		r |= posix_spawn_file_actions_adddup2(actions, guarded->root, GUARDED_FD + 1);
	}
	r |= posix_spawn_file_actions_addclosefrom_np(actions,
		guarded ? GUARDED_FD + 2 : GUARDED_FD);
	r |= posix_spawn_file_actions_addchdir_np(actions, "/");
	r |= posix_spawnattr_setsigmask(attributes, &none);
	r |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	return r;
}

static int spawn_shell(const char *commands, int lifeline, const struct members *guarded,
	char *const environment[], pid_t *ret_pid)
{
	const char *const argv[] = {"sh", "-c", commands, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0) {
		return r;
	}
	r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	r = set_up(&actions, &attributes, lifeline, guarded);
	if (r == 0) {
		r = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, (char *const *)argv,
			environment);
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int not_run(int error, struct peel_error *err)
{
	return peel_fail(err, PEEL_EIO, "cannot run /bin/sh: %s", strerror(error));
}

int guard_start(const char *path, int lifeline, pid_t *ret_pid, struct peel_error *err)
{
	cleanup_free char *form = mountinfo_form(path);
	cleanup_free char *at = NULL;
	cleanup_free char *mount_point = NULL;
	int r;

	if (!form || asprintf(&at, "at=%s", form) < 0 ||
		asprintf(&mount_point, "mount_point=%s", path) < 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = spawn_shell(mount_script, lifeline, NULL,
		(char *const[]){search, at, mount_point, NULL}, ret_pid);
	return r != 0 ? not_run(r, err) : 0;
}

int guard_start_members(const struct members *members, int lifeline, pid_t *ret_pid,
	struct peel_error *err)
{
	/* Neither may stand where the other goes. */
	cleanup_fd int namespace = fcntl(members->mount_namespace, F_DUPFD_CLOEXEC, GUARDED_FD + 2);
	cleanup_fd int root = fcntl(members->root, F_DUPFD_CLOEXEC, GUARDED_FD + 2);
	const struct members raised = {.mount_namespace = namespace, .root = root};
	char device[64];
	int r;

	snprintf(device, sizeof(device), "device=%u:%u", major(members->dev), minor(members->dev));
	r = spawn_shell(members_script, lifeline, &raised, (char *const[]){search, device, NULL},
		ret_pid);
	return r != 0 ? not_run(r, err) : 0;
}

/* Failure means that the guard is gone; the others do without it. */
static void say(int lifeline, const char *text)
{
	ssize_t ignored = write(lifeline, text, strlen(text));

	(void)ignored;
}

void guard_arm(int lifeline, dev_t dev)
{
	char line[32];

	snprintf(line, sizeof(line), "%u:%u\n", major(dev), minor(dev));
	say(lifeline, line);
}

void guard_dismiss(int lifeline)
{
	say(lifeline, "done\n");
}
