/* SPDX-License-Identifier: Apache-2.0 */
/** Opening an image file that lies in memory. */
#ifndef FUZZ_OPEN_H
#define FUZZ_OPEN_H

#include <stddef.h>
#include <stdint.h>

/**
 * Open, and expect that what the image says of itself lies within the file and may be shown.
 * @param way which reference and which platform are asked for; every number is one.
 */
void fuzz_open_image(const void *bytes, size_t len, unsigned int way);

#endif
