/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caged child says to the process that started it: an attacker who speaks well. The parent's side answers and
 * takes it as in life, but for the kernel: the sockets are the input's (poll, recvmsg and sendmsg below), and files
 * without a name are in memory. A record of the input is a message:
 *
 *	how · kind · number · length of the text · text
 *
 * Whatever is said: no descriptor is left open; what is handed over is a file without a name, or one below the layout
 * for reading; the end has a code that there is, and clean text; the file that is published is one that was made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/error.h>

#include "fuzz.h"
#include "image_parts.h"
#include "index_serve.h"
#include "store_place.h"
#include "tempfile.h"
#include "util.h"

/* Of how: the end; a descriptor comes along; bytes as they are; it does not read answers; odd values; long text. */
#define HOW_SPOOL 0x01
#define HOW_DESCRIPTOR 0x02
#define HOW_RAW 0x04
#define HOW_DEAF 0x08
#define HOW_VALUES 0x10
#define HOW_LONG 0x20
/* Bytes of a message at most: longer than the parent has room for. */
#define MESSAGE_MAX (sizeof(struct broker_message) + 64)
/* Asked for at most, so that an input ends soon. */
#define MESSAGES_MAX 64

/* A number that no descriptor has. */
enum { END_MAIN = 1000000, END_SPOOL };

static struct {
	struct fuzz_input input;
	/* The next message; len 0: not read yet. */
	union {
		struct broker_message message;
		uint8_t bytes[MESSAGE_MAX];
	};
	size_t len;
	unsigned int how;
	size_t count;
	bool ended;
} said;

/* Given to the parent, and files made for the child. */
static struct child_world world;
static int given = -1;
static struct stat layout_file;

/* --- the child's end of the sockets --- */

static void take_message(void)
{
	static const int numbers[] = {
		0, 1, -1, 2, -22, EAGAIN, PEEL_EINCOMPLETE, INT32_MIN, INT32_MAX};
	const uint8_t *bytes;
	struct stat st;
	size_t len;

	if (said.len > 0 || said.ended) {
		return;
	}
	if (said.input.left == 0 || said.count == MESSAGES_MAX) {
		said.ended = true;
		return;
	}
	said.count++;
	said.how = fuzz_byte(&said.input);
	memset(&said.message, 0, BROKER_SHORT);
	if (said.how & HOW_RAW) {
		len = fuzz_bytes(&said.input, fuzz_byte(&said.input), &bytes);
		memcpy(said.bytes, bytes, len);
		/* The kernel has messages without a byte; a socket that is closed looks alike. */
		said.len = len ? len : 1;
		return;
	}
	said.message.kind = fuzz_byte(&said.input) % (BROKER_KNOWN_FACTS + 2);
	said.message.number = (int8_t)fuzz_byte(&said.input);
	if (said.message.number > 100) {
		said.message.number = numbers[(size_t)said.message.number % countof(numbers)];
	}
	if (said.how & HOW_VALUES && fstat(given, &st) == 0) {
		said.message.values[0] = st.st_dev;
		said.message.values[1] = st.st_ino;
		said.message.values[4] = UINT64_MAX;
	}
	len = fuzz_bytes(&said.input, fuzz_byte(&said.input), &bytes);
	said.message.text_len = (uint32_t)len;
	memcpy(said.message.text, bytes, len);
	if (said.how & HOW_LONG && len > 0) {
		for (size_t at = len; at < BROKER_TEXT + 32; at++) {
			said.bytes[BROKER_SHORT + at] = bytes[at % len];
		}
		len = BROKER_TEXT - 16 + len % 32;
		said.message.text_len = (uint32_t)len;
	}
	said.len = BROKER_SHORT + len;
}

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout);
ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *header, int flags);
int __wrap_tempfile_make(int folder);
int __wrap_image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err);
int __wrap_store_place_file(int place);

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout)
{
	fuzz_check(count == SERVE_ENDS && timeout == -1);
	take_message();
	for (nfds_t i = 0; i < count; i++) {
		const bool mine = said.how & HOW_SPOOL ? polled[i].fd == END_SPOOL
						       : polled[i].fd == END_MAIN;

		polled[i].revents = said.ended ? POLLHUP : mine ? POLLIN : 0;
	}
	if (!said.ended && said.how & HOW_SPOOL && polled[SERVE_SPOOL].fd < 0) {
		/* That end is closed: the child speaks through the other. */
		said.how &= ~(unsigned int)HOW_SPOOL;
		polled[SERVE_MAIN].revents = POLLIN;
	}
	return 1;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags)
{
	const size_t room = header->msg_iov[0].iov_len;
	const size_t len = said.len < room ? said.len : room;
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	fuzz_check(flags == MSG_CMSG_CLOEXEC && header->msg_iovlen == 1);
	if (said.ended) {
		return 0;
	}
	fuzz_check(fd == (said.how & HOW_SPOOL ? END_SPOOL : END_MAIN) && said.len > 0);
	memcpy(header->msg_iov[0].iov_base, said.bytes, len);
	header->msg_flags = said.len > room ? MSG_TRUNC : 0;
	header->msg_controllen = 0;
	if (said.how & HOW_DESCRIPTOR) {
		const int sent = fcntl(given, F_DUPFD_CLOEXEC, 3);

		*control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(control), &sent, sizeof(sent));
		header->msg_controllen = control->cmsg_len;
	}
	said.len = 0;
	return (ssize_t)len;
}

/* What the child is handed: a file, and one that it may have. */
static void check_handed(int fd, uint32_t kind)
{
	const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
	struct stat st;

	fuzz_check(fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	if (kind == BROKER_BLOB) {
		fuzz_check(mode == O_RDONLY && st.st_dev == layout_file.st_dev &&
			st.st_ino == layout_file.st_ino);
	} else {
		fuzz_check((kind == BROKER_FILE || kind == BROKER_PLACE) && st.st_nlink == 0);
	}
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *header, int flags)
{
	const struct broker_message *answer = header->msg_iov[0].iov_base;
	const size_t len = header->msg_iov[0].iov_len;
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);

	fuzz_check((fd == END_MAIN || fd == END_SPOOL) && flags & MSG_DONTWAIT);
	fuzz_check(len == BROKER_SHORT + answer->text_len && answer->text_len < BROKER_TEXT);
	if (control) {
		int handed;

		memcpy(&handed, CMSG_DATA(control), sizeof(handed));
		check_handed(handed, answer->kind);
	} else {
		fuzz_check(answer->number != 0);
	}
	if (said.how & HOW_DEAF) {
		errno = EAGAIN;
		return -1;
	}
	return (ssize_t)len;
}

int __wrap_tempfile_make(int folder)
{
	(void)folder;
	return memfd_create("spill", MFD_CLOEXEC);
}

int __wrap_image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err)
{
	(void)options;
	(void)err;
	*ret_fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
	return *ret_fd >= 0 ? 0 : PEEL_EIO;
}

int __wrap_store_place_file(int place)
{
	fuzz_check(place >= 0 && place < STORE_PLACES);
	return memfd_create("place", MFD_CLOEXEC);
}

/* --- the parent --- */

static int take_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	fuzz_check_text(what);
	/* Somebody presses a key. */
	return done == 7 && total == 7;
}

static char layout_path[] = "/tmp/peel-fuzz-XXXXXX";

static void remove_layout(void)
{
	const int fd = world.layout;

	(void)unlinkat(fd, "blobs/one", 0);
	(void)unlinkat(fd, "blobs/up", 0);
	(void)unlinkat(fd, "blobs/loop", 0);
	(void)unlinkat(fd, "out", 0);
	(void)unlinkat(fd, "blobs", AT_REMOVEDIR);
	(void)rmdir(layout_path);
}

/* A file, and links that lead to it, in circles, and out. */
static void make_layout(void)
{
	int fd;

	fuzz_check(mkdtemp(layout_path));
	world.layout = open(layout_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fuzz_check(world.layout >= 0 && atexit(remove_layout) == 0);
	fuzz_check(mkdirat(world.layout, "blobs", 0700) == 0);
	fd = openat(world.layout, "blobs/one", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	fuzz_check(fd >= 0 && fstat(fd, &layout_file) == 0 && close(fd) == 0);
	fuzz_check(symlinkat("../blobs/one", world.layout, "blobs/up") == 0);
	fuzz_check(symlinkat("loop", world.layout, "blobs/loop") == 0);
	fuzz_check(symlinkat("/etc/passwd", world.layout, "out") == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	given = memfd_create("given", MFD_CLOEXEC);
	fuzz_check(given >= 0);
	world = (struct child_world){.cache = -1, .progress = take_progress};
	make_layout();
	world.spill = world.layout;
	return 0;
}

/* The number that the next descriptor would have: the same before and after, where none was left open. */
static int next_descriptor(void)
{
	const int fd = fcntl(given, F_DUPFD_CLOEXEC, 3);

	fuzz_check(fd >= 0 && close(fd) == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int ends[SERVE_ENDS] = {END_MAIN, END_SPOOL};
	const int before = next_descriptor();
	struct child_result result = {0};
	struct peel_error err = {0};
	enum served served;
	int told;

	said.input = (struct fuzz_input){data, len};
	said.len = 0;
	said.count = 0;
	said.ended = false;
	served = serve_child(&world, ends, &result, &err);
	fuzz_check(err.code <= 0 && err.code >= PEEL_EINCOMPLETE);
	fuzz_check(served != SERVED_ENOUGH || err.code < 0);
	fuzz_check(served != SERVED_GONE || err.code == 0);
	fuzz_check(err.code == 0 || err.message[0] || served == SERVED_DONE);
	fuzz_check_text(err.message);
	fuzz_check(result.place_count <= CHILD_PLACES_MAX);
	told = child_told_file(&result, 0, given);
	fuzz_check(told == -1 || told == given || (told >= before && result.place_count > 0));
	child_result_finish(&result);
	fuzz_check(next_descriptor() == before);
	return 0;
}
