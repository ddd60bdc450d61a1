/* SPDX-License-Identifier: Apache-2.0 */
/* Reading once, from pipes, files and sockets, however the bytes come. */
#include "image_input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "peel_test.h"
#include "util.h"

#define LEN (700u << 10)

static unsigned char bytes[LEN];

static int fill_bytes(void **state)
{
	(void)state;
	srand(3);
	for (size_t i = 0; i < LEN; i++) {
		bytes[i] = (unsigned char)rand();
	}
	return 0;
}

/* Write in pieces, from a process of its own, which closes what it does not need. */
static void write_from_child(int to, int other, size_t piece)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close(other);
		for (size_t done = 0; done < LEN;) {
			ssize_t n = write(to, bytes + done, min_u64(piece, LEN - done));

			if (n < 0) {
				_exit(1);
			}
			done += (size_t)n;
		}
		_exit(0);
	}
	close(to);
}

enum kind { PIPE, NONBLOCKING_PIPE, SOCKET, REGULAR };

/* A descriptor that gives the bytes. */
static int open_bytes(enum kind kind, size_t piece)
{
	int ends[2];

	if (kind == REGULAR) {
		ends[0] = memfd_create("peel-test", MFD_CLOEXEC);
		assert_int_equal(write(ends[0], bytes, LEN), LEN);
		assert_int_equal(lseek(ends[0], 0, SEEK_SET), 0);
		return ends[0];
	}
	assert_int_equal(kind == SOCKET ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends),
		0);
	if (kind == NONBLOCKING_PIPE) {
		assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	}
	write_from_child(ends[1], ends[0], piece);
	return ends[0];
}

/* Peek, take and pass in a random order; every byte comes once, in order. */
static void check_all(int fd, unsigned seed)
{
	static const uint64_t sizes[] = {1, 511, 512, 4096, 100000, 200000, 400000};
	cleanup_input struct input *input = NULL;
	struct peel_error err = {0};
	const void *at = NULL;
	uint64_t pos = 0;

	srand(seed);
	assert_good(input_open(fd, NULL, NULL, &input, &err), &err);
	while (pos < LEN) {
		uint64_t len = sizes[(size_t)rand() % countof(sizes)];
		uint64_t passed = 0;
		ssize_t n = input_peek(input, INPUT_PEEK, &at, &err);

		assert_int_equal(n, min_u64(INPUT_PEEK, LEN - pos));
		assert_memory_equal(at, bytes + pos, n);
		if (rand() % 2) {
			assert_good(input_pass(input, len, &passed, &err), &err);
			assert_int_equal(passed, min_u64(len, LEN - pos));
		} else {
			n = input_take(input, len, &at, &err);
			assert_true(n > 0 && (uint64_t)n <= len);
			assert_memory_equal(at, bytes + pos, n);
			passed = (uint64_t)n;
		}
		pos += passed;
	}
	assert_int_equal(pos, LEN);
	assert_int_equal(input_peek(input, INPUT_PEEK, &at, &err), 0);
	assert_int_equal(input_take(input, 1, &at, &err), 0);
	assert_good(input_pass(input, UINT64_MAX, &pos, &err), &err);
	assert_int_equal(pos, 0);
}

static void bytes_come_once_and_in_order(void **state)
{
	static const size_t pieces[] = {100, 5000, LEN};

	(void)state;
	for (enum kind kind = PIPE; kind <= REGULAR; kind++) {
		for (size_t i = 0; i < countof(pieces); i++) {
			int fd = open_bytes(kind, pieces[i]);
			int status = 0;

			check_all(fd, (unsigned)i);
			close(fd);
			if (kind != REGULAR) {
				assert_true(wait(&status) > 0);
				assert_int_equal(status, 0);
			}
		}
	}
}

static void all_may_be_passed_over_at_once(void **state)
{
	(void)state;
	for (enum kind kind = PIPE; kind <= REGULAR; kind++) {
		cleanup_input struct input *input = NULL;
		struct peel_error err = {0};
		int fd = open_bytes(kind, LEN);
		uint64_t passed = 0;

		assert_good(input_open(fd, NULL, NULL, &input, &err), &err);
		assert_good(input_pass(input, UINT64_MAX, &passed, &err), &err);
		assert_int_equal(passed, LEN);
		close(fd);
		if (kind != REGULAR) {
			assert_true(wait(NULL) > 0);
		}
	}
}

/* Takes note of what it is told, and stops at a number of bytes. */
struct note {
	uint64_t told;
	uint64_t stop;
};

static int take_note(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct note *note = arg;

	assert_string_equal(what, "standard input");
	assert_int_equal(total, 0);
	assert_true(done >= note->told);
	note->told = done;
	return done >= note->stop;
}

static void progress_is_told_and_may_cancel(void **state)
{
	static const uint64_t stops[] = {UINT64_MAX, 1};

	(void)state;
	for (enum kind kind = PIPE; kind <= REGULAR; kind++) {
		for (size_t i = 0; i < countof(stops); i++) {
			cleanup_input struct input *input = NULL;
			struct note note = {.stop = stops[i]};
			struct peel_error err = {0};
			int fd = open_bytes(kind, LEN);
			uint64_t passed = 0;
			int r;

			assert_good(input_open(fd, take_note, &note, &input, &err), &err);
			r = input_pass(input, UINT64_MAX, &passed, &err);
			close(fd);
			if (kind != REGULAR) {
				assert_true(wait(NULL) > 0);
			}
			if (stops[i] == 1) {
				assert_failure(r, PEEL_ECANCELED, &err, "canceled");
				continue;
			}
			assert_good(r, &err);
			assert_int_equal(note.told, LEN);
		}
	}
}

static void what_cannot_be_read_is_said(void **state)
{
	cleanup_fd int folder = open("/", O_RDONLY | O_CLOEXEC);
	cleanup_fd int unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const int fds[] = {folder, unreadable};
	const void *at = NULL;
	uint64_t passed = 0;

	(void)state;
	for (size_t i = 0; i < countof(fds); i++) {
		cleanup_input struct input *input = NULL;
		struct peel_error err = {0};

		assert_good(input_open(fds[i], NULL, NULL, &input, &err), &err);
		assert_failure(input_peek(input, 1, &at, &err), PEEL_EIO, &err, "cannot read it");
		assert_failure(input_take(input, 1, &at, &err), PEEL_EIO, &err, "cannot read it");
		assert_failure(input_pass(input, LEN, &passed, &err), PEEL_EIO, &err,
			"cannot read it");
	}
}

static void memory_may_end(void **state)
{
	struct input *input = NULL;
	struct peel_error err = {0};

	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	fault_alloc(1);
	assert_failure(input_open(STDIN_FILENO, NULL, NULL, &input, &err), PEEL_ENOMEM, &err,
		"memory");
	assert_true(fault_alloc_hit());
	assert_null(input);
	input_close(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_may_be_passed_over_at_once),
		cmocka_unit_test(bytes_come_once_and_in_order),
		cmocka_unit_test(memory_may_end),
		cmocka_unit_test(progress_is_told_and_may_cancel),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, fill_bytes, NULL);
}
