/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that read a whole tree (tar, grep -r, cp -r) read small files mostly, one after the other
 * in the order of the listings. For each the kernel asks, waits, and goes on: most of the time goes
 * to waking each other, and while they copy nobody decodes.
 *
 * So the files that were listed are remembered in their order. A read of a file is "in order" where
 * it is the first of its listing, or the one before it has been read. After a few of these, a thread
 * reads the files that follow and puts them into the kernel's page cache (NOTIFY_STORE), where the
 * program finds them without a request:
 *
 *	listing    a b c d e f g h | i j k …
 *	requests   a b c . . . . h . .          . is read ahead
 *
 * What is read ahead is not seen when it is used. So a window ends: the read of the file behind it
 * shows that the program is still at it, and asks for the next window, twice as large up to a limit.
 * A read that is not in order ends it at once. At worst a window of small files was read in vain.
 *
 * The thread holds no lock while it reads or stores, and nobody waits for it: a store may wait for a
 * page that is locked until a read of the same file is answered.
 *
 * Rejected: answering with more than was asked (the protocol has no such reply), larger read-ahead
 * (it ends with the file), splicing from the image file (a page might change after it was checked).
 */
#include "ahead.h"

#include <stdlib.h>

#include "ops.h"
#include "view.h"

/** Reads in order before anything is read ahead. */
#define ENOUGH_IN_ORDER 3
/** Windows that nothing confirms: from the first number on a file is left out to see, at the second it ends. */
#define UNSEEN_PROBE 4
#define UNSEEN_MAX 8
/** First window, in files. */
#define WINDOW_MIN 4

/** No place. */
#define NOWHERE UINT64_MAX

static uint64_t min_place(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct ahead_file *file_at(struct ahead *ahead, uint64_t place)
{
	return &ahead->files[place % AHEAD_FILES];
}

/* True where a place was given out and not again since. */
static bool is_known(const struct ahead *ahead, uint64_t place)
{
	return place < ahead->listed && ahead->listed - place <= AHEAD_FILES;
}

/* The next file to read ahead, marked as done. @return false where all is over. */
static bool take(struct ahead *ahead, uint64_t *ret_ino, uint64_t *ret_size)
{
	bool found = false;

	pthread_mutex_lock(&ahead->lock);
	while (!found && !ahead->over) {
		if (ahead->from >= ahead->to) {
			pthread_cond_wait(&ahead->wanted, &ahead->lock);
			continue;
		}
		if (is_known(ahead, ahead->from) && ahead->from != ahead->marker) {
			struct ahead_file *file = file_at(ahead, ahead->from);

			found = !file->done && file->size <= AHEAD_SIZE_MAX;
			file->done = file->done || found;
			*ret_ino = file->ino;
			*ret_size = file->size;
		}
		ahead->from++;
	}
	pthread_mutex_unlock(&ahead->lock);
	return found;
}

static void *read_ahead(void *arg)
{
	struct ahead *ahead = arg;
	char *buf = malloc(AHEAD_SIZE_MAX);
	uint64_t ino;
	uint64_t size;

	while (buf && take(ahead, &ino, &size)) {
		struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(size);
		ssize_t got = view_read(ahead->view, ino, 0, buf, size, NULL);

		/* Whoever reads a file that cannot be read is told then. */
		if (got > 0 && (uint64_t)got == size) {
			bytes.buf[0].mem = buf;
			fuse_lowlevel_notify_store(ahead->session, ino, 0, &bytes, 0);
		}
	}
	free(buf);
	return NULL;
}

void ahead_start(struct ahead *ahead, const struct view *view, struct fuse_session *session)
{
	ahead->view = view;
	ahead->session = session;
	ahead->window = WINDOW_MIN;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->wanted, NULL);
	ahead->started = pthread_create(&ahead->thread, NULL, read_ahead, ahead) == 0;
}

void ahead_finish(struct ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->over = true;
	pthread_cond_signal(&ahead->wanted);
	pthread_mutex_unlock(&ahead->lock);
	if (ahead->started) {
		pthread_join(ahead->thread, NULL);
	}
	pthread_cond_destroy(&ahead->wanted);
	pthread_mutex_destroy(&ahead->lock);
}

void ahead_listed(struct ahead *ahead, uint64_t ino, uint64_t size, bool first)
{
	pthread_mutex_lock(&ahead->lock);
	*file_at(ahead, ahead->listed) = (struct ahead_file){
		.ino = ino, .size = size, .first = first};
	ahead->listing = first ? ahead->listed : ahead->listing;
	ahead->places[ino % AHEAD_FILES] = ahead->listed++;
	pthread_mutex_unlock(&ahead->lock);
}

/*
 * Have files read ahead from a place on, as many as the window holds, and widen the window. One is
 * left out where the read of it is needed: to go on in time, or to see that it is worth it.
 */
static void want(struct ahead *ahead, uint64_t place)
{
	const uint64_t end = min_place(place + ahead->window, ahead->listed);
	const bool probe = end < ahead->listed || ++ahead->unseen >= UNSEEN_PROBE;

	if (place >= end || ahead->unseen >= UNSEEN_MAX) {
		return;
	}
	ahead->from = place;
	ahead->to = end;
	ahead->marker = probe ? place + (end - place) / 2 : NOWHERE;
	ahead->window = ahead->window < AHEAD_WINDOW_MAX / 2 ? 2 * ahead->window : AHEAD_WINDOW_MAX;
	pthread_cond_signal(&ahead->wanted);
}

void ahead_ended(struct ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	if (ahead->in_order >= ENOUGH_IN_ORDER && ahead->from >= ahead->to) {
		want(ahead, ahead->listing);
	}
	pthread_mutex_unlock(&ahead->lock);
}

/* Count a read that was in order, and read ahead from where that has come to. */
static void go_on(struct ahead *ahead, uint64_t place)
{
	ahead->unseen = 0;
	if (++ahead->in_order < ENOUGH_IN_ORDER) {
		return;
	}
	if (place == ahead->marker) {
		want(ahead, ahead->to);
	} else if (place >= ahead->to || place < ahead->from) {
		want(ahead, place + 1);
	}
}

static void give_up(struct ahead *ahead)
{
	ahead->in_order = 0;
	ahead->window = WINDOW_MIN;
	ahead->to = ahead->from;
}

void ahead_read(struct ahead *ahead, uint64_t ino)
{
	uint64_t place;
	struct ahead_file *file;

	pthread_mutex_lock(&ahead->lock);
	place = ahead->places[ino % AHEAD_FILES];
	file = file_at(ahead, place);
	if (is_known(ahead, place) && file->ino == ino && !file->done) {
		file->done = true;
		if (file->first ||
			(is_known(ahead, place - 1) && file_at(ahead, place - 1)->done)) {
			go_on(ahead, place);
		} else {
			give_up(ahead);
		}
	}
	pthread_mutex_unlock(&ahead->lock);
}
