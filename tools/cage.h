/* SPDX-License-Identifier: Apache-2.0 */
/** Giving up the rights that a verb does not need, once everything is open (peel/sandbox.h). */
#ifndef CAGE_H
#define CAGE_H

#include "cmd.h"

/**
 * Give up all but answering from indexes that are open: what they name, call->writable and call->owners stay, and
 * so do the files of --output, which are opened now. Does nothing for --no-sandbox but that. May be called again,
 * to give up more.
 * @param indexes may hold NULL.
 * @return STATUS_OK, or STATUS_ERROR with the message out.
 */
int cage_enter(struct call *call, struct peel_index *const *indexes, int count);

/**
 * A peel_opened_fn, arg being a struct call: the same before the first byte of an image is read that is read in this
 * process, with folders for what is spooled.
 */
int cage_opened(void *arg, int folder, struct peel_error *err);

/** Say of a failure to read an image in this process where it is that root has no rights there. */
void cage_hint(const struct call *call, struct peel_error *err);

#endif
