/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Places for files without a name, and moving a file to the next one while it is being written: a
 * full disk below the cache folder is no reason to give no answer.
 */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Places, best first: $TMPDIR, /var/tmp, /tmp, memory. */
#define STORE_PLACES 4

/**
 * Open the folder of a place. @param place from 0, less than STORE_PLACES.
 * @return a descriptor that the caller closes, or -1 with errno; ENOENT for memory, which has none.
 */
int store_place_folder(int place);

/**
 * Make an unlinked, private, read-write file in a place.
 * @param place from 0, less than STORE_PLACES. @return a descriptor, or -1 with errno.
 */
int store_place_file(int place);

/**
 * Move what was written to another place, because the disk is full: the descriptor's number then stands
 * for a file without a name on another file system, or in memory, with the same bytes. The old file is left as it is.
 * @param folder for files without a name, as the writer has it: where it is a broker (broker.h), that makes the
 *   file; -1: none.
 * @param place 0 at first; the next place to try, so that full disks are not tried in turn for ever.
 * @return false where no place has room; nothing is changed then.
 */
bool store_place_move(int fd, int folder, int *place);

/** Write all, moving the file where the disk is full. @param folder, place as above. @return false with errno. */
bool store_place_write(int fd, int folder, int *place, const void *bytes, size_t len,
	uint64_t offset);

#endif
