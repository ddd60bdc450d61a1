/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Facts files behind SQLite: a second file beside an index, on the same connection.
 *
 * Facts decide verdicts, so a byte that a disk changed must not be believed: the seal (store_seal.h) of a facts file,
 * and of the index beside it, is checked whenever facts are opened.
 */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include <stdint.h>

struct peel_error;
struct store;

/** Format of a facts file: facts_schema.sql's user_version and application_id. */
#define STORE_FACTS_VERSION 1
#define STORE_FACTS_APPLICATION_ID 1885693286

/**
 * A new, empty facts file, in one transaction that store_commit ends; the index is attached as "idx", read-only.
 * @param fd read-write, empty; @param index_fd of a whole index; @param spill_dir as in store_create; all
 * borrowed as
 *   long as the store is open.
 * @return 0; PEEL_EIO, PEEL_ENOMEM, PEEL_EINTERNAL, PEEL_EFORMAT (no index).
 */
int store_facts_create(int fd, int index_fd, int spill_dir, struct store **ret_store,
	struct peel_error *err);

/**
 * As store_open, with the facts file attached as "facts", as hostile as the index.
 * @param facts_fd borrowed as long as the store is open; -1: none is attached.
 * @return as store_open.
 */
int store_open_with_facts(int fd, int facts_fd, struct store **ret_store, struct peel_error *err);

/** A facts file alone, as "main". @return as store_open. */
int store_facts_open(int fd, struct store **ret_store, struct peel_error *err);

/** Compare the schema of "facts" with ours. @return as store_check_schema. */
int store_facts_check_schema(struct store *store, struct peel_error *err);

/** The version that a file's header claims. @return it; PEEL_EFORMAT where it is no facts file of peel; PEEL_EIO. */
int64_t store_facts_version(int fd);

#endif
