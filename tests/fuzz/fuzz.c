/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include <peel/error.h>

#include "source.h"
#include "tar_header.h"

/* Where a header's checksum and size stand. */
#define TAR_CHECKSUM 148
#define TAR_CHECKSUM_LEN 8
#define TAR_SIZE 124
#define TAR_SIZE_LEN 12

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

void fuzz_lone_sqlite(void)
{
	fuzz_check(sqlite3_shutdown() == SQLITE_OK);
	fuzz_check(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
	fuzz_check(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

struct source *fuzz_source(const void *bytes, size_t len)
{
	struct source *source = NULL;

	fuzz_check(source_new_memory(bytes, len, 0, &source, NULL) == 0);
	return source;
}

/* One character of strict UTF-8 (RFC 3629). @return its bytes, 0: it is none. */
static size_t decode(const uint8_t *at, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint32_t lead = at[0];
	const size_t len = lead < 0x80 ? 1
		: lead < 0xc2          ? 0
		: lead < 0xe0          ? 2
		: lead < 0xf0          ? 3
		: lead < 0xf5          ? 4
				       : 0;
	uint32_t value = len == 1 ? lead : lead & (0x7fu >> len);

	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return 0;
		}
		value = value << 6 | (at[i] & 0x3f);
	}
	*ret = value;
	return value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0
											     : len;
}

void fuzz_check_text(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t c = 0;

	while (*at) {
		const size_t len = decode(at, &c);

		/* Controls; marks of direction, embeddings, overrides, isolates; ends of lines. */
		if (len == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) ||
			(c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
			(c >= 0x2066 && c <= 0x2069) || c == 0x61c) {
			fuzz_fail(text, __FILE__, __LINE__);
		}
		at += len;
	}
}

void fuzz_mend_tar(uint8_t *data, size_t len)
{
	for (size_t pos = 0; len - pos >= TAR_BLOCK; pos += TAR_BLOCK) {
		uint8_t *block = data + pos;
		int64_t size = 0;
		unsigned int sum = 0;

		if (tar_is_zero(block)) {
			continue;
		}
		memset(block + TAR_CHECKSUM, ' ', TAR_CHECKSUM_LEN);
		for (size_t i = 0; i < TAR_BLOCK; i++) {
			sum += block[i];
		}
		for (int i = TAR_CHECKSUM_LEN - 3; i >= 0; i--, sum >>= 3) {
			block[TAR_CHECKSUM + i] = (uint8_t)('0' + (sum & 7));
		}
		block[TAR_CHECKSUM + TAR_CHECKSUM_LEN - 2] = 0;
		if (!tar_has_data((char)block[156]) ||
			!tar_number(block + TAR_SIZE, TAR_SIZE_LEN, &size)) {
			continue;
		}
		if (size < 0 || (uint64_t)size > len - pos - TAR_BLOCK) {
			return;
		}
		pos += ((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		if (pos > len - TAR_BLOCK) {
			return;
		}
	}
}
