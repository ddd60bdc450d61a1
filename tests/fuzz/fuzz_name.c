/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and small texts: cleaning and classifying paths, the escaper, JSON, digests. Properties of each are
 * checked by other means than the code's own: escaped text is printable UTF-8 and turns back into what it was.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "digest.h"
#include "fuzz.h"
#include "path.h"

/* Inputs are short; a buffer for the shortening form. */
#define SMALL 64

static int hex(char digit)
{
	const char *at = digit ? strchr("0123456789abcdef", digit) : NULL;

	return at ? (int)(at - "0123456789abcdef") : -1;
}

/* Turn escaped text back, byte for byte. */
static size_t unescape(const char *text, uint8_t *ret)
{
	size_t len = 0;

	while (*text) {
		if (*text != '\\') {
			ret[len++] = (uint8_t)*text++;
		} else if (text[1] == '\\') {
			ret[len++] = '\\';
			text += 2;
		} else {
			fuzz_check(text[1] == 'x' && hex(text[2]) >= 0 && hex(text[3]) >= 0);
			ret[len++] = (uint8_t)(hex(text[2]) * 16 + hex(text[3]));
			text += 4;
		}
	}
	return len;
}

/* One character of strict UTF-8 (RFC 3629). @return its bytes, 0: it is none. */
static size_t decode(const uint8_t *at, uint32_t *ret)
{
	const unsigned lead = at[0];
	const size_t len = lead < 0x80 ? 1
		: lead < 0xc2          ? 0
		: lead < 0xe0          ? 2
		: lead < 0xf0          ? 3
		: lead < 0xf5          ? 4
				       : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t value = len == 1 ? lead : len ? lead & (0x7fu >> len) : 0;

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

/* Nothing that a terminal, a log or a reader's eye could take for more than text. */
static void check_printable(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t c = 0;

	while (*at) {
		const size_t len = decode(at, &c);

		fuzz_check(len > 0);
		fuzz_check(c >= 0x20 && !(c >= 0x7f && c < 0xa0));
		fuzz_check(!(c >= 0x200e && c <= 0x200f) && !(c >= 0x202a && c <= 0x202e));
		fuzz_check(!(c >= 0x2066 && c <= 0x2069) && c != 0x61c);
		fuzz_check(c != 0x2028 && c != 0x2029);
		at += len;
	}
}

static void check_escape(const uint8_t *data, size_t len)
{
	uint8_t *back = malloc(len + 1);
	char small[SMALL];
	char *text = NULL;

	fuzz_check(back && peel_text_escape(data, len, &text) == 0);
	check_printable(text);
	fuzz_check(unescape(text, back) == len && memcmp(back, data, len) == 0);
	check_printable(peel_text_escape_into(small, sizeof(small), data, len));
	fuzz_check(strlen(small) < sizeof(small));
	fuzz_check(strlen(text) >= sizeof(small) || strcmp(small, text) == 0);
	free(text);
	free(back);
}

/* What path_clean should give: components on a stack. */
static size_t clean_slowly(const char *path, size_t len, char *ret, bool *ret_escaped)
{
	size_t used = 0;

	*ret_escaped = false;
	for (size_t at = 0; at < len;) {
		const char *slash = memchr(path + at, '/', len - at);
		const size_t part = slash ? (size_t)(slash - path) - at : len - at;

		if (part == 2 && memcmp(path + at, "..", 2) == 0) {
			*ret_escaped = *ret_escaped || used == 0;
			while (used && ret[--used] != '/') {
			}
		} else if (part && !(part == 1 && path[at] == '.')) {
			if (used) {
				ret[used++] = '/';
			}
			memcpy(ret + used, path + at, part);
			used += part;
		}
		at += part + 1;
	}
	return used;
}

static void check_path(const uint8_t *data, size_t len)
{
	char *path = malloc(len + 1), *slow = malloc(len + 1);
	bool escaped = false, slow_escaped;
	size_t cleaned, target = 0;

	fuzz_check(path && slow);
	memcpy(path, data, len);
	cleaned = path_clean(path, len, &escaped);
	fuzz_check(cleaned == clean_slowly((const char *)data, len, slow, &slow_escaped));
	fuzz_check(memcmp(path, slow, cleaned) == 0 && escaped == slow_escaped);
	fuzz_check(path_clean(path, cleaned, &escaped) == cleaned);
	if (path_classify((const char *)data, len, &target) == PATH_WHITEOUT) {
		fuzz_check(target == 4 && len > 4 && memcmp(data, ".wh.", 4) == 0);
		fuzz_check(path_classify((const char *)data + 4, len - 4, &target) == PATH_NAME ||
			data[4] == '.');
	}
	free(slow);
	free(path);
}

static void check_digest(const char *text)
{
	const bool is_256 = strncmp(text, "sha256:", 7) == 0;
	const size_t wanted = is_256 ? 64 : 128;

	if (digest_valid(text)) {
		fuzz_check(is_256 || strncmp(text, "sha512:", 7) == 0);
		fuzz_check(strlen(text + 7) == wanted);
		fuzz_check(strspn(text + 7, "0123456789abcdef") == wanted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	fuzz_check(text != NULL);
	memcpy(text, data, len);
	text[len] = 0;
	check_escape(data, len);
	check_path(data, len);
	check_digest(text);
	free(text);
	return 0;
}
