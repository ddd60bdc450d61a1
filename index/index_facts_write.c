/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records come in order of entries and are written as they come, so that every table is filled from its begin
 * to its end, and the same image gives the same file whoever read its layers. What was deferred, sparse files,
 * and hashes that causes need are read here, through the index, in the same order.
 *
 * A hash is needed where another file of the image has the same size. Sizes are found in two bitmaps of a fixed
 * size, those seen and those seen again: an unlucky size costs one more file that is hashed, never a wrong answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/text.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "facts.h"
#include "facts_gather.h"
#include "facts_rows.h"
#include "facts_rules.h"
#include "index_facts.h"
#include "index_facts_table.h"
#include "limit.h"
#include "store.h"
#include "util.h"

/** Bits of each bitmap of sizes. */
#define SIZE_BITS (1u << 23)
/** Bytes read at a time. */
#define READ_PIECE (256u << 10)
/** Bytes of all sparse files that are read, 64 GiB: holes cost an image nothing, and would be read for years. */
#define SPARSE_BYTES_MAX (UINT64_C(1) << 36)
/** Progress is told at most this often. */
#define PROGRESS_MS 100

struct size_filter {
	uint8_t seen[SIZE_BITS / 8];
	uint8_t again[SIZE_BITS / 8];
};

/** A row of table entry. */
struct row {
	uint64_t entry, size;
	int layer;
	bool sparse;
	/** Hash of its data as the tar has it; NULL: none. */
	const void *hash;
};

static bool get_bit(const uint8_t *bits, uint64_t bit)
{
	return bits[bit / 8] >> (bit % 8) & 1;
}

static void add_size(struct size_filter *filter, uint64_t size)
{
	const XXH128_hash_t hash = XXH3_128bits(&size, sizeof(size));
	const uint64_t bits[] = {hash.low64 % SIZE_BITS, hash.high64 % SIZE_BITS};
	uint8_t *to = get_bit(filter->seen, bits[0]) && get_bit(filter->seen, bits[1])
		? filter->again
		: filter->seen;

	for (size_t i = 0; i < countof(bits); i++) {
		to[bits[i] / 8] |= (uint8_t)(1u << (bits[i] % 8));
	}
}

static bool has_size_again(const struct size_filter *filter, uint64_t size)
{
	const XXH128_hash_t hash = XXH3_128bits(&size, sizeof(size));

	return get_bit(filter->again, hash.low64 % SIZE_BITS) &&
		get_bit(filter->again, hash.high64 % SIZE_BITS);
}

static int load_sizes(struct facts_writing *writing, struct peel_error *err)
{
	static const char sql[] = "SELECT size FROM idx.entry WHERE type = 'f' AND size > 0";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(writing->store, sql, &stmt, err);

	writing->sizes = calloc(1, sizeof(*writing->sizes));
	if (!writing->sizes) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	while (code == 0 && (code = store_step(writing->store, stmt, err)) > 0) {
		add_size(writing->sizes, (uint64_t)sqlite3_column_int64(stmt, 0));
		code = 0;
	}
	return code;
}

int facts_write_reason(struct facts_writing *writing, const char *reason, struct peel_error *err)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", writing->reasons ? writing->reasons : "",
		    writing->reasons ? "\n" : "", reason) < 0) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	free(writing->reasons);
	writing->reasons = longer;
	return 0;
}

/** Reads the file at hand through the index. */
struct access {
	struct facts_writing *writing;
	uint64_t entry;
};

static int read_access(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	struct access *access = arg;
	int code = limits_tick(facts_readers_limits(access->writing->readers), err);
	ssize_t got = code < 0
		? code
		: peel_read(access->writing->index, access->entry, offset, buf, len, err);

	if (got >= 0 && (size_t)got < len) {
		return peel_fail(err, PEEL_ETRUNCATED, "a file ends too early");
	}
	return got < 0 ? (int)got : 0;
}

/** Pass all of a file, or what is wanted of it, to the gatherer. */
static int read_through(struct facts_writing *writing, const struct row *row, bool all,
	struct peel_error *err)
{
	cleanup_free uint8_t *piece = malloc(READ_PIECE);
	struct access access = {writing, row->entry};
	int code = piece ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	for (uint64_t done = 0; code == 0 && done < row->size &&
		(done == 0 || all || facts_gather_wants(writing->gather));) {
		const size_t most = done == 0 && !all ? FACTS_HEAD : READ_PIECE;
		const size_t len = (size_t)min_u64(row->size - done, most);

		code = read_access(&access, done, piece, len, err);
		if (code == 0) {
			facts_gather_feed(writing->gather, piece, len);
		}
		done += len;
	}
	return code;
}

/** Gather a file that did not pass by. */
static int gather_now(struct facts_writing *writing, const struct row *row,
	const struct pack **ret_record, struct peel_error *err)
{
	struct access access = {writing, row->entry};
	const struct facts_file file = {.size = row->size, .read = read_access, .arg = &access};
	int code;

	facts_gather_begin(writing->gather, row->size, true);
	code = read_through(writing, row, false, err);
	return code < 0 ? code : facts_gather_end(writing->gather, &file, ret_record, err);
}

/** Hash a file. @param ret_hash PEEL_FAST_HASH_SIZE bytes. */
static int hash_now(struct facts_writing *writing, const struct row *row, void *ret_hash,
	struct peel_error *err)
{
	cleanup_free uint8_t *piece = malloc(READ_PIECE);
	struct access access = {writing, row->entry};
	XXH3_state_t *state = XXH3_createState();
	int code = piece && state ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
	XXH128_canonical_t hash;

	if (code == 0) {
		XXH3_128bits_reset(state);
	}
	for (uint64_t done = 0; code == 0 && done < row->size; done += READ_PIECE) {
		const size_t len = (size_t)min_u64(row->size - done, READ_PIECE);

		code = read_access(&access, done, piece, len, err);
		if (code == 0) {
			XXH3_128bits_update(state, piece, len);
		}
	}
	if (code == 0) {
		XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
		memcpy(ret_hash, hash.digest, PEEL_FAST_HASH_SIZE);
	}
	XXH3_freeState(state);
	return code;
}

/** A failure that is not the image's. */
static bool is_fatal(const struct facts_writing *writing, int code)
{
	if (code == PEEL_ELIMIT) {
		return limits_stopped(facts_readers_limits(writing->readers));
	}
	return code == PEEL_ENOMEM || code == PEEL_EIO || code == PEEL_ECHANGED ||
		code == PEEL_EINTERNAL || code == PEEL_ECANCELED;
}

/** Write that a file could not be read, and keep why. */
static int write_unread(struct facts_writing *writing, uint64_t entry, const char *why,
	struct peel_error *err)
{
	if (writing->unread++ == 0) {
		snprintf(writing->unread_reason, sizeof(writing->unread_reason), "%s", why);
	}
	return facts_write_record(writing, entry, NULL, 0, NULL, err);
}

/** The hash that a row gets. @return 0 and *ret_hash (NULL: none), or less than 0. */
static int find_hash(struct facts_writing *writing, const struct row *row,
	const struct facts_record *record, uint8_t *room, const void **ret_hash,
	struct peel_error *err)
{
	int code = 0;

	*ret_hash = record->hash ? record->hash : row->sparse ? NULL : row->hash;
	if (!*ret_hash && row->size > 0 && has_size_again(writing->sizes, row->size)) {
		code = hash_now(writing, row, room, err);
		*ret_hash = code == 0 ? room : NULL;
	}
	return code;
}

/** Write a file, doing what was deferred. @param bytes NULL: it did not pass by. */
static int write_row(struct facts_writing *writing, const struct row *row, const void *bytes,
	size_t len, struct peel_error *err)
{
	struct access access = {writing, row->entry};
	const struct facts_file file = {.size = row->size, .read = read_access, .arg = &access};
	uint8_t room[PEEL_FAST_HASH_SIZE];
	struct peel_error failure = {0};
	struct facts_record record = {0};
	const struct pack *made = NULL;
	const void *hash = NULL;
	struct unpack in;
	int code = 0;

	if (!bytes) {
		code = gather_now(writing, row, &made, &failure);
	} else if (!facts_record_open(&in, bytes, len, &record)) {
		return peel_fail(err, PEEL_EINTERNAL, "a damaged record");
	} else if (record.deferred) {
		code = facts_gather_again(writing->gather, bytes, len, &file, &made, &failure);
	}
	if (code == 0 && made) {
		bytes = made->bytes;
		len = made->len;
		facts_record_open(&in, bytes, len, &record);
	}
	if (code == 0) {
		code = find_hash(writing, row, &record, room, &hash, &failure);
	}
	if (code < 0) {
		return is_fatal(writing, code)
			? peel_fail(err, code, "%s", failure.message)
			: write_unread(writing, row->entry, failure.message, err);
	}
	return facts_write_record(writing, row->entry, bytes, len, hash, err);
}

/** A sparse file, as long as all of them together have an end. */
static int write_sparse(struct facts_writing *writing, const struct row *row,
	struct peel_error *err)
{
	if (row->size > SPARSE_BYTES_MAX - writing->sparse_bytes) {
		return write_unread(writing, row->entry, "sparse files of over 64 GiB together",
			err);
	}
	writing->sparse_bytes += row->size;
	return write_row(writing, row, NULL, 0, err);
}

/** A file without a record. */
static int write_missing(struct facts_writing *writing, const struct row *row,
	struct peel_error *err)
{
	const struct peel_layer *layer = &writing->index->layers[row->layer].stat.layer;
	/* What the index says first: so it does not matter who read the layer. */
	const char *why = layer->state != PEEL_LAYER_OK
		? layer->state_reason
		: facts_readers_failure(writing->readers, row->layer);

	if (row->sparse) {
		return write_sparse(writing, row, err);
	}
	return why ? write_unread(writing, row->entry, why, err)
		   : write_row(writing, row, NULL, 0, err);
}

static int tell_progress(struct facts_writing *writing, int layer, struct peel_error *err)
{
	struct timespec now;
	uint64_t total = 0;
	uint64_t done = 0;
	int64_t ms;
	char what[64];

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	if (!writing->progress || ms - writing->last_progress < PROGRESS_MS) {
		return 0;
	}
	writing->last_progress = ms;
	for (int i = 0; i < writing->index->layer_count; i++) {
		const uint64_t size = writing->index->layers[i].stat.layer.stored_size;

		total += size;
		done += i < layer ? size : 0;
	}
	snprintf(what, sizeof(what), "contents of layer %d of %d", layer + 1,
		writing->index->layer_count);
	return writing->progress(writing->progress_arg, what, done, total) != 0
		? peel_fail(err, PEEL_ECANCELED, "canceled")
		: 0;
}

/** The record that is next in the layer. */
struct next_record {
	uint64_t entry;
	const void *bytes;
	size_t len;
	int more;
};

static int advance(struct facts_writing *writing, int layer, struct next_record *next,
	struct peel_error *err)
{
	next->more = facts_spool_next(writing->spool, layer, &next->entry, &next->bytes, &next->len,
		err);
	return next->more < 0 ? next->more : 0;
}

static int write_with_record(struct facts_writing *writing, const struct row *row,
	struct next_record *next, struct peel_error *err)
{
	int code = 0;

	/* A record of no file: a whiteout that has data. */
	while (code == 0 && next->more > 0 && next->entry < row->entry) {
		code = advance(writing, row->layer, next, err);
	}
	if (code == 0 && next->more > 0 && next->entry == row->entry) {
		return write_row(writing, row, next->bytes, next->len, err);
	}
	return code < 0 ? code : write_missing(writing, row, err);
}

static int write_layer_rows(struct facts_writing *writing, int layer, struct peel_error *err)
{
	static const char sql[] = "SELECT id, size, flags & 4, hash FROM idx.entry"
				  " WHERE id >= ?1 AND id < ?2 AND type = 'f' ORDER BY id";
	const struct index_layer *what = &writing->index->layers[layer];
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct next_record next = {0};
	int code = store_get(writing->store, sql, &stmt, err);

	if (code == 0) {
		code = advance(writing, layer, &next, err);
	}
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)what->first_id);
	sqlite3_bind_int64(stmt, 2, (int64_t)what->end_id);
	while (code == 0 && (code = store_step(writing->store, stmt, err)) > 0) {
		struct row row = {
			.entry = (uint64_t)sqlite3_column_int64(stmt, 0),
			.size = (uint64_t)sqlite3_column_int64(stmt, 1),
			.sparse = sqlite3_column_int(stmt, 2) != 0,
			.layer = layer,
		};

		if (sqlite3_column_bytes(stmt, 3) == PEEL_FAST_HASH_SIZE) {
			row.hash = sqlite3_column_blob(stmt, 3);
		}
		code = write_with_record(writing, &row, &next, err);
		if (code == 0) {
			code = tell_progress(writing, layer, err);
		}
	}
	return code;
}

static int write_layer_facts(struct facts_writing *writing, int layer, struct peel_error *err)
{
	char reason[PEEL_MESSAGE_SIZE + 96];
	struct next_record rest = {.more = 1};
	int code;

	writing->unread = 0;
	code = write_layer_rows(writing, layer, err);
	while (code == 0 && rest.more > 0) {
		code = advance(writing, layer, &rest, err);
	}
	if (code == 0) {
		code = facts_readers_check(writing->readers, layer, err);
	}
	if (code == 0 && writing->unread > 0) {
		snprintf(reason, sizeof(reason), "layer %d: contents of %" PRIu64 " files: %s",
			layer, writing->unread, writing->unread_reason);
		code = facts_write_reason(writing, reason, err);
	}
	return code;
}

int facts_write_files(struct facts_writing *writing, struct peel_error *err)
{
	int code = load_sizes(writing, err);

	for (int i = 0; code == 0 && i < writing->index->layer_count; i++) {
		code = write_layer_facts(writing, i, err);
	}
	return code < 0 ? code : facts_table_write(writing->table, err);
}
