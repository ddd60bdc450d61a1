/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code for GPUs in fat binaries, as NVIDIA's compiler makes them. Nobody documents the layout; what independent
 * readers agree on is taken, and whatever looks otherwise ends the walk:
 *
 *   container  u32 magic 0xba55ed50, u16 version, u16 header bytes (16), u64 bytes that follow
 *   entry      u16 kind (1 PTX, 2 machine code), u16 version, u32 header bytes, u64 stored bytes, padding included,
 *              ... u32 architecture at 28 (90 is sm_90)
 *
 * A section has one container behind the other, with zeros between. Entries may be compressed; what is counted is
 * what they take in the file, with their headers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "facts_elf_priv.h"
#include "util.h"

#define MAGIC 0xba55ed50u
#define CONTAINER_HEADER 16
/* An entry's header: up to the architecture, and no longer than any seen. */
#define ENTRY_MIN 32
#define ENTRY_MAX 4096
/* Containers and entries of one section; the greatest libraries have some ten thousand. */
#define STEPS_MAX (1u << 20)
/* Zeros between containers. */
#define GAP_MAX 4096

enum kind {
	KIND_PTX = 1,
	KIND_CODE = 2,
};

/* Bytes of the section; 0: not all are in it. */
static int gpu_at(struct elf_look *look, const struct elf_part *section, uint64_t at, size_t len,
	const uint8_t **ret_bytes, struct peel_error *err)
{
	if (at > section->size || len > section->size - at) {
		return 0;
	}
	return facts_window_at(&look->gpu, section->offset + at, len, ret_bytes, err);
}

static void add(struct elf_look *look, struct elf_gpu *gpu, unsigned int kind, uint32_t arch,
	uint64_t bytes)
{
	char name[sizeof(gpu->kinds[0].arch)];
	size_t i = 0;

	snprintf(name, sizeof(name), "%s_%" PRIu32, kind == KIND_PTX ? "ptx" : "sm", arch);
	while (i < gpu->count && strcmp(gpu->kinds[i].arch, name) != 0) {
		i++;
	}
	if (i == FACTS_GPU_MAX) {
		look->elf->flags |= FACTS_ELF_TRUNCATED;
		return;
	}
	if (i == gpu->count) {
		memcpy(gpu->kinds[i].arch, name, sizeof(name));
		gpu->count++;
	}
	gpu->kinds[i].bytes += bytes;
}

/* An entry at a place of the section, before end. @return 1 and its end; 0: it is none that is known. */
static int walk_entry(struct elf_look *look, const struct elf_part *section, uint64_t at,
	uint64_t end, struct elf_gpu *gpu, uint64_t *ret_end, struct peel_error *err)
{
	const uint8_t *bytes;
	uint32_t header;
	uint64_t stored;
	unsigned int kind;
	int result = end - at < ENTRY_MIN ? 0 : gpu_at(look, section, at, ENTRY_MIN, &bytes, err);

	if (result <= 0) {
		return result;
	}
	kind = facts_get16(bytes, false);
	header = facts_get32(bytes + 4, false);
	stored = facts_get64(bytes + 8, false);
	if ((kind != KIND_PTX && kind != KIND_CODE) || header < ENTRY_MIN || header > ENTRY_MAX ||
		header > end - at || stored > end - at - header) {
		return 0;
	}
	add(look, gpu, kind, facts_get32(bytes + 28, false), header + stored);
	*ret_end = at + header + stored;
	return 1;
}

/* Where a container's header begins, behind zeros. 0: nothing but zeros is left. */
static int skip_gap(struct elf_look *look, const struct elf_part *section, uint64_t *at,
	struct peel_error *err)
{
	for (size_t i = 0; i < GAP_MAX; i++) {
		const uint8_t *bytes;
		int result = gpu_at(look, section, *at, 1, &bytes, err);

		if (result <= 0 || *bytes != 0) {
			return result;
		}
		(*at)++;
	}
	return 1;
}

/* A container's header. @return 1, where its entries begin and end; 0: it is none. */
static int open_container(struct elf_look *look, const struct elf_part *section, uint64_t at,
	uint64_t *ret_begin, uint64_t *ret_end, struct peel_error *err)
{
	const uint8_t *bytes;
	int result = gpu_at(look, section, at, CONTAINER_HEADER, &bytes, err);

	if (result <= 0) {
		return result;
	}
	if (facts_get32(bytes, false) != MAGIC ||
		facts_get16(bytes + 6, false) < CONTAINER_HEADER ||
		!checked_add(at, facts_get16(bytes + 6, false), ret_begin) ||
		!checked_add(*ret_begin, facts_get64(bytes + 8, false), ret_end) ||
		*ret_end > section->size) {
		return 0;
	}
	return 1;
}

int elf_gpu(struct elf_look *look, const struct elf_part *section, struct elf_gpu *gpu,
	struct peel_error *err)
{
	uint64_t at = 0;
	uint64_t end = 0;

	for (unsigned int step = 0; step < STEPS_MAX; step++) {
		int result;

		if (at < end) {
			result = walk_entry(look, section, at, end, gpu, &at, err);
		} else {
			result = skip_gap(look, section, &at, err);
			if (result == 0) {
				return 1;
			}
			if (result > 0) {
				result = open_container(look, section, at, &at, &end, err);
			}
		}
		if (result < 0) {
			return result;
		}
		if (result == 0) {
			break;
		}
	}
	look->elf->flags |= FACTS_ELF_TRUNCATED;
	return 1;
}
