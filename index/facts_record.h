/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What was gathered of one file, packed into bytes: made by whichever thread reads the layer, read by the one that
 * writes the facts file. It knows no entry and no table.
 */
#ifndef FACTS_RECORD_H
#define FACTS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "facts_look.h"
#include "pack.h"

/** Bytes of a file's begin that a record keeps. */
#define FACTS_RECORD_HEAD 32

/** What stands at the begin of a record. */
struct facts_record {
	enum peel_kind kind;
	/** Its content was looked through or into; else nothing but its first bytes says what it is. */
	bool looked;
	/** It has to be looked into yet, where any place of it can be read. */
	bool deferred;
	/** PEEL_FAST_HASH_SIZE bytes, NULL: not hashed. */
	const void *hash;
	/** First bytes, of data; NULL: of no interest. */
	const void *head;
	size_t head_len;
};

/** What may follow, any number of times unless it says once. */
enum facts_item_kind {
	FACTS_ITEM_MARKER = 1,
	/** In a member of the archive that was told last. */
	FACTS_ITEM_MEMBER_MARKER,
	/** Once. */
	FACTS_ITEM_SCRIPT,
	/** Once. */
	FACTS_ITEM_ELF,
	FACTS_ITEM_NEED,
	FACTS_ITEM_SYMBOL,
	FACTS_ITEM_GPU,
	FACTS_ITEM_MEMBER,
	/** Once, after the members. */
	FACTS_ITEM_ARCHIVE,
	/** By its name in a facts file: "marker", or "member!marker". */
	FACTS_ITEM_NAMED_MARKER,
};

/** One of them. Texts are NUL-terminated and valid as long as the record. */
struct facts_item {
	enum facts_item_kind kind;
	/** Markers: number in the set, and where. */
	uint64_t marker, offset;
	/** Script's line; needed library; symbol; architecture; member's name; marker's name. */
	const char *text;
	size_t text_len;
	/** Of a symbol. */
	bool defined;
	/** Of a GPU's code; of a member: bytes stored and unpacked, and what it holds (0: not looked into). */
	uint64_t bytes, size;
	enum peel_kind member_kind;
	/** Of an archive: 1 listed whole, 2 in part, 0 not; offset is its bundle's. */
	int listed;
	enum facts_bundle bundle;
	struct facts_elf elf;
};

/** Begin a record; what pack held is gone. */
void facts_record_begin(struct pack *pack, const struct facts_record *record);
/** Append an item. */
void facts_record_add(struct pack *pack, const struct facts_item *item);

/** Read the begin. @return false where it is damaged. */
bool facts_record_open(struct unpack *in, const void *bytes, size_t len,
	struct facts_record *ret_record);
/** Read the next item. @return 1; 0 at the end; -1 where it is damaged. */
int facts_record_next(struct unpack *in, struct facts_item *ret_item);

#endif
