/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, what it holds and needs are functions of its bytes, and so of its layer's. The facts of another image
 * have them for a layer whose stored bytes had the same digest there, computed from bytes in both places, never
 * claimed. Who owns a file, its category and why it is hidden depend on the whole image and are not looked at.
 *
 *	other image's index and facts        this image
 *	  entry 812  file, marker, elf  ->   record of entry 40  ->  spool  ->  who writes facts
 *	  entry 813  file, script       ->   record of entry 41      (index_facts_write.c)
 *
 * Rows become the records that reading the layer would have made. So who writes does not know where they are from:
 * limits, causes, owners and categories are the same code, and the same rows come out.
 *
 * Such facts are believed as those of the image itself would be: both files whole (their seals), the user's own, by the
 * same rules, of that index (its stamp). Then file by file: both indexes must have the same sizes, places and hashes in
 * the same order, and facts one row a file, of a kind and with markers that there are. What does not fit makes
 * the gathering start again without them (index_facts_make.c). A layer with a file that could not be read there is
 * read here: the reason may be gone. Sparse files are left to who writes, as those of a layer that is read.
 *
 * Rejected: copying rows between databases (who writes goes through the tables in order of entries, and would have to
 * know both ways); attaching the other image's facts whenever questions are asked (then the cache may not remove
 * them, and every statement has two places to look in). Plain layers are not hashed, so nothing is known of them.
 */
#include "index_reuse_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peel/error.h>

#include "broker.h"
#include "facts_rules.h"
#include "index_cache.h"
#include "index_facts.h"
#include "index_open.h"
#include "index_reuse.h"
#include "index_reuse_facts_layer.h"
#include "store_seal.h"
#include "util.h"

/** Another image, by descriptors that stay open. */
struct other {
	int index, facts;
};

/** A layer of this image: where it was found. */
struct found {
	/** One of reuse_facts.others, -1: nowhere; and the number that the layer has there. */
	int other, layer;
};

struct reuse_facts {
	struct peel_index *index;
	const struct facts_rules *rules;
	struct other others[REUSE_INDEXES_MAX];
	int other_count;
	struct found *found;
	int wanted;
};

static bool is_wanted(const struct reuse_facts *reuse, int layer)
{
	const struct peel_layer_stat *stat = &reuse->index->layers[layer].stat;

	return stat->layer.state == PEEL_LAYER_OK && stat->layer.codec != PEEL_CODEC_NONE &&
		stat->layer.stored_size >= REUSE_SIZE_MIN && *stat->blob_hashed &&
		reuse->found[layer].other < 0;
}

/** The layer that has the same stored bytes. @return -1: there is none. */
static int find_layer(const struct peel_index *index, const struct peel_layer_stat *like)
{
	for (int i = 0; i < index->layer_count; i++) {
		const struct peel_layer_stat *stat = &index->layers[i].stat;

		if (stat->layer.state == PEEL_LAYER_OK && stat->layer.codec == like->layer.codec &&
			stat->layer.stored_size == like->layer.stored_size &&
			strcmp(stat->blob_hashed, like->blob_hashed) == 0) {
			return i;
		}
	}
	return -1;
}

/** Does another index have a layer that is wanted? */
static bool has_wanted(const struct reuse_facts *reuse, const struct peel_index *other)
{
	for (int i = 0; i < reuse->index->layer_count; i++) {
		if (is_wanted(reuse, i) && find_layer(other, &reuse->index->layers[i].stat) >= 0) {
			return true;
		}
	}
	return false;
}

/** Keep where the layers are that are still wanted. */
static void note_layers(struct reuse_facts *reuse, const struct peel_index *other)
{
	for (int i = 0; i < reuse->index->layer_count; i++) {
		const int layer = is_wanted(reuse, i)
			? find_layer(other, &reuse->index->layers[i].stat)
			: -1;

		if (layer >= 0) {
			reuse->found[i] = (struct found){
				.other = reuse->other_count, .layer = layer};
			reuse->wanted--;
		}
	}
}

/** A handle on an index of the cache. @param fd stays the caller's. */
static int open_index(int fd, struct peel_index **ret_index, struct peel_error *err)
{
	cleanup_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int code = copy >= 0 ? index_attach(copy, ret_index, err)
			     : peel_fail(err, PEEL_EIO, "%s", strerror(errno));

	copy = code == 0 ? -1 : copy;
	return code;
}

/** Attach facts to it. @param fd stays the caller's. */
static int open_facts(const struct reuse_facts *reuse, struct peel_index *index, int fd,
	struct peel_error *err)
{
	cleanup_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int code = copy >= 0 ? facts_attach(reuse->rules, index, copy, err)
			     : peel_fail(err, PEEL_EIO, "%s", strerror(errno));

	copy = code == 0 ? -1 : copy;
	return code;
}

static int ask_facts(int folder, const struct cache_entry *entries, int count, int number,
	const char *digest)
{
	return broker_is(folder) ? broker_known_facts(folder, number)
				 : reuse_facts_open(folder, entries, count, number, digest);
}

/** Facts of the index that is at hand, if all of both is as it was written. @return a descriptor, or -1. */
static int find_facts(const struct reuse_facts *reuse, struct peel_index *other, int given)
{
	struct peel_error ignored;
	cleanup_fd int fd = given;
	const bool good = fd >= 0 && store_check_seal(other->fd, &ignored) == 0 &&
		store_check_seal(fd, &ignored) == 0 && open_facts(reuse, other, fd, &ignored) == 0;

	return good ? steal_fd(&fd) : -1;
}

/** Look into the indexes of the cache, the last used one first. */
static void look_through(struct reuse_facts *reuse, int folder, const char *digest)
{
	const bool asking = broker_is(folder);
	cleanup_free struct cache_entry *entries = NULL;
	int count = folder >= 0 && !asking && reuse->wanted > 0 ? cache_list(folder, &entries, NULL)
								: 0;

	for (int i = 0; folder >= 0 && reuse->wanted > 0; i++) {
		cleanup(index_cleanup) struct peel_index *other = NULL;
		cleanup_fd int fd = asking ? broker_known(folder, i)
					   : reuse_open(folder, entries, count, i);
		struct peel_error ignored;
		int facts;

		if (fd < 0) {
			if (errno != EAGAIN) {
				break;
			}
			continue;
		}
		if (open_index(fd, &other, &ignored) < 0 || !has_wanted(reuse, other)) {
			continue;
		}
		facts = find_facts(reuse, other, ask_facts(folder, entries, count, i, digest));
		if (facts >= 0) {
			note_layers(reuse, other);
			reuse->others[reuse->other_count++] = (struct other){
				.index = steal_fd(&fd), .facts = facts};
		}
	}
}

int reuse_facts_open(int folder, const struct cache_entry *entries, int count, int number,
	const char *digest)
{
	/* Only of what would be opened itself. */
	cleanup_fd int index = reuse_open(folder, entries, count, number);
	char name[CACHE_NAME_SIZE];
	int fd = -1;

	if (index >= 0) {
		cache_facts_name(entries[count - 1 - number].name, digest, name);
		if (cache_find(folder, name, &fd, NULL) < 0) {
			errno = EAGAIN;
			return -1;
		}
	}
	return fd;
}

int reuse_facts_new(int folder, struct peel_index *index, const struct facts_rules *rules,
	struct reuse_facts **ret_reuse, struct peel_error *err)
{
	struct reuse_facts *reuse = calloc(1, sizeof(*reuse));
	char digest[FACTS_DIGEST_SIZE];
	int code = reuse ? facts_digest(rules, digest, err)
			 : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code == 0) {
		*reuse = (struct reuse_facts){.index = index, .rules = rules};
		reuse->found = calloc((size_t)index->layer_count + 1, sizeof(*reuse->found));
		code = reuse->found ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code != 0) {
		reuse_facts_free(reuse);
		return code;
	}
	for (int i = 0; i < index->layer_count; i++) {
		reuse->found[i].other = -1;
		reuse->wanted += is_wanted(reuse, i);
	}
	look_through(reuse, folder, digest);
	*ret_reuse = reuse;
	return 0;
}

void reuse_facts_free(struct reuse_facts *reuse)
{
	if (!reuse) {
		return;
	}
	for (int i = 0; i < reuse->other_count; i++) {
		close(reuse->others[i].index);
		close(reuse->others[i].facts);
	}
	free(reuse->found);
	free(reuse);
}

bool reuse_facts_has(const struct reuse_facts *reuse, int layer)
{
	return reuse && reuse->found[layer].other >= 0;
}

int reuse_facts_tell(const struct reuse_facts *reuse, int layer, struct facts_spool *spool,
	struct limit_watch *limits, struct peel_error *err)
{
	const struct found *found = &reuse->found[layer];
	const struct other *other = &reuse->others[found->other];
	cleanup(index_cleanup) struct peel_index *index = NULL;
	struct reuse_facts_layer what = {
		.index = reuse->index,
		.layer = layer,
		.other_layer = found->layer,
		.wanted = reuse->rules->wanted,
		.spool = spool,
		.limits = limits,
	};
	int code = open_index(other->index, &index, err);

	if (code == 0) {
		code = open_facts(reuse, index, other->facts, err);
	}
	what.other = index;
	return code < 0 ? code : reuse_facts_layer_tell(&what, err);
}
