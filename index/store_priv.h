/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the store share: store.c has the index, store_facts.c the facts beside it. */
#ifndef STORE_PRIV_H
#define STORE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/**
 * A connection. @param beside a second file for ATTACH, -1: none.
 * @return 0; PEEL_EIO, PEEL_ENOMEM, PEEL_EFORMAT.
 */
int store_connect(int fd, int beside, int spill_dir, bool writable, struct store **ret_store,
	struct peel_error *err);

/** Settings of a file that is being built. @param cache_kib page cache. @return 0, or as store_exec. */
int store_prepare_build(struct store *store, int cache_kib, struct peel_error *err);

/** Settings of a file that is read and may be hostile. @return 0, or as store_exec. */
int store_harden(struct store *store, struct peel_error *err);

/** The one number that a pragma gives, -1: none. @param sql a literal. @return 0, or as store_step. */
int store_pragma(struct store *store, const char *sql, int64_t *ret_value, struct peel_error *err);

/** Is "main" an index of this version? @return 0; PEEL_EFORMAT; as store_step. */
int store_check_version(struct store *store, struct peel_error *err);

/** The version in a file's header. @param application four letters of its id. @return it; PEEL_EFORMAT, PEEL_EIO. */
int64_t store_header_version(int fd, const char *application);

/**
 * Compare a schema with texts that make it.
 * @param sql a literal that selects type, name, tbl_name and sql of its rows.
 * @return 0; PEEL_EFORMAT where it differs; PEEL_ENOMEM.
 */
int store_compare_schema(struct store *store, const char *sql, const char *const *texts,
	size_t count, struct peel_error *err);

#endif
