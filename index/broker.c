/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SOCK_SEQPACKET keeps messages whole, and recvmsg hands descriptors over with them. A question and its answer are one
 * step, guarded by a lock, so that answers need no numbers. Rejected: a descriptor sent by the caged side (it has no
 * sendmsg; what it hands back, it has from here); one socket a thread (nobody knows how many there will be).
 */
#include "broker.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/** A message with room for one descriptor. */
union descriptor {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/** One question at a time, with its answer. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

bool broker_is(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool send_message(int broker, const struct broker_message *message)
{
	const size_t len = BROKER_SHORT + message->text_len;
	ssize_t n;

	do {
		n = write(broker, message, len);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

/** Set the text, cut where it is too long. */
static void set_text(struct broker_message *message, const char *text)
{
	message->text_len = (uint32_t)strnlen(text, sizeof(message->text) - 1);
	memcpy(message->text, text, message->text_len);
}

/** Receive a message, and the descriptor that came with it or -1; as broker_take. */
static int receive(int broker, struct broker_message *ret_message, int *ret_fd)
{
	union descriptor control = {0};
	struct iovec part = {ret_message, sizeof(*ret_message)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *first;
	ssize_t n;

	*ret_fd = -1;
	do {
		n = recvmsg(broker, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		return n < 0 && errno != ECONNRESET ? -1 : 0;
	}
	first = CMSG_FIRSTHDR(&header);
	if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
		first->cmsg_len == CMSG_LEN(sizeof(int))) {
		memcpy(ret_fd, CMSG_DATA(first), sizeof(int));
	}
	if (n < (ssize_t)BROKER_SHORT || header.msg_flags & MSG_TRUNC ||
		ret_message->text_len >= sizeof(ret_message->text) ||
		(size_t)n != BROKER_SHORT + ret_message->text_len) {
		errno = EPROTO;
		return -1;
	}
	ret_message->text[ret_message->text_len] = '\0';
	return 1;
}

/** Ask, and wait for the answer. @return false with errno. */
static bool ask(int broker, struct broker_message *message, int *ret_fd)
{
	const uint32_t kind = message->kind;
	int r = -1;

	*ret_fd = -1;
	pthread_mutex_lock(&asking);
	if (send_message(broker, message)) {
		r = receive(broker, message, ret_fd);
	}
	pthread_mutex_unlock(&asking);
	if (r == 0 || (r > 0 && message->kind != kind)) {
		errno = EPIPE;
		r = -1;
	}
	if (r < 0 && *ret_fd >= 0) {
		close(steal_fd(ret_fd));
	}
	return r > 0;
}

/** Ask for a descriptor by a number. */
static int ask_file(int broker, enum broker_kind kind, int number)
{
	cleanup_free struct broker_message *message = calloc(1, sizeof(*message));
	int fd = -1;

	if (!message) {
		return -1;
	}
	message->kind = kind;
	message->number = number;
	if (ask(broker, message, &fd) && fd < 0) {
		errno = message->number > 0 ? message->number : EPROTO;
	}
	return fd;
}

int broker_file(int broker)
{
	return ask_file(broker, BROKER_FILE, 0);
}

int broker_place(int broker, int place)
{
	return ask_file(broker, BROKER_PLACE, place);
}

int broker_known(int broker, int number)
{
	return ask_file(broker, BROKER_KNOWN, number);
}

int broker_known_facts(int broker, int number)
{
	return ask_file(broker, BROKER_KNOWN_FACTS, number);
}

int broker_blob(int broker, const char *name, char **ret_path, struct peel_error *err)
{
	cleanup_free struct broker_message *message = calloc(1, sizeof(*message));
	cleanup_fd int fd = -1;

	if (!message) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (strlen(name) >= sizeof(message->text)) {
		return peel_fail(err, PEEL_EFORMAT, "a name in the layout folder is too long");
	}
	message->kind = BROKER_BLOB;
	set_text(message, name);
	if (!ask(broker, message, &fd)) {
		return peel_fail(err, PEEL_EIO, "cannot open a blob: %s", strerror(errno));
	}
	if (message->number < 0 || fd < 0) {
		return peel_fail(err, message->number < 0 ? message->number : PEEL_EIO, "%s",
			message->text);
	}
	if (ret_path) {
		*ret_path = strdup(message->text);
		if (!*ret_path) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
	}
	return steal_fd(&fd);
}

bool broker_tell(int broker, enum broker_kind kind, int number, const uint64_t *values,
	const char *text)
{
	cleanup_free struct broker_message *message = calloc(1, sizeof(*message));

	if (!message) {
		return false;
	}
	message->kind = kind;
	message->number = number;
	if (values) {
		memcpy(message->values, values, sizeof(message->values));
	}
	set_text(message, text);
	return send_message(broker, message);
}

int broker_take(int broker, struct broker_message *ret_message)
{
	cleanup_fd int fd = -1;
	int r = receive(broker, ret_message, &fd);

	if (r > 0 && fd >= 0) {
		errno = EPROTO;
		r = -1;
	}
	return r;
}

bool broker_answer(int broker, const struct broker_message *answer, int fd)
{
	union descriptor control = {0};
	struct iovec part = {(void *)answer, BROKER_SHORT + answer->text_len};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		*CMSG_FIRSTHDR(&header) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &fd, sizeof(fd));
	}
	return sendmsg(broker, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)part.iov_len;
}
