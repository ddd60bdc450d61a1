/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytecode is made where packages are installed, by no list's knowledge: it is its source's. PEP 3147 puts that of X.py
 * into __pycache__ as X.TAG.pyc, or X.TAG.opt-N.pyc; older Python and zipped trees have X.pyc and X.pyo beside it. A
 * name is a guess, so the source must be there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_walk.h"
#include "util.h"

/* Length of a name without its last part from a dot on; the same where there is none. */
static size_t without_part(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);

	return dot && dot > name ? (size_t)(dot - name) : len;
}

/* Length of the module's name. */
static size_t module_length(const char *name, size_t len, bool in_cache)
{
	static const char opt[] = ".opt-";
	size_t stem = without_part(name, len);

	if (in_cache) {
		const size_t before = without_part(name, stem);

		if (stem - before > strlen(opt) && memcmp(name + before, opt, strlen(opt)) == 0) {
			stem = before;
		}
		stem = without_part(name, stem);
	}
	return stem;
}

int pkgdb_bytecode_note(struct pkgdb_gather *g, const struct pkgdb_entry *entry, bool in_cache)
{
	char source[PEEL_NAME_MAX + sizeof(".py")];
	const size_t len = module_length(entry->name, entry->name_len, in_cache);
	struct peel_node node;
	int r;

	snprintf(source, sizeof(source), "%.*s.py", (int)len, entry->name);
	r = pkgdb_lookup(g, in_cache ? entry->parent : entry->folder, source, strlen(source),
		&node);
	if (r <= 0 || !S_ISREG(node.mode)) {
		return r < 0 ? r : 0;
	}
	if (!grow_array(&g->pairs, g->pair_count, &g->pair_room, sizeof(*g->pairs))) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	g->pairs[g->pair_count++] = (struct pkgdb_pair){entry->node.ino, node.ino};
	return 0;
}

int pkgdb_bytecode_claim(struct pkgdb_gather *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->pair_count; i++) {
		const struct pkgdb_claim claim = pkgdb_claims_get(&g->files, g->pairs[i].source);

		if (claim.package &&
			(claim.how == PEEL_CLAIM_LISTED || claim.how == PEEL_CLAIM_FOLDER)) {
			r = pkgdb_claim(g, g->pairs[i].made, claim.package, PEEL_CLAIM_BYTECODE);
		}
	}
	return r;
}
