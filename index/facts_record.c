/* SPDX-License-Identifier: Apache-2.0 */
#include "facts_record.h"

#include <string.h>

#include "util.h"

/** Bits of a record's first number. */
enum record_flag {
	RECORD_LOOKED = 1,
	RECORD_DEFERRED = 2,
	RECORD_HASH = 4,
	RECORD_HEAD = 8,
};

void facts_record_begin(struct pack *pack, const struct facts_record *record)
{
	pack->len = 0;
	pack_number(pack,
		(record->looked ? RECORD_LOOKED : 0u) | (record->deferred ? RECORD_DEFERRED : 0u) |
			(record->hash ? RECORD_HASH : 0u) | (record->head ? RECORD_HEAD : 0u));
	pack_number(pack, record->kind);
	if (record->hash) {
		pack_raw(pack, record->hash, PEEL_FAST_HASH_SIZE);
	}
	if (record->head) {
		pack_bytes(pack, record->head, record->head_len);
	}
}

static void add_elf(struct pack *pack, const struct facts_elf *elf)
{
	const char *const texts[] = {elf->interp, elf->soname, elf->runpath, elf->build_id};
	const uint64_t numbers[] = {(uint64_t)elf->bits, elf->machine, elf->type, elf->flags,
		elf->debug_bytes, elf->strip_bytes, elf->end};

	for (size_t i = 0; i < countof(numbers); i++) {
		pack_number(pack, numbers[i]);
	}
	for (size_t i = 0; i < countof(texts); i++) {
		pack_text(pack, texts[i], strlen(texts[i]));
	}
}

void facts_record_add(struct pack *pack, const struct facts_item *item)
{
	pack_number(pack, item->kind);
	switch (item->kind) {
	case FACTS_ITEM_MARKER:
	case FACTS_ITEM_MEMBER_MARKER:
		pack_number(pack, item->marker);
		pack_number(pack, item->offset);
		break;
	case FACTS_ITEM_SCRIPT:
	case FACTS_ITEM_NEED:
		pack_text(pack, item->text, item->text_len);
		break;
	case FACTS_ITEM_SYMBOL:
		pack_text(pack, item->text, item->text_len);
		pack_number(pack, item->defined);
		break;
	case FACTS_ITEM_GPU:
		pack_text(pack, item->text, item->text_len);
		pack_number(pack, item->bytes);
		break;
	case FACTS_ITEM_MEMBER:
		pack_text(pack, item->text, item->text_len);
		pack_number(pack, item->bytes);
		pack_number(pack, item->size);
		pack_number(pack, item->member_kind);
		break;
	case FACTS_ITEM_ARCHIVE:
		pack_number(pack, (uint64_t)item->listed);
		pack_number(pack, item->bundle);
		pack_number(pack, item->offset);
		break;
	case FACTS_ITEM_NAMED_MARKER:
		pack_text(pack, item->text, item->text_len);
		pack_number(pack, item->offset);
		break;
	case FACTS_ITEM_ELF:
		add_elf(pack, &item->elf);
		break;
	}
}

bool facts_record_open(struct unpack *in, const void *bytes, size_t len,
	struct facts_record *ret_record)
{
	uint64_t flags;

	*in = (struct unpack){.at = bytes, .end = (const uint8_t *)bytes + len};
	flags = unpack_number(in);
	*ret_record = (struct facts_record){
		.looked = flags & RECORD_LOOKED,
		.deferred = flags & RECORD_DEFERRED,
		.kind = (enum peel_kind)unpack_number(in),
	};
	if (flags & RECORD_HASH) {
		ret_record->hash = unpack_raw(in, PEEL_FAST_HASH_SIZE);
	}
	if (flags & RECORD_HEAD) {
		ret_record->head = unpack_bytes(in, &ret_record->head_len);
	}
	return !in->damaged;
}

static void read_elf(struct unpack *in, struct facts_elf *elf)
{
	const struct {
		char *text;
		size_t room;
	} texts[] = {
		{elf->interp, sizeof(elf->interp)},
		{elf->soname, sizeof(elf->soname)},
		{elf->runpath, sizeof(elf->runpath)},
		{elf->build_id, sizeof(elf->build_id)},
	};

	elf->bits = (int)unpack_number(in);
	elf->machine = (unsigned)unpack_number(in);
	elf->type = (unsigned)unpack_number(in);
	elf->flags = (unsigned)unpack_number(in);
	elf->debug_bytes = unpack_number(in);
	elf->strip_bytes = unpack_number(in);
	elf->end = unpack_number(in);
	for (size_t i = 0; i < countof(texts); i++) {
		size_t len = 0;
		const char *text = unpack_text(in, &len);

		in->damaged |= len >= texts[i].room;
		memcpy(texts[i].text, text, in->damaged ? 0 : len + 1);
	}
}

int facts_record_next(struct unpack *in, struct facts_item *item)
{
	if (in->damaged || in->at == in->end) {
		return in->damaged ? -1 : 0;
	}
	item->kind = (enum facts_item_kind)unpack_number(in);
	switch (item->kind) {
	case FACTS_ITEM_MARKER:
	case FACTS_ITEM_MEMBER_MARKER:
		item->marker = unpack_number(in);
		item->offset = unpack_number(in);
		break;
	case FACTS_ITEM_SCRIPT:
	case FACTS_ITEM_NEED:
		item->text = unpack_text(in, &item->text_len);
		break;
	case FACTS_ITEM_SYMBOL:
		item->text = unpack_text(in, &item->text_len);
		item->defined = unpack_number(in) != 0;
		break;
	case FACTS_ITEM_GPU:
		item->text = unpack_text(in, &item->text_len);
		item->bytes = unpack_number(in);
		break;
	case FACTS_ITEM_MEMBER:
		item->text = unpack_text(in, &item->text_len);
		item->bytes = unpack_number(in);
		item->size = unpack_number(in);
		item->member_kind = (enum peel_kind)unpack_number(in);
		break;
	case FACTS_ITEM_ARCHIVE:
		item->listed = (int)unpack_number(in);
		item->bundle = (enum facts_bundle)unpack_number(in);
		item->offset = unpack_number(in);
		break;
	case FACTS_ITEM_NAMED_MARKER:
		item->text = unpack_text(in, &item->text_len);
		item->offset = unpack_number(in);
		break;
	case FACTS_ITEM_ELF:
		read_elf(in, &item->elf);
		break;
	default:
		in->damaged = true;
	}
	return in->damaged ? -1 : 1;
}
