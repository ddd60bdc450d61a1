/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_advice_copies.h"

#include <string.h>

#include <peel/error.h>

#include "util.h"

/* Slots of a table at first. */
#define SLOTS_MIN 1024

void advice_contents_finish(struct advice_contents *contents)
{
	free(contents->slots);
}

/* The slot of a content, or the free one where it belongs. */
static struct advice_content *content_slot(const struct advice_contents *contents,
	const struct advice_content *content)
{
	size_t slot = content->hash[0] & (contents->slot_count - 1);

	while (contents->slots[slot].bytes &&
		memcmp(&contents->slots[slot], content, sizeof(*content)) != 0) {
		slot = (slot + 1) & (contents->slot_count - 1);
	}
	return &contents->slots[slot];
}

static bool double_contents(struct advice_contents *contents)
{
	struct advice_contents wider = {.count = contents->count};

	wider.slot_count = contents->slot_count ? 2 * contents->slot_count : SLOTS_MIN;
	wider.slots = calloc(wider.slot_count, sizeof(*wider.slots));
	if (!wider.slots) {
		return false;
	}
	for (size_t i = 0; i < contents->slot_count; i++) {
		if (contents->slots[i].bytes) {
			*content_slot(&wider, &contents->slots[i]) = contents->slots[i];
		}
	}
	free(contents->slots);
	*contents = wider;
	return true;
}

int advice_contents_add(struct advice_contents *contents, const void *hash, uint64_t bytes)
{
	struct advice_content content = {.bytes = bytes};
	struct advice_content *slot;

	if (2 * contents->count >= contents->slot_count && !double_contents(contents)) {
		return PEEL_ENOMEM;
	}
	memcpy(content.hash, hash, sizeof(content.hash));
	slot = content_slot(contents, &content);
	if (slot->bytes) {
		return 0;
	}
	*slot = content;
	contents->count++;
	return 1;
}

void advice_copies_finish(struct advice_copies *copies)
{
	free(copies->items);
	free(copies->slots);
}

static bool double_copies(struct advice_copies *copies)
{
	size_t wanted = copies->slot_count ? 2 * copies->slot_count : SLOTS_MIN;
	uint32_t *slots = calloc(wanted, sizeof(*slots));

	if (!slots) {
		return false;
	}
	free(copies->slots);
	copies->slots = slots;
	copies->slot_count = wanted;
	for (size_t i = 0; i < copies->count; i++) {
		uint32_t *slot = &slots[copies->items[i].hash & (wanted - 1)];

		copies->items[i].next = *slot;
		*slot = (uint32_t)i + 1;
	}
	return true;
}

bool advice_copies_add(struct advice_copies *copies, uint64_t hash, const struct advice_key *key,
	uint64_t bytes)
{
	uint32_t *slot;

	if ((copies->count >= copies->slot_count && !double_copies(copies)) ||
		copies->count >= UINT32_MAX - 1 ||
		!grow_array(&copies->items, copies->count, &copies->room, sizeof(*copies->items))) {
		return false;
	}
	slot = &copies->slots[hash & (copies->slot_count - 1)];
	copies->items[copies->count] = (struct advice_copy){
		.hash = hash, .bytes = bytes, .key = *key, .next = *slot};
	*slot = (uint32_t)++copies->count;
	return true;
}

struct advice_copy *advice_copies_find(struct advice_copies *copies, uint64_t hash,
	const struct advice_copy *after)
{
	uint32_t at = after          ? after->next
		: copies->slot_count ? copies->slots[hash & (copies->slot_count - 1)]
				     : 0;

	while (at && copies->items[at - 1].hash != hash) {
		at = copies->items[at - 1].next;
	}
	return at ? &copies->items[at - 1] : NULL;
}
