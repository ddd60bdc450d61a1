/* SPDX-License-Identifier: Apache-2.0 */
/* peel stat: what stat shows of files in the mount. */
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "stat_format.h"

struct stat_values {
	bool dereference;
	const char *format;
	const char *printf_format;
	const char *layer;
};

static const struct opt stat_options[] = {
	{'L', "dereference", NULL, OPT_FLAG, offsetof(struct stat_values, dereference),
		"follow links"},
	{'c', "format", "FORMAT", OPT_STRING, offsetof(struct stat_values, format),
		"GNU stat's directives, a line a file"},
	{0, "layer", "N", OPT_STRING, offsetof(struct stat_values, layer),
		"the file as layer N has it, from 0"},
	{0, "printf", "FORMAT", OPT_STRING, offsetof(struct stat_values, printf_format),
		"as -c, with backslash escapes and no newline"},
	{0},
};

static bool stat_file(struct peel_index *index, int view, const struct stat_values *values,
	const char *path, const struct users *users, struct peel_error *err)
{
	struct stat_file file = {.path = path, .users = users};
	cleanup_free char *link = NULL;

	if (resolve_path(index, view, path, values->dereference, &file.node, NULL, err) < 0) {
		return false;
	}
	if (S_ISLNK(file.node.mode)) {
		if (peel_readlink(index, file.node.ino, &link, &file.link_len, err) < 0) {
			return false;
		}
		file.link = link;
	}
	if (values->printf_format) {
		stat_print(stdout, values->printf_format, true, &file);
	} else if (values->format) {
		stat_print(stdout, values->format, false, &file);
		putchar('\n');
	} else {
		stat_print(stdout, stat_default_format(&file.node), false, &file);
	}
	return true;
}

static int run_stat(struct call *call)
{
	const struct stat_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	struct users users = {0};
	struct peel_error failure = {0};
	int status = open_for_reading(call, &index);
	int view;

	if (status != STATUS_OK || !parse_view(index, values->layer, &view)) {
		return status != STATUS_OK ? status : STATUS_ERROR;
	}
	if (users_read(&users, index, &failure) < 0) {
		users_finish(&users);
		return complain_error(&failure);
	}
	for (int i = 1; i < call->argc; i++) {
		struct peel_error err = {0};
		char shown[PEEL_MESSAGE_SIZE];

		if (!stat_file(index, view, values, call->argv[i], &users, &err)) {
			complain("cannot stat '%s': %s",
				peel_text_escape_into(shown, sizeof(shown), call->argv[i],
					strlen(call->argv[i])),
				error_text(&err));
			status = STATUS_NO;
		}
	}
	users_finish(&users);
	return reading_status(index, status);
}

const struct verb cmd_stat = {
	.name = "stat",
	.operands = "IMAGE PATH...",
	.summary = "show the attributes of files",
	.options = stat_options,
	.values_size = sizeof(struct stat_values),
	.image = true,
	.headers_only = true,
	.min_operands = 2,
	.max_operands = -1,
	.run = run_stat,
};
