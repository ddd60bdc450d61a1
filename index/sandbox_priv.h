/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The parts of the cage, each of which holds on its own. Every function is for the calling thread and what it
 * starts.
 */
#ifndef SANDBOX_PRIV_H
#define SANDBOX_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <peel/sandbox.h>

/** What of struct peel_sandbox decides which system calls are allowed; bits, from which filters are chosen. */
enum sandbox_kept {
	SANDBOX_READABLE = 1,
	SANDBOX_SPILL = 2,
	SANDBOX_WRITABLE = 4,
	SANDBOX_OWNERS = 8,
	SANDBOX_CHILDREN = 16,
	/** What a sanitizer's runtime or a coverage counter wants: all but what would still be an attack. */
	SANDBOX_INSTRUMENTS = 32,
};

/** A struct peel_sandbox as bits of enum sandbox_kept. */
unsigned sandbox_kept(const struct peel_sandbox *keep);

/** Shall a descriptor be closed? */
typedef bool sandbox_leaves_fn(const void *arg, int fd);
/** Close what one says of, of all descriptors above standard error. */
void sandbox_files_leave(sandbox_leaves_fn *leaves, const void *arg);
/** A sandbox_leaves_fn: was it inherited? */
bool sandbox_files_inherited(const void *arg, int fd);

/**
 * Give up capabilities in every set, and the ways by which they come back.
 * @param owners keep what changing owners of files needs, where it is there.
 * @return 0; PEEL_EIO.
 */
int sandbox_rights_drop(bool owners, struct peel_error *err);

/**
 * Confine paths, TCP ports, signals and abstract sockets, as far as this kernel's Landlock can.
 * @return 1 paths are confined; 0 this kernel has no Landlock, nothing was done; PEEL_EIO.
 */
int sandbox_paths_confine(const struct peel_sandbox *keep, struct peel_error *err);

/**
 * Put system calls on a list, for all threads.
 * @param kept bits of enum sandbox_kept.
 * @return 0; PEEL_EUNSUPPORTED (this kernel has no seccomp), PEEL_EIO, PEEL_ENOMEM.
 */
int sandbox_calls_confine(unsigned kept, struct peel_error *err);

#endif
