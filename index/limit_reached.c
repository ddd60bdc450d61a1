/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image came to, as text for its index, and what that says under other limits.
 *
 * An index is what reading the image gave under the limits of that time. It may answer for other limits where reading
 * would give the same again:
 *
 *	- a limit that was not hit: as long as what was reached is within what is asked for now;
 *	- one that cut a layer: as long as exactly the same is asked for. More would show more, less would show less;
 *	- time, spool and memory that was allocated are matters of the reading, not of what was read. Memory stands for
 *	  the largest zstd window, which reading contents needs again;
 *	- the ratio depends on where it began to count: what was reached counts from what was asked for then, so a
 *	  lower start is not known, unless the image unpacks to less than that anyway.
 *
 * What is noted is a bound where the exact value would cost time (depth): then an index may be built once more than
 * needed, under limits that make it exact.
 *
 * A limit that ended the reading left no index. Where the answer is no, the index is built anew under the new limits,
 * and then either hits them, and says so, or knows what it reached.
 */
#include "limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "util.h"

/** Longest name of a limit. */
#define NAME_MAX_LEN 32

/** How a limit's word is judged. */
enum scope {
	/** Of a single layer: counts also where a layer is taken over into another index. */
	SCOPE_LAYER,
	SCOPE_IMAGE,
	/** The start of the ratio. */
	SCOPE_START,
	/** Not told. */
	SCOPE_NONE,
};

static enum scope scope_of(unsigned int limit)
{
	switch ((enum peel_limit)limit) {
	case PEEL_LIMIT_DEPTH:
	case PEEL_LIMIT_HEADER_SIZE:
	case PEEL_LIMIT_LAYER_BYTES:
	case PEEL_LIMIT_MEMORY:
	case PEEL_LIMIT_PATH_LENGTH:
	case PEEL_LIMIT_SPARSE_EXTENTS:
	case PEEL_LIMIT_XATTR_SIZE:
		return SCOPE_LAYER;
	case PEEL_LIMIT_INDEX_SIZE:
	case PEEL_LIMIT_SPOOL:
	case PEEL_LIMIT_TIME:
	case PEEL_LIMITS:
		return SCOPE_NONE;
	case PEEL_LIMIT_RATIO_FROM:
		return SCOPE_START;
	default:
		return SCOPE_IMAGE;
	}
}

/** A word of the text. */
struct word {
	unsigned int limit;
	bool cut;
	uint64_t value;
};

/** Take the next word. @return 1; 0 at the end; -1 where it is none of ours. */
static int next_word(const char **text, struct word *ret_word)
{
	char name[NAME_MAX_LEN + 1];
	size_t len;
	char *end;

	*text += strspn(*text, " ");
	if (!**text) {
		return 0;
	}
	ret_word->cut = **text == '!';
	*text += ret_word->cut;
	len = strcspn(*text, "=");
	if (len == 0 || len > NAME_MAX_LEN || (*text)[len] != '=' || (*text)[len + 1] < '0' ||
		(*text)[len + 1] > '9') {
		return -1;
	}
	memcpy(name, *text, len);
	name[len] = '\0';
	ret_word->value = strtoull(*text + len + 1, &end, 10);
	*text = end;
	for (unsigned i = 0; i < PEEL_LIMITS; i++) {
		if (strcmp(peel_limit_info(i)->name, name) == 0 && scope_of(i) != SCOPE_NONE) {
			ret_word->limit = i;
			return 1;
		}
	}
	return -1;
}

void limits_reached_text(const struct limit_watch *watch, char *text)
{
	const unsigned int cut = atomic_load(&watch->cut);
	size_t len = 0;

	*text = '\0';
	for (unsigned i = 0; i < PEEL_LIMITS; i++) {
		const bool was_cut = cut & 1u << i;
		const enum scope scope = scope_of(i);
		const uint64_t value = was_cut || scope == SCOPE_START
			? watch->asked.values[i]
			: atomic_load(&watch->reached[i]);

		if (scope != SCOPE_NONE && len < LIMIT_REACHED_TEXT) {
			len += (size_t)snprintf(text + len, LIMIT_REACHED_TEXT - len,
				"%s%s%s=%" PRIu64, len ? " " : "", was_cut ? "!" : "",
				peel_limit_info(i)->name, value);
		}
	}
}

static bool allow_word(const struct limit_watch *watch, const struct word *word, uint64_t unpacked,
	bool image)
{
	const uint64_t asked = limits_value(watch, (enum peel_limit)word->limit);
	const enum scope scope = scope_of(word->limit);

	if (!image) {
		return scope != SCOPE_LAYER || word->value <= asked;
	}
	if (scope == SCOPE_START) {
		return asked >= word->value || unpacked <= asked ||
			limits_value(watch, PEEL_LIMIT_RATIO) == PEEL_NO_LIMIT;
	}
	return word->cut ? word->value == asked : word->value <= asked;
}

bool limits_allow(const struct limit_watch *watch, const char *text, bool image)
{
	struct word words[PEEL_LIMITS];
	uint64_t unpacked = UINT64_MAX;
	unsigned int seen = 0;
	unsigned int wanted = 0;
	unsigned int count = 0;
	int r = 1;

	while (r > 0 && count < countof(words) && (r = next_word(&text, &words[count])) > 0) {
		seen |= 1u << words[count].limit;
		if (words[count].limit == PEEL_LIMIT_TOTAL_BYTES) {
			unpacked = words[count].value;
		}
		count++;
	}
	for (unsigned i = 0; i < PEEL_LIMITS; i++) {
		wanted |= scope_of(i) != SCOPE_NONE ? 1u << i : 0;
	}
	if (r != 0 || seen != wanted) {
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!allow_word(watch, &words[i], unpacked, image)) {
			return false;
		}
	}
	return true;
}

void limits_take_over(struct limit_watch *watch, const char *text)
{
	struct peel_error ignored;
	struct word word;

	while (next_word(&text, &word) > 0) {
		if (scope_of(word.limit) == SCOPE_LAYER) {
			(void)limits_check(watch, (enum peel_limit)word.limit,
				min_u64(word.value,
					limits_value(watch, (enum peel_limit)word.limit)),
				&ignored);
		}
	}
}
