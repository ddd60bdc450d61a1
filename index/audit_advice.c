/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three steps. A pass over the ledger sums bytes up by all that decides which advice they are in: why they are
 * hidden, their category, package, layers, what strip would take (audit_advice_pass.c). Of dpkg's packages it is
 * reckoned which ones go with which advice (audit_advice_gone.c). Then the pieces of advice are told, each with what
 * it saves beyond those before it (audit_advice_cover.c), so that every byte counts once, and what is left is the
 * image that follows all of it.
 *
 * Contents are compared by their fast hash, as no file is read for advice: "the same content" is as good as that.
 */
#include <peel/advice.h>

#include <stdlib.h>

#include "audit_advice_priv.h"
#include "util.h"

static void advising_finish(struct advising *a)
{
	advice_rules_finish(&a->rules);
	advice_sums_finish(&a->sums);
	advice_graph_free(a->graph);
	free(a->gone);
}

int peel_advise(struct peel_index *index, uint64_t min_saves, peel_advice_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup(advising_finish) struct advising a = {.index = index, .err = err};
	int code;

	if (!peel_has_facts(index)) {
		return peel_fail(err, PEEL_EUSAGE, "advice needs facts about contents");
	}
	code = advice_rules_read(index, &a.rules, err);
	if (code == 0) {
		code = advice_graph_load(index, &a.graph, err);
	}
	if (code == 0) {
		code = advice_pass(&a);
	}
	if (code == 0) {
		code = advice_gone(&a);
	}
	return code < 0 ? code : advice_cover(&a, min_saves, each, arg);
}
