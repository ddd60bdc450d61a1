/* SPDX-License-Identifier: Apache-2.0 */
#include "run_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scope.h"

/** Room for the descriptors beside a message. */
union ancillary {
	char bytes[CMSG_SPACE(sizeof(struct run_descriptors))];
	struct cmsghdr aligned;
};

int run_channel_open(int *ret_caller, int *ret_child, struct peel_error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		return peel_fail(err, PEEL_EIO, "socketpair: %s", strerror(errno));
	}
	*ret_caller = ends[0];
	*ret_child = ends[1];
	return 0;
}

bool run_channel_say(int channel, const struct run_message *message,
	const struct run_descriptors *fds)
{
	struct iovec data = {(void *)message, sizeof(*message)};
	union ancillary beside = {.bytes = {0}};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	struct cmsghdr *rights;

	if (fds) {
		header.msg_control = beside.bytes;
		header.msg_controllen = sizeof(beside.bytes);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(*fds));
		memcpy(CMSG_DATA(rights), fds, sizeof(*fds));
	}
	return sendmsg(channel, &header, MSG_NOSIGNAL) == (ssize_t)sizeof(*message);
}

bool run_channel_wait(int channel)
{
	char word;
	ssize_t got;

	do {
		got = recv(channel, &word, 1, 0);
	} while (got < 0 && errno == EINTR);
	return got == 1;
}

/* Take the descriptors out of what came beside a message. */
static bool take_descriptors(struct msghdr *header, struct run_descriptors *ret_fds)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);

	if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS ||
		rights->cmsg_len != CMSG_LEN(sizeof(*ret_fds))) {
		return false;
	}
	memcpy(ret_fds, CMSG_DATA(rights), sizeof(*ret_fds));
	return true;
}

int run_channel_hear(int channel, struct run_message *ret_message, struct run_descriptors *ret_fds,
	struct peel_error *err)
{
	struct iovec data = {ret_message, sizeof(*ret_message)};
	union ancillary beside;
	struct msghdr header = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = beside.bytes,
		.msg_controllen = ret_fds ? sizeof(beside.bytes) : 0,
	};
	ssize_t got;

	do {
		got = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got == 0) {
		return 0;
	}
	if (got != (ssize_t)sizeof(*ret_message)) {
		return peel_fail(err, PEEL_EIO, "half a message from the child");
	}
	if (ret_message->err.code != 0) {
		return peel_fail(err, ret_message->err.code, "%s", ret_message->err.message);
	}
	if (ret_fds && !take_descriptors(&header, ret_fds)) {
		return peel_fail(err, PEEL_EIO, "no descriptors from the child");
	}
	return 1;
}

void run_channel_go(int channel)
{
	ssize_t ignored = send(channel, "", 1, MSG_NOSIGNAL);

	(void)ignored;
}
