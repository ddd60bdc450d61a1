/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which way of calls led to each allocation, for every.py: a number, the same for the same callers
 * of one run.
 *
 *	PEEL_FAULT_WAYS=FILE    zeros, eight bytes for each allocation that is to be told
 */
#ifndef WAYS_H
#define WAYS_H

#include <stdint.h>

/**
 * Keep the way to the n-th allocation, from 1 on (0: none); nothing where there is no file, or no
 * room in it.
 */
void ways_keep(uint64_t n);

#endif
