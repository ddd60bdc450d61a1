/* SPDX-License-Identifier: Apache-2.0 */
/** What all package databases of a filetree come to, checked: the sink of pkgdb_owners. */
#ifndef PKGDB_TOLD_H
#define PKGDB_TOLD_H

/** Read all databases of the tree at hand; what they say must be in order, and of files that are there. */
void pkgdb_told(void);

#endif
