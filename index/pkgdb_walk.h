/* SPDX-License-Identifier: Apache-2.0 */
/** The walk over the merged tree that finds package databases, and the readers of those that lie anywhere. */
#ifndef PKGDB_WALK_H
#define PKGDB_WALK_H

#include "pkgdb_gather.h"
#include "pkgdb_json.h"

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

/** Ask which files are programs of Go and Rust. @return as pkgdb_walk, or as the sink. */
int pkgdb_programs(struct pkgdb_gather *g);

/** Add such a program by what it says of itself. @return as pkgdb_walk. */
int pkgdb_program(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** Find the first layer that has each package in its version; the roster is sorted. @return as pkgdb_walk. */
int pkgdb_layers(struct pkgdb_gather *g);

/** Python: a folder NAME-VERSION.dist-info. @return as pkgdb_walk. */
int pkgdb_python_folder(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** Python: a folder or file NAME.egg-info, a folder or file NAME.egg, a file NAME.egg-link. @return as pkgdb_walk. */
int pkgdb_egg_info(struct pkgdb_gather *g, const struct pkgdb_entry *entry);
int pkgdb_egg(struct pkgdb_gather *g, const struct pkgdb_entry *entry);
int pkgdb_egg_link(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** conda: a folder conda-meta. @return as pkgdb_walk. */
int pkgdb_conda_meta(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** conda: a file index.json, noted where it is one of conda's cache. @return as pkgdb_walk. */
int pkgdb_conda_index(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** Add the packages of conda's cache that no environment has. @return as pkgdb_walk. */
int pkgdb_conda_cache(struct pkgdb_gather *g);

/** Node: a folder that may be a package, in node_modules or a scope of it. @return as pkgdb_walk. */
int pkgdb_npm_package(struct pkgdb_gather *g, size_t database, const struct pkgdb_entry *entry);

/** Ruby: a folder specifications. @return as pkgdb_walk. */
int pkgdb_gem_specifications(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/** What wraps pkgdb_json_scan for a file of a database: damage is its problem. @return 1; 0 damaged; or less than 0. */
int pkgdb_scan_file(struct pkgdb_gather *g, size_t database, uint64_t ino, const char *name,
	pkgdb_json_fn *each, void *arg);

#endif
