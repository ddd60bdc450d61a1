/* SPDX-License-Identifier: Apache-2.0 */
#include "query_place.h"

#include "util_lock.h"

void query_places_init(struct query_places *places)
{
	pthread_mutex_init(&places->lock, NULL);
}

void query_places_finish(struct query_places *places)
{
	pthread_mutex_destroy(&places->lock);
}

/** Numbers of a folder's files follow each other, so they do not meet in a slot. */
static struct query_place_slot *slot_of(struct query_places *places, uint64_t ino)
{
	return &places->slots[ino & (QUERY_PLACES - 1)];
}

void query_places_keep(struct query_places *places, uint64_t ino, const struct query_place *place)
{
	scoped_lock(&places->lock);
	struct query_place_slot *slot = slot_of(places, ino);

	slot->ino = ino;
	slot->place = *place;
}

bool query_places_find(struct query_places *places, uint64_t ino, struct query_place *ret_place)
{
	scoped_lock(&places->lock);
	const struct query_place_slot *slot = slot_of(places, ino);

	if (ino == 0 || slot->ino != ino) {
		return false;
	}
	*ret_place = slot->place;
	return true;
}

static struct query_folder_slot *folder_slot_of(struct query_places *places, uint64_t ino)
{
	return &places->folders[ino & (QUERY_PLACES - 1)];
}

void query_places_keep_folder(struct query_places *places, uint64_t ino,
	const struct query_folder_place *place)
{
	scoped_lock(&places->lock);
	struct query_folder_slot *slot = folder_slot_of(places, ino);

	slot->ino = ino;
	slot->place = *place;
}

void query_places_end_folder(struct query_places *places, uint64_t ino, uint64_t end)
{
	scoped_lock(&places->lock);
	struct query_folder_slot *slot = folder_slot_of(places, ino);

	if (slot->ino == ino) {
		slot->place.end = end;
	}
}

bool query_places_find_folder(struct query_places *places, uint64_t ino,
	struct query_folder_place *ret_place)
{
	scoped_lock(&places->lock);
	const struct query_folder_slot *slot = folder_slot_of(places, ino);

	if (ino == 0 || slot->ino != ino) {
		return false;
	}
	*ret_place = slot->place;
	return true;
}
