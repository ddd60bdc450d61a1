/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "beside.h"
#include "bloat.h"
#include "grow.h"

/* Most programs and copies that are kept; the smallest gains are not worth a row. */
#define PROGRAMS_MAX 100000

void bloat_finish(struct bloat *bloat)
{
	for (size_t i = 0; i < bloat->program_count; i++) {
		free(bloat->programs[i].path);
	}
	for (size_t i = 0; i < bloat->copy_count; i++) {
		free(bloat->copies[i].soname);
		free(bloat->copies[i].path);
	}
	free(bloat->programs);
	free(bloat->copies);
	free(bloat->categories);
	buckets_finish(&bloat->groups);
	buckets_finish(&bloat->paths);
	buckets_finish(&bloat->sonames);
	buckets_finish(&bloat->gpus);
	advice_finish(&bloat->advice);
}

static void add(struct bucket_sum *sum, const struct peel_piece *piece)
{
	sum->files++;
	sum->bytes += piece->bytes;
	sum->allocated += piece->allocated;
}

static bool add_to(struct buckets *buckets, const char *key, size_t len,
	const struct peel_piece *piece)
{
	struct bucket *bucket = buckets_get(buckets, key, len);

	if (bucket) {
		add(&bucket->sums[0], piece);
	}
	return bucket != NULL;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct bloat *bloat = arg;
	const struct peel_category *category = peel_category_get(bloat->index, piece->category);

	peel_ledger_add(&bloat->total, piece);
	if (!piece->visible || !category) {
		return 0;
	}
	add(&bloat->categories[piece->category], piece);
	bloat->no_memory = !add_to(&bloat->groups, category->group, strlen(category->group),
				   piece) ||
		(bloat->category && strcmp(bloat->category, category->name) == 0 &&
			!add_to(&bloat->paths, piece->path, piece->path_len, piece));
	return bloat->no_memory;
}

static bool keep_program(struct bloat *bloat, const struct peel_program *program)
{
	struct bloat_program *kept;

	bloat->strip_bytes += program->strip_bytes;
	if (program->strip_bytes == 0 || bloat->program_count == PROGRAMS_MAX) {
		return true;
	}
	if (!grow_array(&bloat->programs, bloat->program_count, &bloat->program_room,
		    sizeof(*bloat->programs))) {
		return false;
	}
	kept = &bloat->programs[bloat->program_count];
	*kept = (struct bloat_program){
		.path = strdup(program->piece->path),
		.path_len = program->piece->path_len,
		.layer = program->piece->layer,
		.bytes = program->piece->bytes,
		.debug_bytes = program->debug_bytes,
		.strip_bytes = program->strip_bytes,
	};
	bloat->program_count += kept->path != NULL;
	return kept->path != NULL;
}

static bool keep_copy(struct bloat *bloat, const struct peel_program *program)
{
	struct bloat_copy *kept;

	if (!*program->soname || bloat->copy_count == PROGRAMS_MAX) {
		return true;
	}
	if (!grow_array(&bloat->copies, bloat->copy_count, &bloat->copy_room,
		    sizeof(*bloat->copies))) {
		return false;
	}
	kept = &bloat->copies[bloat->copy_count++];
	*kept = (struct bloat_copy){
		.soname = strdup(program->soname),
		.path = strdup(program->piece->path),
		.bytes = program->piece->bytes,
	};
	return kept->soname && kept->path &&
		add_to(&bloat->sonames, program->soname, strlen(program->soname), program->piece);
}

static bool add_gpus(struct bloat *bloat, const struct peel_program *program)
{
	for (size_t i = 0; i < program->gpu_count; i++) {
		const char *arch = program->gpus[i].arch;
		struct bucket *bucket = buckets_get(&bloat->gpus, arch, strlen(arch));

		if (!bucket) {
			return false;
		}
		bucket->sums[0].files++;
		bucket->sums[0].bytes += program->gpus[i].bytes;
	}
	return true;
}

static int take_program(void *arg, const struct peel_program *program)
{
	struct bloat *bloat = arg;

	bloat->no_memory = !keep_program(bloat, program) || !keep_copy(bloat, program) ||
		!add_gpus(bloat, program);
	return bloat->no_memory;
}

static int by_gain(const void *left, const void *right)
{
	const struct bloat_program *a = left;
	const struct bloat_program *b = right;

	return a->strip_bytes != b->strip_bytes ? (a->strip_bytes < b->strip_bytes ? 1 : -1)
						: strcmp(a->path, b->path);
}

static int by_soname(const void *left, const void *right)
{
	const struct bloat_copy *a = left;
	const struct bloat_copy *b = right;
	int order = strcmp(a->soname, b->soname);

	return order ? order : strcmp(a->path, b->path);
}

/* Of the copies, those whose name another one has. */
static void keep_doubles(struct bloat *bloat)
{
	size_t kept = 0;

	for (size_t i = 0; i < bloat->copy_count; i++) {
		struct bloat_copy copy = bloat->copies[i];
		const struct bucket *bucket = buckets_get(&bloat->sonames, copy.soname,
			strlen(copy.soname));

		if (bucket && bucket->sums[0].files > 1) {
			bloat->copies[kept++] = copy;
		} else {
			free(copy.soname);
			free(copy.path);
		}
	}
	bloat->copy_count = kept;
}

static void sort_all(struct bloat *bloat)
{
	if (bloat->program_count > 1) {
		qsort(bloat->programs, bloat->program_count, sizeof(*bloat->programs), by_gain);
	}
	keep_doubles(bloat);
	if (bloat->copy_count > 1) {
		qsort(bloat->copies, bloat->copy_count, sizeof(*bloat->copies), by_soname);
	}
	buckets_sort(&bloat->groups, BUCKETS_BY_BYTES);
	buckets_sort(&bloat->paths, BUCKETS_BY_BYTES);
	buckets_sort(&bloat->gpus, BUCKETS_BY_BYTES);
}

static int gather_advice(void *arg, struct peel_error *err)
{
	struct bloat *bloat = arg;

	return advice_gather(&bloat->advice, bloat->index, 0, err);
}

static int gather_bytes(struct bloat *bloat, struct peel_error *err)
{
	int code = peel_pieces(bloat->index, PEEL_BY_ENTRY, false, take_piece, bloat, err);

	if (code == 0) {
		code = peel_programs(bloat->index, take_program, bloat, err);
	}
	if (bloat->no_memory) {
		return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	}
	if (code == 0) {
		sort_all(bloat);
	}
	return code;
}

int bloat_gather(struct bloat *bloat, struct peel_error *err)
{
	struct beside advice;

	bloat->category_count = peel_category_count(bloat->index);
	bloat->categories = calloc((size_t)bloat->category_count + 1, sizeof(*bloat->categories));
	if (!bloat->categories) {
		return peel_fail(err, PEEL_ENOMEM, "%s", peel_strerror(PEEL_ENOMEM));
	}
	/* Advice has a pass of its own, as long as the sums'. */
	beside_start(&advice, gather_advice, bloat);
	return beside_join(&advice, gather_bytes(bloat, err), err);
}
