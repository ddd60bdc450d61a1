/* SPDX-License-Identifier: Apache-2.0 */
/** Assertions on images, for cmocka tests. A file that includes this includes cmocka.h before. */
#ifndef IMAGECHECK_H
#define IMAGECHECK_H

#include <stdbool.h>
#include <stddef.h>

struct peel_image;

/** Open by reference and expect success. @return close it with peel_image_close. */
struct peel_image *imagecheck_open(const char *reference);
/** Open and expect a code and a part of the message. */
void imagecheck_refused(const char *reference, int code, const char *part);
/** True where opening recorded an anomaly of that code. */
bool imagecheck_finding(const struct peel_image *image, const char *code);
/** Expect that layer i can be read and begins with the plain tar header of the file "lNUMBER". */
void imagecheck_layer(struct peel_image *image, int i, int number);
/** Read a file of at most 1 MiB. @return the caller frees. */
char *imagecheck_read(const char *path, size_t *ret_len);

#endif
