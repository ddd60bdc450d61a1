/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Lines: first a line that says what the image is and whether all of it could be read, as
 * every JSON document of peel begins; then an object a name, members named as the columns of the
 * view `tree` of peel sql. Bytes that are no UTF-8 stand a second time in a member whose name ends
 * with _b64.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "export.h"
#include "json_writer.h"

static bool begin_jsonl(struct export_run *run)
{
	struct json json = {.out = run->out, .compact = true};

	json_document(&json, "export", run->index);
	json_close(&json);
	return true;
}

static int take_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct json *json = arg;

	json_object(json, NULL);
	json_bytes(json, "name", name, strlen(name));
	json_bytes(json, "value", value, len);
	json_close(json);
	return 0;
}

static void put_xattrs(struct export_run *run, const struct walk_step *step, struct json *json)
{
	struct peel_error err = {0};

	if (!step->node->has_xattrs) {
		return;
	}
	json_array(json, "xattrs");
	if (peel_xattrs(run->index, step->node->ino, take_xattr, json, &err) < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
	}
	json_close(json);
}

static void put_target(struct export_run *run, const struct walk_step *step, struct json *json)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	size_t len;

	if (peel_readlink(run->index, step->node->ino, &target, &len, &err) < 0) {
		export_complain(run, step->path, step->path_len, step->node, &err);
		return;
	}
	json_bytes(json, "link", target, len);
}

static void put_numbers(struct json *json, const struct peel_node *node)
{
	const char type[] = {export_type(node), 0};

	json_unsigned(json, "ino", node->ino);
	json_string(json, "type", type);
	json_unsigned(json, "mode", node->mode & 07777);
	json_unsigned(json, "uid", node->uid);
	json_unsigned(json, "gid", node->gid);
	json_unsigned(json, "size", node->size);
	json_unsigned(json, "allocated", node->allocated);
	json_integer(json, "mtime_sec", node->mtime_sec);
	json_unsigned(json, "mtime_nsec", node->mtime_nsec);
}

static enum walk_next step_jsonl(struct export_run *run, const struct walk_step *step,
	const char *path, size_t len)
{
	const struct peel_node *node = step->node;
	struct json json = {.out = run->out, .compact = true};
	char digest[PEEL_SHA256_SIZE];

	if (step->event != WALK_ENTRY) {
		return WALK_ON;
	}
	json_object(&json, NULL);
	json_bytes(&json, "path", len ? step->path : "/", len ? step->path_len : 1);
	put_numbers(&json, node);
	if (S_ISLNK(node->mode)) {
		put_target(run, step, &json);
	}
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode)) {
		json_unsigned(&json, "rdev_major", node->rdev_major);
		json_unsigned(&json, "rdev_minor", node->rdev_minor);
	}
	json_unsigned(&json, "nlink", node->nlink);
	json_integer(&json, "layer", node->layer);
	put_xattrs(run, step, &json);
	export_digest(run, step, digest);
	if (digest[0]) {
		json_string(&json, "sha256", digest);
	}
	json_close(&json);
	(void)path;
	return WALK_ON;
}

const struct export_format export_jsonl = {
	.name = "jsonl",
	.digest = true,
	.begin = begin_jsonl,
	.step = step_jsonl,
};
