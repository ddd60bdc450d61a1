/* SPDX-License-Identifier: Apache-2.0 */
#include "source_kept_store.h"

#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "tempfile.h"
#include "util.h"

/** What the file is, in messages. */
#define SPOOL_WHAT "the spool file"

void kept_store_finish(struct kept_store *store)
{
	if (store->fd >= 0) {
		close(store->fd);
	}
	free(store->memory);
}

/* Memory is used up: what is there goes into the file, and all that follows. */
static int move_to_file(struct kept_store *store, struct peel_error *err)
{
	cleanup_fd int fd = store->options.make_file(store->options.arg, err);
	int r = fd < 0 ? fd
		       : tempfile_write(fd, SPOOL_WHAT, store->memory, (size_t)store->used, 0, err);

	if (r < 0) {
		return r;
	}
	store->fd = steal_fd(&fd);
	free(store->memory);
	store->memory = NULL;
	store->room = 0;
	return 0;
}

static int grow_memory(struct kept_store *store, size_t wanted, struct peel_error *err)
{
	size_t room = (size_t)min_u64(max_u64(wanted, 2 * store->room), store->options.memory);
	uint8_t *grown;

	if (wanted <= store->room) {
		return 0;
	}
	grown = realloc(store->memory, room);
	if (!grown) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	store->memory = grown;
	store->room = room;
	return 0;
}

int kept_store_add(struct kept_store *store, const void *bytes, size_t len, struct peel_error *err)
{
	uint64_t end;
	int r = 0;

	if (!checked_add(store->used, len, &end) || end > store->options.limit) {
		return peel_fail(err, PEEL_ELIMIT,
			"what must be kept is more than the spool limit of %" PRIu64
			" bytes (--limit spool=N raises it)",
			store->options.limit);
	}
	if (store->fd < 0 && end > store->options.memory) {
		r = move_to_file(store, err);
	}
	if (r == 0 && store->fd >= 0) {
		r = tempfile_write(store->fd, SPOOL_WHAT, bytes, len, store->used, err);
	} else if (r == 0) {
		r = grow_memory(store, (size_t)end, err);
		if (r == 0) {
			memcpy(store->memory + store->used, bytes, len);
		}
	}
	store->used = r < 0 ? store->used : end;
	return r;
}

int kept_store_read(const struct kept_store *store, uint64_t place, void *buf, size_t len,
	struct peel_error *err)
{
	if (store->fd < 0) {
		memcpy(buf, store->memory + place, len);
		return 0;
	}
	return tempfile_read(store->fd, SPOOL_WHAT, buf, len, place, err);
}
