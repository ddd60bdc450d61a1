/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <string.h>

static bool has_prefix(const char *name, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

enum path_kind path_classify(const char *name, size_t len, size_t *ret_target)
{
	const size_t prefix_len = strlen(WHITEOUT_PREFIX);

	if (!has_prefix(name, len, WHITEOUT_PREFIX)) {
		return PATH_NAME;
	}
	if (is_name(name, len, WHITEOUT_OPAQUE)) {
		return PATH_OPAQUE;
	}
	if (has_prefix(name, len, WHITEOUT_PREFIX WHITEOUT_PREFIX)) {
		return PATH_AUFS;
	}
	name += prefix_len;
	len -= prefix_len;
	if (len == 0 || is_name(name, len, ".") || is_name(name, len, "..")) {
		return PATH_BAD_WHITEOUT;
	}
	if (ret_target) {
		*ret_target = prefix_len;
	}
	return PATH_WHITEOUT;
}

size_t path_clean(char *path, size_t len, bool *ret_escaped)
{
	bool escaped = false;
	size_t used = 0;
	size_t pos = 0;
	size_t start;
	size_t part;

	while (path_next(path, len, &pos, &start, &part)) {
		if (is_name(path + start, part, ".")) {
			continue;
		}
		if (is_name(path + start, part, "..")) {
			escaped = escaped || used == 0;
			while (used > 0 && path[used - 1] != '/') {
				used--;
			}
			used -= used > 0;
			continue;
		}
		/*
		 * What is written never passes what was read: each component was followed by a
		 * slash.
		 */
		if (used > 0) {
			path[used++] = '/';
		}
		memmove(path + used, path + start, part);
		used += part;
	}
	if (ret_escaped) {
		*ret_escaped = escaped;
	}
	return used;
}

bool path_next(const char *path, size_t len, size_t *pos, size_t *ret_start, size_t *ret_len)
{
	size_t start = *pos;
	size_t end;

	while (start < len && path[start] == '/') {
		start++;
	}
	end = start;
	while (end < len && path[end] != '/') {
		end++;
	}
	*pos = end;
	if (end == start) {
		return false;
	}
	*ret_start = start;
	*ret_len = end - start;
	return true;
}
