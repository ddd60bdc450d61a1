/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bytes of an entry: layer source + offset, through sparse extents. Where a layer's bytes are is
 * what the index says; no manifest is read again.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <peel/image.h>

struct content;
struct peel_error;
struct source;
struct store_pool;

/** Decoded spans kept in memory, bytes. */
#define CONTENT_CACHE (24u << 20)

/** Where the image is. */
struct content_options {
	/** The image file; grabbed. NULL for a layout. */
	struct source *file;
	/** Folder of a layout, -1 for others; duplicated. */
	int layout;
	/** Folder for spools, -1: none; duplicated. */
	int spool_dir;
	uint64_t spool_limit;
	/** As in struct codec_options. */
	unsigned window_log;
};

/**
 * Make the bytes of an open index readable; no layer is opened yet.
 * @param pool connections to the index, borrowed, must outlive it.
 * @return 0; PEEL_ENOMEM, PEEL_EIO. Free with content_close.
 */
int content_open(struct store_pool *pool, int layer_count, const struct content_options *options,
	struct content **ret_content, struct peel_error *err);

/**
 * Open blobs and make spools by brokers (broker.h) from now on, in place of folders. Nothing may have been opened yet.
 * @return 0; PEEL_EIO.
 */
int content_redirect(struct content *content, int layout, int spool, struct peel_error *err);

/** Most blobs of a layout that are opened ahead: half of the descriptors that a process usually may have. */
#define CONTENT_BLOBS_MAX 512

/**
 * Open the blobs of a layout, so that no name is needed later, nor a right to it.
 * @return true where all are open, or where there is no layout. Before a second thread reads.
 */
bool content_open_blobs(struct content *content);

/** Folders that are still read from and spooled to by a name: a layout's and the spool's; -1: none. Borrowed. */
void content_folders(const struct content *content, int *ret_layout, int *ret_spool);

/** True where bytes were wanted that were not kept of standard input. */
bool content_missed(const struct content *content);

/** Free; NULL is fine. */
void content_close(struct content *content);

/**
 * The uncompressed bytes of a layer, opened on first use and kept.
 * @param ret_source borrowed, valid as long as content.
 * @return 0; PEEL_ENOENT (missing layer), PEEL_EUNSUPPORTED, PEEL_EFORMAT (the index lies),
 *   PEEL_EIO, PEEL_ECHANGED, PEEL_ENOMEM.
 */
int content_layer(struct content *content, int layer, struct source **ret_source,
	struct peel_error *err);

/**
 * Keep one layer's decoder at most, or as many as there are layers, which is how it begins. A layer that is one
 * frame of zstd is decoded to its end before the next is opened: it costs time and room for its spool, once, and
 * no window for each layer. For whoever reads many layers and returns to them.
 */
void content_set_frugal(struct content *content, bool frugal);

/**
 * The bytes of a layer as they are stored, to be decoded in order with stream_open.
 * @param ret_raw the caller drops. @return as content_layer.
 */
int content_layer_stored(struct content *content, int layer, struct source **ret_raw,
	enum peel_codec *ret_codec, struct peel_error *err);

/**
 * The same where it is open already; does not wait. @return borrowed as with content_layer, or NULL.
 */
struct source *content_opened(struct content *content, int layer);

#endif
