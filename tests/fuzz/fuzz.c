/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <peel/error.h>

#include "source.h"

void fuzz_fail(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

unsigned int fuzz_byte(struct fuzz_input *input)
{
	if (!input->left) {
		return 0;
	}
	input->left--;
	return *input->at++;
}

uint32_t fuzz_below(struct fuzz_input *input, uint32_t limit)
{
	uint32_t value = 0;

	for (uint32_t rest = limit - 1; rest; rest >>= 8) {
		value = value << 8 | fuzz_byte(input);
	}
	return value % limit;
}

size_t fuzz_bytes(struct fuzz_input *input, size_t len, const uint8_t **ret)
{
	const size_t got = len < input->left ? len : input->left;

	*ret = input->at;
	input->at += got;
	input->left -= got;
	return got;
}

struct source *fuzz_source(const void *bytes, size_t len)
{
	struct source *source = NULL;

	fuzz_check(source_new_memory(bytes, len, 0, &source, NULL) == 0);
	return source;
}
