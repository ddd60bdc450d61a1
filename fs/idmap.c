/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel shows an owner only where the mount's user namespace knows the id; all others look like
 * "nobody". Three ways to make them known, the best first:
 *
 *   every id as it is   for who may set ids: root without the right to mount
 *   subordinate ids     /etc/subuid lends a user, say, 65536 ids from 100000 on; newuidmap, which
 *                       is set-user-id, writes the map. Inside they are 0, 1, 2, …, so that the
 *                       image's owners show true; only the caller's own id stays in its place:
 *
 *                          inside     0 … 999   1000   1001 … 65536
 *                          outside    100000…   1000   101000…
 *
 *   the own id alone    what every user may do. Owners other than him are not shown.
 *
 * Users and groups are mapped apart: a system may have lent the one and not the other.
 */
#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "errors.h"
#include "scope.h"

/** Ranges of one user that are used; who has more does without the rest. */
#define RANGES_MAX 32
/** Lines of a map: each range may be cut in two by the own id. */
#define LINES_MAX (RANGES_MAX + 2)
/** Longest number with its blank. */
#define NUMBER_SIZE 12
/** Longest map as text. */
#define MAP_SIZE (LINES_MAX * 3 * NUMBER_SIZE)

extern char **environ;

/** Users, or groups. */
struct kind {
	const char *map, *own_map, *lent, *helper;
};

static const struct kind users = {"uid_map", "/proc/self/uid_map", "/etc/subuid", "newuidmap"};
static const struct kind groups = {"gid_map", "/proc/self/gid_map", "/etc/subgid", "newgidmap"};

/** A line of a map. */
struct line {
	uint32_t inside, outside, count;
};

struct map {
	struct line lines[LINES_MAX];
	size_t count;
	/** The first id inside that no line has yet. */
	uint32_t next;
};

static void close_file(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

static void add_line(struct map *map, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (count > 0 && map->count < LINES_MAX) {
		map->lines[map->count++] = (struct line){inside, outside, count};
	}
}

/* Put a lent range where the last one ended, around the own id. */
static void add_range(struct map *map, uint32_t start, uint32_t count, uint32_t own)
{
	uint32_t before = count;

	/* The ids inside end below the one that means "none". */
	if (count > UINT32_MAX - 2 - map->next || start > UINT32_MAX - count) {
		return;
	}
	if (own >= map->next && own - map->next < count) {
		before = own - map->next;
	}
	add_line(map, map->next, start, before);
	map->next += before;
	if (before < count) {
		add_line(map, own, own, 1);
		add_line(map, own + 1, start + before, count - before);
		map->next = own + 1 + count - before;
	}
}

/* Read "NAME:START:COUNT" lines; the name may be a number. */
static void add_lent(struct map *map, const char *path, const char *name, uint32_t own)
{
	__attribute__((__cleanup__(close_file))) FILE *file = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	for (int ranges = 0; file && ranges < RANGES_MAX && getline(&line, &room, file) >= 0;) {
		char *colon = strchr(line, ':');
		uint32_t start, count;

		if (!colon || sscanf(colon, ":%u:%u", &start, &count) != 2) {
			continue;
		}
		*colon = '\0';
		if (strcmp(line, name) == 0) {
			add_range(map, start, count, own);
			ranges++;
		}
	}
}

/* What /etc/subuid lends the caller, his own id in its place. @return false where it is nothing. */
static bool lent_map(const struct kind *kind, uint32_t own, struct map *ret_map)
{
	const struct passwd *user = getpwuid(getuid());
	char number[NUMBER_SIZE];

	*ret_map = (struct map){0};
	snprintf(number, sizeof(number), "%u", getuid());
	if (user) {
		add_lent(ret_map, kind->lent, user->pw_name, own);
	}
	add_lent(ret_map, kind->lent, number, own);
	if (ret_map->count == 0) {
		return false;
	}
	if (ret_map->next <= own) {
		add_line(ret_map, own, own, 1);
	}
	return true;
}

/* Run "newuidmap PID INSIDE OUTSIDE COUNT…"; it says nothing where it cannot. */
static bool write_by_helper(const struct kind *kind, pid_t child, const struct map *map)
{
	char numbers[LINES_MAX * 3 + 1][NUMBER_SIZE];
	char *argv[LINES_MAX * 3 + 3] = {(char *)kind->helper};
	posix_spawn_file_actions_t actions;
	size_t count = 0;
	int status = -1;
	pid_t pid;
	int r;

	snprintf(numbers[count++], NUMBER_SIZE, "%d", child);
	for (size_t i = 0; i < map->count; i++) {
		snprintf(numbers[count++], NUMBER_SIZE, "%u", map->lines[i].inside);
		snprintf(numbers[count++], NUMBER_SIZE, "%u", map->lines[i].outside);
		snprintf(numbers[count++], NUMBER_SIZE, "%u", map->lines[i].count);
	}
	for (size_t i = 0; i < count; i++) {
		argv[i + 1] = numbers[i];
	}
	if (posix_spawn_file_actions_init(&actions) != 0) {
		return false;
	}
	r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0) {
		r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	while (r == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Write a file of the child's folder in /proc. @return 0, or an errno. */
static int write_file(pid_t child, const char *name, const char *text)
{
	char path[64];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", child, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return errno;
	}
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* Every id that the caller's own namespace knows, as it is. */
static bool write_whole(const struct kind *kind, pid_t child)
{
	__attribute__((__cleanup__(close_file))) FILE *file = fopen(kind->own_map, "re");
	char text[MAP_SIZE];
	uint32_t inside, count;
	size_t len = 0;

	while (file && fscanf(file, "%u %*u %u", &inside, &count) == 2) {
		if (len + 3 * NUMBER_SIZE > sizeof(text)) {
			return false;
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u %u %u\n", inside,
			inside, count);
	}
	return len > 0 && write_file(child, kind->map, text) == 0;
}

/* @return 1 where all ids are known that can be, 0 where only the own one is, or less than 0. */
static int write_kind(const struct kind *kind, pid_t child, uint32_t own, struct peel_error *err)
{
	char text[3 * NUMBER_SIZE];
	struct map map;
	int r;

	if (write_whole(kind, child) ||
		(lent_map(kind, own, &map) && write_by_helper(kind, child, &map))) {
		return 1;
	}
	/* Who may drop groups could get at files that a group is kept from. */
	r = kind == &groups ? write_file(child, "setgroups", "deny") : 0;
	if (r == 0) {
		snprintf(text, sizeof(text), "%u %u 1\n", own, own);
		r = write_file(child, kind->map, text);
	}
	return r == 0 ? 0
		      : peel_fail(err, errors_from_errno(r), "user namespace: %s: %s", kind->map,
				strerror(r));
}

int idmap_write(pid_t child, char *ret_remark, struct peel_error *err)
{
	int true_users = write_kind(&users, child, geteuid(), err);
	int true_groups = true_users < 0 ? true_users : write_kind(&groups, child, getegid(), err);

	ret_remark[0] = '\0';
	if (true_groups < 0) {
		return true_groups;
	}
	if (!true_users || !true_groups) {
		snprintf(ret_remark, IDMAP_REMARK_SIZE,
			"%s of files are not shown true: no subordinate ids can be used (see %s)",
			true_users            ? "groups"
				: true_groups ? "owners"
					      : "owners and groups",
			true_users ? "newgidmap(1)" : "newuidmap(1)");
	}
	return 0;
}
