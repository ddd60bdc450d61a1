/* SPDX-License-Identifier: Apache-2.0 */
/** All that a look at an ELF file tells, as text. */
#ifndef ELFTOLD_H
#define ELFTOLD_H

#include <stddef.h>

#include "facts_look.h"

/** What was told: "need NAME 0", "symbol NAME defined", "section NAME bytes" (debug sections), "gpu ARCH bytes". */
struct elf_told {
	/** One line each. */
	char text[16384];
	size_t len;
	struct facts_elf elf;
};

/** Look at a file; wanted are Py, Py_Main, Py_RunMain, and all that begins with PyInit_. @return as facts_elf_look. */
int elf_told(const struct facts_file *file, struct elf_told *told, struct peel_error *err);

#endif
