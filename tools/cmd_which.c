/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel which: what Debian's which (debianutils) says in a chroot of the image, as root with the image's own
 * PATH. The rules are that script's: an element of PATH is empty for the working directory, a name with a
 * slash is not searched for, a match is a regular file (links followed) with any execute bit.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "format.h"

/* What docker gives a container whose image sets none. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct which_values {
	bool all;
};

static const struct opt which_options[] = {
	{'a', "all", NULL, OPT_FLAG, offsetof(struct which_values, all),
		"every match, not the first alone"},
	{0},
};

/* @return STATUS_OK, STATUS_NO, or STATUS_ERROR where it cannot be known; the message is out. */
static int is_command(struct peel_index *index, const char *path)
{
	struct peel_node node;
	struct peel_error err = {0};

	if (resolve_path(index, PEEL_VIEW_MERGED, path, true, &node, NULL, &err) < 0) {
		return peel_index_failure(index) ? complain_error(&err) : STATUS_NO;
	}
	return S_ISREG(node.mode) && (node.mode & 0111) ? STATUS_OK : STATUS_NO;
}

static void print_path(const char *path)
{
	peel_text_print(stdout, path, strlen(path));
	putchar('\n');
}

/* What is left of PATH while it is walked. */
struct path_walk {
	const char *at;
	size_t len;
	bool done;
};

/*
 * The shell takes a colon as the end of an element, so that nothing follows the last one; but the script adds a
 * colon to a PATH that ends with a single one. So one colon at the end begins an empty element, and of several the
 * last does not.
 */
static struct path_walk walk_path(const char *path)
{
	size_t len = strlen(path);
	bool single = len >= 2 && path[len - 1] == ':' && path[len - 2] != ':';

	if (len > 0 && path[len - 1] == ':' && !single) {
		return (struct path_walk){path, len - 1, false};
	}
	return (struct path_walk){path, len, len == 0};
}

static bool next_element(struct path_walk *walk, const char **ret_element, size_t *ret_len)
{
	const char *colon;

	if (walk->done) {
		return false;
	}
	colon = memchr(walk->at, ':', walk->len);
	*ret_element = walk->at;
	*ret_len = colon ? (size_t)(colon - walk->at) : walk->len;
	walk->done = colon == NULL;
	if (colon) {
		walk->len -= *ret_len + 1;
		walk->at = colon + 1;
	}
	return true;
}

/* @return STATUS_OK where it was found, STATUS_NO, or STATUS_ERROR without memory. */
static int search_path(struct peel_index *index, const char *path, const char *program, bool all)
{
	struct path_walk walk = walk_path(path);
	const char *element;
	size_t len;
	int status = STATUS_NO;

	while (next_element(&walk, &element, &len)) {
		cleanup_free char *candidate = format_text("%.*s/%s", len ? (int)len : 1,
			len ? element : ".", program);
		const int one = is_command(index, candidate);

		if (one == STATUS_ERROR) {
			return one;
		}
		if (one == STATUS_OK) {
			print_path(candidate);
			status = one;
			if (!all) {
				break;
			}
		}
	}
	return status;
}

static int run_which(struct call *call)
{
	const struct which_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	int status = open_for_reading(call, &index);
	const char *path;

	if (status != STATUS_OK) {
		return status;
	}
	path = peel_image_value(index, "env_path");
	if (!*path) {
		path = DEFAULT_PATH;
	}
	for (int i = 1; i < call->argc; i++) {
		const char *program = call->argv[i];
		int one = STATUS_NO;

		if (!strchr(program, '/')) {
			one = search_path(index, path, program, values->all);
		} else if ((one = is_command(index, program)) == STATUS_OK) {
			print_path(program);
		}
		status = worse_status(status, one);
	}
	return reading_status(index, status);
}

const struct verb cmd_which = {
	.name = "which",
	.operands = "IMAGE NAME...",
	.summary = "find commands by the image's own PATH",
	.options = which_options,
	.values_size = sizeof(struct which_values),
	.image = true,
	.headers_only = true,
	.min_operands = 2,
	.max_operands = -1,
	.run = run_which,
};
