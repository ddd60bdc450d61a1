/* SPDX-License-Identifier: Apache-2.0 */
/** Names for files that are renamed once they are whole. */
#ifndef TEMP_NAME_H
#define TEMP_NAME_H

#include <stdbool.h>

/** Room for a name. */
#define TEMP_NAME_SIZE 32
/** Names that are tried before something is wrong. */
#define TEMP_NAME_TRIES 100

/** Make up a name that nobody can foresee: ".peel-" and 16 digits. @return false with errno set. */
bool temp_name(char name[TEMP_NAME_SIZE]);

#endif
