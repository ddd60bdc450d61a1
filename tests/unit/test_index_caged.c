/* SPDX-License-Identifier: Apache-2.0 */
/** peel_index_open where a child without rights builds: the same answers, and nothing left when it is stopped. */
#include "peel_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peel/index.h>
#include <peel/query.h>

#include "tarmaker.h"
#include "util.h"

/** A user who has no process yet. */
#define LONELY 54321

/** A folder with an image and a cache. */
struct lab {
	char top[64];
	char image[96];
	char cache[96];
	struct peel_index_options options;
	struct peel_error err;
};

static int make_lab(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct tarmaker tar = {0};
	int fd;

	snprintf(lab->top, sizeof(lab->top), "/tmp/peel-test-XXXXXX");
	assert_non_null(mkdtemp(lab->top));
	chmod(lab->top, 0755);
	snprintf(lab->image, sizeof(lab->image), "%s/image.tar", lab->top);
	snprintf(lab->cache, sizeof(lab->cache), "%s/cache", lab->top);
	tarmaker_add(&tar, &(struct tar_member){.path = "f", .data = "hello", .data_len = 5});
	tarmaker_end(&tar);
	fd = open(lab->image, O_CREAT | O_WRONLY, 0644);
	assert_int_equal(write(fd, tar.bytes, tar.len), tar.len);
	close(fd);
	tarmaker_finish(&tar);
	/* A younger file is not trusted to be the one that was indexed. */
	usleep(2100000);
	lab->options = (struct peel_index_options){.cache_dir = lab->cache, .sandbox = true};
	*state = lab;
	return 0;
}

static int remove_lab(void **state)
{
	struct lab *lab = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", lab->top);
	free(lab);
	return system(command);
}

/** Files of the cache. */
static int count_files(const struct lab *lab)
{
	DIR *folder = opendir(lab->cache);
	const struct dirent *entry;
	int count = 0;

	while (folder && (entry = readdir(folder)) != NULL) {
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	}
	if (folder) {
		closedir(folder);
	}
	return count;
}

static void assert_alone(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/** Open, and hold it against what the image holds. */
static void open_and_look(struct lab *lab, bool built)
{
	struct peel_index *index = NULL;

	assert_good(peel_index_open(lab->image, &lab->options, &index, &lab->err), &lab->err);
	assert_int_equal(peel_index_built(index), built);
	assert_true(peel_index_complete(index));
	assert_string_equal(peel_image_value(index, "bytes"), "5");
	assert_null(peel_index_image(index));
	peel_index_close(index);
	assert_alone();
}

static void it_is_built_kept_and_found(void **state)
{
	struct lab *lab = *state;

	open_and_look(lab, true);
	assert_int_equal(count_files(lab), 1);
	open_and_look(lab, false);
	/* Facts of an index that is at hand, then both at once. */
	lab->options.facts = true;
	open_and_look(lab, false);
	assert_int_equal(count_files(lab), 2);
	lab->options.rebuild = true;
	open_and_look(lab, true);
	assert_int_equal(count_files(lab), 2);
	lab->options.no_cache = true;
	open_and_look(lab, true);
	assert_int_equal(count_files(lab), 2);
}

static int cancel(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)arg;
	(void)what;
	(void)done_bytes;
	(void)total_bytes;
	return 1;
}

static void what_is_canceled_leaves_nothing(void **state)
{
	struct lab *lab = *state;
	struct peel_index *index = NULL;

	lab->options.progress = cancel;
	assert_failure(peel_index_open(lab->image, &lab->options, &index, &lab->err),
		PEEL_ECANCELED, &lab->err, "canceled");
	assert_null(index);
	assert_int_equal(count_files(lab), 0);
	assert_alone();
}

static void what_is_no_image_is_said_once(void **state)
{
	struct lab *lab = *state;
	struct peel_index *index = NULL;
	const char *name = lab->image + strlen(lab->top) + 1;
	const char *at;

	assert_int_equal(truncate(lab->image, 100), 0);
	assert_true(peel_index_open(lab->image, &lab->options, &index, &lab->err) < 0);
	at = strstr(lab->err.message, name);
	assert_non_null(at);
	assert_null(strstr(at + 1, name));
	assert_int_equal(count_files(lab), 0);
	assert_alone();
}

static void without_a_child_there_is_no_index(void **state)
{
	struct lab *lab = *state;
	const struct rlimit none = {0, 0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct peel_index *index = NULL;
		int code;

		lab->options.no_cache = true;
		if (setrlimit(RLIMIT_NPROC, &none) != 0 ||
			(geteuid() == 0 && setresuid(LONELY, LONELY, LONELY) != 0)) {
			_exit(3);
		}
		code = peel_index_open(lab->image, &lab->options, &index, &lab->err);
		_exit(code == PEEL_EIO && strstr(lab->err.message, lab->image) &&
					strstr(lab->err.message, "cannot start the process")
				? 0
				: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define caged_test(name) cmocka_unit_test_setup_teardown(name, make_lab, remove_lab)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		caged_test(it_is_built_kept_and_found),
		caged_test(what_is_canceled_leaves_nothing),
		caged_test(what_is_no_image_is_said_once),
		caged_test(without_a_child_there_is_no_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
