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

static void check_escape(const uint8_t *data, size_t len)
{
	uint8_t *back = malloc(len + 1);
	char small[SMALL];
	char *text = NULL;

	fuzz_check(back && peel_text_escape(data, len, &text) == 0);
	fuzz_check_text(text);
	fuzz_check(unescape(text, back) == len && memcmp(back, data, len) == 0);
	fuzz_check_text(peel_text_escape_into(small, sizeof(small), data, len));
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
