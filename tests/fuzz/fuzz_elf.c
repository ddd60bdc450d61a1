/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of ELF files: notes, dynamic section, symbols, sections, code for GPUs. Nothing is told above its cap,
 * nothing is claimed that is not in the file, and the two readers of sections tell the same.
 */
#include <stdbool.h>
#include <stdlib.h>

#include <peel/error.h>

#include "facts_wanted.h"
#include "facts_window.h"
#include "filemem.h"
#include "hash.h"
#include "util.h"

static const struct facts_symbol symbols[] = {
	{"Py_Main", false}, {"PyInit_", true}, {"Py_RunMain", false}, {"_", true}};
static const struct facts_wanted wanted = {.symbols = symbols, .symbol_count = countof(symbols)};

/* What a look told. */
struct told {
	size_t needs, symbols, gpus;
	uint64_t sections, file_size;
	/* Of sections, with their names and places. */
	uint64_t hash;
};

static void take_need(void *arg, const char *name)
{
	((struct told *)arg)->needs++;
	fuzz_check(strlen(name) < FACTS_NAME_MAX);
}

static void take_symbol(void *arg, const char *name, bool defined)
{
	(void)defined;
	((struct told *)arg)->symbols++;
	fuzz_check(name[0] == '_' || name[0] == 'P');
	fuzz_check(strlen(name) < FACTS_NAME_MAX);
}

static void take_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	struct told *told = arg;

	told->sections++;
	told->hash = hash_bytes(told->hash + offset * 31 + bytes, name, strlen(name));
	fuzz_check(strlen(name) < FACTS_NAME_MAX);
	fuzz_check(offset <= told->file_size && bytes <= told->file_size - offset);
}

static void take_gpu(void *arg, const char *arch, uint64_t bytes)
{
	(void)bytes;
	((struct told *)arg)->gpus++;
	fuzz_check(strlen(arch) < 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct facts_elf elf;
	struct fuzz_input input = {data, len};
	const struct facts_file file = {len, filemem_read, &input};
	struct told told = {.file_size = len};
	struct told again = {.file_size = len};
	struct facts_elf_sink sink = {take_need, take_symbol, take_section, take_gpu, &told};
	struct peel_error err = {0};
	const int result = facts_elf_look(&file, &wanted, &sink, &elf, &err);

	fuzz_check(result == 0 || result == 1);
	fuzz_check(told.needs <= FACTS_NEEDS_MAX && told.gpus <= FACTS_GPU_MAX);
	fuzz_check(told.symbols <= FACTS_FOUND_SYMBOLS_MAX + countof(symbols));
	if (result == 1) {
		fuzz_check(elf.bits == 32 || elf.bits == 64);
		fuzz_check(elf.end <= len && elf.debug_bytes <= elf.strip_bytes);
		fuzz_check(elf.strip_bytes <= len);
		fuzz_check(strlen(elf.interp) < sizeof(elf.interp) &&
			strlen(elf.soname) < sizeof(elf.soname) &&
			strlen(elf.runpath) < sizeof(elf.runpath) && strlen(elf.build_id) <= 64);
	}
	sink = (struct facts_elf_sink){.section = take_section, .arg = &again};
	fuzz_check(facts_elf_sections(&file, &sink, &err) == result);
	fuzz_check(again.sections == told.sections && again.hash == told.hash);
	return 0;
}
