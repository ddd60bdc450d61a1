/* SPDX-License-Identifier: Apache-2.0 */
/** Records on their way from the threads that read layers to the one that writes: a tape a layer. */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts_gather.h"
#include "facts_rules.h"
#include "facts_scan.h"
#include "index_facts.h"
#include "layer_tape.h"
#include "layer_watch.h"
#include "scan.h"
#include "util.h"

struct spool_layer {
	struct tape *tape;
	bool ended;
	uint64_t count;
	/** What is being added. */
	struct pack pack;
};

struct facts_spool {
	const struct facts_rules *rules;
	struct facts_scanner *scanner;
	struct layer_watch watch;
	int folder;
	struct tapes *tapes;
	struct spool_layer *layers;
	int layer_count;
};

/** A layer being watched. */
struct watching {
	struct facts_gather *gather;
	/** The file at hand: its tar data is its content. */
	bool whole;
};

static void watch_close(void *state)
{
	struct watching *watching = state;

	if (watching) {
		facts_gather_free(watching->gather);
		free(watching);
	}
}

static int watch_open(void *arg, void **ret_state, struct peel_error *err)
{
	const struct facts_spool *spool = arg;
	struct watching *watching = calloc(1, sizeof(*watching));
	int code = watching
		? facts_gather_new(spool->rules->wanted, spool->scanner, &watching->gather, err)
		: peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code < 0) {
		free(watching);
		return code;
	}
	*ret_state = watching;
	return 0;
}

static void watch_begin(void *state, const struct scan_entry *entry)
{
	struct watching *watching = state;

	/* What passes of a sparse file is not its content: it is read afterwards. */
	watching->whole = !entry->sparse;
	facts_gather_begin(watching->gather, watching->whole ? entry->size : 0, false);
}

static void watch_data(void *state, const void *bytes, size_t len)
{
	struct watching *watching = state;

	if (watching->whole) {
		facts_gather_feed(watching->gather, bytes, len);
	}
}

static int watch_end(void *state, const void **ret_record, size_t *ret_len, struct peel_error *err)
{
	struct watching *watching = state;
	const struct pack *record = NULL;
	int code = 0;

	*ret_len = 0;
	if (watching->whole) {
		code = facts_gather_end(watching->gather, NULL, &record, err);
	}
	if (code == 0 && record) {
		*ret_record = record->bytes;
		*ret_len = record->len;
	}
	return code;
}

int facts_spool_new(const struct facts_rules *rules, int folder, struct facts_spool **ret_spool,
	struct peel_error *err)
{
	struct facts_spool *spool = calloc(1, sizeof(*spool));
	int code = spool ? facts_scanner_new(rules->wanted, &spool->scanner, err)
			 : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code == 0) {
		spool->rules = rules;
		spool->folder = folder;
		spool->watch = (struct layer_watch){
			.open = watch_open,
			.close = watch_close,
			.begin = watch_begin,
			.data = watch_data,
			.end = watch_end,
			.memory = FACTS_GATHER_MEMORY,
			.arg = spool,
		};
		code = tapes_new(FACTS_SPOOL_BUDGET, folder, &spool->tapes, err);
	}
	if (code < 0) {
		facts_spool_free(spool);
		return code;
	}
	*ret_spool = spool;
	return 0;
}

static void free_layers(struct facts_spool *spool)
{
	for (int i = 0; i < spool->layer_count; i++) {
		tape_free(spool->layers[i].tape);
		free(spool->layers[i].pack.bytes);
	}
	free(spool->layers);
	spool->layers = NULL;
	spool->layer_count = 0;
	tapes_free(spool->tapes);
	spool->tapes = NULL;
}

void facts_spool_free(struct facts_spool *spool)
{
	if (spool) {
		free_layers(spool);
		facts_scanner_free(spool->scanner);
		free(spool);
	}
}

int facts_spool_reset(struct facts_spool *spool, struct peel_error *err)
{
	free_layers(spool);
	return tapes_new(FACTS_SPOOL_BUDGET, spool->folder, &spool->tapes, err);
}

const struct layer_watch *facts_spool_watch(const struct facts_spool *spool)
{
	return &spool->watch;
}

const struct facts_scanner *facts_spool_scanner(const struct facts_spool *spool)
{
	return spool->scanner;
}

int facts_spool_layers(struct facts_spool *spool, int count, struct peel_error *err)
{
	struct spool_layer *grown;

	if (count <= spool->layer_count) {
		return 0;
	}
	grown = reallocarray(spool->layers, (size_t)count, sizeof(*grown));
	if (!grown) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	spool->layers = grown;
	while (spool->layer_count < count) {
		struct spool_layer *layer = &grown[spool->layer_count];
		int code;

		*layer = (struct spool_layer){0};
		code = tape_new(spool->tapes, false, false, &layer->tape, err);
		if (code < 0) {
			return code;
		}
		spool->layer_count++;
	}
	return 0;
}

int facts_spool_add(struct facts_spool *spool, int layer, uint64_t entry, const void *record,
	size_t len, struct peel_error *err)
{
	struct spool_layer *to = &spool->layers[layer];

	to->pack.len = 0;
	pack_number(&to->pack, entry);
	pack_raw(&to->pack, record, len);
	to->count++;
	return to->pack.failed ? peel_fail(err, PEEL_ENOMEM, "no memory")
			       : tape_write(to->tape, to->pack.bytes, to->pack.len, err);
}

int facts_spool_end(struct facts_spool *spool, int layer, struct peel_error *err)
{
	struct spool_layer *to = &spool->layers[layer];
	int code = tape_flush(to->tape, err);

	to->ended = true;
	free(to->pack.bytes);
	to->pack = (struct pack){0};
	tape_end(to->tape);
	return code;
}

bool facts_spool_is_empty(const struct facts_spool *spool, int layer)
{
	return layer >= spool->layer_count || spool->layers[layer].count == 0;
}

int facts_spool_reopen(struct facts_spool *spool, int layer, struct peel_error *err)
{
	struct spool_layer *to = &spool->layers[layer];

	tape_free(to->tape);
	to->tape = NULL;
	to->ended = false;
	return tape_new(spool->tapes, false, false, &to->tape, err);
}

void facts_spool_set_limits(struct facts_spool *spool, struct limit_watch *limits)
{
	tapes_set_limits(spool->tapes, limits);
}

void facts_spool_cancel(struct facts_spool *spool)
{
	tapes_cancel(spool->tapes);
}

int facts_spool_next(struct facts_spool *spool, int layer, uint64_t *ret_entry,
	const void **ret_record, size_t *ret_len, struct peel_error *err)
{
	struct unpack in;
	const void *bytes = NULL;
	size_t len = 0;
	int r = tape_next(spool->layers[layer].tape, &bytes, &len, 0, err);

	if (r != 1) {
		return r;
	}
	in = (struct unpack){.at = bytes, .end = (const uint8_t *)bytes + len};
	*ret_entry = unpack_number(&in);
	*ret_record = in.at;
	*ret_len = (size_t)(in.end - in.at);
	return in.damaged ? peel_fail(err, PEEL_EIO, "a temporary file is damaged") : 1;
}
