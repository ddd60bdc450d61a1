/* SPDX-License-Identifier: Apache-2.0 */
/* peel cat: bytes of files to standard output. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/* Large reads: a gzip layer is then decoded once, in order. */
#define CHUNK ((size_t)1 << 20)

struct cat_values {
	const char *layer;
};

static const struct opt cat_options[] = {
	{0, "layer", "N", OPT_STRING, offsetof(struct cat_values, layer),
		"the file as layer N has it, from 0"},
	{0},
};

/*
 * Write all bytes. @return false where the reader went away or the disk is full; said unless it is
 * a closed pipe.
 */
static bool write_all(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, len);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			if (errno != EPIPE) {
				complain("write error: %s", strerror(errno));
			}
			return false;
		}
		bytes += written;
		len -= (size_t)written;
	}
	return true;
}

static void complain_path(const char *path, const struct peel_error *err)
{
	char shown[PEEL_MESSAGE_SIZE];

	complain("%s: %s", peel_text_escape_into(shown, sizeof(shown), path, strlen(path)),
		error_text(err));
}

/* @return STATUS_OK, STATUS_NO where this file failed, STATUS_ERROR where output failed. */
static int cat_file(struct peel_index *index, int view, const char *path, char *buf)
{
	struct peel_error err = {0};
	struct peel_node node;
	uint64_t offset = 0;
	ssize_t got;

	if (resolve_path(index, view, path, true, &node, NULL, &err) < 0) {
		complain_path(path, &err);
		return STATUS_NO;
	}
	if (!S_ISREG(node.mode)) {
		peel_fail(&err, S_ISDIR(node.mode) ? PEEL_EISDIR : PEEL_EUSAGE,
			"Not a regular file");
		complain_path(path, &err);
		return STATUS_NO;
	}
	while ((got = peel_read(index, node.ino, offset, buf, CHUNK, &err)) > 0) {
		if (!write_all(buf, (size_t)got)) {
			return STATUS_ERROR;
		}
		offset += (uint64_t)got;
	}
	if (got < 0) {
		complain_path(path, &err);
		return err.code == PEEL_ETRUNCATED || err.code == PEEL_EINCOMPLETE
			? STATUS_INCONCLUSIVE
			: STATUS_NO;
	}
	return STATUS_OK;
}

static int run_cat(struct call *call)
{
	const struct cat_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	cleanup_free char *buf = malloc(CHUNK);
	int status = open_for_reading(call, &index);
	int view;

	if (status != STATUS_OK || !parse_view(index, values->layer, &view)) {
		return status != STATUS_OK ? status : STATUS_ERROR;
	}
	if (!buf) {
		complain("%s", strerror(ENOMEM));
		return STATUS_ERROR;
	}
	for (int i = 1; i < call->argc; i++) {
		int one = cat_file(index, view, call->argv[i], buf);

		if (one == STATUS_ERROR) {
			return one;
		}
		status = worse_status(status, one);
	}
	return reading_status(index, status);
}

const struct verb cmd_cat = {
	.name = "cat",
	.operands = "IMAGE PATH...",
	.summary = "write files of the image to standard output",
	.options = cat_options,
	.values_size = sizeof(struct cat_values),
	.image = true,
	.min_operands = 2,
	.max_operands = -1,
	.run = run_cat,
};
