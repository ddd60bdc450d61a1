/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a scan tells, as text that a test can compare:
 *
 *	! CODE PATH					a finding; PATH is - where there is none
 *	TYPE PATH MODE UID:GID SIZE/STORED SEC.NSEC	an entry, then as far as it has them:
 *							OWNER:GROUP, -> LINK, dev MAJOR,MINOR,
 *							NAME=VALUE (xattrs), sparse OFFSET+LENGTH…,
 *							extras
 *	  DATA|						data of a file, where asked for
 *	= CODE ENTRIES ENDED TRAILING			the end
 */
#ifndef SCANTEXT_H
#define SCANTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "tarmaker.h"

struct peel_error;
struct source;

/** Arguments for tarmaker: a member by its parts, and one byte of data. */
#define MEMBER(...) \
	&(struct tar_member) \
	{ \
		__VA_ARGS__ \
	}
#define ONE_BYTE .data = "1", .data_len = 1

struct scantext_case {
	/** Ids of the cases that it covers. */
	const char *id;
	void (*make)(struct tarmaker *tar);
	const char *told;
};

/** Make, scan and compare each case; fails the test that runs. */
void scantext_run(const struct scantext_case *cases, size_t count);

/**
 * Scan a plain source, and drop it.
 * @param stop_at "entry", "data", "end" or "finding": where the sink stops with PEEL_ECANCELED;
 *   NULL: nowhere.
 * @return the text, which the caller frees.
 */
char *scantext_source(struct source *source, bool with_data, const char *stop_at, int *ret_code,
	struct peel_error *err);

/** Scan a tar. @return the text, which the caller frees. */
char *scantext_tar(const struct tarmaker *tar, bool with_data);

/** Append a regular file that holds "1". */
void scantext_file(struct tarmaker *tar, const char *path);

#endif
