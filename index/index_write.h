/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rows of the index other than entries: layers, blobs, access points, history, findings, facts of
 * the image.
 */
#ifndef INDEX_WRITE_H
#define INDEX_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include <peel/image.h>

struct image_blob;
struct layer_outcome;
struct peel_error;
struct point;
struct store;
struct tree_layer;

/** A text of table image. All functions return 0, or less than 0 as store_step. */
int write_value(struct store *store, const char *key, const void *value, size_t len,
	struct peel_error *err);
/** A number of table image. */
int write_number(struct store *store, const char *key, uint64_t value, struct peel_error *err);
/** Where a blob is and how large it is when decoded. */
int write_blob(struct store *store, int64_t id, const struct image_blob *where,
	enum peel_codec codec, uint64_t out_size, struct peel_error *err);
/** An access point; window as window_pack made it, NULL where there is none. */
int write_point(struct store *store, int64_t blob, const struct point *point, const void *window,
	size_t len, struct peel_error *err);
/** A layer; blob -1: missing. */
int write_layer(struct store *store, int id, const struct peel_layer *layer,
	const struct tree_layer *counts, const struct layer_outcome *outcome, int64_t blob,
	struct peel_error *err);
/** A history record. */
int write_history(struct store *store, int id, const struct peel_history *history,
	struct peel_error *err);
/** An anomaly. */
int write_finding(struct store *store, const struct peel_finding *finding, struct peel_error *err);

#endif
