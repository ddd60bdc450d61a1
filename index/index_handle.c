/* SPDX-License-Identifier: Apache-2.0 */
/** An open index: making the handle, closing it, what it says of itself. */
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "image_parts.h"
#include "index_facts.h"
#include "index_open.h"
#include "source.h"
#include "store.h"
#include "util.h"

int index_acquire(struct peel_index *index, struct store **ret_store, struct peel_error *err)
{
	return store_pool_take(&index->pool, ret_store, err);
}

void index_release(struct peel_index *index, struct store *store)
{
	store_pool_give(&index->pool, store);
}

int index_attach(int fd, struct peel_index **ret_index, struct peel_error *err)
{
	struct peel_index *index = calloc(1, sizeof(*index));
	int code;

	if (!index) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	index->fd = fd;
	index->facts.fd = -1;
	store_pool_init(&index->pool, fd);
	query_places_init(&index->places);
	limits_begin(&index->limits, NULL);
	code = index_load(index, err);
	if (code < 0) {
		index->fd = -1;
		peel_index_close(index);
		return code;
	}
	*ret_index = index;
	return 0;
}

void peel_index_close(struct peel_index *index)
{
	if (!index) {
		return;
	}
	content_close(index->content);
	peel_image_close(index->image);
	store_pool_finish(&index->pool);
	query_places_finish(&index->places);
	free(atomic_load(&index->unread));
	index_facts_unload(index);
	index_unload(index);
	if (index->fd >= 0) {
		close(index->fd);
	}
	free(index->path);
	free(index);
}

void index_cleanup(struct peel_index **index)
{
	peel_index_close(*index);
}

bool peel_index_complete(const struct peel_index *index)
{
	return index->complete;
}

const char *peel_index_incomplete_reasons(const struct peel_index *index)
{
	return index->complete ? "" : index->reasons;
}

bool peel_index_built(const struct peel_index *index)
{
	return index->built;
}

struct peel_image *peel_index_image(const struct peel_index *index)
{
	return index->image;
}

bool peel_index_missed(const struct peel_index *index)
{
	return index->content && content_missed(index->content);
}

const char *peel_index_path(const struct peel_index *index)
{
	return index->path ? index->path : "";
}

const char *peel_index_limit_hit(const struct peel_index *index)
{
	const unsigned int hit = atomic_load(&index->limits.stopped);

	return hit ? peel_limit_info((unsigned int)__builtin_ctz(hit))->name : NULL;
}

void index_note_failure(struct peel_index *index, int code)
{
	int none = 0;

	if (code == PEEL_ENOMEM || code == PEEL_EIO || code == PEEL_ECHANGED ||
		code == PEEL_EINTERNAL) {
		atomic_compare_exchange_strong(&index->failure, &none, code);
	}
}

void index_note_unread(struct peel_index *index, const char *why)
{
	char *none = NULL;
	char *line = strdup(why);

	if (!line) {
		index_note_failure(index, PEEL_ENOMEM);
	} else if (!atomic_compare_exchange_strong(&index->unread, &none, line)) {
		free(line);
	}
}

const char *peel_index_unread(const struct peel_index *index)
{
	return atomic_load(&index->unread);
}

const char *peel_index_answer_reason(struct peel_index *index)
{
	const char *hit = peel_index_limit_hit(index);
	const char *unread = peel_index_unread(index);

	if (hit) {
		snprintf(index->answer_reason, sizeof(index->answer_reason),
			"what is beyond the limit %s was not looked at (--limit %s=N raises it)",
			hit, hit);
		return index->answer_reason;
	}
	return unread ? unread : "";
}

int peel_index_failure(const struct peel_index *index)
{
	return atomic_load(&index->failure);
}

const char *peel_index_unkept_reason(const struct peel_index *index)
{
	return index->unkept;
}

/** Folder for spools of the serving side: as the image's own, where it can be had. */
static int spool_folder(const struct opening *opening)
{
	struct peel_error ignored;
	int fd = -1;

	return image_spool_folder(&opening->options->image, &fd, &ignored) == 0 ? fd : -1;
}

/** Is a layout still what it was when its blobs were compared with the index? They have been noted since. */
static int check_layout(const struct opening *opening, int layout, struct peel_error *err)
{
	cleanup_free char *identity = NULL;
	uint64_t age = 0;
	int code = opening->identity
		? image_identity_of(opening->reference, &opening->options->image, layout, &identity,
			  &age, err)
		: 0;

	return code == 0 && identity && strcmp(identity, opening->identity) != 0
		? peel_fail(err, PEEL_ECHANGED, "the image changed while it was opened")
		: code;
}

int index_attach_content(const struct opening *opening, struct peel_index *index,
	struct source *file, int layout, struct peel_error *err)
{
	const struct peel_image_options *image = &opening->options->image;
	cleanup_fd int spool = spool_folder(opening);
	int code;
	struct limit_watch limits;
	struct content_options options = {
		.file = file,
		.layout = layout,
		.spool_dir = spool,
		.spool_limit = image_spool_limit(image),
	};

	limits_begin(&limits, &image->limits);
	options.window_log = limits_window_log(&limits);
	code = content_open(&index->pool, index->layer_count, &options, &index->content, err);
	return code == 0 && layout >= 0 ? check_layout(opening, layout, err) : code;
}
