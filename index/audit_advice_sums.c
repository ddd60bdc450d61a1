/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_advice_priv.h"
#include "hash.h"

#include <string.h>

#include "util.h"

void advice_sums_finish(struct advice_sums *sums)
{
	for (size_t i = 0; i < sums->count; i++) {
		for (size_t k = 0; k < sums->items[i].path_count; k++) {
			free(sums->items[i].paths[k]);
		}
	}
	for (size_t i = 0; i < sums->family_count; i++) {
		free(sums->families[i].name);
	}
	free(sums->items);
	free(sums->slots);
	free(sums->families);
	free(sums->has_category);
}

static size_t find_slot(const struct advice_sums *sums, const struct advice_key *key)
{
	size_t slot = hash_bytes(hash_seed(), key, sizeof(*key)) & (sums->slot_count - 1);

	while (sums->slots[slot] &&
		memcmp(&sums->items[sums->slots[slot] - 1].key, key, sizeof(*key)) != 0) {
		slot = (slot + 1) & (sums->slot_count - 1);
	}
	return slot;
}

static bool make_slots(struct advice_sums *sums)
{
	size_t wanted = sums->slot_count ? 2 * sums->slot_count : 1024;
	uint32_t *slots;

	if (2 * sums->count < sums->slot_count) {
		return true;
	}
	slots = calloc(wanted, sizeof(*slots));
	if (!slots) {
		return false;
	}
	free(sums->slots);
	sums->slots = slots;
	sums->slot_count = wanted;
	for (size_t i = 0; i < sums->count; i++) {
		slots[find_slot(sums, &sums->items[i].key)] = (uint32_t)i + 1;
	}
	return true;
}

size_t advice_sums_get(struct advice_sums *sums, const struct advice_key *key)
{
	size_t slot;

	if (!make_slots(sums)) {
		return SIZE_MAX;
	}
	slot = find_slot(sums, key);
	if (sums->slots[slot]) {
		return sums->slots[slot] - 1;
	}
	if (sums->count >= UINT32_MAX - 1 ||
		!grow_array(&sums->items, sums->count, &sums->room, sizeof(*sums->items))) {
		return SIZE_MAX;
	}
	sums->items[sums->count] = (struct advice_sum){.key = *key};
	sums->slots[slot] = (uint32_t)++sums->count;
	return sums->count - 1;
}

bool advice_sums_path(struct advice_sums *sums, struct advice_sum *sum, const char *path,
	size_t len, uint64_t bytes)
{
	size_t at = sum->path_count;
	char *copy;

	while (at > 0 && sum->path_bytes[at - 1] < bytes) {
		at--;
	}
	if (at == ADVICE_PATHS || sums->path_bytes + len > ADVICE_PATH_BYTES) {
		return true;
	}
	copy = malloc(len + 1);
	if (!copy) {
		return false;
	}
	memcpy(copy, path, len);
	copy[len] = '\0';
	sums->path_bytes += len;
	if (sum->path_count == ADVICE_PATHS) {
		sums->path_bytes -= strlen(sum->paths[--sum->path_count]);
		free(sum->paths[sum->path_count]);
	}
	for (size_t i = sum->path_count++; i > at; i--) {
		sum->paths[i] = sum->paths[i - 1];
		sum->path_bytes[i] = sum->path_bytes[i - 1];
	}
	sum->paths[at] = copy;
	sum->path_bytes[at] = bytes;
	return true;
}
