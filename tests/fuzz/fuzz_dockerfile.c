/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dockerfile, and which of its lines made the rows of a history that a stranger wrote. A byte 0x1e ends the file, and
 * each row after it.
 */
#include "../../tools/dockerfile_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "fuzz.h"

#define ROWS_MAX 8
#define ROW_MAX 512
#define SEPARATOR 0x1e

/* The next part, with a NUL behind it. */
static size_t take_part(struct fuzz_input *input, char *part, size_t size)
{
	const uint8_t *end = input->left ? memchr(input->at, SEPARATOR, input->left) : NULL;
	const size_t len = end ? (size_t)(end - input->at) : input->left;
	const size_t kept = len < size - 1 ? len : size - 1;
	const uint8_t *bytes;

	(void)fuzz_bytes(input, end ? len + 1 : len, &bytes);
	memcpy(part, bytes, kept);
	part[kept] = '\0';
	return kept;
}

static int count_lines(const uint8_t *bytes, size_t len)
{
	int lines = 1;

	for (size_t i = 0; i < len; i++) {
		lines += bytes[i] == '\n';
	}
	return lines;
}

static void ask_lines(const struct dockerfile *dockerfile, struct fuzz_input *input, int most)
{
	static char rows[ROWS_MAX][ROW_MAX];
	const char *created_by[ROWS_MAX];
	int lines[ROWS_MAX], again[ROWS_MAX];
	size_t count = 0;

	while (count < ROWS_MAX && input->left) {
		(void)take_part(input, rows[count], sizeof(*rows));
		created_by[count] = rows[count];
		count++;
	}
	fuzz_check(dockerfile_lines(dockerfile, created_by, count, lines, NULL) == 0);
	fuzz_check(dockerfile_lines(dockerfile, created_by, count, again, NULL) == 0);
	for (size_t i = 0; i < count; i++) {
		fuzz_check(lines[i] >= 0 && lines[i] <= most && lines[i] == again[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const uint8_t *end = len ? memchr(data, SEPARATOR, len) : NULL;
	const size_t file_len = end ? (size_t)(end - data) : len;
	/* Without a NUL behind it, as a file is read. */
	char *file = malloc(file_len ? file_len : 1);
	struct dockerfile *dockerfile = NULL;
	struct peel_error err = {0};
	const uint8_t *ignored;
	int last = 0;

	fuzz_check(file);
	memcpy(file, data, file_len);
	if (dockerfile_parse("dir/it", file, file_len, &dockerfile, &err) < 0) {
		fuzz_check(!dockerfile && err.message[0]);
		fuzz_check_text(err.message);
		free(file);
		return 0;
	}
	free(file);
	(void)fuzz_bytes(&input, end ? file_len + 1 : file_len, &ignored);
	fuzz_check(dockerfile->count > 0 && dockerfile->count <= DOCKERFILE_INSTRUCTIONS_MAX);
	for (size_t i = 0; i < dockerfile->count; i++) {
		fuzz_check(dockerfile->list[i].line > last);
		last = dockerfile->list[i].line;
	}
	fuzz_check(last <= count_lines(data, file_len));
	ask_lines(dockerfile, &input, last);
	dockerfile_free(dockerfile);
	return 0;
}
