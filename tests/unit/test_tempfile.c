/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name; all is read and written, or it is said why not. */
#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "peel_test.h"
#include "util.h"

static int open_folder(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void a_file_has_no_name(void **state)
{
	cleanup_fd int folder = open_folder();
	cleanup_fd int fd = tempfile_make(folder);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void what_was_written_is_read(void **state)
{
	cleanup_fd int folder = open_folder();
	struct peel_error err = {0};
	cleanup_fd int fd = tempfile_new(folder, "a file", &err);
	char buf[8] = "";

	(void)state;
	assert_int_equal(tempfile_write(fd, "a file", "seven b", 7, 1000, &err), 0);
	assert_int_equal(tempfile_read(fd, "a file", buf, 7, 1000, &err), 0);
	assert_string_equal(buf, "seven b");
	/* What nobody wrote is zeros; the end is the end. */
	assert_int_equal(tempfile_get(fd, buf, 2, 0), 2);
	assert_memory_equal(buf, "\0\0", 2);
	assert_int_equal(tempfile_get(fd, buf, 8, 1003), 4);
	assert_int_equal(tempfile_get(fd, buf, 8, 1007), 0);
	assert_int_equal(tempfile_write(fd, "a file", NULL, 0, 0, &err), 0);
}

static void what_cannot_be_is_told(void **state)
{
	cleanup_fd int folder = open_folder();
	cleanup_fd int fd = tempfile_make(folder);
	cleanup_fd int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct peel_error err = {0};
	char buf[8];

	(void)state;
	assert_failure(tempfile_read(fd, "the pit", buf, 1, 0, &err), PEEL_EIO, &err,
		"cannot read the pit: it ends too early");
	assert_failure(tempfile_write(full, "the pit", "x", 1, 0, &err), PEEL_EIO, &err,
		"cannot write the pit: No space left on device");
	assert_int_equal(tempfile_put(full, "x", 1, 0), 0);
	assert_int_equal(errno, ENOSPC);
	/* A file is no folder. */
	assert_failure(tempfile_new(fd, "the pit", &err), PEEL_EIO, &err,
		"cannot make the pit: Not a directory");
	assert_int_equal(tempfile_get(folder, buf, 1, 0), -1);
	assert_int_equal(errno, EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_no_name),
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(what_cannot_be_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
