/* SPDX-License-Identifier: Apache-2.0 */
/** Reading one layer: decode, hash, scan. */
#ifndef LAYER_READ_H
#define LAYER_READ_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/image.h>

#include "digest.h"

struct limit_watch;
struct peel_error;
struct point_sink;
struct scan_entry;
struct source;

/** Bytes of a content hash: XXH3-128 in canonical form. */
#define LAYER_HASH_SIZE 16

/** Takes what a layer holds, in the order of its tar. All return 0, or less than 0 to stop. */
struct layer_sink {
	/** An entry, before its data passes. */
	int (*entry)(void *arg, const struct scan_entry *entry, struct peel_error *err);
	/** Hash of the content of the file that was given last, LAYER_HASH_SIZE bytes; where data is read. */
	int (*hash)(void *arg, const void *hash, struct peel_error *err);
	/** A piece of its content, and after hash its end; where data is read. NULL: nobody wants them. */
	void (*data)(void *arg, const void *bytes, size_t len);
	int (*end)(void *arg, struct peel_error *err);
	/** An anomaly; arguments as scan_sink.finding. */
	int (*finding)(void *arg, const char *code, const char *path, size_t path_len,
		uint64_t offset, const char *detail, struct peel_error *err);
	/** An entry with large headers begins, and ends; as scan_sink has them. Both or none. */
	int (*large)(void *arg, struct peel_error *err);
	int (*small)(void *arg, struct peel_error *err);
	/** Called now and then with the stored bytes read so far; may be NULL. */
	int (*progress)(void *arg, uint64_t in, struct peel_error *err);
	void *arg;
};

/** What to read and how. */
struct layer_job {
	const struct peel_layer *layer;
	/** The stored bytes. */
	struct source *raw;
	/** Takes access points; NULL: none are wanted. */
	const struct point_sink *points;
	/** Asked before more than STREAM_WINDOW_SMALL is spent on a zstd window; as stream_options.large. */
	int (*large)(void *arg, struct peel_error *err);
	void *large_arg;
	/** Hash plain layers too. */
	bool verify;
	/** Hash in threads of their own. */
	bool threads;
	/** Borrowed; NULL: the defaults. */
	struct limit_watch *limits;
};

/** What reading came to. */
struct layer_outcome {
	enum peel_layer_state state;
	/** Why state is not OK: one escaped line. */
	char reason[PEEL_MESSAGE_SIZE];
	/** Uncompressed bytes. */
	uint64_t tar_size;
	/** Digests of what was read, "" where not computed. */
	char blob_hashed[DIGEST_TEXT_SIZE];
	char diff_hashed[DIGEST_TEXT_SIZE];
};

/**
 * Read a layer whole into a sink.
 * @return 0 (also for a layer that turns out damaged or is cut by a limit: see the outcome); PEEL_EIO, PEEL_ECHANGED,
 *   PEEL_ELIMIT (one that ends the build), PEEL_ENOMEM, PEEL_EINTERNAL: building cannot go on; what the sink returned.
 */
int layer_read(const struct layer_job *job, const struct layer_sink *sink,
	struct layer_outcome *ret_outcome, struct peel_error *err);

#endif
