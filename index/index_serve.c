/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child is taken for an attacker who speaks well: sizes, kinds and numbers are checked, texts are escaped
 * again, and nothing it says chooses a path. What it can get is a file without a name, a regular file below the
 * layout that the user named, and an index of the user's cache, or facts of one, for reading. It can ask for many;
 * each is closed here at once, so that it spends its own descriptors, and the disk's room only as long as it lives.
 *
 * An answer is never waited for: a child that does not read what it asked for is ended. So is one that goes on, or
 * stands still, long after it should have kept the limit of time itself.
 */
#include "index_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peel/text.h>

#include "image_parts.h"
#include "index_cache.h"
#include "index_reuse.h"
#include "index_reuse_facts.h"
#include "store_place.h"
#include "tempfile.h"
#include "util.h"

_Static_assert(BROKER_TEXT == IMAGE_NAME_MAX, "a path below a layout fits into a message");

/** Room for what progress says is being done. */
#define WHAT_SIZE 64

struct serving {
	const struct child_world *world;
	struct child_result *result;
	/** The folder for spools, once it is open. */
	int spool;
	/** The cache's files, once they are listed. */
	struct cache_entry *entries;
	int entry_count;
	bool listed;
	struct peel_error *err;
};

static void serving_finish(struct serving *serving)
{
	if (serving->spool >= 0) {
		close(serving->spool);
	}
	free(serving->entries);
}

/** Escape what may be escaped already: all but the backslash. */
static void escape_again(char *buf, size_t size, const char *text)
{
	size_t used = 0;

	for (;;) {
		const size_t len = strcspn(text, "\\");

		if (size - used < 16) {
			break;
		}
		peel_text_escape_into(buf + used, size - used - 1, text, len);
		used += strlen(buf + used);
		text += len;
		if (!*text) {
			break;
		}
		buf[used++] = *text++;
		buf[used] = '\0';
	}
}

static int break_rule(struct serving *serving, const char *rule)
{
	return peel_fail(serving->err, PEEL_EINTERNAL,
		"the process that reads the image broke a rule of its cage: %s", rule);
}

/** A file without a name for an end of the child's. */
static int make_file(struct serving *serving, enum serve_end end)
{
	int folder = serving->world->spill;

	if (end == SERVE_SPOOL) {
		if (serving->spool < 0 &&
			image_spool_folder(serving->world->spools, &serving->spool, NULL) < 0) {
			errno = ENOENT;
			return -1;
		}
		folder = serving->spool;
	}
	if (folder < 0) {
		errno = ENOENT;
		return -1;
	}
	return tempfile_make(folder);
}

/** A file in another place, which is remembered: it may be what is published. */
static int make_place(struct serving *serving, int place)
{
	struct child_result *result = serving->result;
	cleanup_fd int fd = -1;
	int copy;

	if (place < 0 || place >= STORE_PLACES || result->place_count >= CHILD_PLACES_MAX) {
		errno = ENOSPC;
		return -1;
	}
	fd = store_place_file(place);
	copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (copy < 0) {
		return -1;
	}
	result->places[result->place_count++] = copy;
	return steal_fd(&fd);
}

static int open_known(struct serving *serving, enum broker_kind kind, int number)
{
	const char *facts = serving->world->facts;
	const int folder = serving->world->cache;

	if (!serving->listed && folder >= 0) {
		serving->entry_count = cache_list(folder, &serving->entries, NULL);
		serving->listed = true;
	}
	if (kind == BROKER_KNOWN) {
		return reuse_open(folder, serving->entries, serving->entry_count, number);
	}
	errno = ENOENT;
	return facts
		? reuse_facts_open(folder, serving->entries, serving->entry_count, number, facts)
		: -1;
}

/** The answer takes the question's place. @return a descriptor for it, or -1. */
static int find_blob(struct serving *serving, struct broker_message *message)
{
	cleanup_free char *path = NULL;
	struct peel_error failure = {0};
	int fd = -1;
	int code;

	code = serving->world->layout < 0 || strlen(message->text) != message->text_len
		? peel_fail(&failure, PEEL_ENOENT, "there is no such blob")
		: layout_resolve(serving->world->layout, message->text, &path, &failure);
	if (code == 0) {
		code = layout_open(serving->world->layout, path, &fd, &failure);
	}
	message->number = code;
	message->text_len = (uint32_t)strlen(code < 0 ? failure.message : path);
	memcpy(message->text, code < 0 ? failure.message : path, message->text_len);
	return fd;
}

static int answer(struct serving *serving, int socket, enum serve_end end,
	struct broker_message *message)
{
	const bool blob = message->kind == BROKER_BLOB;
	cleanup_fd int fd = -1;

	errno = 0;
	fd = blob                              ? find_blob(serving, message)
		: message->kind == BROKER_FILE ? make_file(serving, end)
		: message->kind == BROKER_PLACE
		? make_place(serving, message->number)
		: open_known(serving, (enum broker_kind)message->kind, message->number);
	if (!blob) {
		message->number = fd >= 0 ? 0 : errno ? errno : EIO;
		message->text_len = 0;
	}
	/* A child that died has no end any more: that is seen when the next message is taken. */
	return broker_answer(socket, message, fd) || errno == EPIPE || errno == ECONNRESET
		? 0
		: break_rule(serving, "it does not take answers");
}

static int tell_progress(struct serving *serving, const struct broker_message *message)
{
	const struct child_world *world = serving->world;
	char what[WHAT_SIZE];

	escape_again(what, sizeof(what), message->text);
	return world->progress &&
			world->progress(world->progress_arg, what, message->values[0],
				message->values[1]) != 0
		? peel_fail(serving->err, PEEL_ECANCELED, "canceled")
		: 0;
}

static int take_end(struct serving *serving, const struct broker_message *message)
{
	char text[PEEL_MESSAGE_SIZE];

	if (message->number > 0 || message->number < PEEL_EINCOMPLETE) {
		return break_rule(serving, "it told of an end that there is not");
	}
	memcpy(serving->result->values, message->values, sizeof(message->values));
	if (message->number < 0) {
		escape_again(text, sizeof(text), message->text);
		peel_fail(serving->err, message->number, "%s", text);
	}
	return 1;
}

/** @return 0 go on; 1 it told the end; less than 0: it is to end. */
static int serve_message(struct serving *serving, int socket, enum serve_end end,
	struct broker_message *message)
{
	switch (message->kind) {
	case BROKER_FILE:
	case BROKER_PLACE:
	case BROKER_BLOB:
	case BROKER_KNOWN:
	case BROKER_KNOWN_FACTS:
		return answer(serving, socket, end, message);
	case BROKER_PROGRESS:
		return tell_progress(serving, message);
	case BROKER_DONE:
		return take_end(serving, message);
	default:
		return break_rule(serving, "it asked for what there is not");
	}
}

/** Take one message of an end. @return as serve_message, or SERVED_GONE of the whole as 2. */
static int serve_end(struct serving *serving, const int *ends, enum serve_end end,
	struct broker_message *message)
{
	int r = broker_take(ends[end], message);

	if (r < 0) {
		return break_rule(serving, strerror(errno));
	}
	return r > 0 ? serve_message(serving, ends[end], end, message) : 2;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/** Wait for a message. @param begun when the child began. @return 0; less than 0: the child is to end. */
static int wait_message(struct serving *serving, struct pollfd *polled, uint64_t begun)
{
	const uint64_t patience = serving->world->patience_ms;
	const uint64_t spent = patience ? now_ms() - begun : 0;

	if (patience && spent >= patience) {
		return peel_fail(serving->err, PEEL_ELIMIT,
			"time: the process that reads the image does not end by itself (--limit time=N gives it more)");
	}
	if (poll(polled, SERVE_ENDS, patience ? (int)min_u64(patience - spent, INT_MAX) : -1) >=
		0) {
		return 0;
	}
	if (errno != EINTR) {
		return peel_fail(serving->err, PEEL_EIO, "%s", strerror(errno));
	}
	for (int i = 0; i < SERVE_ENDS; i++) {
		polled[i].revents = 0;
	}
	return 0;
}

enum served serve_child(const struct child_world *world, const int *ends,
	struct child_result *result, struct peel_error *err)
{
	cleanup(serving_finish) struct serving serving = {
		.world = world, .result = result, .spool = -1, .err = err};
	cleanup_free struct broker_message *message = malloc(sizeof(*message));
	const uint64_t begun = now_ms();
	struct pollfd polled[SERVE_ENDS];
	int r = 0;

	if (!message) {
		peel_fail(err, PEEL_ENOMEM, "no memory");
		return SERVED_ENOUGH;
	}
	for (int i = 0; i < SERVE_ENDS; i++) {
		polled[i] = (struct pollfd){.fd = ends[i], .events = POLLIN};
	}
	while (r == 0) {
		r = wait_message(&serving, polled, begun);
		/* The main end last: what it tells may be the end. */
		for (int i = SERVE_ENDS - 1; r == 0 && i >= 0; i--) {
			if (polled[i].revents) {
				r = serve_end(&serving, ends, (enum serve_end)i, message);
			}
			/* A child that only closes its spool goes on. */
			if (r == 2 && i != SERVE_MAIN) {
				polled[i].fd = -1;
				r = 0;
			}
		}
	}
	return r < 0 ? SERVED_ENOUGH : r == 1 ? SERVED_DONE : SERVED_GONE;
}
