/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers whose contents did not pass by while the index was built, or whose index was at hand: read now, each by
 * whichever thread is free, file by file in the order of the tar.
 *
 * A compressed layer is decoded once from its begin to its last file, past what lies between. Of a plain one
 * the first bytes of each file are read, of programs and texts that markers are looked for in all, and of
 * others what looking into them needs: reading at random costs nothing there.
 *
 * What is known of a layer from another image is told instead (index_reuse_facts.c).
 *
 * A layer that cannot be read to its end has no records from there on; whoever writes them sees that, and tries
 * no more.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "content.h"
#include "facts.h"
#include "facts_gather.h"
#include "facts_rules.h"
#include "index_facts.h"
#include "index_reuse_facts.h"
#include "layer_crew.h"
#include "limit.h"
#include "source.h"
#include "store.h"
#include "util.h"
#include "util_lock.h"

/** Bytes of a plain layer read at a time. */
#define READ_PIECE (256u << 10)
/** Most threads. */
#define READERS_MAX CREW_WORKERS_MAX

struct facts_readers {
	struct peel_index *index;
	const struct facts_rules *rules;
	struct facts_spool *spool;
	/** NULL: nothing is. */
	const struct reuse_facts *known;
	atomic_bool known_failed;
	/** Layers to read, and how many were taken. */
	int *wanted;
	int wanted_count;
	atomic_int claimed;
	atomic_bool canceled;
	/** Time and memory of the gathering; what contents unpack to once more. */
	struct limit_watch limits;
	/** Held by the thread that has a large zstd window. */
	pthread_mutex_t large_lock;
	/** One a layer; written before its end is told. */
	struct peel_error *failures;
	pthread_t threads[READERS_MAX];
	unsigned thread_count;
};

/** A file of a layer. */
struct item_file {
	uint64_t entry, data, size;
	/** Its hash is in the index already. */
	bool hashed;
};

/** A layer being read, in its thread. */
struct reading {
	struct facts_readers *readers;
	int layer;
	struct facts_gather *gather;
	struct source *raw;
	/** NULL: the layer is plain. */
	struct stream *stream;
	uint8_t *piece;
	struct store *store;
	bool large;
	/** The plain file at hand. */
	struct item_file file;
};

static void reading_finish(struct reading *reading)
{
	if (reading->large) {
		pthread_mutex_unlock(&reading->readers->large_lock);
	}
	stream_close(reading->stream);
	source_drop(reading->raw);
	facts_gather_free(reading->gather);
	free(reading->piece);
	index_release(reading->readers->index, reading->store);
}

static int check_canceled(const struct reading *reading, struct peel_error *err)
{
	int code = limits_tick(&reading->readers->limits, err);

	if (code < 0) {
		return code;
	}
	return atomic_load(&reading->readers->canceled) ? peel_fail(err, PEEL_ECANCELED, "canceled")
							: 0;
}

static int take_large(void *arg, struct peel_error *err)
{
	struct reading *reading = arg;

	pthread_mutex_lock(&reading->readers->large_lock);
	reading->large = true;
	return check_canceled(reading, err);
}

static int open_layer(struct reading *reading, struct peel_error *err)
{
	const struct stream_options options = {
		.large = take_large, .large_arg = reading, .limits = &reading->readers->limits};
	struct facts_readers *readers = reading->readers;
	enum peel_codec codec = PEEL_CODEC_NONE;
	int code = facts_gather_new(readers->rules->wanted, facts_spool_scanner(readers->spool),
		&reading->gather, err);

	if (code == 0) {
		code = index_acquire(readers->index, &reading->store, err);
	}
	if (code == 0) {
		code = content_layer_stored(readers->index->content, reading->layer, &reading->raw,
			&codec, err);
	}
	if (code == 0 && codec != PEEL_CODEC_NONE) {
		return stream_open(reading->raw, codec, &options, &reading->stream, err);
	}
	if (code == 0) {
		reading->piece = malloc(READ_PIECE);
		code = reading->piece ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	return code;
}

static int take_piece(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct reading *reading = arg;

	facts_gather_feed(reading->gather, bytes, len);
	return check_canceled(reading, err);
}

/** Decode up to the file, and through it. */
static int pass_file(struct reading *reading, const struct item_file *file, struct peel_error *err)
{
	uint64_t passed = 0;
	uint64_t here = stream_tell(reading->stream);
	int code = stream_pass(reading->stream, file->data - here, NULL, NULL, &passed, err);

	if (code == 0 && passed == file->data - here) {
		code = stream_pass(reading->stream, file->size, take_piece, reading, &passed, err);
	}
	if (code == 0 && stream_tell(reading->stream) != file->data + file->size) {
		code = peel_fail(err, PEEL_ETRUNCATED, "layer %d ends before its last file",
			reading->layer);
	}
	return code;
}

static int read_raw(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	struct reading *reading = arg;

	return source_read_exact(reading->raw, reading->file.data + offset, buf, len, err);
}

/** Read as much of a plain file as is wanted. */
static int read_file(struct reading *reading, const struct item_file *file, struct peel_error *err)
{
	uint64_t done = 0;
	int code = 0;

	reading->file = *file;
	while (code == 0 && done < file->size &&
		(done == 0 || facts_gather_wants(reading->gather))) {
		const size_t most = done == 0 ? FACTS_HEAD : READ_PIECE;
		const size_t len = (size_t)min_u64(file->size - done, most);

		code = read_raw(reading, done, reading->piece, len, err);
		if (code == 0) {
			code = take_piece(reading, reading->piece, len, err);
		}
		done += len;
	}
	return code;
}

static int gather_file(struct reading *reading, const struct item_file *file,
	struct peel_error *err)
{
	const struct facts_file access = {.size = file->size, .read = read_raw, .arg = reading};
	const struct pack *record = NULL;
	int code;

	facts_gather_begin(reading->gather, file->size, !file->hashed);
	code = file->size == 0    ? 0
		: reading->stream ? pass_file(reading, file, err)
				  : read_file(reading, file, err);
	if (code == 0) {
		code = facts_gather_end(reading->gather, reading->stream ? NULL : &access, &record,
			err);
	}
	return code != 0 ? code
			 : facts_spool_add(reading->readers->spool, reading->layer, file->entry,
				   record->bytes, record->len, err);
}

/** Files of the layer that are not sparse, in order of their data. */
static int gather_layer(struct reading *reading, struct peel_error *err)
{
	static const char sql[] =
		"SELECT id, coalesce(data, 0), size, hash IS NOT NULL FROM entry"
		" WHERE id >= ?1 AND id < ?2 AND type = 'f' AND NOT flags & 4 ORDER BY id";
	const struct index_layer *layer = &reading->readers->index->layers[reading->layer];
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	uint64_t at = 0;
	int code = store_get(reading->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)layer->first_id);
	sqlite3_bind_int64(stmt, 2, (int64_t)layer->end_id);
	while (code == 0 && (code = store_step(reading->store, stmt, err)) > 0) {
		const struct item_file file = {
			.entry = (uint64_t)sqlite3_column_int64(stmt, 0),
			.data = (uint64_t)sqlite3_column_int64(stmt, 1),
			.size = (uint64_t)sqlite3_column_int64(stmt, 2),
			.hashed = sqlite3_column_int(stmt, 3),
		};

		if (file.size > 0 &&
			(file.data < at || file.size > INT64_MAX ||
				file.data > INT64_MAX - file.size)) {
			return peel_fail(err, PEEL_EFORMAT, "the index's files are not in order");
		}
		at = file.size > 0 ? file.data + file.size : at;
		code = gather_file(reading, &file, err);
	}
	return code;
}

static int decode_layer(struct facts_readers *readers, int layer, struct peel_error *err)
{
	cleanup(reading_finish) struct reading reading = {.readers = readers, .layer = layer};
	int code = open_layer(&reading, err);

	return code < 0 ? code : gather_layer(&reading, err);
}

/** Tell a layer that is known; a failure that is not this run's is theirs. */
static int tell_layer(struct facts_readers *readers, int layer, struct peel_error *err)
{
	int code = reuse_facts_tell(readers->known, layer, readers->spool, &readers->limits, err);

	if (code < 0 && code != PEEL_ECANCELED && code != PEEL_ELIMIT && code != PEEL_ENOMEM) {
		atomic_store(&readers->known_failed, true);
		/* Records that came before must not be kept, either. */
		return peel_fail(err, PEEL_EINTERNAL, "what is known of layer %d cannot be used",
			layer);
	}
	return code;
}

static void read_layer(struct facts_readers *readers, int layer)
{
	struct peel_error failure = {0};
	struct peel_error ending = {0};
	int code = reuse_facts_has(readers->known, layer) ? tell_layer(readers, layer, &failure)
							  : decode_layer(readers, layer, &failure);

	if (code < 0) {
		failure.code = code;
		readers->failures[layer] = failure;
	}
	if (facts_spool_end(readers->spool, layer, &ending) < 0 && code == 0) {
		readers->failures[layer] = ending;
	}
}

static void *work(void *arg)
{
	struct facts_readers *readers = arg;
	int next;

	while ((next = atomic_fetch_add(&readers->claimed, 1)) < readers->wanted_count) {
		read_layer(readers, readers->wanted[next]);
	}
	return NULL;
}

/** Layers that have files and no records. @return 0; PEEL_ENOMEM. */
static int choose(struct facts_readers *readers, struct peel_error *err)
{
	struct peel_index *index = readers->index;
	int code = facts_spool_layers(readers->spool, index->layer_count, err);

	readers->wanted = calloc((size_t)index->layer_count + 1, sizeof(*readers->wanted));
	readers->failures = calloc((size_t)index->layer_count + 1, sizeof(*readers->failures));
	if (code == 0 && (!readers->wanted || !readers->failures)) {
		code = peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (int i = 0; code == 0 && i < index->layer_count; i++) {
		if (facts_spool_is_empty(readers->spool, i)) {
			code = facts_spool_reopen(readers->spool, i, err);
			readers->wanted[readers->wanted_count++] = i;
		}
	}
	return code;
}

/** Threads that fit into the memory of those that read layers for an index. */
static unsigned thread_limit(const struct facts_readers *readers, unsigned workers)
{
	size_t memory = FACTS_GATHER_MEMORY + READ_PIECE;
	uint64_t count = workers ? workers : crew_cores();

	for (int i = 0; i < readers->index->layer_count; i++) {
		memory = (size_t)max_u64(memory,
			FACTS_GATHER_MEMORY +
				crew_memory(readers->index->layers[i].stat.layer.codec));
	}
	count = min_u64(count, CREW_WORKERS_BUDGET / memory);
	return (unsigned)min_u64(min_u64(count, READERS_MAX), (uint64_t)readers->wanted_count);
}

int facts_readers_start(struct peel_index *index, const struct facts_rules *rules,
	struct facts_spool *spool, const struct reuse_facts *known, unsigned workers,
	struct facts_readers **ret_readers, struct peel_error *err)
{
	struct facts_readers *readers = calloc(1, sizeof(*readers));
	sigset_t all;
	sigset_t before;
	int code;

	if (!readers) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*readers = (struct facts_readers){
		.index = index, .rules = rules, .spool = spool, .known = known};
	limits_begin(&readers->limits, &index->limits.asked);
	facts_spool_set_limits(spool, &readers->limits);
	pthread_mutex_init(&readers->large_lock, NULL);
	code = choose(readers, err);
	if (code < 0) {
		facts_readers_free(readers);
		return code;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned count = thread_limit(readers, workers); readers->thread_count < count &&
		pthread_create(&readers->threads[readers->thread_count], NULL, work, readers) == 0;
		readers->thread_count++) {
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (readers->thread_count == 0) {
		work(readers);
	}
	*ret_readers = readers;
	return 0;
}

/** A failure that says nothing of the image, so that facts without the layer would be no facts. */
static bool is_fatal(const struct facts_readers *readers, int code)
{
	if (code == PEEL_ELIMIT) {
		/* Hours and memory are the run's, and facts that lack what they cost must not be kept. */
		return limits_stopped(&readers->limits);
	}
	return code == PEEL_ENOMEM || code == PEEL_EIO || code == PEEL_ECHANGED ||
		code == PEEL_ECANCELED || code == PEEL_EINTERNAL;
}

int facts_readers_check(struct facts_readers *readers, int layer, struct peel_error *err)
{
	const struct peel_error *failure = &readers->failures[layer];

	return is_fatal(readers, failure->code)
		? peel_fail(err, failure->code, "%s", failure->message)
		: 0;
}

const char *facts_readers_failure(const struct facts_readers *readers, int layer)
{
	return readers->failures[layer].code < 0 ? readers->failures[layer].message : NULL;
}

bool facts_readers_known_failed(const struct facts_readers *readers)
{
	return atomic_load(&readers->known_failed);
}

struct limit_watch *facts_readers_limits(struct facts_readers *readers)
{
	return &readers->limits;
}

void facts_readers_free(struct facts_readers *readers)
{
	if (!readers) {
		return;
	}
	atomic_store(&readers->canceled, true);
	facts_spool_cancel(readers->spool);
	for (unsigned i = 0; i < readers->thread_count; i++) {
		pthread_join(readers->threads[i], NULL);
	}
	facts_spool_set_limits(readers->spool, NULL);
	pthread_mutex_destroy(&readers->large_lock);
	free(readers->wanted);
	free(readers->failures);
	free(readers);
}
