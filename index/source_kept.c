/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes pass by once, and some of them are kept:
 *
 *	passed by   | header | file … | header | header | file … | … | a compressed blob … |
 *	kept        [ run    ]        [ run             ]            [ a chunk as it is      ]
 *	             `-- packed together into one chunk --'
 *
 * Runs of headers are gathered until they make a chunk; a chunk is a table of its runs and their
 * bytes, packed with zstd. Headers are mostly zeros and mostly alike, so a chunk shrinks to a tenth,
 * and the table of chunks in memory has a row for a hundred headers. What does not pack is stored as it
 * is, a row a piece however long.
 *
 * Reading finds the chunk by a binary search, unpacks it, and finds the run the same way. The last
 * chunk stays unpacked: readers of headers go forward.
 *
 * Rejected: a file with holes in place of what is not kept. A hole reads as zeros, which are an answer; a
 * read of what is not there must be a failure. And headers lie one a page or so: such a file is as
 * large as all its headers' pages.
 */
#include "source_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <peel/error.h>

#include "points.h"
#include "source.h"
#include "source_kept_store.h"
#include "util.h"
#include "util_lock.h"

/** Bytes and runs of a packed chunk. */
#define CHUNK_BYTES (64u << 10)
#define CHUNK_RUNS 1024
/** Most chunks: 20 MiB of rows, for 32 GiB of headers. */
#define CHUNKS_MAX (512u << 10)
/** No chunk is unpacked. */
#define NO_CHUNK SIZE_MAX

/** Bytes that lie together. */
struct run {
	uint64_t offset;
	/** Where they begin among the bytes of the chunk. */
	uint32_t at;
	uint32_t len;
};

struct chunk {
	/** Of its first byte. */
	uint64_t offset;
	/** Where it is stored, and how long it is there. */
	uint64_t place;
	uint64_t stored;
	/** Of a packed one: runs and their bytes. Runs 0: stored as it is. */
	uint32_t runs;
	uint32_t bytes;
};

/** A chunk with its runs, as it is packed. */
struct payload {
	struct run runs[CHUNK_RUNS];
	uint8_t bytes[CHUNK_BYTES];
};

struct kept {
	struct source base;
	/** Ascending. */
	struct chunk *chunks;
	size_t count, room;
	struct kept_store store;
	/** Guards what follows. */
	pthread_mutex_t lock;
	/** The chunk that is gathered, then the one that was unpacked last. */
	struct payload open;
	uint32_t runs;
	uint32_t used;
	size_t unpacked;
	/** Room for a chunk as it is packed: its runs, then its bytes. */
	uint8_t *packed;
	atomic_bool missed;
};

static int no_memory(struct peel_error *err)
{
	return peel_fail(err, PEEL_ENOMEM, "out of memory");
}

void kept_free(struct kept *kept)
{
	if (!kept) {
		return;
	}
	kept_store_finish(&kept->store);
	pthread_mutex_destroy(&kept->lock);
	free(kept->packed);
	free(kept->chunks);
	free(kept);
}

int kept_new(const struct kept_options *options, struct kept **ret_kept, struct peel_error *err)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	const size_t room = sizeof(kept->open);

	if (!kept) {
		return no_memory(err);
	}
	kept->store = (struct kept_store){.options = *options, .fd = -1};
	kept->unpacked = NO_CHUNK;
	pthread_mutex_init(&kept->lock, NULL);
	kept->packed = calloc(1, room);
	if (!kept->packed) {
		kept_free(kept);
		return no_memory(err);
	}
	*ret_kept = kept;
	return 0;
}

uint64_t kept_size(const struct kept *kept)
{
	return kept->base.size;
}

uint64_t kept_written(const struct kept *kept)
{
	return kept->store.fd >= 0 ? kept->store.used : 0;
}

static int add_chunk(struct kept *kept, const struct chunk *chunk, struct peel_error *err)
{
	if (kept->count == CHUNKS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "more than %u pieces must be kept", CHUNKS_MAX);
	}
	if (!grow_array(&kept->chunks, kept->count, &kept->room, sizeof(*chunk))) {
		return no_memory(err);
	}
	kept->chunks[kept->count++] = *chunk;
	return 0;
}

/* Pack and store the runs that were gathered. */
static int close_chunk(struct kept *kept, struct peel_error *err)
{
	const size_t head = kept->runs * sizeof(struct run);
	cleanup_free void *packed = NULL;
	struct chunk chunk = {.offset = kept->open.runs[0].offset,
		.place = kept->store.used,
		.runs = kept->runs,
		.bytes = kept->used};
	size_t len = 0;
	int r;

	if (kept->runs == 0) {
		return 0;
	}
	memcpy(kept->packed, kept->open.runs, head);
	memcpy(kept->packed + head, kept->open.bytes, kept->used);
	r = window_pack(kept->packed, head + kept->used, &packed, &len, err);
	chunk.stored = len;
	r = r < 0 ? r : kept_store_add(&kept->store, packed, len, err);
	r = r < 0 ? r : add_chunk(kept, &chunk, err);
	if (r == 0) {
		kept->runs = 0;
		kept->used = 0;
	}
	return r;
}

/* Go on by len bytes. The kernel's offsets are signed, and so are SQLite's numbers. */
static int advance(struct kept *kept, uint64_t len, struct peel_error *err)
{
	uint64_t end;

	if (!checked_add(kept->base.size, len, &end) || end > INT64_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "it does not end");
	}
	kept->base.size = end;
	return 0;
}

int kept_pass(struct kept *kept, uint64_t len, struct peel_error *err)
{
	return advance(kept, len, err);
}

/* The run that ends where the next byte stands, or a new one. */
static struct run *open_run(struct kept *kept)
{
	struct run *run = &kept->open.runs[kept->runs];

	if (kept->runs > 0 && run[-1].offset + run[-1].len == kept->base.size) {
		return run - 1;
	}
	*run = (struct run){.offset = kept->base.size, .at = kept->used, .len = 0};
	kept->runs++;
	return run;
}

int kept_add(struct kept *kept, const void *bytes, size_t len, struct peel_error *err)
{
	const uint8_t *from = bytes;
	int r = 0;

	while (r == 0 && len > 0) {
		size_t part = (size_t)min_u64(len, CHUNK_BYTES - kept->used);
		struct run *run;

		if (part == 0 || kept->runs == CHUNK_RUNS) {
			r = close_chunk(kept, err);
			continue;
		}
		run = open_run(kept);
		memcpy(kept->open.bytes + kept->used, from, part);
		kept->used += (uint32_t)part;
		run->len += (uint32_t)part;
		from += part;
		len -= part;
		r = advance(kept, part, err);
	}
	return r;
}

int kept_add_bulk(struct kept *kept, const void *bytes, size_t len, struct peel_error *err)
{
	struct chunk *last;
	struct chunk chunk;
	int r = close_chunk(kept, err);

	if (r < 0 || len == 0) {
		return r;
	}
	chunk = (struct chunk){.offset = kept->base.size, .place = kept->store.used, .stored = len};
	last = kept->count > 0 ? &kept->chunks[kept->count - 1] : NULL;
	r = kept_store_add(&kept->store, bytes, len, err);
	if (r == 0 && last && last->runs == 0 && last->offset + last->stored == chunk.offset &&
		last->place + last->stored == chunk.place) {
		last->stored += len;
	} else if (r == 0) {
		r = add_chunk(kept, &chunk, err);
	}
	return r < 0 ? r : advance(kept, len, err);
}

/* Have the chunk unpacked; the lock is held. */
static int unpack(struct kept *kept, size_t i, struct peel_error *err)
{
	const struct chunk *chunk = &kept->chunks[i];
	const size_t head = chunk->runs * sizeof(struct run);
	cleanup_free void *stored = NULL;
	int r;

	if (kept->unpacked == i) {
		return 0;
	}
	stored = malloc(chunk->stored);
	if (!stored) {
		return no_memory(err);
	}
	r = kept_store_read(&kept->store, chunk->place, stored, chunk->stored, err);
	r = r < 0 ? r
		  : window_unpack(stored, chunk->stored, kept->packed, head + chunk->bytes, err);
	if (r < 0) {
		/* Our own file: no damage of the image. */
		return r == PEEL_EFORMAT ? peel_fail(err, PEEL_EIO, "the spool file was changed")
					 : r;
	}
	memcpy(kept->open.runs, kept->packed, head);
	memcpy(kept->open.bytes, kept->packed + head, chunk->bytes);
	kept->unpacked = i;
	return 0;
}

/* The chunk that may hold offset, or NO_CHUNK. */
static size_t find_chunk(const struct kept *kept, uint64_t offset)
{
	size_t low = 0;
	size_t high = kept->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kept->chunks[middle].offset <= offset) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low > 0 ? low - 1 : NO_CHUNK;
}

/* The run of the unpacked chunk that holds offset, or NULL. */
static const struct run *find_run(const struct kept *kept, uint32_t runs, uint64_t offset)
{
	uint32_t low = 0;
	uint32_t high = runs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (kept->open.runs[middle].offset <= offset) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low > 0 && offset - kept->open.runs[low - 1].offset < kept->open.runs[low - 1].len
		? &kept->open.runs[low - 1]
		: NULL;
}

/* As read_piece, of a chunk that is stored as it is. */
static int64_t read_bulk(struct kept *kept, const struct chunk *chunk, uint64_t offset, void *buf,
	size_t len, struct peel_error *err)
{
	const uint64_t from = offset - chunk->offset;
	const uint64_t left = chunk->stored - min_u64(from, chunk->stored);
	int r;

	if (!buf || left == 0) {
		return (int64_t)left;
	}
	len = (size_t)min_u64(len, left);
	r = kept_store_read(&kept->store, chunk->place + from, buf, len, err);
	return r < 0 ? r : (int64_t)len;
}

/* As read_piece, of a packed chunk. */
static int64_t read_packed(struct kept *kept, size_t i, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	scoped_lock(&kept->lock);
	const int r = unpack(kept, i, err);
	const struct run *run = r < 0 ? NULL : find_run(kept, kept->chunks[i].runs, offset);
	const uint64_t from = run ? offset - run->offset : 0;

	if (!run) {
		return r;
	}
	if (!buf) {
		return (int64_t)(run->len - from);
	}
	len = (size_t)min_u64(len, run->len - from);
	memcpy(buf, kept->open.bytes + run->at + from, len);
	return (int64_t)len;
}

/*
 * Find the piece that begins at offset, and read up to len bytes of it.
 * @param buf NULL: only look. @return bytes (of the piece, where buf is NULL), 0 where they were not
 *   kept, or less than 0.
 */
static int64_t read_piece(struct kept *kept, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	const size_t i = find_chunk(kept, offset);

	if (i == NO_CHUNK) {
		return 0;
	}
	return kept->chunks[i].runs == 0 ? read_bulk(kept, &kept->chunks[i], offset, buf, len, err)
					 : read_packed(kept, i, offset, buf, len, err);
}

static ssize_t kept_read_at(struct source *source, uint64_t offset, void *buf, size_t len,
	struct peel_error *err)
{
	struct kept *kept = (struct kept *)source;
	size_t done = 0;

	len = (size_t)min_u64(len, offset < source->size ? source->size - offset : 0);
	while (done < len) {
		int64_t got = read_piece(kept, offset + done, (uint8_t *)buf + done, len - done,
			err);

		if (got == 0) {
			atomic_store(&kept->missed, true);
			return peel_fail(err, PEEL_EIO,
				"the bytes of standard input at offset %" PRIu64
				" were not kept; write the image to a file and ask again",
				offset + done);
		}
		if (got < 0) {
			return (ssize_t)got;
		}
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static uint64_t kept_reach(struct source *source, uint64_t offset)
{
	int64_t left = offset < source->size
		? read_piece((struct kept *)source, offset, NULL, 0, NULL)
		: INT64_MAX;

	return left < 0 ? 0 : (uint64_t)left;
}

static void kept_close(struct source *source)
{
	kept_free((struct kept *)source);
}

static const struct source_ops kept_ops = {
	.read_at = kept_read_at,
	.close = kept_close,
	.reach = kept_reach,
};

int kept_source(struct kept *kept, struct source **ret_source, struct peel_error *err)
{
	int r = close_chunk(kept, err);

	if (r < 0) {
		return r;
	}
	source_init(&kept->base, &kept_ops, kept->base.size);
	*ret_source = &kept->base;
	return 0;
}

bool source_kept_missed(const struct source *source)
{
	return source && source->ops == &kept_ops &&
		atomic_load(&((const struct kept *)source)->missed);
}
