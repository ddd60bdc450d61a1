/* SPDX-License-Identifier: Apache-2.0 */
/** dpkg's database, for both questions: who owns one path (pkgdb.h), and what each package owns. */
#ifndef PKGDB_DPKG_H
#define PKGDB_DPKG_H

#include <stdint.h>

#include "pkgdb_gather.h"

/** Characters of an MD5 in hexadecimal, and the two blanks after it, in md5sums. */
#define PKGDB_MD5_PREFIX 34

/** A database in a folder "…/var/lib/dpkg" of the merged tree: status and info/, status.d/, or both.
 *  @return as g's. */
int pkgdb_dpkg_folder(struct pkgdb_gather *g, const char *path, uint64_t folder);

/** Takes a package that a database has; nonzero stops. */
typedef int pkgdb_seen_fn(void *arg, const struct pkgdb_record *record);

/** The installed packages of a status file that is open. @return 0, or what the callback returned. */
int pkgdb_dpkg_each(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg);

#endif
