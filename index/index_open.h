/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the index family share. */
#ifndef INDEX_OPEN_H
#define INDEX_OPEN_H

#include "index_priv.h"

/**
 * Check the schema and read facts, layers and history into memory.
 * @param index with fd and lock set up; what was read is freed by index_unload, on failure too.
 * @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ENOMEM.
 */
int index_load(struct peel_index *index, struct peel_error *err);

/** Free what index_load read. */
void index_unload(struct peel_index *index);

/** A new handle on an open index file. @param fd taken over on success. @return 0; as index_load. */
int index_attach(int fd, struct peel_index **ret_index, struct peel_error *err);

#endif
