/* SPDX-License-Identifier: Apache-2.0 */
/** What a process that stays behind lets go of, so that nobody waits for it. */
#ifndef FS_LEAVE_H
#define FS_LEAVE_H

#include <stdbool.h>

/**
 * Point the standard streams from 0 on to /dev/null and close what the caller's caller left open:
 * ours are close-on-exec, those are not.
 * @param streams how many: 2 keeps standard error, 3 none.
 * @return false where there is no /dev/null; nothing is closed then.
 */
bool leave_descriptors(int streams);

/**
 * Leave session, folder, inherited handlers of ending signals and descriptors behind. Ends the
 * process where that fails.
 */
void leave_session(int streams);

#endif
