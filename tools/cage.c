/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a verb gives its rights up.
 *
 *     options, policies ──► images ──► outputs ──► CAGE ──► contents, queries, text
 *                              │
 *                              └─ an index is built in a child with a cage of its own
 *
 * Everything that has a name on this machine is opened before, with the rights of the user. What is left to open
 * later is below descriptors that are open: a layout's blobs, unnamed spools, the target of cp. A document's FILE
 * is opened early and emptied late, so that not even its folder has to stay writable.
 *
 * Standard input cannot be read by a child, because its bytes are needed here afterwards, and they are in memory.
 * So there the cage comes first: after everything is open, and before the first byte is read.
 */
#include "cage.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peel/sandbox.h>

/** Most images of one verb that are open at once, with room to spare. */
#define FOLDERS_MAX 256

/** Descriptors of folders. */
struct folders {
	int fds[FOLDERS_MAX];
	size_t count;
};

/* What more there is than room for cannot be opened later. */
static void add(struct folders *folders, int fd)
{
	if (fd >= 0 && folders->count < FOLDERS_MAX) {
		folders->fds[folders->count++] = fd;
	}
}

static int enter(struct call *call, const struct folders *readable, const struct folders *spill,
	struct folders *writable, struct peel_error *err)
{
	struct peel_sandbox keep = {
		.readable = readable->fds,
		.readable_count = readable->count,
		.spill = spill->fds,
		.spill_count = spill->count,
		.writable = writable->fds,
		.owners = call->owners,
	};
	int r;

	add(writable, call->writable ? *call->writable : -1);
	keep.writable_count = writable->count;
	/* The C library reads the time zone at first use. */
	tzset();
	if (!call->caged) {
		/* What was named by one of these is open by now. */
		peel_sandbox_close_inherited();
	}
	call->caged = true;
	r = peel_sandbox_enter(&keep, err);
	return r < 0 ? peel_fail(err, r, "%s (--no-sandbox does without)", err->message) : 0;
}

int cage_enter(struct call *call, struct peel_index *const *indexes, int count)
{
	struct folders readable = {.count = 0};
	struct folders spill = {.count = 0};
	struct folders writable = {.count = 0};
	struct peel_error err = {0};
	int folder;
	int spool;

	if (open_outputs(call, &err) < 0) {
		return complain_error(&err);
	}
	for (int i = 0; i < count; i++) {
		if (indexes[i]) {
			peel_index_folders(indexes[i], &folder, &spool);
			add(&readable, folder);
			add(&spill, spool);
		}
	}
	if (!call->shared.no_sandbox && enter(call, &readable, &spill, &writable, &err) < 0) {
		complain_error(&err);
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

void cage_hint(const struct call *call, struct peel_error *err)
{
	if (err->code == PEEL_EACCES && geteuid() == 0 && !call->shared.no_sandbox) {
		peel_fail(err, err->code,
			"%s (in the sandbox, root may read what all may; see --no-sandbox)",
			err->message);
	}
}

/* An index that the user named is made beside it, and then gets its name. */
static int open_index_folder(const struct shared *shared)
{
	const char *slash = shared->index_file ? strrchr(shared->index_file, '/') : NULL;
	cleanup_free char *folder = slash
		? strndup(shared->index_file, (size_t)(slash - shared->index_file) + 1)
		: strdup(".");

	return shared->index_file && !shared->no_cache && folder
		? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		: -1;
}

int cage_opened(void *arg, int folder, struct peel_error *err)
{
	struct call *call = arg;
	struct peel_index_options options;
	struct folders readable = {.count = 0};
	struct folders spill = {.count = 0};
	struct folders writable = {.count = 0};
	int named = -1;
	int r = open_outputs(call, err);

	if (r < 0 || call->shared.no_sandbox) {
		return r;
	}
	index_options(call, &options);
	spill.count = peel_spill_folders(&options, spill.fds);
	memcpy(&readable, &spill, sizeof(spill));
	add(&readable, folder);
	named = call->from_input ? open_index_folder(&call->shared) : -1;
	add(&writable, named);
	r = enter(call, &readable, &spill, &writable, err);
	for (size_t i = 0; i < spill.count; i++) {
		close(spill.fds[i]);
	}
	if (named >= 0) {
		close(named);
	}
	return r;
}
