/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compressed layer is read well from front to back only, and the order of paths is not that of either image.
 * So pairs are
 * put down on a first walk, then each image is read in the order of its own entries, by a thread of its own,
 * to SHA-256
 * digests, and the second walk asks for the answers. What does not fit into the list is compared byte by byte
 * when it is
 * asked for, as are pairs that could not be read, so that the failure comes with its path.
 *
 * A list in blocks, each digested before the next one, would have no end; but the first million of pairs
 * covers all that
 * images have, and costs 88 MB where it is full.
 */
#include "diff_same.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/query.h>

#include "util.h"

/* Most pairs that are digested ahead. */
#define PAIRS_MAX (1u << 20)
/* Largest file that is compared, 1 TiB: as peel_sha256, for holes. */
#define COMPARED_MAX (UINT64_C(1) << 40)
/* Bytes of each file that are compared at once. */
#define CHUNK ((size_t)256 << 10)
#define SECOND_NS 1000000000
#define PROGRESS_NS (SECOND_NS / 10)

struct pair {
	uint64_t inos[2];
	uint64_t size;
};

/* One image's digests. */
struct column {
	struct same *same;
	int side;
	struct peel_index *index;
	/* Positions of pairs, by node number of this side; PEEL_SHA256_SIZE bytes a pair, "" could not be read. */
	uint32_t *order;
	char (*digests)[PEEL_SHA256_SIZE];
	uint64_t read;
};

struct same {
	struct column columns[2];
	struct pair *pairs;
	size_t count, room;
	/* Pair that is asked for next. */
	size_t at;
	uint64_t compared;
	/* Bytes of one image that are done, of those to do: for the progress. */
	uint64_t done, total;
	/* Threads at work; set to stop them. */
	int running;
	bool canceled;
	/* Guards these five. */
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

int same_new(struct peel_index *a, struct peel_index *b, struct same **ret_same,
	struct peel_error *err)
{
	struct same *same = calloc(1, sizeof(*same));

	if (!same) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	pthread_mutex_init(&same->lock, NULL);
	pthread_cond_init(&same->ended, NULL);
	same->columns[0] = (struct column){.same = same, .side = 0, .index = a};
	same->columns[1] = (struct column){.same = same, .side = 1, .index = b};
	*ret_same = same;
	return 0;
}

void same_free(struct same *same)
{
	if (!same) {
		return;
	}
	for (int i = 0; i < 2; i++) {
		free(same->columns[i].order);
		free(same->columns[i].digests);
	}
	pthread_cond_destroy(&same->ended);
	pthread_mutex_destroy(&same->lock);
	free(same->pairs);
	free(same);
}

int same_add(struct same *same, uint64_t a, uint64_t b, uint64_t size, struct peel_error *err)
{
	if (same->count == PAIRS_MAX) {
		return 0;
	}
	if (!grow_array(&same->pairs, same->count, &same->room, sizeof(*same->pairs))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	same->pairs[same->count++] = (struct pair){.inos = {a, b}, .size = size};
	same->total += 2 * size;
	return 0;
}

static int by_number(const void *left, const void *right, void *arg)
{
	const struct column *column = arg;
	uint32_t l = *(const uint32_t *)left;
	uint32_t r = *(const uint32_t *)right;
	uint64_t a = column->same->pairs[l].inos[column->side];
	uint64_t b = column->same->pairs[r].inos[column->side];

	return a != b ? (a > b) - (a < b) : (l > r) - (l < r);
}

static int prepare(struct column *column, struct peel_error *err)
{
	size_t count = column->same->count;

	column->order = calloc(count + 1, sizeof(*column->order));
	column->digests = calloc(count + 1, sizeof(*column->digests));
	if (!column->order || !column->digests) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < count; i++) {
		column->order[i] = (uint32_t)i;
	}
	qsort_r(column->order, count, sizeof(*column->order), by_number, column);
	return 0;
}

/* Add to what is done. @return false: stop. */
static bool advance(struct column *column, uint64_t bytes)
{
	struct same *same = column->same;
	bool go;

	pthread_mutex_lock(&same->lock);
	same->done += bytes;
	go = !same->canceled;
	pthread_mutex_unlock(&same->lock);
	return go;
}

static void digest_column(struct column *column)
{
	const struct same *same = column->same;
	uint32_t before = 0;

	for (size_t i = 0; i < same->count; i++) {
		uint32_t at = column->order[i];
		const struct pair *pair = &same->pairs[at];

		if (i > 0 && same->pairs[before].inos[column->side] == pair->inos[column->side]) {
			memcpy(column->digests[at], column->digests[before], PEEL_SHA256_SIZE);
		} else if (peel_sha256(column->index, pair->inos[column->side], column->digests[at],
				   NULL) < 0) {
			column->digests[at][0] = '\0';
		} else {
			column->read += pair->size;
		}
		before = at;
		if (!advance(column, pair->size)) {
			return;
		}
	}
}

/* Wait for the threads, and tell the progress meanwhile. */
static int watch(struct same *same, peel_progress_fn *progress, void *arg, struct peel_error *err)
{
	int code = 0;

	pthread_mutex_lock(&same->lock);
	while (same->running > 0) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_NS;
		until.tv_sec += until.tv_nsec / SECOND_NS;
		until.tv_nsec %= SECOND_NS;
		pthread_cond_timedwait(&same->ended, &same->lock, &until);
		if (progress && !same->canceled &&
			progress(arg, "comparing", same->done, same->total) != 0) {
			same->canceled = true;
			code = PEEL_ECANCELED;
		}
	}
	pthread_mutex_unlock(&same->lock);
	return code < 0 ? peel_fail(err, code, "canceled") : 0;
}

static void *run_column(void *arg)
{
	struct column *column = arg;
	struct same *same = column->same;

	digest_column(column);
	pthread_mutex_lock(&same->lock);
	same->running--;
	pthread_cond_signal(&same->ended);
	pthread_mutex_unlock(&same->lock);
	return NULL;
}

/* Digest both images side by side; in this thread what no other can be had for. */
static int digest_both(struct same *same, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err)
{
	pthread_t threads[2];
	int started = 0;
	int code;

	while (started < 2) {
		pthread_mutex_lock(&same->lock);
		same->running++;
		pthread_mutex_unlock(&same->lock);
		if (pthread_create(&threads[started], NULL, run_column, &same->columns[started]) !=
			0) {
			break;
		}
		started++;
	}
	for (int i = started; i < 2; i++) {
		digest_column(&same->columns[i]);
	}
	if (started < 2) {
		pthread_mutex_lock(&same->lock);
		same->running--;
		pthread_mutex_unlock(&same->lock);
	}
	code = watch(same, progress, progress_arg, err);
	for (int i = 0; i < started; i++) {
		pthread_join(threads[i], NULL);
	}
	return code;
}

int same_compare(struct same *same, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err)
{
	int code = 0;

	for (int i = 0; code == 0 && i < 2; i++) {
		code = prepare(&same->columns[i], err);
	}
	return code < 0 || same->count == 0 ? code : digest_both(same, progress, progress_arg, err);
}

static int compare_bytes(struct same *same, uint64_t a, uint64_t b, uint64_t size,
	struct peel_error *err)
{
	cleanup_free char *left = NULL;
	uint64_t offset = 0;

	if (size > COMPARED_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "a file of over 1 TiB is not compared");
	}
	left = malloc(2 * CHUNK);
	if (!left) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	while (offset < size) {
		ssize_t got = peel_read(same->columns[0].index, a, offset, left, CHUNK, err);
		ssize_t other = got < 0
			? got
			: peel_read(same->columns[1].index, b, offset, left + CHUNK, CHUNK, err);

		if (other < 0) {
			return (int)other;
		}
		if (got != other || got == 0 || memcmp(left, left + CHUNK, (size_t)got) != 0) {
			return 0;
		}
		offset += (uint64_t)got;
		same->compared += 2 * (uint64_t)got;
	}
	return 1;
}

int same_ask(struct same *same, uint64_t a, uint64_t b, uint64_t size, struct peel_error *err)
{
	if (same->at < same->count) {
		const struct pair *pair = &same->pairs[same->at];
		const char *left = same->columns[0].digests[same->at];
		const char *right = same->columns[1].digests[same->at];

		same->at++;
		if (pair->inos[0] != a || pair->inos[1] != b) {
			return peel_fail(err, PEEL_EINTERNAL,
				"pairs are asked for in another order");
		}
		if (*left && *right) {
			return strcmp(left, right) == 0;
		}
	}
	return compare_bytes(same, a, b, size, err);
}

uint64_t same_read_bytes(const struct same *same)
{
	return same->columns[0].read + same->columns[1].read + same->compared;
}
