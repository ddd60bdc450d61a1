/* SPDX-License-Identifier: Apache-2.0 */
#include "scantext.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <peel/error.h>
#include <peel/text.h>

#include "codec.h"
#include "scan.h"
#include "source.h"

/** Where the sink writes, and what makes it stop. */
struct record {
	FILE *out;
	const char *stop_at;
	size_t data;
};

static int stop(struct record *record, const char *at, struct peel_error *err)
{
	if (record->stop_at && strcmp(record->stop_at, at) == 0) {
		return peel_fail(err, PEEL_ECANCELED, "stopped at %s", at);
	}
	return 0;
}

static int take_entry(void *arg, const struct scan_entry *entry, struct peel_error *err)
{
	struct record *record = arg;
	FILE *out = record->out;

	assert_int_equal(entry->path[entry->path_len], 0);
	assert_int_equal(entry->link[entry->link_len], 0);
	fprintf(out, "%c ", entry->type);
	peel_text_print(out, entry->path, entry->path_len);
	fprintf(out, " %o %" PRId64 ":%" PRId64 " %" PRIu64 "/%" PRIu64, entry->mode, entry->uid,
		entry->gid, entry->size, entry->stored);
	fprintf(out, " %" PRId64 ".%u", entry->mtime_sec, entry->mtime_nsec);
	if (entry->uname[0] || entry->gname[0]) {
		fprintf(out, " %s:%s", entry->uname, entry->gname);
	}
	if (entry->link_len > 0) {
		fprintf(out, " -> ");
		peel_text_print(out, entry->link, entry->link_len);
	}
	if (entry->type == SCAN_CHAR || entry->type == SCAN_BLOCK) {
		fprintf(out, " dev %u,%u", entry->rdev_major, entry->rdev_minor);
	}
	for (size_t i = 0; i < entry->xattr_count; i++) {
		fprintf(out, " %s=", entry->xattrs[i].name);
		peel_text_print(out, entry->xattrs[i].value, entry->xattrs[i].value_len);
	}
	if (entry->sparse) {
		fprintf(out, " sparse");
		for (size_t i = 0; i < entry->extent_count; i++) {
			fprintf(out, " %" PRIu64 "+%" PRIu64, entry->extents[i].offset,
				entry->extents[i].length);
		}
	}
	if (entry->extras_len > 0) {
		fprintf(out, " extras ");
		peel_text_print(out, entry->extras, entry->extras_len);
	}
	fprintf(out, "\n");
	return stop(record, "entry", err);
}

static int take_data(void *arg, const void *bytes, size_t len, struct peel_error *err)
{
	struct record *record = arg;

	if (record->data == 0) {
		fprintf(record->out, "  ");
	}
	record->data += len;
	peel_text_print(record->out, bytes, len);
	return stop(record, "data", err);
}

static int take_end(void *arg, struct peel_error *err)
{
	struct record *record = arg;

	fprintf(record->out, record->data ? "|\n" : "  |\n");
	record->data = 0;
	return stop(record, "end", err);
}

static int take_finding(void *arg, const char *code, const char *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err)
{
	struct record *record = arg;

	(void)offset;
	assert_true(strlen(detail) > 0);
	fprintf(record->out, "! %s ", code);
	peel_text_print(record->out, path ? path : "-", path ? path_len : 1);
	fprintf(record->out, "\n");
	return stop(record, "finding", err);
}

char *scantext_source(struct source *source, bool with_data, const char *stop_at, int *ret_code,
	struct peel_error *err)
{
	char *text = NULL;
	size_t len;
	struct record record = {open_memstream(&text, &len), stop_at, 0};
	const struct scan_sink sink = {
		.entry = take_entry,
		.data = with_data ? take_data : NULL,
		.end = take_end,
		.finding = take_finding,
		.arg = &record,
	};
	struct scan_result result = {0};
	struct stream *stream;
	int code;

	assert_non_null(record.out);
	code = stream_open(source, PEEL_CODEC_NONE, NULL, &stream, err);
	if (code == 0) {
		code = scan_layer(stream, &sink, &result, err);
		assert_int_equal(result.size, stream_tell(stream));
		assert_true(code < 0 || result.size == source->size);
		stream_close(stream);
	}
	source_drop(source);
	fprintf(record.out, "= %d %" PRIu64 " %d %" PRIu64 "\n", code, result.entries, result.ended,
		result.trailing);
	assert_int_equal(fclose(record.out), 0);
	*ret_code = code;
	return text;
}

char *scantext_tar(const struct tarmaker *tar, bool with_data)
{
	struct peel_error err = {0};
	struct source *source;
	int code;

	assert_int_equal(source_new_memory(tar->bytes ? tar->bytes : (const void *)"", tar->len, 0,
				 &source, &err),
		0);
	return scantext_source(source, with_data, NULL, &code, &err);
}

void scantext_file(struct tarmaker *tar, const char *path)
{
	tarmaker_add(tar, MEMBER(.path = path, ONE_BYTE));
}

void scantext_run(const struct scantext_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct tarmaker tar = {0};
		char *told;

		cases[i].make(&tar);
		told = scantext_tar(&tar, false);
		if (strcmp(told, cases[i].told) != 0) {
			fail_msg("%s:\n%s", cases[i].id, told);
		}
		free(told);
		tarmaker_finish(&tar);
	}
}
