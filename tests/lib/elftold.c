/* SPDX-License-Identifier: Apache-2.0 */
#include "elftold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "facts_wanted.h"
#include "util.h"

static void add_line(struct elf_told *told, const char *kind, const char *name, uint64_t value)
{
	const int len = snprintf(told->text + told->len, sizeof(told->text) - told->len,
		"%s %s %" PRIu64 "\n", kind, name, value);

	told->len = min_u64(told->len + (size_t)len, sizeof(told->text) - 1);
}

static void take_need(void *arg, const char *name)
{
	add_line(arg, "need", name, 0);
}

static void take_symbol(void *arg, const char *name, bool defined)
{
	add_line(arg, "symbol", name, defined);
}

static void take_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	if (strncmp(name, ".debug", 6) == 0) {
		add_line(arg, "section", name, bytes);
	}
	(void)offset;
}

static void take_gpu(void *arg, const char *arch, uint64_t bytes)
{
	add_line(arg, "gpu", arch, bytes);
}

static const struct facts_symbol wanted_symbols[] = {
	{"Py_Main", false}, {"PyInit_", true}, {"Py_RunMain", false}, {"Py", false}};
static const struct facts_wanted wanted = {
	.symbols = wanted_symbols, .symbol_count = countof(wanted_symbols)};

int elf_told(const struct facts_file *file, struct elf_told *told, struct peel_error *err)
{
	const struct facts_elf_sink sink = {take_need, take_symbol, take_section, take_gpu, told};

	told->len = 0;
	told->text[0] = '\0';
	return facts_elf_look(file, &wanted, &sink, &told->elf, err);
}
