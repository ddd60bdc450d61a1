/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_told.h"

#include <stdbool.h>
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "filetree.h"
#include "pkgdb_control.h"
#include "pkgdb_owners.h"
#include "util.h"

/* Longest text of a record that is no path. */
#define WORD_MAX (PKGDB_NAME_MAX + 64)

struct told {
	uint32_t packages;
	uint64_t program;
	/* The last one, as it sorts. */
	char db[16], name[WORD_MAX + 1];
	bool owned[FILETREE_MAX + 2];
};

static int take_database(void *arg, const char *path, const char *db, const char *problem,
	struct peel_error *err)
{
	(void)arg;
	(void)err;
	fuzz_check(path[0] == '/' && db[0] && problem);
	return 0;
}

static int take_package(void *arg, uint32_t id, const struct pkgdb_record *record,
	struct peel_error *err)
{
	struct told *told = arg;
	const int order = told->packages ? strcmp(told->db, record->db) : -1;

	(void)err;
	fuzz_check(id == ++told->packages);
	fuzz_check(order < 0 || (order == 0 && strcmp(told->name, record->name) <= 0));
	fuzz_check(strlen(record->db) < sizeof(told->db) && strlen(record->name) <= WORD_MAX);
	fuzz_check(strlen(record->version) <= WORD_MAX && strlen(record->arch) <= WORD_MAX);
	fuzz_check(strlen(record->source) <= WORD_MAX && record->record[0] == '/');
	fuzz_check(record->layer >= -1 && record->layer < 2 && record->claimed >= -1);
	strcpy(told->db, record->db);
	strcpy(told->name, record->name);
	return 0;
}

static int take_owner(void *arg, uint64_t ino, uint32_t package, enum peel_claim claim,
	struct peel_error *err)
{
	struct told *told = arg;

	(void)err;
	fuzz_check(filetree_kind(ino) == 1 && !told->owned[ino]);
	fuzz_check(package >= 1 && package <= told->packages);
	fuzz_check(peel_claim_name(claim)[0]);
	told->owned[ino] = true;
	return 0;
}

static int give_program(void *arg, uint64_t *ret_ino, unsigned *ret_elf_flags,
	struct peel_error *err)
{
	struct told *told = arg;

	(void)err;
	told->program = filetree_program(told->program);
	*ret_ino = told->program;
	*ret_elf_flags = FACTS_ELF_GO | FACTS_ELF_RUST_AUDIT;
	return told->program != 0;
}

void pkgdb_told(void)
{
	static struct told told;
	const struct pkgdb_sink sink = {
		.database = take_database,
		.package = take_package,
		.owner = take_owner,
		.program = give_program,
		.arg = &told,
	};

	memset(&told, 0, sizeof(told));
	/* The tree never fails, so nothing else may. */
	fuzz_check(pkgdb_owners(NULL, &sink, NULL) == 0);
}
