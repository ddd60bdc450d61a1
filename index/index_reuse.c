/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer of another index is found by the digest that this image claims, and used when the stored
 * bytes have been hashed here and have that digest (layer_crew_read.c); the other index computed its
 * digest from bytes, too (blob_hashed). So a claim can waste time, and never bring in what is not in
 * the image.
 *
 * What is told is what the scanner would tell: entries as the tar has them, as far as an index keeps
 * that, their anomalies, and access points. All that depends on other layers (what hides what, hard
 * links, counts) is made anew.
 *
 * The other index is the user's own, from a folder that nobody else may write, but a file may be
 * damaged: it is opened as hostile input, its schema is compared, numbers are checked. What cannot be
 * read makes the build start again without it (index_build.c).
 *
 * Plain layers are not looked up: scanning their headers costs less than hashing all of them.
 */
#include "index_reuse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "broker.h"
#include "image_priv.h"
#include "index_cache.h"
#include "index_reuse_layer.h"
#include "limit.h"
#include "store.h"
#include "util.h"

/** A layer of the image that was found. */
struct found {
	/** Descriptor of the index, one of reuse.fds; -1: not found. */
	int fd;
	/** Its row of table layer there. */
	int64_t row;
};

struct reuse {
	const struct peel_image *image;
	struct limit_watch *limits;
	struct crew_known known;
	struct found *found;
	int wanted;
	int fds[REUSE_INDEXES_MAX];
	int fd_count;
};

static bool is_wanted(const struct reuse *reuse, int layer)
{
	const struct peel_layer *what = peel_image_layer(reuse->image, layer);

	return what->state == PEEL_LAYER_OK && what->codec != PEEL_CODEC_NONE &&
		what->stored_size >= REUSE_SIZE_MIN && digest_valid(what->digest) &&
		reuse->found[layer].fd < 0;
}

/** Look for the layers that are still wanted. @return how many were found. */
static int look_into(struct reuse *reuse, int fd, struct store *store)
{
	int found = 0;

	for (int i = 0; i < peel_image_layer_count(reuse->image); i++) {
		const struct peel_layer *layer = peel_image_layer(reuse->image, i);

		if (is_wanted(reuse, i) &&
			reuse_layer_find(store, layer, &reuse->found[i].row) > 0) {
			reuse->found[i].fd = fd;
			reuse->wanted--;
			found++;
		}
	}
	return found;
}

/** What its image came to, "" where that is not known. */
static void reached_text(struct store *store, char *text)
{
	static const char sql[] = "SELECT CAST(value AS TEXT) FROM image WHERE key = 'limits'";
	struct peel_error ignored;
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	*text = '\0';
	if (store_get(store, sql, &stmt, &ignored) == 0 && store_step(store, stmt, &ignored) > 0) {
		snprintf(text, LIMIT_REACHED_TEXT, "%s", store_text(stmt, 0));
	}
}

static bool is_within_limits(const struct reuse *reuse, struct store *store)
{
	char text[LIMIT_REACHED_TEXT];

	reached_text(store, text);
	return limits_allow(reuse->limits, text, false);
}

/** @param fd taken over. */
static void look_at(struct reuse *reuse, int given)
{
	struct peel_error ignored;
	struct store *store = NULL;
	cleanup_fd int fd = given;

	if (store_open(fd, &store, &ignored) == 0 && store_check_schema(store, &ignored) == 0 &&
		is_within_limits(reuse, store) && look_into(reuse, fd, store) > 0) {
		reuse->fds[reuse->fd_count++] = steal_fd(&fd);
	}
	store_close(store);
}

static bool has_layer(void *arg, int layer)
{
	const struct reuse *reuse = arg;

	return reuse->found[layer].fd >= 0;
}

static int tell_layer(void *arg, int layer, struct item_writer *entries, struct item_writer *points,
	struct layer_outcome *ret_outcome, struct peel_error *err)
{
	const struct reuse *reuse = arg;
	const struct found *found = &reuse->found[layer];
	struct store *store = NULL;
	int code = store_open(found->fd, &store, err);

	if (code == 0) {
		code = reuse_layer_tell(store, found->row, entries, points, ret_outcome, err);
	}
	if (code == 0) {
		char text[LIMIT_REACHED_TEXT];

		reached_text(store, text);
		limits_take_over(reuse->limits, text);
	}
	store_close(store);
	return code;
}

int reuse_open(int folder, const struct cache_entry *entries, int count, int number)
{
	const int limit = count < REUSE_INDEXES_MAX ? count : REUSE_INDEXES_MAX;
	const struct cache_entry *entry;
	int fd = -1;

	if (number < 0 || number >= limit) {
		errno = ENOENT;
		return -1;
	}
	entry = &entries[count - 1 - number];
	if (entry->temporary || entry->facts || cache_find(folder, entry->name, &fd, NULL) < 0) {
		errno = EAGAIN;
		return -1;
	}
	return fd;
}

/** Look into the indexes of the cache, the last used one first. */
static void look_through(struct reuse *reuse, int folder)
{
	const bool asking = broker_is(folder);
	cleanup_free struct cache_entry *entries = NULL;
	int count = folder >= 0 && !asking && reuse->wanted > 0 ? cache_list(folder, &entries, NULL)
								: 0;

	for (int i = 0; folder >= 0 && reuse->wanted > 0; i++) {
		int fd = asking ? broker_known(folder, i) : reuse_open(folder, entries, count, i);

		if (fd >= 0) {
			look_at(reuse, fd);
		} else if (errno != EAGAIN) {
			break;
		}
	}
}

int reuse_new(int folder, struct peel_image *image, struct reuse **ret_reuse,
	struct peel_error *err)
{
	struct reuse *reuse = calloc(1, sizeof(*reuse));
	int layers = peel_image_layer_count(image);

	if (!reuse || !(reuse->found = calloc((size_t)layers + 1, sizeof(*reuse->found)))) {
		free(reuse);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	reuse->image = image;
	reuse->limits = image_limits(image);
	reuse->known = (struct crew_known){.has = has_layer, .tell = tell_layer, .arg = reuse};
	for (int i = 0; i < layers; i++) {
		reuse->found[i].fd = -1;
		reuse->wanted += is_wanted(reuse, i);
	}
	look_through(reuse, folder);
	*ret_reuse = reuse;
	return 0;
}

void reuse_free(struct reuse *reuse)
{
	if (!reuse) {
		return;
	}
	for (int i = 0; i < reuse->fd_count; i++) {
		close(reuse->fds[i]);
	}
	free(reuse->found);
	free(reuse);
}

const struct crew_known *reuse_known(const struct reuse *reuse)
{
	return reuse && reuse->fd_count > 0 ? &reuse->known : NULL;
}
