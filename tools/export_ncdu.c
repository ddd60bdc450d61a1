/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ncdu's export, version 1.2: nested arrays, a folder's first element its own description. Names
 * are raw bytes, as ncdu writes and wants them, but for those that JSON escapes, and "##", which a
 * runner of CI might obey. No time of the export: the same image gives the same bytes.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "export.h"

static bool begin_ncdu(struct export_run *run)
{
	fputs("[1,2,{\"progname\":\"peel\",\"progver\":\"" PEEL_VERSION "\"}", run->out);
	return true;
}

static void put_name(FILE *out, const char *bytes, size_t len)
{
	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\') {
			putc('\\', out);
			putc(c, out);
		} else if (c < 0x20 || c == 0x7f || (c == '#' && i > 0 && bytes[i - 1] == '#')) {
			fprintf(out, "\\u%04x", c);
		} else {
			putc(c, out);
		}
	}
	putc('"', out);
}

/*
 * ncdu reads ids up to 2^31 - 1, and refuses the whole file for one above: that one it is not told.
 */
static void put_id(FILE *out, const char *key, uint32_t id)
{
	if (id <= INT32_MAX) {
		fprintf(out, ",\"%s\":%" PRIu32, key, id);
	}
}

static enum walk_next step_ncdu(struct export_run *run, const struct walk_step *step,
	const char *path, size_t len)
{
	const struct peel_node *node = step->node;
	FILE *out = run->out;

	if (step->event == WALK_LEAVE) {
		putc(']', out);
		return WALK_ON;
	}
	fputs(S_ISDIR(node->mode) ? ",\n[{\"name\":" : ",\n{\"name\":", out);
	if (len > 0) {
		put_name(out, step->path + step->name, step->path_len - step->name);
	} else {
		/* ncdu shows it as the folder that was scanned. */
		put_name(out, run->call->argv[0], strlen(run->call->argv[0]));
	}
	fprintf(out, ",\"asize\":%" PRIu64 ",\"dsize\":%" PRIu64, node->size, node->allocated);
	if (len == 0) {
		fputs(",\"dev\":1", out);
	}
	put_id(out, "uid", node->uid);
	put_id(out, "gid", node->gid);
	fprintf(out, ",\"mode\":%" PRIu32 ",\"mtime\":%" PRId64, node->mode,
		node->mtime_sec > 0 ? node->mtime_sec : 0);
	if (!S_ISDIR(node->mode) && node->nlink > 1) {
		fprintf(out, ",\"ino\":%" PRIu64 ",\"hlnkc\":true,\"nlink\":%" PRIu32, node->ino,
			node->nlink);
	}
	if (!S_ISDIR(node->mode) && !S_ISREG(node->mode)) {
		fputs(",\"notreg\":true", out);
	}
	putc('}', out);
	(void)path;
	return WALK_ON;
}

static void end_ncdu(struct export_run *run)
{
	/* An export that ends early is no JSON: ncdu says so. */
	if (run->ended) {
		fputs("]\n", run->out);
	}
}

const struct export_format export_ncdu = {
	.name = "ncdu",
	.begin = begin_ncdu,
	.step = step_ncdu,
	.end = end_ncdu,
};
