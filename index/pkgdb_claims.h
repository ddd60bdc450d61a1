/* SPDX-License-Identifier: Apache-2.0 */
/** Which package claims which node, by the node's number in the merged view: four bytes a node. */
#ifndef PKGDB_CLAIMS_H
#define PKGDB_CLAIMS_H

#include <stdint.h>

#include <peel/facts.h>

struct peel_error;

/** Most memory of a table of claims, bytes: room for 64 million nodes whose numbers are dense. */
#define PKGDB_CLAIMS_MAX (256u << 20)

/** {0} is an empty table. */
struct pkgdb_claims {
	uint32_t **pages;
	size_t page_count;
	uint64_t used;
};

/** A claim. */
struct pkgdb_claim {
	/** 0: none. */
	uint32_t package;
	enum peel_claim how;
};

/** Free the table. */
void pkgdb_claims_finish(struct pkgdb_claims *claims);

/** The claim on a node; package 0: none. */
struct pkgdb_claim pkgdb_claims_get(const struct pkgdb_claims *claims, uint64_t ino);

/** Set the claim on a node. @return 0; PEEL_ENOMEM; PEEL_ELIMIT (its number is beyond what a table takes). */
int pkgdb_claims_set(struct pkgdb_claims *claims, uint64_t ino, struct pkgdb_claim claim,
	struct peel_error *err);

/** The next node from a number on that has a claim. @return it, 0 at the end. */
uint64_t pkgdb_claims_next(const struct pkgdb_claims *claims, uint64_t from);

#endif
