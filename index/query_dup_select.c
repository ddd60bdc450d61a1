/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selecting. Most files of an image are the only ones of their content, and should cost nothing. So the ledger is
 * read twice: first a table of two bits a slot counts keys (size and fast hash) by their hash, up to two; then
 * only files whose slot was hit twice are taken. The table's size does not depend on the image; where an image has
 * more files than it has slots, more are taken than need be, and dropped by sorting.
 */
#include <stdlib.h>
#include <string.h>

#include "query_dup.h"
#include "query_priv.h"
#include "util.h"

/* Slots of the table, a power of two: 1 MiB holds images of some millions of files. */
#define SLOT_BITS 22

struct select {
	const struct peel_duplicates_options *options;
	bool facts;
	bool counting;
	/** Two bits a slot: hit once, hit twice. */
	uint8_t *once, *twice;
	struct dup_files *files;
	struct peel_error *err;
	int code;
};

/* The key of a piece: its size, and its fast hash where there are facts. */
static void set_key(const struct select *select, const struct peel_piece *piece,
	struct dup_file *ret_file)
{
	*ret_file = (struct dup_file){
		.entry = piece->entry,
		.ino = piece->ino,
		.size = piece->bytes,
		.layer = piece->layer,
		.visible = piece->visible,
	};
	if (select->facts) {
		memcpy(ret_file->digest, piece->hash, PEEL_FAST_HASH_SIZE);
	}
}

static size_t slot_of(const struct dup_file *file)
{
	uint64_t part;

	memcpy(&part, file->digest, sizeof(part));
	return (file->size ^ part) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS);
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct select *select = arg;
	struct dup_files *files = select->files;
	struct dup_file file;
	uint8_t bit;
	size_t slot;

	/* With facts, what has no hash is the only file of its size, or could not be read. */
	if (piece->bytes < max_u64(select->options->min_size, 1) ||
		(select->facts && !piece->hash)) {
		return 0;
	}
	set_key(select, piece, &file);
	slot = slot_of(&file);
	bit = (uint8_t)(1u << (slot & 7));
	if (select->counting) {
		select->twice[slot / 8] |= select->once[slot / 8] & bit;
		select->once[slot / 8] |= bit;
		return 0;
	}
	if (!(select->twice[slot / 8] & bit)) {
		return 0;
	}
	if (!grow_array(&files->files, files->count, &files->room, sizeof(file))) {
		select->code = peel_fail(select->err, PEEL_ENOMEM, "out of memory");
		return 1;
	}
	files->files[files->count++] = file;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct dup_file *one = a;
	const struct dup_file *two = b;

	if (one->size != two->size) {
		return one->size > two->size ? -1 : 1;
	}
	return memcmp(one->digest, two->digest, sizeof(one->digest));
}

static int compare_entries(const void *a, const void *b)
{
	const struct dup_file *one = a;
	const struct dup_file *two = b;

	return (one->entry > two->entry) - (one->entry < two->entry);
}

/* Drop the files whose key no other has. */
static void drop_singles(struct dup_files *files)
{
	size_t kept = 0;

	if (files->count == 0) {
		return;
	}
	qsort(files->files, files->count, sizeof(*files->files), compare_keys);
	for (size_t i = 0, end; i < files->count; i = end) {
		for (end = i + 1; end < files->count &&
			compare_keys(&files->files[i], &files->files[end]) == 0;
			end++) {
		}
		if (end - i > 1) {
			memmove(files->files + kept, files->files + i,
				(end - i) * sizeof(*files->files));
			kept += end - i;
		}
	}
	files->count = kept;
	qsort(files->files, files->count, sizeof(*files->files), compare_entries);
}

int dup_select(struct peel_index *index, const struct peel_duplicates_options *options,
	struct dup_files *files, struct peel_error *err)
{
	const size_t bytes = (size_t)1 << (SLOT_BITS - 3);
	cleanup_free uint8_t *table = calloc(2, bytes);
	struct select select = {.options = options,
		.facts = peel_has_facts(index),
		.once = table,
		.twice = table + bytes,
		.files = files,
		.err = err};
	int r = 0;

	if (!table) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	for (int pass = 0; r == 0 && pass < 2; pass++) {
		select.counting = pass == 0;
		r = peel_pieces(index, PEEL_BY_ENTRY, options->visible_only, take_piece, &select,
			err);
	}
	if (select.code < 0) {
		return select.code;
	}
	if (r == 0) {
		drop_singles(files);
	}
	return r;
}

static int hex_digit(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* True where a file of an incomplete image cannot be read, or a hole is too large for anyone. */
static bool may_be_unread(const struct peel_index *index, int code)
{
	return code == PEEL_ELIMIT ||
		(!peel_index_complete(index) &&
			(code == PEEL_ETRUNCATED || code == PEEL_EFORMAT ||
				code == PEEL_EINCOMPLETE || code == PEEL_EUNSUPPORTED));
}

int dup_read(struct peel_index *index, const struct peel_duplicates_options *options,
	struct dup_files *files, uint64_t *ret_unread, struct peel_error *err)
{
	uint64_t total = 0;
	uint64_t done = 0;
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		sum_add(&total, files->files[i].size);
	}
	for (size_t i = 0; i < files->count; i++) {
		struct dup_file *file = &files->files[i];
		char hex[PEEL_SHA256_SIZE];
		int r = query_sha256(index, file->ino, file->size, hex, err);

		sum_add(&done, file->size);
		if (options->progress &&
			options->progress(options->progress_arg, "comparing", done, total)) {
			return peel_fail(err, PEEL_ECANCELED, "canceled");
		}
		if (r < 0 && may_be_unread(index, r)) {
			(*ret_unread)++;
			continue;
		}
		if (r < 0) {
			return r;
		}
		for (size_t k = 0; k < DUP_DIGEST_SIZE; k++) {
			file->digest[k] = (unsigned char)(hex_digit(hex[2 * k]) << 4 |
				hex_digit(hex[2 * k + 1]));
		}
		files->files[kept++] = *file;
	}
	files->count = kept;
	return 0;
}
