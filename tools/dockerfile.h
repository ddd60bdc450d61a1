/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A Dockerfile as a list of instructions with their lines, and which of them made a row of an image's history. The
 * history has the instructions of the last stage, and of the stages that it is built FROM, after those of a base
 * image that no Dockerfile tells of; so both are compared from their ends, in order.
 */
#ifndef DOCKERFILE_H
#define DOCKERFILE_H

#include <stddef.h>

struct dockerfile;
struct peel_error;

/** Largest file, bytes. */
#define DOCKERFILE_MAX (4u << 20)

/**
 * Read one.
 * @return 0; PEEL_ENOENT, PEEL_EIO, PEEL_ELIMIT, PEEL_EFORMAT (no FROM), PEEL_ENOMEM. Free it with dockerfile_free.
 */
int dockerfile_load(const char *path, struct dockerfile **ret_dockerfile, struct peel_error *err);
/** The same of bytes. */
int dockerfile_parse(const char *path, const char *text, size_t len,
	struct dockerfile **ret_dockerfile, struct peel_error *err);
/** Free; NULL is fine. */
void dockerfile_free(struct dockerfile *dockerfile);

/** Its path as given. */
const char *dockerfile_path(const struct dockerfile *dockerfile);

/**
 * Find the lines of a history.
 * @param created_by of each row, as the image has it. @param ret_lines receives count lines, 0 where none is known.
 * @return 0; PEEL_ENOMEM.
 */
int dockerfile_lines(const struct dockerfile *dockerfile, const char *const *created_by,
	size_t count, int *ret_lines, struct peel_error *err);

#endif
