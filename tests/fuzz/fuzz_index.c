/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index from a stranger, and facts beside it: two files of SQLite that say whatever they like. A file that is
 * mutated byte by byte is refused by SQLite nearly always, so the input is a list of changes to good files:
 *
 *	questions, then for each change: what · where · bytes
 *
 * Values of records change in place (so the file is as SQLite wants it, and the lie is ours to see), bytes of pages at
 * random, pages take each other's places, and the file ends early. The seal of the facts is not asked for: what is
 * behind it is what is tried. After each input what was changed is put back.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peel/error.h>

#include "content.h"
#include "fuzz.h"
#include "index_ask.h"
#include "index_base.h"
#include "index_facts.h"
#include "index_keep.h"
#include "source.h"
#include "store.h"
#include "store_facts.h"
#include "util.h"

/* Of the first byte: facts beside the index; which questions. */
#define FACTS 0x80
#define QUESTIONS 0x7f
/* One input in so many may change the schema: that takes ten times as long as any other. */
#define SCHEMA_TOO 128
/* Changes of one input; bytes of one. */
#define CHANGES_MAX 24
#define BYTES_MAX 8

/* What is to be put back. */
struct change {
	const struct base_file *file;
	size_t offset, len;
};

static struct index_base base;
static struct change changes[CHANGES_MAX * 2];
static size_t change_count;
/* The schema may be changed as well. */
static bool schema_too;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	index_base_make(&base);
	fuzz_lone_sqlite();
	index_keep_begin(&base);
	return 0;
}

static void write_bytes(const struct base_file *file, size_t offset, const void *bytes, size_t len)
{
	len = min_u64(len, file->len - min_u64(offset, file->len));
	if (len > 0 && (schema_too || !base_is_schema(file, offset, len))) {
		base_write(file, offset, bytes, len);
		changes[change_count++] = (struct change){file, offset, len};
	}
}

/* A value: other bytes of the same length, or another type of the same length. */
static void change_value(struct fuzz_input *input, const struct base_file *file)
{
	static const uint8_t empty[] = {0, 8, 9, 12, 13};
	const struct base_field *field =
		&file->fields[fuzz_below(input, (uint32_t)file->field_count)];
	const unsigned int how = fuzz_byte(input);
	const uint8_t *bytes;
	uint8_t type = field->type;

	if (how & 1 && field->len == 0) {
		type = empty[(how >> 1) % countof(empty)];
	} else if (how & 1 && field->type >= 12) {
		type ^= 1;
	} else if (how & 1) {
		/* The other types of its length are texts and numbers. */
		type = (uint8_t)(12 + 2 * field->len + (how >> 1 & 1));
	}
	if (type != field->type) {
		write_bytes(file, field->type_offset, &type, 1);
	}
	if (!(how & 1) && field->len) {
		const size_t at = how & 2 ? (how >> 2) % field->len : 0;
		const size_t len = fuzz_bytes(input, min_u64(field->len - at, BYTES_MAX), &bytes);

		write_bytes(file, field->offset + at, bytes, len);
	}
}

static void change_page(struct fuzz_input *input, const struct base_file *file)
{
	const uint32_t pages = (uint32_t)(file->len / STORE_PAGE_SIZE);
	const size_t page = (size_t)fuzz_below(input, pages) * STORE_PAGE_SIZE;
	const unsigned int how = fuzz_byte(input);
	const uint8_t *bytes;
	size_t at;

	if (how == 0) {
		const size_t from = (size_t)fuzz_below(input, pages) * STORE_PAGE_SIZE;

		write_bytes(file, page, file->bytes + from, STORE_PAGE_SIZE);
		return;
	}
	/* Most of a page is empty: what says something is at its begin, and at its end. */
	at = how & 1 ? fuzz_byte(input) : STORE_PAGE_SIZE - 1 - fuzz_below(input, STORE_PAGE_SIZE);
	const size_t len = fuzz_bytes(input, 1 + (how >> 1) % BYTES_MAX, &bytes);

	write_bytes(file, page + at, bytes, len);
}

static void change(struct fuzz_input *input)
{
	change_count = 0;
	for (int i = 0; i < CHANGES_MAX && input->left; i++) {
		const unsigned int what = fuzz_byte(input);
		const struct base_file *file = &base.files[what & 1];

		if ((what >> 1) % 4 == 3) {
			change_page(input, file);
		} else {
			change_value(input, file);
		}
	}
}

static void put_back(void)
{
	while (change_count > 0) {
		const struct change *last = &changes[--change_count];

		base_write(last->file, last->offset, last->file->bytes + last->offset, last->len);
	}
}

/* As index_facts.c does, but for the seal and whose facts they are. */
static void attach_facts(struct peel_index *index)
{
	struct store *store = NULL;
	int code;

	store_pool_attach(&index->pool, base.files[1].fd);
	code = index_acquire(index, &store, NULL);
	code = code < 0 ? code : store_facts_check_schema(store, NULL);
	index_release(index, store);
	code = code < 0 ? code : index_facts_load(index, NULL);
	if (code < 0) {
		store_pool_attach(&index->pool, -1);
		index_facts_unload(index);
		return;
	}
	index->facts.fd = fcntl(base.files[1].fd, F_DUPFD_CLOEXEC, 3);
	fuzz_check(index->facts.fd >= 0);
}

static void ask(unsigned int questions)
{
	cleanup_source struct source *image = fuzz_source(base.image.bytes, base.image.len);
	const struct content_options options = {.file = image, .layout = -1, .spool_dir = -1};
	const int fd = fcntl(base.files[0].fd, F_DUPFD_CLOEXEC, 3);
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	fuzz_check(fd >= 0);
	if (index_attach(fd, &index, &err) < 0) {
		fuzz_check(err.code < 0 && err.message[0]);
		fuzz_check_text(err.message);
		(void)close(fd);
		return;
	}
	fuzz_check(content_open(&index->pool, index->layer_count, &options, &index->content,
			   NULL) == 0);
	if (questions & FACTS) {
		attach_facts(index);
	}
	index_ask(index, questions & QUESTIONS);
	peel_index_close(index);
}

/* FNV-1a: what is decided by it, no fuzzer learns to prefer. */
static uint32_t hash(const uint8_t *data, size_t len)
{
	uint32_t value = 0x811c9dc5;

	for (size_t i = 0; i < len; i++) {
		value = (value ^ data[i]) * 0x01000193;
	}
	return value ^ value >> 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	const unsigned int questions = fuzz_byte(&input);

	schema_too = hash(data, len) % SCHEMA_TOO == 0;
	change(&input);
	index_keep_allow(!schema_too);
	ask(questions);
	put_back();
	return 0;
}
