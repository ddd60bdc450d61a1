/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a build by many threads whose layers have the largest headers that there can be, all at once. The build
 * runs in a process of its own, this program once more, so that nothing else counts.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <peel/index.h>

#include "fault.h"
#include "imagemaker.h"
#include "index_build.h"
#include "peel_test.h"
#include "scan.h"
#include "tarmaker.h"
#include "util.h"

/** DESIGN section 7. */
/** Default of the limit header-size. */
#define HEADER_SIZE_MAX (1u << 20)
#define LIMIT_KIB (64 << 10)
#define LAYERS 8
#define WORKERS 16
/** Extension headers of an entry; together they are just below what one may have. */
#define HEADERS 7

/** The most records that a pax header can have. @return its bytes. */
static size_t many_records(char *to)
{
	size_t len = 0;

	for (unsigned i = 0; len < HEADER_SIZE_MAX - 32; i++) {
		/* "10 ", five digits, "=" and the newline. */
		len += (size_t)sprintf(to + len, "10 %05x=\n", i);
	}
	return len;
}

static char *make_layer(unsigned number, size_t *ret_len)
{
	struct tarmaker tar = {0};
	char *records = malloc(HEADER_SIZE_MAX + 32);
	size_t len = many_records(records);
	char name[16];

	for (int i = 0; i < HEADERS; i++) {
		tarmaker_extension(&tar, 'x', records, len);
	}
	snprintf(name, sizeof(name), "f%u", number);
	tarmaker_add(&tar, &(struct tar_member){.path = name, .data = name, .data_len = 2});
	tarmaker_end(&tar);
	free(records);
	*ret_len = tar.len;
	return (char *)tar.bytes;
}

static const char *make_image(struct imagemaker *image, enum imagemaker_codec codec)
{
	imagemaker_docker(image, "many:1", "linux", "amd64", LAYERS);
	for (unsigned i = 0; i < LAYERS; i++) {
		struct imagemaker_file *file;
		char path[32];
		size_t len = 0;
		char *bytes = make_layer(i, &len);

		snprintf(path, sizeof(path), "%u/layer.tar", i);
		file = imagemaker_find(image, path);
		assert_non_null(file);
		free(file->bytes);
		file->bytes = imagemaker_compress(codec, bytes, len, &file->len);
		free(bytes);
	}
	return imagemaker_write_tar(image, IMAGEMAKER_PLAIN);
}

/** Most memory that this process had since it was executed, KiB; what it was forked from does not count. */
static long peak_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long peak = LONG_MAX;

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "VmHWM: %ld kB", &peak) == 1) {
			break;
		}
	}
	if (status) {
		fclose(status);
	}
	return peak;
}

/** In the process of its own. @return its exit status. */
static int build(const char *path)
{
	cleanup_fd int fd = memfd_create("index", MFD_CLOEXEC);
	cleanup_fd int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct build_options options = {
		.fd = fd,
		.spill_dir = folder,
		.cache_folder = -1,
		.identity = "",
		.location = "",
		.workers = WORKERS,
	};
	struct peel_image *image = NULL;
	struct peel_error err = {0};
	int code = peel_image_open(path, NULL, &image, &err);

	if (code == 0) {
		code = index_build(image, &options, &err);
	}
	peel_image_close(image);
	if (code < 0) {
		fprintf(stderr, "%s\n", err.message);
	}
	if (peak_memory() > LIMIT_KIB) {
		fprintf(stderr, "%ld KiB\n", peak_memory());
		return 2;
	}
	return code < 0;
}

static void check(enum imagemaker_codec codec)
{
	struct imagemaker image = {0};
	const char *path = make_image(&image, codec);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/proc/self/exe", "test_index_memory", path, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	imagemaker_finish(&image);
}

static void large_headers_come_one_at_a_time(void **state)
{
	(void)state;
	if (!fault_alloc_works()) {
		/* A sanitizer has more memory than what it looks at. */
		skip();
	}
	check(IMAGEMAKER_PLAIN);
	check(IMAGEMAKER_GZIP);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_headers_come_one_at_a_time),
	};

	return argc > 1 ? build(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
