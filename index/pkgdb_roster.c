/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_roster.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "util.h"

/* Bytes of a chunk of strings, and most of all together: as many packages as there may be, with long names. */
#define CHUNK (64u << 10)
#define STRINGS_MAX (UINT64_C(128) << 20)

struct pkgdb_chunk {
	struct pkgdb_chunk *next;
	size_t used, room;
	char bytes[];
};

void pkgdb_roster_finish(struct pkgdb_roster *roster)
{
	while (roster->strings) {
		struct pkgdb_chunk *next = roster->strings->next;

		free(roster->strings);
		roster->strings = next;
	}
	free(roster->rows);
	free(roster->order);
	*roster = (struct pkgdb_roster){0};
}

const char *pkgdb_roster_keep(struct pkgdb_roster *roster, const char *bytes, size_t len)
{
	struct pkgdb_chunk *chunk = roster->strings;
	char *copy;

	if (!chunk || chunk->room - chunk->used <= len) {
		const size_t room = (size_t)max_u64(CHUNK, len + 1);

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk) {
			return NULL;
		}
		*chunk = (struct pkgdb_chunk){.next = roster->strings, .room = room};
		roster->strings = chunk;
		roster->string_bytes += room;
	}
	copy = chunk->bytes + chunk->used;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	chunk->used += len + 1;
	return copy;
}

/* Keep a string of a record; the same as the last package's is kept once. */
static bool keep(struct pkgdb_roster *roster, const char **string, const char *last)
{
	const char *from = *string ? *string : "";

	if (last && strcmp(last, from) == 0) {
		*string = last;
		return true;
	}
	*string = pkgdb_roster_keep(roster, from, strlen(from));
	return *string != NULL;
}

int pkgdb_roster_add(struct pkgdb_roster *roster, const struct pkgdb_record *record,
	enum pkgdb_rank rank, bool inner, uint32_t *ret_ticket, struct peel_error *err)
{
	struct pkgdb_row row = {.record = *record, .rank = rank, .inner = inner};
	struct pkgdb_record last = {0};

	if (roster->count >= PKGDB_PACKAGES_MAX || roster->string_bytes > STRINGS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "limit: more than %d packages",
			PKGDB_PACKAGES_MAX);
	}
	if (roster->count > 0) {
		last = roster->rows[roster->count - 1].record;
	}
	if (!grow_array(&roster->rows, roster->count, &roster->room, sizeof(*roster->rows)) ||
		!keep(roster, &row.record.db, last.db) ||
		!keep(roster, &row.record.name, last.name) ||
		!keep(roster, &row.record.version, last.version) ||
		!keep(roster, &row.record.arch, last.arch) ||
		!keep(roster, &row.record.source, last.source) ||
		!keep(roster, &row.record.record, last.record)) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	roster->rows[roster->count++] = row;
	*ret_ticket = (uint32_t)roster->count;
	return 0;
}

struct pkgdb_row *pkgdb_roster_row(const struct pkgdb_roster *roster, uint32_t ticket)
{
	return &roster->rows[ticket - 1];
}

int pkgdb_record_compare(const struct pkgdb_record *a, const struct pkgdb_record *b)
{
	int r = strcmp(a->db, b->db);

	r = r ? r : strcmp(a->name, b->name);
	r = r ? r : strcmp(a->version, b->version);
	return r ? r : strcmp(a->arch, b->arch);
}

/* Of two in the same version, by where they are recorded, so that the order is the same whatever the walk's was. */
static int compare_rows(const struct pkgdb_row *a, const struct pkgdb_row *b)
{
	const int r = pkgdb_record_compare(&a->record, &b->record);

	return r ? r : strcmp(a->record.record, b->record.record);
}

bool pkgdb_roster_before(const struct pkgdb_roster *roster, uint32_t a, uint32_t b)
{
	const struct pkgdb_row *one = pkgdb_roster_row(roster, a);
	const struct pkgdb_row *two = pkgdb_roster_row(roster, b);

	return one->rank != two->rank ? one->rank < two->rank : compare_rows(one, two) < 0;
}

static int compare_tickets(const void *a, const void *b, void *arg)
{
	const struct pkgdb_roster *roster = arg;
	const uint32_t one = *(const uint32_t *)a;
	const uint32_t two = *(const uint32_t *)b;
	const int r = compare_rows(pkgdb_roster_row(roster, one), pkgdb_roster_row(roster, two));

	return r ? r : (one > two) - (one < two);
}

int pkgdb_roster_sort(struct pkgdb_roster *roster, struct peel_error *err)
{
	free(roster->order);
	roster->order = calloc(roster->count + 1, sizeof(*roster->order));
	if (!roster->order) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < roster->count; i++) {
		roster->order[i] = (uint32_t)i + 1;
	}
	qsort_r(roster->order, roster->count, sizeof(*roster->order), compare_tickets, roster);
	for (size_t i = 0; i < roster->count; i++) {
		pkgdb_roster_row(roster, roster->order[i])->id = (uint32_t)i + 1;
	}
	return 0;
}

size_t pkgdb_roster_find(const struct pkgdb_roster *roster, const struct pkgdb_record *wanted)
{
	size_t low = 0;
	size_t high = roster->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct pkgdb_row *row = pkgdb_roster_row(roster, roster->order[middle]);

		if (pkgdb_record_compare(&row->record, wanted) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}
