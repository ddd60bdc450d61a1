/* SPDX-License-Identifier: Apache-2.0 */
/** Whether files of two images have the same bytes. */
#ifndef DIFF_SAME_H
#define DIFF_SAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/index.h>

struct same;

/** @return 0; PEEL_ENOMEM. */
int same_new(struct peel_index *a, struct peel_index *b, struct same **ret_same,
	struct peel_error *err);
/** Free; NULL is fine. */
void same_free(struct same *same);

/**
 * Put down a pair of files of the same size that will be asked for: node numbers of the merged views.
 * @return 0; PEEL_ENOMEM.
 */
int same_add(struct same *same, uint64_t a, uint64_t b, uint64_t size, struct peel_error *err);

/**
 * Read what was put down, each image in the order of its layers, and compare. What cannot be read is left to
 * same_ask.
 * @param progress may be NULL. @return 0; PEEL_ECANCELED, PEEL_ENOMEM.
 */
int same_compare(struct same *same, peel_progress_fn *progress, void *progress_arg,
	struct peel_error *err);

/**
 * Ask for a pair; pairs are asked for in the order in which they were put down, each once.
 * @return 1 the same bytes, 0 not; as peel_read.
 */
int same_ask(struct same *same, uint64_t a, uint64_t b, uint64_t size, struct peel_error *err);

/** Bytes read so far, of both images. */
uint64_t same_read_bytes(const struct same *same);

#endif
