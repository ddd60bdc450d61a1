/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What reading a layer gives, as items on a tape: entries, anomalies, access points. Packed small,
 * because they wait for the layers below: 30 to 50 bytes an entry.
 */
#ifndef LAYER_ITEM_H
#define LAYER_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "scan.h"

struct item_reader;
struct item_writer;
struct tape;

enum item_kind {
	ITEM_ENTRY,
	ITEM_FINDING,
	ITEM_POINT,
	/** What was gathered of the content of the file that came last. */
	ITEM_FACTS,
};

/** One item; everything points into the reader and is valid until the next one. */
struct item {
	enum item_kind kind;
	/** ITEM_ENTRY: all but its typeflag; and the hash of its content (LAYER_HASH_SIZE bytes) or NULL. */
	struct scan_entry entry;
	const void *hash;
	/** ITEM_ENTRY: what of it deserves a finding comes as items, too. */
	bool told;
	/** ITEM_FINDING: as scan_sink.finding has it. */
	const char *code;
	const char *detail;
	const char *path;
	size_t path_len;
	uint64_t offset;
	/** ITEM_POINT: the point, and its window as window_pack made it. */
	struct point point;
	const void *window;
	size_t window_len;
	/** ITEM_FACTS: as struct layer_watch gave it. */
	const void *record;
	size_t record_len;
};

/** @param tape borrowed. @return 0; PEEL_ENOMEM. */
int item_writer_new(struct tape *tape, struct item_writer **ret_writer, struct peel_error *err);
/** Free; NULL is fine. What was not flushed is lost. */
void item_writer_free(struct item_writer *writer);

/* These return 0, or as tape_write. */

/** An entry. @param told as item.told. */
int item_put_entry(struct item_writer *writer, const struct scan_entry *entry, bool told,
	struct peel_error *err);
/** The content's hash of the entry that was put last; nothing may have been put since. */
int item_put_hash(struct item_writer *writer, const void *hash, struct peel_error *err);
/** An anomaly. */
int item_put_finding(struct item_writer *writer, const char *code, const char *path,
	size_t path_len, uint64_t offset, const char *detail, struct peel_error *err);
/** What was gathered of the file that was put last. */
int item_put_facts(struct item_writer *writer, const void *record, size_t len,
	struct peel_error *err);
/** An access point; its window is packed. */
int item_put_point(struct item_writer *writer, const struct point *point, const void *window,
	struct peel_error *err);
/** The same, its window packed already (len 0: none). */
int item_put_packed_point(struct item_writer *writer, const struct point *point, const void *packed,
	size_t len, struct peel_error *err);
/** Put what waits for a hash that does not come. */
int item_flush(struct item_writer *writer, struct peel_error *err);
/** The same, and give back what a large item took. */
int item_shrink(struct item_writer *writer, struct peel_error *err);

/** @param tape borrowed. @return 0; PEEL_ENOMEM. */
int item_reader_new(struct tape *tape, struct item_reader **ret_reader, struct peel_error *err);
/** Free; NULL is fine. */
void item_reader_free(struct item_reader *reader);

/** The next item. @return as tape_next; PEEL_EIO where it is damaged. */
int item_next(struct item_reader *reader, struct item *ret_item, unsigned wait_ms,
	struct peel_error *err);

#endif
