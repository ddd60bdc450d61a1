/* SPDX-License-Identifier: Apache-2.0 */
/** The packages of an image in memory: added in any order, then sorted. */
#ifndef PKGDB_ROSTER_H
#define PKGDB_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkgdb_owners.h"

/** Who wins where two packages list the same file: the one with the lower rank; see pkgdb_owners.h. */
enum pkgdb_rank {
	PKGDB_RANK_SYSTEM,
	PKGDB_RANK_PIP,
	PKGDB_RANK_CONDA,
	PKGDB_RANK_OTHER,
};

/** A package; its record's strings belong to the roster. */
struct pkgdb_row {
	struct pkgdb_record record;
	enum pkgdb_rank rank;
	/** Its database is that of a root filesystem inside the image's. */
	bool inner;
	/** Number in sorted order, from 1. */
	uint32_t id;
};

struct pkgdb_chunk;

/** {0} is an empty one. */
struct pkgdb_roster {
	struct pkgdb_row *rows;
	size_t count, room;
	/** Tickets in sorted order. */
	uint32_t *order;
	struct pkgdb_chunk *strings;
	uint64_t string_bytes;
};

/** Free everything. */
void pkgdb_roster_finish(struct pkgdb_roster *roster);

/** A copy of bytes with a NUL behind it, which lives as long as the roster. @return NULL where memory is exhausted. */
const char *pkgdb_roster_keep(struct pkgdb_roster *roster, const char *bytes, size_t len);

/**
 * Add a package; its strings are copied.
 * @param ret_ticket its number in the order of adding, from 1.
 * @return 0; PEEL_ELIMIT (PKGDB_PACKAGES_MAX); PEEL_ENOMEM.
 */
int pkgdb_roster_add(struct pkgdb_roster *roster, const struct pkgdb_record *record,
	enum pkgdb_rank rank, bool inner, uint32_t *ret_ticket, struct peel_error *err);

/** The package with a ticket. */
struct pkgdb_row *pkgdb_roster_row(const struct pkgdb_roster *roster, uint32_t ticket);

/** True where the first package's word about a file counts more than the second's. */
bool pkgdb_roster_before(const struct pkgdb_roster *roster, uint32_t a, uint32_t b);

/** Sort by db, name, version, arch, record, and number the packages. @return 0; PEEL_ENOMEM. */
int pkgdb_roster_sort(struct pkgdb_roster *roster, struct peel_error *err);

/** First place in roster->order whose package is not before this one by db, name, version, arch. */
size_t pkgdb_roster_find(const struct pkgdb_roster *roster, const struct pkgdb_record *wanted);

/** Compare by db, name, version, arch. */
int pkgdb_record_compare(const struct pkgdb_record *a, const struct pkgdb_record *b);

#endif
