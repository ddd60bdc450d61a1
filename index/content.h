/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bytes of an entry: layer source + offset, through sparse extents. The image's files are
 * opened by what the index says,
 * without reading a manifest again.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdint.h>
#include <sys/types.h>

struct content;
struct peel_error;
struct peel_index;
struct source;

/** How content finds the image. */
struct content_options {
	/** The image file, or the layout folder; taken over on success. */
	int fd;
	/** Folder for spools, -1: none; taken over on success. */
	int spool_dir;
	uint64_t spool_limit;
	/** Bytes of decoded spans kept; 0: the default. */
	uint64_t cache_budget;
};

/** @return 0; PEEL_ENOMEM, PEEL_EIO. Free with content_close. index is borrowed and must outlive it. */
int content_open(struct peel_index *index, const struct content_options *options,
	struct content **ret_content, struct peel_error *err);

/** Free; NULL is fine. */
void content_close(struct content *content);

/**
 * The uncompressed bytes of a layer, opened on first use and kept.
 * @param ret_source borrowed, valid as long as content.
 * @return 0; PEEL_ENOENT (missing layer), PEEL_EUNSUPPORTED, PEEL_EIO, PEEL_ECHANGED, PEEL_ENOMEM.
 */
int content_layer(struct content *content, int layer, struct source **ret_source, struct peel_error *err);

#endif
