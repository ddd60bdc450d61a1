/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Connections to the index that is changed, kept from one input to the next. To open one and to compile its statements
 * costs a hundred times what most questions do, and both depend on nothing but the schema: so an input that leaves the
 * pages of the schema alone gets a connection that stands, with nothing in its cache, and any other a new one.
 */
#ifndef INDEX_KEEP_H
#define INDEX_KEEP_H

#include <stdbool.h>

struct index_base;

/** From now on connections to the files of this base may be kept. */
void index_keep_begin(const struct index_base *base);
/** Whether connections that are opened from here on, up to the next call, may be kept ones. */
void index_keep_allow(bool allow);

#endif
