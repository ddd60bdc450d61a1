/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar walker over a layer's plain bytes: framing, pax, GNU headers, sparse maps, extended attributes. What it gives
 * out must be well formed, and must lie within the layer.
 */
#include <string.h>

#include <peel/error.h>

#include "codec.h"
#include "fuzz.h"
#include "limit.h"
#include "scan.h"
#include "source.h"

struct told {
	uint64_t entries;
	/** Data bytes that the last file still has to give. */
	uint64_t left;
	uint64_t header_off;
};

static void check_extents(const struct scan_entry *entry)
{
	uint64_t end = 0, stored = 0;

	fuzz_check(entry->extent_count <= limits_value(NULL, PEEL_LIMIT_SPARSE_EXTENTS));
	for (size_t i = 0; i < entry->extent_count; i++) {
		const struct scan_extent *extent = &entry->extents[i];

		fuzz_check(extent->offset >= end && extent->length <= UINT64_MAX - extent->offset);
		fuzz_check(extent->length > 0 || !entry->sparse);
		end = extent->offset + extent->length;
		stored += extent->length;
	}
	fuzz_check(end <= entry->size);
	fuzz_check(entry->sparse || stored == entry->size);
	fuzz_check(stored <= entry->stored);
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct told *told = arg;
	size_t xattrs = 0;

	(void)err;
	fuzz_check(told->left == 0);
	fuzz_check(told->entries == 0 || entry->header_off > told->header_off);
	fuzz_check(entry->data_off % 512 == 0 || entry->sparse);
	fuzz_check(entry->header_off % 512 == 0 && entry->data_off > entry->header_off);
	fuzz_check(entry->path_len == strlen(entry->path));
	fuzz_check(entry->link_len == strlen(entry->link));
	fuzz_check((entry->mode & ~07777u) == 0 && entry->mtime_nsec < 1000000000);
	fuzz_check(entry->type == SCAN_FILE || entry->size == 0);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		xattrs += strlen(entry->xattrs[i].name) + entry->xattrs[i].value_len;
	}
	fuzz_check(xattrs <= limits_value(NULL, PEEL_LIMIT_XATTR_SIZE));
	if (entry->type == SCAN_FILE) {
		check_extents(entry);
	}
	told->entries++;
	told->header_off = entry->header_off;
	told->left = entry->type == SCAN_FILE ? entry->stored : 0;
	return 0;
}

static int take_data(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct told *told = arg;

	(void)bytes;
	(void)err;
	fuzz_check(len <= told->left);
	told->left -= len;
	return 0;
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	(void)arg;
	(void)offset;
	(void)err;
	fuzz_check(code && code[0] && detail);
	fuzz_check(path || path_len == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct told told = {0};
	const struct scan_sink sink = {
		.entry = take_entry, .data = take_data, .finding = take_finding, .arg = &told};
	struct source *source = fuzz_source(data, len);
	struct scan_result result;
	struct stream *stream;
	int status;

	fuzz_check(stream_open(source, PEEL_CODEC_NONE, NULL, &stream, NULL) == 0);
	status = scan_layer(stream, &sink, &result, NULL);
	fuzz_check(result.entries == told.entries && result.size <= len);
	fuzz_check(status < 0 || (told.left == 0 && result.size == len));
	stream_close(stream);
	source_drop(source);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	len = LLVMFuzzerMutate(data, len, max_len);
	/* Some stay wrong. */
	if (seed % 16) {
		fuzz_mend_tar(data, len);
	}
	return len;
}
