/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm's database in SQLite: pages, cells and schema of a stranger. What comes out of it is not more than the file
 * holds, and what is wrong with it is said.
 */
#include <string.h>

#include "filetree.h"
#include "pkgdb_rpm.h"

static int take_blob(void *arg, const void *bytes, size_t len)
{
	struct pkgdb_rpm_header header;

	*(uint64_t *)arg += len;
	if (pkgdb_rpm_header_read(bytes, len, &header)) {
		fuzz_check(header.end <= (const char *)bytes + len);
	}
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_lone_sqlite();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t bytes = 0;
	const char *what = NULL;

	filetree_begin();
	filetree_add((const uint8_t *)"p", 1, data, len);
	fuzz_check(pkgdb_rpm_sqlite(NULL, 2, len, take_blob, &bytes, &what) == 0);
	fuzz_check(!what || what[0]);
	fuzz_check(bytes <= len);
	return 0;
}
