/* SPDX-License-Identifier: Apache-2.0 */
/** What the filters that are compiled in and who makes them agree on. */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include "sandbox_priv.h"

/** Stands for the process's own id, which is put in when a filter is loaded. No process has such an id. */
#define SANDBOX_OWN 0x7065656cu

/** Filters that differ: owners change no call. */
#define SANDBOX_FILTERS 16

/** Number of the filter for bits of enum sandbox_kept. */
static inline unsigned sandbox_filter_of(unsigned kept)
{
	return (kept & (SANDBOX_READABLE | SANDBOX_SPILL | SANDBOX_WRITABLE)) |
		(kept & SANDBOX_CHILDREN ? SANDBOX_FILTERS / 2 : 0);
}

#endif
