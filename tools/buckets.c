/* SPDX-License-Identifier: Apache-2.0 */
#include "buckets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOTS_MIN 64
/* FNV-1a, 64 bits, from a start that nobody knows: keys are an image's, which could have a million of one hash. */
#define HASH_PRIME UINT64_C(0x100000001b3)

void buckets_finish(struct buckets *buckets)
{
	for (size_t i = 0; i < buckets->count; i++) {
		free((void *)(uintptr_t)buckets->items[i].key);
	}
	free(buckets->items);
	free(buckets->slots);
	*buckets = (struct buckets){0};
}

static uint64_t hash_key(uint64_t seed, const char *key, size_t len)
{
	uint64_t hash = seed;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ (unsigned char)key[i]) * HASH_PRIME;
	}
	return hash ^ hash >> 32;
}

/* The slot of a key: its own, or the free one where it belongs. */
static uint32_t *find_slot(const struct buckets *buckets, const char *key, size_t len)
{
	size_t at = hash_key(buckets->seed, key, len) & (buckets->slot_count - 1);

	for (;; at = (at + 1) & (buckets->slot_count - 1)) {
		const struct bucket *item;

		if (!buckets->slots[at]) {
			return &buckets->slots[at];
		}
		item = &buckets->items[buckets->slots[at] - 1];
		if (item->key_len == len && memcmp(item->key, key, len) == 0) {
			return &buckets->slots[at];
		}
	}
}

static bool grow(struct buckets *buckets)
{
	size_t wanted = buckets->slot_count ? buckets->slot_count * 2 : SLOTS_MIN;
	struct bucket *items = reallocarray(buckets->items, wanted / 2, sizeof(*items));
	uint32_t *slots = calloc(wanted, sizeof(*slots));

	buckets->items = items ? items : buckets->items;
	if (!buckets->seed && getrandom(&buckets->seed, sizeof(buckets->seed), GRND_NONBLOCK) < 0) {
		/* Early after boot: an address is a guess, too. */
		buckets->seed = (uint64_t)(uintptr_t)slots;
	}
	if (!items || !slots) {
		free(slots);
		return false;
	}
	free(buckets->slots);
	buckets->slots = slots;
	buckets->slot_count = wanted;
	buckets->room = wanted / 2;
	for (size_t i = 0; i < buckets->count; i++) {
		*find_slot(buckets, items[i].key, items[i].key_len) = (uint32_t)i + 1;
	}
	return true;
}

struct bucket *buckets_get(struct buckets *buckets, const void *key, size_t len)
{
	uint32_t *slot = buckets->slot_count ? find_slot(buckets, key, len) : NULL;
	char *copy;

	if (slot && *slot) {
		return &buckets->items[*slot - 1];
	}
	if (!slot || buckets->count == buckets->room) {
		if (!grow(buckets)) {
			return NULL;
		}
		slot = find_slot(buckets, key, len);
	}
	copy = malloc(len + 1);
	if (!copy) {
		return NULL;
	}
	memcpy(copy, key, len);
	copy[len] = '\0';
	buckets->items[buckets->count++] = (struct bucket){.key = copy, .key_len = len};
	*slot = (uint32_t)buckets->count;
	return &buckets->items[buckets->count - 1];
}

size_t bucket_folder(const char *path, size_t len, uint32_t depth)
{
	size_t end = 0;

	for (size_t i = 1; i < len && depth > 0; i++) {
		if (path[i] == '/') {
			end = i;
			depth--;
		}
	}
	return end;
}

static int by_key(const void *left, const void *right)
{
	const struct bucket *a = left;
	const struct bucket *b = right;
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, len);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int by_bytes(const void *left, const void *right)
{
	const struct bucket *a = left;
	const struct bucket *b = right;

	return a->sums[0].bytes != b->sums[0].bytes ? (a->sums[0].bytes < b->sums[0].bytes ? 1 : -1)
						    : by_key(left, right);
}

static uint64_t change(const struct bucket *bucket)
{
	uint64_t a = bucket->sums[0].bytes;
	uint64_t b = bucket->sums[1].bytes;

	return a > b ? a - b : b - a;
}

static int by_change(const void *left, const void *right)
{
	uint64_t a = change(left);
	uint64_t b = change(right);

	return a != b ? (a < b ? 1 : -1) : by_key(left, right);
}

void buckets_sort(struct buckets *buckets, enum buckets_order order)
{
	static int (*const orders[])(const void *, const void *) = {
		[BUCKETS_BY_KEY] = by_key,
		[BUCKETS_BY_BYTES] = by_bytes,
		[BUCKETS_BY_CHANGE] = by_change,
	};

	if (buckets->count > 1) {
		qsort(buckets->items, buckets->count, sizeof(*buckets->items), orders[order]);
	}
}
