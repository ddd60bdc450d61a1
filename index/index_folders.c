/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is still reached by a name: of an open index, the blobs of a layout and a place for spools; of standard input,
 * which is read by the process that asks, all places that files without a name may go to. Who gives rights up
 * keeps these.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "content.h"
#include "image_parts.h"
#include "index_cache.h"
#include "index_open.h"
#include "store_place.h"
#include "util.h"

void peel_index_folders(struct peel_index *index, int *ret_readable, int *ret_spill)
{
	*ret_readable = -1;
	*ret_spill = -1;
	if (index->content) {
		content_folders(index->content, ret_readable, ret_spill);
		/* Who gives rights up may be root, who reads no other user's file then. */
		*ret_readable = content_open_blobs(index->content) ? -1 : *ret_readable;
	}
}

/* Add a folder; one that is not there is none. */
static void add(int *fds, size_t *count, int fd)
{
	if (fd >= 0) {
		fds[(*count)++] = fd;
	}
}

size_t peel_spill_folders(const struct peel_index_options *options, int *ret_fds)
{
	struct peel_error ignored;
	cleanup_free char *path = NULL;
	size_t count = 0;
	int spool = -1;

	add(ret_fds, &count, cache_open(options->cache_dir, &path, &ignored));
	if (image_spool_folder(&options->image, &spool, &ignored) == 0) {
		add(ret_fds, &count, spool);
	}
	for (int place = 0; place < STORE_PLACES; place++) {
		add(ret_fds, &count, store_place_folder(place));
	}
	return count;
}
