/* SPDX-License-Identifier: Apache-2.0 */
/** The parent's side of a caged child: answering what it asks, and taking what it tells. */
#ifndef INDEX_SERVE_H
#define INDEX_SERVE_H

#include "index_child.h"

/** Ends of the child's sockets. */
enum serve_end {
	SERVE_MAIN,
	SERVE_SPOOL,
	SERVE_ENDS,
};

/** How serving ended. */
enum served {
	/** The child closed its sockets and said nothing. */
	SERVED_GONE = 0,
	/** It told the end; code and message are in err. */
	SERVED_DONE,
	/** Somebody here wants it to end, or it broke a rule; why is in err. */
	SERVED_ENOUGH,
};

/**
 * Serve until the end.
 * @param ends this side's sockets, borrowed. @param err receives what the child says, or why it is to end; its code
 *   is 0 where the child succeeded.
 */
enum served serve_child(const struct child_world *world, const int *ends,
	struct child_result *result, struct peel_error *err);

#endif
