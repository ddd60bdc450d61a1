/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How long a child in the cage lives: not at all where no process can be started, no longer than its parent, and no
 * longer than its parent has patience.
 */
#include "peel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "index_child.h"
#include "tempfile.h"
#include "util.h"

/** A user who has no process yet. */
#define LONELY 54321

struct lab {
	int folder;
	/** May be written by the child. */
	int given;
	struct child_world world;
	struct peel_error err;
};

static int make_lab(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lab->given = tempfile_make(lab->folder);
	lab->world = (struct child_world){
		.spill = -1,
		.layout = -1,
		.cache = -1,
		.written = &lab->given,
		.written_count = 1,
	};
	*state = lab;
	return lab->given < 0;
}

static int remove_lab(void **state)
{
	struct lab *lab = *state;

	close(lab->folder);
	close(lab->given);
	free(lab);
	return 0;
}

static int run(struct lab *lab, child_fn *function)
{
	struct child_result result = {0};
	int code;

	lab->err = (struct peel_error){0};
	code = child_run(&lab->world, function, lab, &result, &lab->err);
	child_result_finish(&result);
	return code;
}

static int ends_at_once(struct child *child, void *arg, struct peel_error *err)
{
	(void)child;
	(void)arg;
	(void)err;
	return 0;
}

static void no_process_can_be_started(void **state)
{
	struct lab *lab = *state;
	const struct rlimit none = {0, 0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int code;

		if (setrlimit(RLIMIT_NPROC, &none) != 0 ||
			(geteuid() == 0 && setresuid(LONELY, LONELY, LONELY) != 0)) {
			_exit(3);
		}
		code = run(lab, ends_at_once);
		_exit(code == PEEL_EIO && strstr(lab->err.message, "cannot start the process") ? 0
											       : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int tells_its_number_and_stays(struct child *child, void *arg, struct peel_error *err)
{
	const struct lab *lab = arg;
	const pid_t pid = getpid();

	(void)child;
	(void)err;
	if (pwrite(lab->given, &pid, sizeof(pid), 0) == sizeof(pid)) {
		while (pause() < 0) {
		}
	}
	return 0;
}

static pid_t read_pid(const struct lab *lab)
{
	static const struct timespec nap = {.tv_nsec = 1000000};
	pid_t pid = 0;

	while (pread(lab->given, &pid, sizeof(pid), 0) != sizeof(pid)) {
		nanosleep(&nap, NULL);
	}
	return pid;
}

/** Gone, or about to be collected by whoever inherits orphans here. */
static bool is_gone(pid_t pid)
{
	char path[64], text[256] = "";
	const char *end;
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
		return true;
	}
	end = strrchr(text, ')');
	return end && end[1] && (end[2] == 'Z' || end[2] == 'X');
}

static void it_dies_with_its_parent(void **state)
{
	static const struct timespec nap = {.tv_nsec = 1000000};
	struct lab *lab = *state;
	pid_t parent = fork();
	pid_t child;

	if (parent == 0) {
		run(lab, tells_its_number_and_stays);
		_exit(0);
	}
	child = read_pid(lab);
	assert_false(is_gone(child));
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 10000 && !is_gone(child); i++) {
		nanosleep(&nap, NULL);
	}
	assert_true(is_gone(child));
}

static int goes_on_for_ever(struct child *child, void *arg, struct peel_error *err)
{
	volatile bool on = true;

	(void)child;
	(void)arg;
	(void)err;
	while (on) {
	}
	return 0;
}

static int talks_for_ever(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	while (child_progress(child, "still", 1, 2) == 0) {
	}
	return 0;
}

static void patience_ends(void **state)
{
	static child_fn *const endless[] = {goes_on_for_ever, talks_for_ever};
	struct lab *lab = *state;

	lab->world.patience_ms = 100;
	for (size_t i = 0; i < countof(endless); i++) {
		assert_failure(run(lab, endless[i]), PEEL_ELIMIT, &lab->err,
			"does not end by itself");
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	/* Who ends in time is not held up. */
	lab->world.patience_ms = 60000;
	assert_int_equal(run(lab, ends_at_once), 0);
}

#define child_test(name) cmocka_unit_test_setup_teardown(name, make_lab, remove_lab)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		child_test(no_process_can_be_started),
		child_test(it_dies_with_its_parent),
		child_test(patience_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
