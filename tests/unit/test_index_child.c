/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A child in the cage that means harm: it crashes, does what is forbidden, lies, floods, or says what no
 * terminal may see. Whatever it does, the parent goes on, and believes nothing.
 */
#include "peel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "index_child.h"
#include "tempfile.h"
#include "util.h"

/** Questions of a child that never takes an answer; a socket holds far fewer. */
#define FLOOD 100000

/** A folder with a layout, a cache, and a file beside them; and descriptors that the parent has. */
struct lab {
	char top[64];
	int folder, layout, cache;
	/** May be written, and is not given to the child. */
	int other;
	/** Was handed to it: a program would inherit it. */
	int handed;
	/** Is given to it. */
	int given;
	struct child_world world;
	struct child_result result;
	struct peel_error err;
};

static void make_file(const struct lab *lab, const char *name, const char *text)
{
	int fd = openat(lab->folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int make_lab(void **state)
{
	static const struct peel_image_options spools = {.spool_dir = "/tmp"};
	struct lab *lab = calloc(1, sizeof(*lab));

	snprintf(lab->top, sizeof(lab->top), "/tmp/peel-test-XXXXXX");
	assert_non_null(mkdtemp(lab->top));
	lab->folder = open(lab->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(lab->folder, "layout", 0700), 0);
	assert_int_equal(mkdirat(lab->folder, "layout/blobs", 0700), 0);
	assert_int_equal(mkdirat(lab->folder, "cache", 0700), 0);
	make_file(lab, "secret", "secret");
	make_file(lab, "layout/blobs/x", "blob");
	make_file(lab, "cache/0123456789012345678901234567890123456789-0123456789ab.facts",
		"facts");
	make_file(lab, "cache/0123456789012345678901234567890123456789.peel", "index");
	assert_int_equal(symlinkat("../../secret", lab->folder, "layout/blobs/link"), 0);
	assert_int_equal(symlinkat("x", lab->folder, "layout/blobs/near"), 0);
	lab->layout = openat(lab->folder, "layout", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lab->cache = openat(lab->folder, "cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lab->other = tempfile_make(lab->folder);
	lab->given = tempfile_make(lab->folder);
	lab->handed = open(lab->top, O_RDONLY | O_DIRECTORY);
	lab->world = (struct child_world){
		.spill = lab->folder,
		.spools = &spools,
		.layout = lab->layout,
		.cache = lab->cache,
		.facts = "0123456789abcdef",
		.written = &lab->given,
		.written_count = 1,
	};
	*state = lab;
	return 0;
}

static int remove_lab(void **state)
{
	struct lab *lab = *state;
	char command[128];

	child_result_finish(&lab->result);
	close(lab->folder);
	close(lab->layout);
	close(lab->cache);
	close(lab->other);
	close(lab->given);
	close(lab->handed);
	snprintf(command, sizeof(command), "rm -rf %s", lab->top);
	free(lab);
	return system(command);
}

static int run(struct lab *lab, child_fn *function)
{
	child_result_finish(&lab->result);
	memset(&lab->err, 0, sizeof(lab->err));
	return child_run(&lab->world, function, lab, &lab->result, &lab->err);
}

/** Nobody is left: each child was waited for. */
static void assert_alone(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* What an honest child does. */

static bool holds(int fd, const char *text)
{
	char got[32] = "";

	return pread(fd, got, sizeof(got) - 1, 0) == (ssize_t)strlen(text) &&
		strcmp(got, text) == 0;
}

static int asks(struct child *child, void *arg, struct peel_error *err)
{
	const struct lab *lab = arg;
	cleanup_free char *path = NULL;
	int spill = tempfile_make(child->broker);
	int spool = tempfile_make(child->spool);
	int place = broker_place(child->broker, 3);
	int blob = broker_blob(child->broker, "blobs/near", &path, err);
	int known = broker_known(child->broker, 0);
	int facts = broker_known_facts(child->broker, 0);

	child->values[5] = 77;
	child_tell_file(child, 0, lab->given);
	child_tell_file(child, 2, place);
	return spill >= 0 && write(spill, "x", 1) == 1 && spool >= 0 && write(spool, "x", 1) == 1 &&
			blob >= 0 && holds(blob, "blob") && strcmp(path, "blobs/x") == 0 &&
			known >= 0 && holds(known, "index") && write(known, "x", 1) < 0 &&
			broker_known(child->broker, 1) < 0 && errno == EAGAIN &&
			broker_known(child->broker, 3) < 0 && errno == ENOENT && facts >= 0 &&
			holds(facts, "facts") && write(facts, "x", 1) < 0 &&
			broker_known_facts(child->broker, 1) < 0 && errno == EAGAIN &&
			pwrite(lab->given, "done", 4, 0) == 4 && write(place, "here", 4) == 4
		? 0
		: peel_fail(err, PEEL_EIO, "%s", strerror(errno));
}

static void what_it_asks_for_it_gets(void **state)
{
	struct lab *lab = *state;
	int place;

	assert_good(run(lab, asks), &lab->err);
	assert_int_equal(lab->result.values[5], 77);
	assert_int_equal(child_told_file(&lab->result, 0, lab->given), lab->given);
	assert_true(holds(lab->given, "done"));
	place = child_told_file(&lab->result, 2, lab->given);
	assert_in_range(place, 3, INT_MAX);
	assert_int_not_equal(place, lab->given);
	assert_true(holds(place, "here"));
	assert_alone();
}

/* What it does not get. */

static int asks_too_much(struct child *child, void *arg, struct peel_error *err)
{
	static const char *const names[] = {"../secret", "blobs/link", "/etc/passwd", "blobs", "",
		".", "blobs/../../secret", "blobs/none"};
	const struct lab *lab = arg;
	struct stat null;
	bool good = true;
	char byte;

	for (size_t i = 0; i < countof(names); i++) {
		good = good && broker_blob(child->broker, names[i], NULL, NULL) < 0;
	}
	good = good && broker_place(child->broker, -1) < 0 && broker_place(child->broker, 4) < 0 &&
		broker_known(child->broker, -1) < 0 && broker_known(child->broker, INT_MAX) < 0 &&
		broker_known_facts(child->broker, 0) < 0 && errno == ENOENT;
	/* What the parent could write, or was handed, it has not; what it opened for reading, it has. */
	good = good && write(lab->other, "x", 1) < 0 && errno == EBADF;
	good = good && fcntl(lab->handed, F_GETFD) < 0 && fcntl(lab->layout, F_GETFD) >= 0;
	good = good && fstat(STDOUT_FILENO, &null) == 0 && null.st_rdev == makedev(1, 3) &&
		read(STDIN_FILENO, &byte, 1) == 0;
	child->values[0] = makedev(0, 1);
	child->values[1] = 1;
	return good ? 0 : peel_fail(err, PEEL_EIO, "something was given: %s", strerror(errno));
}

static void what_is_not_its_own_it_does_not_get(void **state)
{
	struct lab *lab = *state;

	lab->world.facts = NULL;
	assert_good(run(lab, asks_too_much), &lab->err);
	assert_int_equal(child_told_file(&lab->result, 0, lab->given), -1);
	assert_alone();
}

/* How it may end. */

#define ENDS(name, ending) \
	static int name(struct child *child, void *arg, struct peel_error *err) \
	{ \
		(void)child; \
		(void)arg; \
		(void)err; \
		ending; \
		return 0; \
	}

ENDS(crashes, signal(SIGSEGV, SIG_DFL); raise(SIGSEGV))
ENDS(is_killed, raise(SIGKILL))
ENDS(is_interrupted, raise(SIGINT))
ENDS(leaves, _exit(0))

static int calls_out(struct child *child, void *arg, struct peel_error *err)
{
	(void)child;
	(void)arg;
	return peel_fail(err, PEEL_EIO, "%d", socket(AF_INET, SOCK_STREAM, 0));
}

static int hangs_up(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	close(child->spool);
	close(child->broker);
	while (pause() < 0) {
	}
	return 0;
}

static void an_end_without_a_word_is_explained(void **state)
{
	struct lab *lab = *state;

	assert_failure(run(lab, crashes), PEEL_EINTERNAL, &lab->err,
		"ended by signal 11 (segmentation fault)");
	assert_failure(run(lab, is_killed), PEEL_EINTERNAL, &lab->err, "signal 9 (killed");
	assert_failure(run(lab, leaves), PEEL_EINTERNAL, &lab->err, "ended early");
	assert_failure(run(lab, is_interrupted), PEEL_ECANCELED, &lab->err, "interrupted");
	assert_failure(run(lab, hangs_up), PEEL_EINTERNAL, &lab->err, "signal 9");
	assert_alone();
}

static void what_is_forbidden_ends_it(void **state)
{
	struct lab *lab = *state;
	int code = run(lab, calls_out);

	if (code == PEEL_EIO) {
		print_message("no list of calls under valgrind\n");
		skip();
	}
	assert_failure(code, PEEL_EINTERNAL, &lab->err, "ended by signal 31 (bad system call)");
	assert_alone();
}

/* What it may say. */

static int says_garbage(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	return write(child->broker, "x", 1) == 1 ? pause() : 0;
}

static int says_too_much(struct child *child, void *arg, struct peel_error *err)
{
	static char much[3 * sizeof(struct broker_message)];

	(void)arg;
	(void)err;
	return write(child->broker, much, sizeof(much)) > 0 ? pause() : 0;
}

static int lies_about_length(struct child *child, void *arg, struct peel_error *err)
{
	static struct broker_message message = {.kind = BROKER_DONE, .text_len = UINT32_MAX};

	(void)arg;
	(void)err;
	return write(child->broker, &message, BROKER_SHORT) > 0 ? pause() : 0;
}

static int asks_for_nothing(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	return broker_tell(child->broker, (enum broker_kind)99, 0, NULL, "") ? pause() : 0;
}

static int floods(struct child *child, void *arg, struct peel_error *err)
{
	static const struct broker_message message = {.kind = BROKER_FILE};

	(void)arg;
	for (int i = 0; i < FLOOD; i++) {
		if (write(child->broker, &message, BROKER_SHORT) < 0) {
			break;
		}
	}
	return peel_fail(err, PEEL_EIO, "it was not stopped");
}

static int ends_well_that_is_not(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	return broker_tell(child->broker, BROKER_DONE, 5, NULL, "") ? pause() : 0;
}

static int ends_as_nobody_does(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	(void)err;
	return broker_tell(child->broker, BROKER_DONE, -1000, NULL, "") ? pause() : 0;
}

static void who_breaks_a_rule_is_ended(void **state)
{
	static child_fn *const functions[] = {says_garbage, says_too_much, lies_about_length,
		asks_for_nothing, floods, ends_well_that_is_not, ends_as_nobody_does};
	struct lab *lab = *state;

	for (size_t i = 0; i < countof(functions); i++) {
		assert_failure(run(lab, functions[i]), PEEL_EINTERNAL, &lab->err,
			"broke a rule of its cage");
	}
	assert_alone();
}

static int draws(struct child *child, void *arg, struct peel_error *err)
{
	(void)child;
	(void)arg;
	return peel_fail(err, PEEL_EFORMAT, "a\\x1b\x1b[31m\n\xff##[error]%s\x7f", "\xe2\x80\xae");
}

static void what_it_says_is_escaped(void **state)
{
	struct lab *lab = *state;

	assert_failure(run(lab, draws), PEEL_EFORMAT, &lab->err, "a\\x1b\\x1b[31m\\x0a\\xff");
	for (const char *at = lab->err.message; *at; at++) {
		assert_in_range(*at, ' ', '~');
	}
	assert_null(strstr(lab->err.message, "##"));
}

static int talks(struct child *child, void *arg, struct peel_error *err)
{
	(void)arg;
	while (child_progress(child, "reading\x1b", 1, 2) == 0) {
	}
	return peel_fail(err, PEEL_EIO, "nobody listens");
}

/** Note what is told, and let it end the third time. */
static int listen_thrice(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	int *times = arg;

	assert_string_equal(what, "reading\\x1b");
	assert_int_equal(done_bytes, 1);
	assert_int_equal(total_bytes, 2);
	return ++*times == 3;
}

static void progress_is_told_and_can_cancel(void **state)
{
	struct lab *lab = *state;
	int times = 0;

	lab->world.progress = listen_thrice;
	lab->world.progress_arg = &times;
	assert_failure(run(lab, talks), PEEL_ECANCELED, &lab->err, "canceled");
	assert_int_equal(times, 3);
	assert_alone();
}

#define child_test(name) cmocka_unit_test_setup_teardown(name, make_lab, remove_lab)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		child_test(what_it_asks_for_it_gets),
		child_test(what_is_not_its_own_it_does_not_get),
		child_test(an_end_without_a_word_is_explained),
		child_test(what_is_forbidden_ends_it),
		child_test(who_breaks_a_rule_is_ended),
		child_test(what_it_says_is_escaped),
		child_test(progress_is_told_and_can_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
