/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of bits in a hash table with open addressing. Node numbers are the rows of an index, nearly dense, so that a
 * page is nearly full. A plain hash of numbers, as GNU du keeps one, costs a hundred times as much for a million files;
 * one long bit field would be as large as a stranger's index says.
 */
#include "inode_set.h"

#include <stdlib.h>

#include <peel/error.h>

/* Numbers of a page. */
#define PAGE_SHIFT 9
#define PAGE_WORDS ((1u << PAGE_SHIFT) / 64)

struct inode_page {
	/* The numbers' upper bits plus one; 0: no page. */
	uint64_t key;
	uint64_t bits[PAGE_WORDS];
};

/* The page of a key, or the free place for it; the table is never full. */
static struct inode_page *find(struct inode_page *pages, size_t room, uint64_t key)
{
	/* Fibonacci hashing: keys come in rows. */
	size_t i = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (room - 1);

	while (pages[i].key != 0 && pages[i].key != key) {
		i = (i + 1) & (room - 1);
	}
	return &pages[i];
}

static int grow(struct inode_set *set)
{
	size_t room = set->room ? set->room * 2 : 64;
	struct inode_page *pages = calloc(room, sizeof(*pages));

	if (!pages) {
		return PEEL_ENOMEM;
	}
	for (size_t i = 0; i < set->room; i++) {
		if (set->pages[i].key != 0) {
			*find(pages, room, set->pages[i].key) = set->pages[i];
		}
	}
	free(set->pages);
	set->pages = pages;
	set->room = room;
	return 0;
}

int inode_set_add(struct inode_set *set, uint64_t ino)
{
	const uint64_t key = (ino >> PAGE_SHIFT) + 1;
	const unsigned int bit = (unsigned int)(ino & ((1u << PAGE_SHIFT) - 1));
	const uint64_t mask = UINT64_C(1) << (bit % 64);
	struct inode_page *page;

	if (set->count >= set->room / 4 * 3 && grow(set) < 0) {
		return PEEL_ENOMEM;
	}
	page = find(set->pages, set->room, key);
	if (page->key == 0) {
		page->key = key;
		set->count++;
	}
	if (page->bits[bit / 64] & mask) {
		return 0;
	}
	page->bits[bit / 64] |= mask;
	return 1;
}

void inode_set_finish(struct inode_set *set)
{
	free(set->pages);
	*set = (struct inode_set){0};
}
