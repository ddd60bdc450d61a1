/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The anomalies of a layer's entries are stored after the entries, not among them: a layer that is
 * told from another index (index_reuse.c) tells them at once, and both ways must give the same file.
 * Until then they are on a tape, as there may be more than memory should hold.
 */
#include "index_findings.h"

#include <stdbool.h>
#include <stdlib.h>

#include <peel/error.h>

#include "index_write.h"
#include "layer_item.h"
#include "layer_tape.h"
#include "util.h"

/** Memory of those that wait, bytes. */
#define WAITING_BUDGET (512u << 10)

struct findings {
	struct store *store;
	struct tapes *tapes;
	uint64_t count;
	/** The layer whose findings wait, -1: none; and where they do, once there is one. */
	int layer;
	uint64_t waiting;
	struct tape *tape;
	struct item_writer *writer;
};

int findings_new(struct store *store, int spill_dir, struct findings **ret_findings,
	struct peel_error *err)
{
	struct findings *findings = calloc(1, sizeof(*findings));
	int code;

	if (!findings) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	findings->store = store;
	findings->layer = -1;
	code = tapes_new(WAITING_BUDGET, spill_dir, &findings->tapes, err);
	if (code < 0) {
		findings_free(findings);
		return code;
	}
	*ret_findings = findings;
	return 0;
}

static void drop_tape(struct findings *findings)
{
	item_writer_free(findings->writer);
	tape_free(findings->tape);
	findings->writer = NULL;
	findings->tape = NULL;
	findings->waiting = 0;
}

void findings_free(struct findings *findings)
{
	if (findings) {
		drop_tape(findings);
		tapes_free(findings->tapes);
		free(findings);
	}
}

uint64_t findings_count(const struct findings *findings)
{
	return min_u64(findings->count, INDEX_FINDINGS_MAX);
}

static int store_finding(struct findings *findings, const struct peel_finding *finding,
	struct peel_error *err)
{
	static const struct peel_finding more = {
		.code = "too-many-findings",
		.layer = -1,
		.offset = UINT64_MAX,
		.detail = "further findings are not listed",
	};

	if (++findings->count > INDEX_FINDINGS_MAX) {
		return findings->count == INDEX_FINDINGS_MAX + 1
			? write_finding(findings->store, &more, err)
			: 0;
	}
	return write_finding(findings->store, finding, err);
}

void findings_begin_layer(struct findings *findings, int layer)
{
	findings->layer = layer;
}

static int open_tape(struct findings *findings, struct peel_error *err)
{
	int code = 0;

	if (!findings->tape) {
		code = tape_new(findings->tapes, false, false, &findings->tape, err);
	}
	if (code == 0 && !findings->writer) {
		code = item_writer_new(findings->tape, &findings->writer, err);
	}
	return code;
}

int findings_add(void *arg, const struct peel_finding *finding, struct peel_error *err)
{
	struct findings *findings = arg;
	int code;

	if (findings->layer < 0 || finding->layer != findings->layer) {
		return store_finding(findings, finding, err);
	}
	if (findings->count + findings->waiting > INDEX_FINDINGS_MAX) {
		return 0;
	}
	code = open_tape(findings, err);
	findings->waiting++;
	return code < 0 ? code
			: item_put_finding(findings->writer, finding->code, finding->path,
				  finding->path_len, finding->offset, finding->detail, err);
}

static int store_waiting(struct findings *findings, struct peel_error *err)
{
	struct item_reader *reader = NULL;
	struct item item;
	int code = item_reader_new(findings->tape, &reader, err);

	while (code == 0 && (code = item_next(reader, &item, 0, err)) > 0) {
		const struct peel_finding finding = {
			.code = item.code,
			.layer = findings->layer,
			.path = item.path,
			.path_len = item.path_len,
			.offset = item.offset,
			.detail = item.detail,
		};

		code = store_finding(findings, &finding, err);
	}
	item_reader_free(reader);
	return code;
}

int findings_end_layer(struct findings *findings, struct peel_error *err)
{
	int code = findings->tape ? tape_flush(findings->tape, err) : 0;

	if (code == 0 && findings->tape) {
		tape_end(findings->tape);
		code = store_waiting(findings, err);
	}
	drop_tape(findings);
	findings->layer = -1;
	return code;
}
