/* SPDX-License-Identifier: Apache-2.0 */
#include "store_page.h"

#include <string.h>

#include "store_record.h"

/** Places in a page's header. */
enum {
	AT_COUNT = 3,
	AT_CONTENT = 5,
	AT_RIGHT = 8,
	LEAF_HEAD = 8,
	INNER_HEAD = 12,
};

static void put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned get_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

/** Where the places of the cells start. */
static unsigned head_size(const uint8_t *bytes)
{
	return bytes[0] >= PAGE_INDEX_LEAF ? LEAF_HEAD : INNER_HEAD;
}

void page_begin(struct page *page, uint8_t *bytes, enum page_kind kind)
{
	memset(bytes, 0, STORE_PAGE_SIZE);
	bytes[0] = (uint8_t)kind;
	*page = (struct page){.bytes = bytes, .content = STORE_PAGE_SIZE};
}

uint8_t *page_add(struct page *page, size_t len)
{
	unsigned places;

	if (!page->bytes) {
		return NULL;
	}
	places = head_size(page->bytes) + 2 * (page->count + 1);
	if (page->content < places + len) {
		return NULL;
	}
	page->content -= (unsigned)len;
	put_u16(page->bytes + places - 2, page->content);
	page->count++;
	return page->bytes + page->content;
}

const uint8_t *page_last(const struct page *page)
{
	return page->bytes + page->content;
}

void page_drop(struct page *page, unsigned content)
{
	memset(page->bytes + page->content, 0, content - page->content);
	page->count--;
	put_u16(page->bytes + head_size(page->bytes) + 2 * page->count, 0);
	page->content = content;
}

void page_end(struct page *page)
{
	put_u16(page->bytes + AT_COUNT, page->count);
	put_u16(page->bytes + AT_CONTENT, page->content);
}

void page_set_right(struct page *page, uint32_t child)
{
	put_u16(page->bytes + AT_RIGHT, child >> 16);
	put_u16(page->bytes + AT_RIGHT + 2, child & 0xffff);
}

bool page_add_row(struct page *page, uint64_t id, const struct record *record, size_t len)
{
	uint8_t head[2 * RECORD_VARINT_MAX];
	size_t head_len = record_put_varint(head, len);
	uint8_t *cell;

	head_len += record_put_varint(head + head_len, id);
	cell = page_add(page, head_len + len);
	if (!cell) {
		return false;
	}
	memcpy(cell, head, head_len);
	memcpy(cell + head_len, record->head, record->head_len);
	memcpy(cell + head_len + record->head_len, record->body, record->body_len);
	return true;
}

unsigned page_row_count(const uint8_t *bytes)
{
	unsigned count = get_u16(bytes + AT_COUNT);

	return bytes[0] == PAGE_TABLE_LEAF && LEAF_HEAD + 2 * count <= STORE_PAGE_SIZE ? count : 0;
}

bool page_get_row(uint8_t *bytes, unsigned i, struct page_row *ret_row)
{
	unsigned place = get_u16(bytes + LEAF_HEAD + 2 * i);
	uint8_t *end = bytes + STORE_PAGE_SIZE;
	uint8_t *at = bytes + place;
	uint64_t len = 0;
	size_t used = place < STORE_PAGE_SIZE ? record_get_varint(at, end, &len) : 0;
	size_t more = used ? record_get_varint(at + used, end, &ret_row->id) : 0;

	if (more == 0) {
		return false;
	}
	at += used + more;
	ret_row->bytes = at;
	ret_row->len = (size_t)len;
	return len <= PAGE_ROW_MAX && len <= (uint64_t)(end - at);
}

uint32_t page_child(const uint8_t *bytes, uint64_t id, uint64_t *ret_last)
{
	const uint8_t *end = bytes + STORE_PAGE_SIZE;
	const unsigned count = get_u16(bytes + AT_COUNT);
	uint64_t last = UINT64_MAX;
	unsigned low = 0;
	unsigned high = count;

	if (bytes[0] != PAGE_TABLE_INNER || INNER_HEAD + 2 * count > STORE_PAGE_SIZE) {
		return 0;
	}
	/* The first cell whose key is not below the row. */
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		unsigned place = get_u16(bytes + INNER_HEAD + 2 * middle);
		uint64_t key = 0;

		if (place + 4 >= STORE_PAGE_SIZE ||
			record_get_varint(bytes + place + 4, end, &key) == 0) {
			return 0;
		}
		if (key < id) {
			low = middle + 1;
		} else {
			high = middle;
			last = key;
		}
	}
	*ret_last = last;
	return low == count ? get_u32(bytes + AT_RIGHT)
			    : get_u32(bytes + get_u16(bytes + INNER_HEAD + 2 * low));
}
