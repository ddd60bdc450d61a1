/* SPDX-License-Identifier: Apache-2.0 */
/** Where an image is, told so that it is found from any folder; and whether it is still there. */
#include "image_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Where the facts of the file end in an identity, and what was asked for begins. */
#define IDENTITY_REQUEST " kind="

int image_location(const char *reference, char **ret_location, struct peel_error *err)
{
	struct image_reference parsed;
	cleanup_free char *path = NULL;
	const char *before;
	size_t path_len;
	int r = image_reference_parse(reference, &parsed, err);

	if (r < 0) {
		return r;
	}
	path = parsed.standard_input ? NULL : realpath(parsed.path, NULL);
	path_len = strlen(parsed.path);
	before = parsed.kind ? strchr(reference, ':') + 1 : reference;
	image_reference_finish(&parsed);
	if (!path) {
		*ret_location = NULL;
		return 0;
	}
	/* A transport's path ends at the first colon: one that holds another can be told by itself alone. */
	if (parsed.kind && strchr(path, ':')) {
		*ret_location = steal_pointer(&path);
		return 0;
	}
	if (asprintf(ret_location, "%.*s%s%s", (int)(before - reference), reference, path,
		    before + path_len) < 0) {
		*ret_location = NULL;
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

static size_t facts_length(const char *identity)
{
	const char *end = strstr(identity, IDENTITY_REQUEST);

	return end ? (size_t)(end - identity) : strlen(identity);
}

int image_compare(const char *location, const char *identity, struct peel_error *err)
{
	struct image_reference parsed;
	cleanup_free char *now = NULL;
	uint64_t age = 0;
	struct stat st;
	size_t len;
	int r = image_reference_parse(location, &parsed, err);

	if (r < 0) {
		return r;
	}
	r = parsed.path[0] == '/' ? stat(parsed.path, &st) : (errno = EINVAL, -1);
	image_reference_finish(&parsed);
	if (r < 0) {
		bool gone = errno == ENOENT || errno == ENOTDIR;

		return peel_fail(err, gone ? PEEL_ENOENT : PEEL_EIO, "%s", strerror(errno));
	}
	/* What an index says of itself may lead to a tape: opening one would move it. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		return peel_fail(err, PEEL_EUNSUPPORTED, "neither a file nor a folder");
	}
	r = image_identity(location, NULL, &now, &age, err);
	if (r < 0) {
		return r;
	}
	len = facts_length(now);
	return len == facts_length(identity) && memcmp(now, identity, len) == 0 ? 0 : 1;
}
