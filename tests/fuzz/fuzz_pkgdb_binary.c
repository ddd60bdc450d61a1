/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package databases that are no texts: headers of rpm's packages, alone and in an ndb, and what programs of Go and Rust
 * say of themselves. First byte: which of them.
 */
#include <stdbool.h>
#include <string.h>

#include <peel/error.h>

#include "filetree.h"
#include "pkgdb_rpm.h"
#include "pkgdb_told.h"

/* What callbacks have seen: all of it lies in the bytes at hand. */
struct seen {
	uint64_t bytes, paths;
	const struct pkgdb_rpm_header *header;
};

static int take_path(void *arg, const char *path, size_t len)
{
	struct seen *seen = arg;

	(void)path;
	fuzz_check(len > 0 && ++seen->paths <= seen->header->file_count);
	return 0;
}

static int take_header(void *arg, const void *bytes, size_t len)
{
	struct seen *seen = arg;
	struct pkgdb_rpm_header header;
	struct pkgdb_record record;

	seen->bytes += len;
	seen->paths = 0;
	seen->header = &header;
	if (!pkgdb_rpm_header_read(bytes, len, &header)) {
		return 0;
	}
	fuzz_check(header.end <= (const char *)bytes + len);
	fuzz_check(header.file_count <= len && header.folder_count <= len);
	fuzz_check(strlen(header.evr) <= PKGDB_NAME_MAX);
	record = pkgdb_rpm_record(&header, "/var/lib/rpm");
	fuzz_check(record.name && record.version && record.arch && record.source && record.db);
	fuzz_check(strlen(record.name) + strlen(record.arch) + strlen(record.source) <= len);
	const int code = pkgdb_rpm_header_paths(&header, take_path, seen);

	fuzz_check(code == 0 || code == PEEL_EFORMAT);
	return 0;
}

static void read_ndb(const struct fuzz_input *input)
{
	struct seen seen = {0};
	const char *what = NULL;

	filetree_add((const uint8_t *)"p", 1, input->at, input->left);
	fuzz_check(pkgdb_rpm_ndb(NULL, 2, input->left, take_header, &seen, &what) == 0);
	/* Headers do not overlap, or the database is damaged: else time would not be bounded by the file. */
	fuzz_check(seen.bytes <= input->left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	struct seen seen = {0};

	filetree_begin();
	switch (fuzz_byte(&input) % 3) {
	case 0:
		(void)take_header(&seen, input.at, input.left);
		break;
	case 1:
		read_ndb(&input);
		break;
	default:
		filetree_add((const uint8_t *)"usr/bin/app*", 12, input.at, input.left);
		pkgdb_told();
	}
	return 0;
}
