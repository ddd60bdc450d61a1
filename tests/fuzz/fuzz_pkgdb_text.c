/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package databases that are texts: dpkg with status.d and info, apk, pip, eggs, conda, npm, gems, and rpm's manifest.
 * The input is a tree of files (filetree.h), whose names decide which reader sees them.
 */
#include "filetree.h"
#include "pkgdb_told.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};

	filetree_begin();
	filetree_read(&input);
	pkgdb_told();
	return 0;
}
