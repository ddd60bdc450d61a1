/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <peel/mount.h>
#include <peel/text.h>

#include "mountinfo.h"
#include "scope.h"

/** Longest mount point that a message shows. */
#define SHOWN_SIZE 256

/* The mount on a path, or on what the path leads to as a symlink. @return as mountinfo_find. */
static int find(const char *mount_point, char **ret_path, struct mountinfo *ret_info,
	struct peel_error *err)
{
	char *followed;
	int r = mountinfo_resolve(mount_point, ret_path, err);

	if (r == 0) {
		r = mountinfo_find(*ret_path, ret_info, err);
	}
	if (r != 0) {
		return r;
	}
	followed = realpath(*ret_path, NULL);
	if (!followed) {
		return 0;
	}
	free(*ret_path);
	*ret_path = followed;
	return mountinfo_find(followed, ret_info, err);
}

int peel_unmount(const char *mount_point, bool lazy, struct peel_error *err)
{
	cleanup_free char *path = NULL;
	char shown[SHOWN_SIZE];
	struct mountinfo info = {0};
	int r;

	peel_text_escape_into(shown, sizeof(shown), mount_point, strlen(mount_point));
	r = find(mount_point, &path, &info, err);
	if (r >= 0 && strcmp(info.type, MOUNT_TYPE) != 0) {
		return peel_fail(err, PEEL_ENOENT, "%s: nothing is mounted there by peel", shown);
	}
	if (r >= 0) {
		r = mountinfo_unmount(path, lazy, err);
	}
	return r < 0 ? peel_wrap(err, "%s", shown) : 0;
}
