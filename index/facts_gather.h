/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Gathers the facts of one file after another while their bytes pass by: kind, markers, and what is found by
 * looking into them at their end (ELF, archives, bundles, a script's line).
 */
#ifndef FACTS_GATHER_H
#define FACTS_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts_look.h"
#include "facts_record.h"

struct facts_gather;
struct facts_scanner;
struct facts_wanted;
struct peel_error;

/** Bytes kept of a file until its end: all of a small one, of a larger one its begin and its end. */
#define FACTS_KEPT_HEAD (2u << 20)
#define FACTS_KEPT_TAIL (1u << 20)
/** And of a large ELF file from its dynamic section on. */
#define FACTS_KEPT_DYNAMIC (64u << 10)
/** Memory of a gatherer, bytes. */
#define FACTS_GATHER_MEMORY (FACTS_KEPT_HEAD + FACTS_KEPT_TAIL + (256u << 10))

/**
 * A gatherer, for one thread.
 * @param wanted, scanner borrowed, shared by threads. @return 0; PEEL_ENOMEM.
 */
int facts_gather_new(const struct facts_wanted *wanted, const struct facts_scanner *scanner,
	struct facts_gather **ret_gather, struct peel_error *err);
/** Free; NULL is fine. */
void facts_gather_free(struct facts_gather *gather);

/** Begin a file. @param hash its content is hashed, too, if all of it passes. */
void facts_gather_begin(struct facts_gather *gather, uint64_t size, bool hash);
/** The next bytes of the file. */
void facts_gather_feed(struct facts_gather *gather, const void *bytes, size_t len);
/** Are more bytes of it wanted? Not true for certain before FACTS_HEAD bytes (facts.h) have passed. */
bool facts_gather_wants(const struct facts_gather *gather);
/**
 * End of the file, or as far as it was wanted.
 * @param file reads what did not stay; NULL: then what needs that is deferred (record.deferred).
 * @param ret_record belongs to the gatherer until the next begin.
 * @return 0; PEEL_ENOMEM, as file->read.
 */
int facts_gather_end(struct facts_gather *gather, const struct facts_file *file,
	const struct pack **ret_record, struct peel_error *err);

/**
 * Do what was deferred.
 * @param record as it was; file reads the whole. @param ret_record as it has to be.
 * @return as facts_gather_end; PEEL_EINTERNAL (a damaged record).
 */
int facts_gather_again(struct facts_gather *gather, const void *record, size_t len,
	const struct facts_file *file, const struct pack **ret_record, struct peel_error *err);

#endif
