/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes pass by once, but an ELF file or a ZIP is understood from its middle or its end. So a file of up to 3
 * MiB is kept until its end, of a larger one the first 2 MiB and the last one: the tables of most libraries,
 * and the directory of a ZIP, lie there. What lies elsewhere is read afterwards, where reading at random is
 * possible (deferred); what comes out is the same.
 *
 *	|<--- head --->| .. |<- dynamic ->| .. |<-- tail -->|
 *
 * Of a large ELF file the begin of its dynamic section is kept, too, which lies with the data between the two: its
 * place stands in the head.
 *
 * Of what may only have something at its end (data, scripts) the first 64 KiB and the last 128 KiB are
 * kept, of all the rest nothing.
 *
 * Rejected: keeping every program whole (a framework's library is a gigabyte), and reading all of them
 * afterwards (a gzip layer would be decoded twice).
 */
#include "facts_gather.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "facts.h"
#include "facts_gather_ar.h"
#include "facts_inside.h"
#include "facts_scan.h"
#include "facts_wanted.h"
#include "util.h"

/** Bytes kept of the end of a file where only that is looked into, and of its begin for checks. */
#define FACTS_KEPT_END (128u << 10)
#define FACTS_KEPT_BEGIN (64u << 10)

struct facts_gather {
	const struct facts_wanted *wanted;
	struct facts_scan *scan;
	/** What any marker of the set is looked for in. */
	unsigned in;
	XXH3_state_t *hash;
	/** The file: its size, how much of it has passed, what of its end is kept. */
	uint64_t size, passed, tail_from;
	bool hashing;
	/** Known once FACTS_HEAD bytes or all of it have passed. */
	enum peel_kind kind;
	bool scanning;
	/** Nothing before the first place is kept, but what is before the second. */
	uint64_t keep_from, kept_first;
	/** Of a file that is kept whole, head runs on into tail. */
	uint8_t *head;
	uint8_t *tail;
	/** What is kept between them, and where in the file; its length is 0: nothing is. */
	uint8_t *between;
	uint64_t between_from, between_len;
	/** Of an ar archive that is not kept whole. */
	struct ar_keep archive;
	bool is_archive;
	/** For reading again what did not stay. */
	const struct facts_file *file;
	bool gap;
	/** Markers as they are found, until the record is begun. */
	struct pack markers, record;
};

int facts_gather_new(const struct facts_wanted *wanted, const struct facts_scanner *scanner,
	struct facts_gather **ret_gather, struct peel_error *err)
{
	struct facts_gather *gather = calloc(1, sizeof(*gather));
	int code = gather ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code == 0) {
		gather->wanted = wanted;
		gather->head = malloc(FACTS_KEPT_HEAD + FACTS_KEPT_TAIL + FACTS_KEPT_DYNAMIC);
		gather->hash = XXH3_createState();
		code = gather->head && gather->hash ? facts_scan_new(scanner, &gather->scan, err)
						    : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (code < 0) {
		facts_gather_free(gather);
		return code;
	}
	gather->tail = gather->head + FACTS_KEPT_HEAD;
	gather->between = gather->tail + FACTS_KEPT_TAIL;
	for (size_t i = 0; i < wanted->marker_count; i++) {
		gather->in |= wanted->markers[i].in;
	}
	*ret_gather = gather;
	return 0;
}

void facts_gather_free(struct facts_gather *gather)
{
	if (gather) {
		facts_scan_free(gather->scan);
		XXH3_freeState(gather->hash);
		ar_keep_finish(&gather->archive);
		free(gather->head);
		free(gather->markers.bytes);
		free(gather->record.bytes);
		free(gather);
	}
}

void facts_gather_begin(struct facts_gather *gather, uint64_t size, bool hash)
{
	const uint64_t whole = FACTS_KEPT_HEAD + FACTS_KEPT_TAIL;

	gather->size = size;
	gather->passed = 0;
	gather->tail_from = size <= whole ? FACTS_KEPT_HEAD : size - FACTS_KEPT_TAIL;
	gather->hashing = hash;
	gather->kind = size == 0 ? PEEL_KIND_EMPTY : 0;
	gather->scanning = false;
	gather->keep_from = 0;
	gather->kept_first = 0;
	gather->between_len = 0;
	gather->is_archive = false;
	ar_keep_finish(&gather->archive);
	gather->markers.len = 0;
	gather->markers.failed = false;
	if (hash) {
		XXH3_128bits_reset(gather->hash);
	}
}

static void take_marker(void *arg, size_t marker, uint64_t offset)
{
	struct facts_gather *gather = arg;
	const struct facts_item item = {
		.kind = FACTS_ITEM_MARKER, .marker = marker, .offset = offset};

	facts_record_add(&gather->markers, &item);
}

/** Keep what of a piece lies in a range of the file that stays. */
static void keep(struct facts_gather *gather, const uint8_t *bytes, size_t len, uint8_t *to,
	uint64_t from, uint64_t room)
{
	const uint64_t first = max_u64(gather->passed, from);
	const uint64_t end = min_u64(gather->passed + len, from + room);

	if (first < end) {
		memcpy(to + (first - from), bytes + (first - gather->passed),
			(size_t)(end - first));
	}
}

/** Keep the dynamic section of an ELF file that is not kept whole; what of it has passed is in head. */
static void choose_between(struct facts_gather *gather)
{
	uint64_t from;

	if (gather->kind != PEEL_KIND_ELF || gather->tail_from == FACTS_KEPT_HEAD) {
		return;
	}
	from = facts_elf_dynamic_place(gather->head,
		(size_t)min_u64(gather->passed, FACTS_KEPT_HEAD));
	if (from > 0 && from < gather->tail_from) {
		gather->between_from = from;
		gather->between_len = min_u64(FACTS_KEPT_DYNAMIC, gather->size - from);
	}
	if (from > 0 && from < gather->passed) {
		memcpy(gather->between, gather->head + from,
			(size_t)min_u64(gather->passed - from, gather->between_len));
	}
}

/** Which part of the file is kept from here on. */
static void choose_kept(struct facts_gather *gather)
{
	switch (facts_inside_of(gather->kind)) {
	case FACTS_INSIDE_NOTHING:
		gather->keep_from = gather->size;
		break;
	case FACTS_INSIDE_END:
		gather->kept_first = max_u64(gather->kept_first,
			min_u64(gather->size, FACTS_KEPT_BEGIN));
		gather->keep_from = gather->size - min_u64(gather->size, FACTS_KEPT_END);
		break;
	case FACTS_INSIDE_ALL:
		choose_between(gather);
		break;
	}
}

/** Enough has passed to know what it is: from here on it is looked through, or not. */
static void decide(struct facts_gather *gather)
{
	const size_t len = (size_t)min_u64(gather->passed, FACTS_HEAD);

	gather->kind = facts_kind(gather->head, len);
	gather->scanning = facts_in_of(gather->kind) & gather->in;
	gather->kept_first = min_u64(gather->passed, FACTS_KEPT_HEAD);
	gather->is_archive = gather->kind == PEEL_KIND_AR &&
		gather->size > FACTS_KEPT_HEAD + FACTS_KEPT_TAIL;
	if (gather->is_archive) {
		ar_keep_begin(&gather->archive, gather->size);
		ar_keep_feed(&gather->archive, 0, gather->head, (size_t)gather->kept_first);
		gather->keep_from = gather->size;
	} else {
		choose_kept(gather);
	}
	if (gather->scanning) {
		facts_scan_begin(gather->scan, facts_in_of(gather->kind), take_marker, gather);
		facts_scan_feed(gather->scan, gather->head,
			(size_t)min_u64(gather->passed, FACTS_KEPT_HEAD));
	}
}

/** Keep what of a piece lies in a range, in head and in tail. */
static void keep_range(struct facts_gather *gather, const uint8_t *bytes, size_t len, uint64_t from,
	uint64_t end)
{
	const uint64_t head_end = min_u64(end, FACTS_KEPT_HEAD);
	const uint64_t tail_from = max_u64(from, gather->tail_from);

	if (from < head_end) {
		keep(gather, bytes, len, gather->head + from, from, head_end - from);
	}
	if (tail_from < end) {
		keep(gather, bytes, len, gather->tail + (tail_from - gather->tail_from), tail_from,
			end - tail_from);
	}
}

void facts_gather_feed(struct facts_gather *gather, const void *bytes, size_t len)
{
	const bool decided = gather->kind != 0;
	const uint8_t *at = bytes;

	if (gather->hashing) {
		XXH3_128bits_update(gather->hash, bytes, len);
	}
	if (!decided) {
		/* Up to the decision all that passes is in head, and is looked through from there. */
		const size_t part = (size_t)min_u64(len, FACTS_KEPT_HEAD - gather->passed);

		keep(gather, at, part, gather->head, 0, FACTS_KEPT_HEAD);
		gather->passed += part;
		at += part;
		len -= part;
		if (gather->passed >= min_u64(FACTS_HEAD, gather->size)) {
			decide(gather);
		}
	}
	if (len == 0) {
		return;
	}
	keep(gather, at, len, gather->head, 0, gather->kept_first);
	keep_range(gather, at, len, gather->keep_from, gather->size);
	keep(gather, at, len, gather->between, gather->between_from, gather->between_len);
	if (gather->is_archive) {
		ar_keep_feed(&gather->archive, gather->passed, at, len);
	}
	if (gather->scanning) {
		facts_scan_feed(gather->scan, at, len);
	}
	gather->passed += len;
}

bool facts_gather_wants(const struct facts_gather *gather)
{
	return gather->passed < gather->size && (gather->kind == 0 || gather->scanning);
}

/** Copy what of a range stayed. @return false where it did not. */
static bool copy_kept(const struct facts_gather *gather, uint64_t offset, uint8_t *buf, size_t len)
{
	const uint64_t end = offset + len;

	if (gather->is_archive && ar_keep_copy(&gather->archive, offset, buf, len)) {
		return true;
	}
	if (offset >= gather->between_from && end <= gather->passed &&
		end <= gather->between_from + gather->between_len) {
		memcpy(buf, gather->between + (offset - gather->between_from), len);
		return true;
	}
	if (end > gather->passed || (offset < gather->keep_from && end > gather->kept_first)) {
		return false;
	}
	if (end <= FACTS_KEPT_HEAD) {
		memcpy(buf, gather->head + offset, len);
		return true;
	}
	if (offset >= gather->tail_from) {
		memcpy(buf, gather->tail + (offset - gather->tail_from), len);
		return true;
	}
	if (gather->tail_from == FACTS_KEPT_HEAD) {
		memcpy(buf, gather->head + offset, len);
		return true;
	}
	return false;
}

static int read_kept(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	struct facts_gather *gather = arg;

	if (offset > gather->size || len > gather->size - offset) {
		return peel_fail(err, PEEL_EINTERNAL, "a look past the end of a file");
	}
	if (copy_kept(gather, offset, buf, len)) {
		return 0;
	}
	if (gather->file) {
		return gather->file->read(gather->file->arg, offset, buf, len, err);
	}
	gather->gap = true;
	return PEEL_ENOENT;
}

/** Put the record's begin, and look into the file. */
static int look(struct facts_gather *gather, struct facts_record *begin, const void *items,
	size_t items_len, const struct facts_file *file, struct peel_error *err)
{
	const struct facts_inside inside = {
		.wanted = gather->wanted, .scan = gather->scan, .pack = &gather->record};
	const struct facts_file kept = {.size = gather->size, .read = read_kept, .arg = gather};
	struct peel_error failure = {0};
	int code;

	gather->file = file;
	gather->gap = false;
	gather->record.failed = false;
	begin->looked = gather->scanning || facts_inside_of(begin->kind) != FACTS_INSIDE_NOTHING;
	facts_record_begin(&gather->record, begin);
	pack_raw(&gather->record, items, items_len);
	code = facts_inside_look(&inside, begin->kind, &kept, &failure);
	if (gather->gap) {
		begin->looked = false;
		begin->deferred = true;
		facts_record_begin(&gather->record, begin);
		pack_raw(&gather->record, items, items_len);
		code = 0;
	}
	if (code == 0 && (gather->record.failed || gather->markers.failed)) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return code < 0 ? peel_fail(err, code, "%s", failure.message) : 0;
}

int facts_gather_end(struct facts_gather *gather, const struct facts_file *file,
	const struct pack **ret_record, struct peel_error *err)
{
	XXH128_canonical_t hash;
	struct facts_record record = {0};
	int code;

	if (gather->kind == 0) {
		decide(gather);
	}
	record.kind = gather->kind;
	if (gather->hashing && gather->passed == gather->size) {
		XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(gather->hash));
		record.hash = hash.digest;
	}
	if (gather->kind == PEEL_KIND_DATA) {
		record.head = gather->head;
		record.head_len = (size_t)min_u64(gather->passed, FACTS_RECORD_HEAD);
	}
	code = look(gather, &record, gather->markers.bytes, gather->markers.len, file, err);
	*ret_record = &gather->record;
	return code;
}

int facts_gather_again(struct facts_gather *gather, const void *bytes, size_t len,
	const struct facts_file *file, const struct pack **ret_record, struct peel_error *err)
{
	struct facts_record record;
	struct unpack in;
	int code;

	if (!facts_record_open(&in, bytes, len, &record)) {
		return peel_fail(err, PEEL_EINTERNAL, "a damaged record");
	}
	facts_gather_begin(gather, file->size, false);
	gather->scanning = facts_in_of(record.kind) & gather->in;
	record.deferred = false;
	code = look(gather, &record, in.at, (size_t)(in.end - in.at), file, err);
	*ret_record = &gather->record;
	return code;
}
