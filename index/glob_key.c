/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which fixed part of a pattern is rarest among paths is a guess, from what root filesystems look
 * like: a whole path stands for one file, a long prefix for a folder's files, a name for some, an
 * extension for many; one component of a prefix ("/usr") or a folder's name that is everywhere
 * ("lib") for most. A wrong guess costs time, not truth: what a key finds is still matched.
 */
#include "glob_key.h"

#include <string.h>

#include "glob_priv.h"
#include "util.h"

/* What a key costs: about how many paths of ten thousand have it. */
enum {
	COST_PATH = 0,
	COST_NAME_LAST = 3,
	COST_PREFIX_LONG = 20,
	COST_NAME_ANY = 30,
	COST_PREFIX_TWO = 500,
	COST_EXTENSION = 300,
	COST_END_LONG = 200,
	COST_WORD = 250,
	COST_END_SHORT = 600,
	COST_END_BYTE = 1500,
	COST_NAME_COMMON = 3000,
	COST_PREFIX_ONE = 4000,
	COST_NONE = 10000,
};

/* Folders that most paths are in, and databases that most packages are in (audit_categories.c), sorted. */
static const char *const common_names[] = {
	"apk",
	"bin",
	"dist-packages",
	"dpkg",
	"etc",
	"include",
	"lib",
	"local",
	"node_modules",
	"opt",
	"rpm",
	"share",
	"site-packages",
	"src",
	"usr",
	"var",
};

/* The best key so far. */
struct choice {
	struct glob_key key;
	unsigned int cost;
};

uint64_t glob_hash(const char *bytes, size_t len)
{
	uint64_t hash = GLOB_HASH_SEED;

	for (size_t i = 0; i < len; i++) {
		hash = glob_hash_byte(hash, (unsigned char)bytes[i]);
	}
	return hash;
}

static void offer(struct choice *choice, enum glob_key_kind kind, unsigned int len, uint64_t hash,
	unsigned int cost)
{
	if (cost < choice->cost) {
		choice->cost = cost;
		choice->key.kind = kind;
		choice->key.len = len;
		choice->key.hash = glob_key_hash(kind, len, hash);
	}
}

static bool is_common(const char *name, size_t len)
{
	for (size_t i = 0; i < countof(common_names); i++) {
		if (strlen(common_names[i]) == len && memcmp(common_names[i], name, len) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_fixed(const struct glob_part *part)
{
	return !part->any_depth && part->steps == 0;
}

/* The fixed components that a pattern begins with, hashed; and where all are, the path. */
static void offer_prefix(struct choice *choice, const struct glob *glob)
{
	static const unsigned int costs[] = {COST_NONE, COST_PREFIX_ONE, COST_PREFIX_TWO};
	uint64_t hash = GLOB_HASH_SEED;
	size_t count = 0;

	while (count < glob->parts_count && is_fixed(&glob->parts[count])) {
		const struct glob_part *part = &glob->parts[count++];

		hash = glob_hash_join(hash, glob_hash(glob->text + part->text, part->head));
	}
	if (count == glob->parts_count) {
		offer(choice, GLOB_KEY_PATH, 0, hash, COST_PATH);
	} else {
		offer(choice, GLOB_KEY_PREFIX, 0, hash,
			count < countof(costs) ? costs[count] : COST_PREFIX_LONG);
	}
}

static unsigned int end_cost(size_t len)
{
	return len == 1 ? COST_END_BYTE : len < 4 ? COST_END_SHORT : COST_END_LONG;
}

/* How a component begins and ends. */
static void offer_ends(struct choice *choice, const struct glob_part *part, const char *head,
	bool last)
{
	const char *tail = head + part->head;
	const char *dot = memrchr(tail, '.', part->tail);
	const size_t from_dot = dot ? (size_t)(tail + part->tail - dot) : 0;
	const size_t tail_len = min_u64(part->tail, GLOB_KEY_BYTES);
	const size_t head_len = min_u64(part->head, GLOB_KEY_BYTES);

	if (dot) {
		offer(choice, last ? GLOB_KEY_EXTENSION_LAST : GLOB_KEY_EXTENSION_ANY, 0,
			glob_hash(dot, from_dot), COST_EXTENSION);
	} else if (tail_len > 0) {
		offer(choice, last ? GLOB_KEY_TAIL_LAST : GLOB_KEY_TAIL_ANY, (unsigned int)tail_len,
			glob_hash(tail + part->tail - tail_len, tail_len), end_cost(tail_len));
	}
	if (head_len > 0) {
		offer(choice, last ? GLOB_KEY_HEAD_LAST : GLOB_KEY_HEAD_ANY, (unsigned int)head_len,
			glob_hash(head, head_len), end_cost(head_len));
	}
}

/* The first word that stands whole between the stars of the last component. */
static void offer_word(struct choice *choice, const uint16_t *steps, size_t count)
{
	uint64_t hash = GLOB_HASH_SEED;
	size_t len = 0;
	bool inside = false;

	for (size_t i = 0; i < count; i++) {
		if (inside && len > 0 && glob_ends_word(steps[i])) {
			offer(choice, GLOB_KEY_WORD_LAST, 0, hash, COST_WORD);
			return;
		}
		if (glob_ends_word(steps[i]) || steps[i] >= GLOB_ANY) {
			inside = steps[i] < GLOB_ANY;
			hash = GLOB_HASH_SEED;
			len = 0;
		} else {
			hash = glob_hash_byte(hash, (unsigned char)steps[i]);
			len++;
		}
	}
}

static void offer_part(struct choice *choice, const struct glob *glob, size_t i)
{
	const struct glob_part *part = &glob->parts[i];
	const char *text = glob->text + part->text;
	const bool last = i == glob->parts_count - 1;

	if (part->any_depth) {
		return;
	}
	if (part->steps > 0) {
		offer_ends(choice, part, text, last);
		if (last) {
			offer_word(choice, glob->steps + part->step, part->steps);
		}
	} else if (last) {
		offer(choice, GLOB_KEY_NAME_LAST, 0, glob_hash(text, part->head), COST_NAME_LAST);
	} else {
		offer(choice, GLOB_KEY_NAME_ANY, 0, glob_hash(text, part->head),
			is_common(text, part->head) ? COST_NAME_COMMON : COST_NAME_ANY);
	}
}

struct glob_key glob_key_of(const struct glob *glob)
{
	struct choice choice = {.key.kind = GLOB_KEY_NONE, .cost = COST_NONE};

	offer_prefix(&choice, glob);
	for (size_t i = 0; i < glob->parts_count; i++) {
		offer_part(&choice, glob, i);
	}
	return choice.key;
}
