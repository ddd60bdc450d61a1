/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The seal of a finished file of the store: its last bytes are a hash of all before them.
 *
 * SQLite counts pages and never looks behind the last one, so that a sealed file is a database as before. A seal tells
 * what a disk, a memory or a mistake changed after a file was written. Against who may write the file no seal helps:
 * the cache folder is the user's alone, and everything else is taken as hostile, seal or not.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

struct peel_error;

/**
 * Put the seal after what store_commit wrote; once a file. Where the disk is full, the file moves as it does while it
 * is written. @param folder as in store_place.h. @return 0; PEEL_EIO, PEEL_ENOMEM.
 */
int store_seal(int fd, int folder, struct peel_error *err);

/** Read the whole file and check its seal. @return 0; PEEL_EFORMAT (none, or another's), PEEL_EIO, PEEL_ENOMEM. */
int store_check_seal(int fd, struct peel_error *err);

#endif
