/* SPDX-License-Identifier: Apache-2.0 */
/* Visible ELF files: the ledger and the facts come in the same order, and are gone through side by side. */
#include <peel/advice.h>

#include "facts_look.h"
#include "facts_rows.h"
#include "util.h"

struct programs {
	struct facts_rows *rows;
	struct facts_row row;
	bool ended;
	peel_program_fn *each;
	void *arg;
	int code;
	struct peel_error *err;
};

static void programs_finish(struct programs *programs)
{
	facts_rows_free(programs->rows);
}

static int tell(const struct programs *programs, const struct peel_piece *piece)
{
	const struct facts_row *row = &programs->row;
	struct peel_gpu_code gpus[FACTS_GPU_MAX];
	size_t count = row->gpu_count < FACTS_GPU_MAX ? row->gpu_count : FACTS_GPU_MAX;
	unsigned int flags = row->elf->flags;

	for (size_t i = 0; i < count; i++) {
		gpus[i] = (struct peel_gpu_code){
			.arch = row->gpus[i].arch, .bytes = row->gpus[i].bytes};
	}
	return programs->each(programs->arg,
		&(struct peel_program){
			.piece = piece,
			.bits = row->elf->bits,
			.machine = row->elf->machine,
			.type = row->elf->type,
			.is_static = flags & FACTS_ELF_STATIC,
			.has_debug = flags & FACTS_ELF_DEBUG,
			.has_symbols = flags & FACTS_ELF_SYMTAB,
			.is_go = flags & FACTS_ELF_GO,
			.is_rust = flags & FACTS_ELF_RUST_AUDIT,
			.debug_bytes = row->elf->debug_bytes,
			.strip_bytes = row->elf->strip_bytes,
			.soname = row->elf->soname,
			.gpus = gpus,
			.gpu_count = count,
		});
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct programs *programs = arg;
	int code = 1;

	if (piece->kind != PEEL_KIND_ELF || programs->ended) {
		return 0;
	}
	/* A file that could not be looked into has no facts: then the row at hand is of a later one. */
	if (programs->row.entry < piece->entry) {
		code = facts_rows_seek(programs->rows, piece->entry, &programs->row, programs->err);
	}
	if (code <= 0) {
		programs->ended = true;
		programs->code = code;
		return code < 0;
	}
	return programs->row.entry == piece->entry && programs->row.elf ? tell(programs, piece) : 0;
}

int peel_programs(struct peel_index *index, peel_program_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup(programs_finish) struct programs programs = {.each = each, .arg = arg, .err = err};
	int code = facts_rows_new_programs(index, &programs.rows, err);

	if (code == 0) {
		code = peel_pieces(index, PEEL_BY_ENTRY, true, take_piece, &programs, err);
	}
	return programs.code < 0 ? programs.code : code;
}
