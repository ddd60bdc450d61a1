/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of pieces, and the words for what became of them. */
#include <peel/facts.h>

#include "query_priv.h"
#include "util.h"

/* By enum peel_claim. */
static const char *const claims[] = {
	[PEEL_CLAIM_NONE] = "",
	[PEEL_CLAIM_LISTED] = "listed",
	[PEEL_CLAIM_FOLDER] = "folder",
	[PEEL_CLAIM_BYTECODE] = "bytecode",
	[PEEL_CLAIM_GENERATED] = "generated",
	[PEEL_CLAIM_EMBEDDED] = "embedded",
};

_Static_assert((int)PEEL_CAUSE_MARKER == (int)WHY_MARKER && PEEL_CAUSE_COUNT == WHY_MARKER + 1,
	"causes are the reasons of the index");

const char *peel_cause_name(enum peel_cause cause)
{
	return query_reason((int)cause);
}

const char *peel_claim_name(enum peel_claim claim)
{
	return (unsigned int)claim < countof(claims) ? claims[claim] : "";
}

/* Sizes of holes cost an image nothing, so their sum may pass any number. */
static void add(uint64_t *sum, uint64_t number)
{
	if (!checked_add(*sum, number, sum)) {
		*sum = UINT64_MAX;
	}
}

void peel_ledger_add(struct peel_ledger *ledger, const struct peel_piece *piece)
{
	const size_t cause = (size_t)piece->cause < PEEL_CAUSE_COUNT ? (size_t)piece->cause : 0;

	ledger->files++;
	add(&ledger->bytes, piece->bytes);
	add(&ledger->allocated, piece->allocated);
	if (piece->visible) {
		ledger->visible_files++;
		add(&ledger->visible_bytes, piece->bytes);
		add(&ledger->visible_allocated, piece->allocated);
	} else {
		ledger->wasted_files[cause]++;
		add(&ledger->wasted_bytes[cause], piece->bytes);
		add(&ledger->wasted_allocated[cause], piece->allocated);
	}
}
