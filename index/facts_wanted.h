/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is looked for inside files: markers (bytes anywhere in them) and symbols of ELF files. Detectors say it
 * (audit_detectors.h makes it of their file); facts gather it, and keep it with the digest of what was wanted.
 */
#ifndef FACTS_WANTED_H
#define FACTS_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Shortest and longest marker in bytes: shorter ones say nothing and cost much. */
#define FACTS_MARKER_MIN 6
#define FACTS_MARKER_MAX 128
/** Most markers and symbols of a set. */
#define FACTS_MARKERS_MAX 1024
#define FACTS_SYMBOLS_MAX 1024

/** Which files a marker is looked for in, a set of bits. */
enum facts_in {
	/** Programs: ELF, PE, Mach-O, WebAssembly, Java classes, ar archives. */
	FACTS_IN_PROGRAMS = 1,
	/** Text and scripts. */
	FACTS_IN_TEXT = 2,
	/** All the rest that is not compressed: data of any kind. */
	FACTS_IN_DATA = 4,
};

struct facts_marker {
	/** Names it in the index, in evidence and to detectors: "python.fatal-error". */
	const char *name;
	const void *bytes;
	size_t len;
	/** A set of enum facts_in. */
	unsigned in;
};

/** A name of a dynamic symbol. */
struct facts_symbol {
	/** The name, or its begin where prefix is set. */
	const char *text;
	bool prefix;
};

/** A set; immutable, shared by threads. */
struct facts_wanted {
	const struct facts_marker *markers;
	size_t marker_count;
	const struct facts_symbol *symbols;
	size_t symbol_count;
	/** SHA-256 in hex of all of that in a canonical form: facts gathered for another set are not used. */
	char digest[65];
};

#endif
