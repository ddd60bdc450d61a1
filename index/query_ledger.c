/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of pieces, and the words for what became of them. */
#include <peel/facts.h>
#include <peel/waste.h>

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

void peel_ledger_add(struct peel_ledger *ledger, const struct peel_piece *piece)
{
	const size_t cause = (size_t)piece->cause < PEEL_CAUSE_COUNT ? (size_t)piece->cause : 0;

	ledger->files++;
	sum_add(&ledger->bytes, piece->bytes);
	sum_add(&ledger->allocated, piece->allocated);
	if (piece->visible) {
		ledger->visible_files++;
		sum_add(&ledger->visible_bytes, piece->bytes);
		sum_add(&ledger->visible_allocated, piece->allocated);
	} else {
		ledger->wasted_files[cause]++;
		sum_add(&ledger->wasted_bytes[cause], piece->bytes);
		sum_add(&ledger->wasted_allocated[cause], piece->allocated);
	}
}

uint64_t peel_ledger_wasted(const struct peel_ledger *ledger)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PEEL_CAUSE_COUNT; i++) {
		sum_add(&sum, ledger->wasted_bytes[i]);
	}
	return sum;
}
