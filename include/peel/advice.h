/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What could be smaller: what programs and libraries carry along, and what to change in the instructions that
 * made an image.
 * Needs an index that was opened with facts.
 */
#ifndef PEEL_ADVICE_H
#define PEEL_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/facts.h>
#include <peel/index.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Code for one kind of GPU in a fat binary: "sm_90", "ptx_80". */
struct peel_gpu_code {
	const char *arch;
	uint64_t bytes;
};

/** A visible ELF file and what of it could go. Valid during the callback. */
struct peel_program {
	const struct peel_piece *piece;
	/** 32 or 64; e_machine and e_type of its header. */
	int bits;
	unsigned int machine, type;
	/** Linked statically; has debug sections; has a symbol table; was made by Go, by Rust (cargo auditable). */
	bool is_static, has_debug, has_symbols, is_go, is_rust;
	/** Bytes of debug sections; and of those and the symbol table, which `strip` removes. */
	uint64_t debug_bytes, strip_bytes;
	/** Raw bytes, "" none. */
	const char *soname;
	const struct peel_gpu_code *gpus;
	size_t gpu_count;
};

/** Take a program; nonzero stops. */
typedef int peel_program_fn(void *arg, const struct peel_program *program);

/**
 * All visible ELF files, in order of layers.
 * @return 0, 1 where the callback stopped it; PEEL_EUSAGE (an index without facts), as peel_pieces.
 */
int peel_programs(struct peel_index *index, peel_program_fn *each, void *arg,
	struct peel_error *err);

/** One piece of advice. Strings are valid during the callback. */
struct peel_advice {
	/** Stable: "apt-lists", "chown-layer", "strip". */
	const char *id;
	/** One line: what is there. */
	const char *title;
	/** What to write instead, a few lines at most. */
	const char *action;
	/** Layer whose instruction is to be changed, -1: several; and the instruction, raw bytes, "" unknown. */
	int layer;
	const char *instruction;
	/** Files that it concerns, those that other advice counts among them. */
	uint64_t files;
	/**
	 * Apparent bytes that the image ships less when the advice is followed, beyond what the advice told before it
	 * saves: the first k pieces together save the sum of theirs.
	 */
	uint64_t saves;
	/** All bytes that it has a part in taking away, whichever advice counts them. */
	uint64_t gross;
	/** The largest paths that it concerns, raw bytes. */
	const char *const *paths;
	size_t path_count;
};

/** Take a piece of advice; nonzero stops. */
typedef int peel_advice_fn(void *arg, const struct peel_advice *advice);

/**
 * What to change, at most 100 pieces. Each shipped byte is counted in one piece of advice at most, so that their sum is
 * what following all of them saves. Each piece is the one that saves most after those told before it; now and then
 * one saves more once another is followed (of packages that two others need).
 * @param min_saves leave out what saves less, bytes; the order ends with the first such piece.
 * @return 0, 1 where the callback stopped it; PEEL_EUSAGE (an index without facts), as peel_pieces.
 */
int peel_advise(struct peel_index *index, uint64_t min_saves, peel_advice_fn *each, void *arg,
	struct peel_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
