/* SPDX-License-Identifier: Apache-2.0 */
/** What is built of untrusted bytes, built by a child in a cage (index_child.h). */
#ifndef INDEX_CAGED_H
#define INDEX_CAGED_H

#include <stdbool.h>

struct facts_file;
struct facts_job;
struct opening;
struct peel_error;

/**
 * Build the index of an image into the opening's temporary file, and its facts.
 * @param image descriptor of the file, or of a layout's folder; borrowed. @param facts the file for them, made
 *   already; NULL: none are wanted. @param ret_facts set to true where they were written, which is not so where the
 *   index is refused.
 * @param ret_named set to true where a failure names the image already.
 * @return as peel_image_open, index_build, index_facts_write, child_run. What was written is to be taken for hostile.
 */
int caged_build(struct opening *opening, int image, const struct facts_file *facts, bool *ret_facts,
	bool *ret_named, struct peel_error *err);

/** Gather facts of an open index, as index_facts_write does. @return as that, and as child_run. */
int caged_facts(const struct opening *opening, const struct facts_job *job, struct peel_error *err);

#endif
