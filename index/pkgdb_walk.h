/* SPDX-License-Identifier: Apache-2.0 */
/** The walk over the merged tree that finds package databases, and the readers of those that lie anywhere. */
#ifndef PKGDB_WALK_H
#define PKGDB_WALK_H

#include "pkgdb_gather.h"

/**
 * Go over the merged tree once: read each database that is there, claim the files of folders that are a package's, and
 * note bytecode with its source. @return 0, or less than 0.
 */
int pkgdb_walk(struct pkgdb_gather *g);

/** Claim noted folders of packages whose record no other package lists. @return as pkgdb_walk. */
int pkgdb_claim_lates(struct pkgdb_gather *g);

/** Note a file of bytecode if its source is there. @param in_cache it lies in a __pycache__. @return as pkgdb_walk. */
int pkgdb_bytecode_note(struct pkgdb_gather *g, const struct pkgdb_entry *entry, bool in_cache);

/** Claim noted bytecode for the owners of the sources. @return as pkgdb_walk. */
int pkgdb_bytecode_claim(struct pkgdb_gather *g);

/** Claim what maintainer scripts are known to make. @return as pkgdb_walk. */
int pkgdb_generated(struct pkgdb_gather *g);

/** Add programs that say themselves what they are made of (Go, Rust). @return as pkgdb_walk, or what the sink returned. */
int pkgdb_programs(struct pkgdb_gather *g);

/** Find the first layer that has each package in its version; the roster is sorted. @return as pkgdb_walk. */
int pkgdb_layers(struct pkgdb_gather *g);

/** Python: a folder NAME-VERSION.dist-info. @return as pkgdb_walk. */
int pkgdb_python_folder(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** Python: a folder or file NAME.egg-info, a folder or file NAME.egg, a file NAME.egg-link. @return as pkgdb_walk. */
int pkgdb_egg_info(struct pkgdb_gather *g, const struct pkgdb_entry *entry);
int pkgdb_egg(struct pkgdb_gather *g, const struct pkgdb_entry *entry);
int pkgdb_egg_link(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

#endif
