/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is gathered of a file while it passes by in pieces, and what is made of it when its begin alone was seen, is
 * what looking into the whole file gives; markers are found where memmem finds them. First byte: the size of pieces.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "facts.h"
#include "facts_gather.h"
#include "facts_inside.h"
#include "facts_scan.h"
#include "facts_wanted.h"
#include "filemem.h"
#include "util.h"

static const struct facts_marker markers[] = {
	{"program", "GLIBC_2.", 8, FACTS_IN_PROGRAMS},
	{"any", "needle-in-it", 12, FACTS_IN_PROGRAMS | FACTS_IN_TEXT | FACTS_IN_DATA},
	{"repeats", "ababababab", 10, FACTS_IN_TEXT | FACTS_IN_DATA},
	{"zeros", "\0\0\0\0\0\1", 6, FACTS_IN_DATA},
};
static const struct facts_symbol symbols[] = {{"malloc", false}, {"EVP_", true}};
static const struct facts_wanted wanted = {
	.markers = markers,
	.marker_count = countof(markers),
	.symbols = symbols,
	.symbol_count = countof(symbols),
};
/* Made once: each has megabytes, and begins anew with each file. */
static struct facts_scanner *scanner;
static struct facts_gather *whole, *pieces;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_check(facts_scanner_new(&wanted, &scanner, NULL) == 0);
	fuzz_check(facts_gather_new(&wanted, scanner, &whole, NULL) == 0);
	fuzz_check(facts_gather_new(&wanted, scanner, &pieces, NULL) == 0);
	return 0;
}

static const struct pack *gather(struct facts_gather *gather, const struct facts_file *file,
	const uint8_t *bytes, size_t len, size_t piece)
{
	const struct pack *record = NULL;

	facts_gather_begin(gather, len, true);
	for (size_t at = 0; at < len; at += piece) {
		facts_gather_feed(gather, bytes + at, min_u64(piece, len - at));
	}
	fuzz_check(facts_gather_end(gather, file, &record, NULL) == 0);
	return record;
}

/* Read a record's items; count markers as they should be. */
static void check_record(const struct pack *record, const uint8_t *bytes, size_t len)
{
	bool found[countof(markers)] = {false};
	struct facts_record begin;
	static struct facts_item item;
	struct unpack in;
	unsigned kinds;
	int more;

	fuzz_check(facts_record_open(&in, record->bytes, record->len, &begin));
	fuzz_check(begin.kind == facts_kind(bytes, min_u64(len, FACTS_HEAD)));
	fuzz_check(!begin.deferred && begin.hash);
	while ((more = facts_record_next(&in, &item)) > 0) {
		if (item.kind == FACTS_ITEM_MARKER) {
			const struct facts_marker *marker = &markers[item.marker];

			fuzz_check(item.marker < countof(markers) && !found[item.marker]);
			found[item.marker] = true;
			fuzz_check((const uint8_t *)memmem(bytes, len, marker->bytes,
					   marker->len) == bytes + item.offset);
		}
	}
	fuzz_check(more == 0);
	kinds = facts_in_of(begin.kind);
	for (size_t i = 0; i < countof(markers); i++) {
		const bool wants = kinds & markers[i].in &&
			memmem(bytes, len, markers[i].bytes, markers[i].len);

		fuzz_check(found[i] == wants);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const size_t piece = 1 + fuzz_byte(&input);
	struct fuzz_input rest = input;
	const struct facts_file file = {rest.left, filemem_read, &rest};
	const struct pack *a = gather(whole, &file, rest.at, rest.left, SIZE_MAX / 2);
	const struct pack *b = gather(pieces, NULL, rest.at, rest.left, piece);

	fuzz_check(a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0);
	check_record(a, rest.at, rest.left);
	return 0;
}
