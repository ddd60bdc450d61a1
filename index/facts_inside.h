/* SPDX-License-Identifier: Apache-2.0 */
/** Looking into a file by its kind, and appending what is found to its record. */
#ifndef FACTS_INSIDE_H
#define FACTS_INSIDE_H

#include <stdbool.h>

#include "facts_look.h"
#include "facts_record.h"

struct facts_scan;
struct facts_wanted;
struct peel_error;

/**
 * Members of an archive whose first bytes are looked at, and bytes that are unpacked for it, at most; beyond them, and
 * where a member cannot be unpacked, it counts as listed in part.
 */
#define FACTS_INSIDE_MEMBERS 65536
#define FACTS_INSIDE_BYTES (512u << 20)
/** Bytes of a member that are held at once. */
#define FACTS_INSIDE_PIECE (64u << 10)

/** Markers in members of one archive; beyond them it counts as listed in part. */
#define FACTS_INSIDE_MARKERS 4096

/** What looking needs. */
struct facts_inside {
	const struct facts_wanted *wanted;
	/** For members; between two files it is free. */
	struct facts_scan *scan;
	/** Takes the items. */
	struct pack *pack;
};

/** What of a file there is to be looked into, beside its first bytes. */
enum facts_inside_part {
	FACTS_INSIDE_NOTHING,
	/** Its end, and, where something is there, what that points to. */
	FACTS_INSIDE_END,
	FACTS_INSIDE_ALL,
};

/** What is looked into in files of a kind. */
enum facts_inside_part facts_inside_of(enum peel_kind kind);
/** Is it an archive, of a format that is not looked into? */
bool facts_is_archive(enum peel_kind kind);
/** Which markers are looked for in files of a kind: a set of enum facts_in. */
unsigned facts_in_of(enum peel_kind kind);

/** Look. @return 0; PEEL_ENOMEM, as file->read. */
int facts_inside_look(const struct facts_inside *inside, enum peel_kind kind,
	const struct facts_file *file, struct peel_error *err);

#endif
