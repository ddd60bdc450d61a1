/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the merged view are those of tar entries: dense, so that an array in pages is smaller than any hash table.
 * An index made by a stranger may spread them; its pages then come to the limit.
 */
#include "pkgdb_claims.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "util.h"

/* Nodes of a page, and the bits of a cell that hold the kind of claim. */
#define PAGE_SHIFT 10
#define PAGE_NODES (1u << PAGE_SHIFT)
#define HOW_BITS 3

/* Most pages that a table has room to point to. */
#define PAGES_MAX (UINT64_C(1) << 22)

void pkgdb_claims_finish(struct pkgdb_claims *claims)
{
	for (size_t i = 0; i < claims->page_count; i++) {
		free(claims->pages[i]);
	}
	free(claims->pages);
	*claims = (struct pkgdb_claims){0};
}

static struct pkgdb_claim unpack(uint32_t cell)
{
	return (struct pkgdb_claim){cell >> HOW_BITS, cell & ((1u << HOW_BITS) - 1)};
}

struct pkgdb_claim pkgdb_claims_get(const struct pkgdb_claims *claims, uint64_t ino)
{
	const uint64_t page = ino >> PAGE_SHIFT;

	if (page >= claims->page_count || !claims->pages[page]) {
		return (struct pkgdb_claim){0};
	}
	return unpack(claims->pages[page][ino & (PAGE_NODES - 1)]);
}

/* Room to point to a page. */
static bool reach(struct pkgdb_claims *claims, uint64_t page)
{
	const size_t wanted = (size_t)max_u64(page + 1, claims->page_count * 2);
	uint32_t **pages;

	if (page < claims->page_count) {
		return true;
	}
	pages = reallocarray(claims->pages, wanted, sizeof(*pages));
	if (!pages) {
		return false;
	}
	memset(pages + claims->page_count, 0, (wanted - claims->page_count) * sizeof(*pages));
	claims->pages = pages;
	claims->page_count = wanted;
	return true;
}

int pkgdb_claims_set(struct pkgdb_claims *claims, uint64_t ino, struct pkgdb_claim claim,
	struct peel_error *err)
{
	const uint64_t page = ino >> PAGE_SHIFT;
	const size_t bytes = PAGE_NODES * sizeof(uint32_t);

	if (page >= PAGES_MAX || claims->used + bytes > PKGDB_CLAIMS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more files than owners are kept for");
	}
	if (!reach(claims, page)) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (!claims->pages[page]) {
		claims->pages[page] = calloc(1, bytes);
		if (!claims->pages[page]) {
			return peel_fail(err, PEEL_ENOMEM, "out of memory");
		}
		claims->used += bytes;
	}
	claims->pages[page][ino & (PAGE_NODES - 1)] = claim.package << HOW_BITS |
		(uint32_t)claim.how;
	return 0;
}

uint64_t pkgdb_claims_next(const struct pkgdb_claims *claims, uint64_t from)
{
	for (uint64_t ino = from; ino >> PAGE_SHIFT < claims->page_count; ino++) {
		const uint32_t *page = claims->pages[ino >> PAGE_SHIFT];

		if (!page) {
			ino |= PAGE_NODES - 1;
		} else if (page[ino & (PAGE_NODES - 1)] >> HOW_BITS) {
			return ino;
		}
	}
	return 0;
}
