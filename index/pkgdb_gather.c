/* SPDX-License-Identifier: Apache-2.0 */
#include "pkgdb_gather.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_find.h"
#include "util.h"

/* Databases that are looked through for the same path: a folder is asked for by each of its packages, in one run. */
#define RECENT 16

static int no_memory(struct pkgdb_gather *g)
{
	return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
}

int pkgdb_found(struct pkgdb_gather *g, const char *path, const char *db, size_t *ret_number)
{
	struct pkgdb_database *database;

	for (size_t i = g->database_count; i > 0 && i + RECENT > g->database_count;) {
		i--;
		if (strcmp(g->databases[i].path, path) == 0) {
			*ret_number = i;
			return 0;
		}
	}
	if (g->database_count >= PKGDB_DATABASES_MAX) {
		*ret_number = PKGDB_DATABASES_MAX - 1;
		return pkgdb_problem(g, *ret_number, "limit: more than %d databases",
			PKGDB_DATABASES_MAX);
	}
	if (!grow_array(&g->databases, g->database_count, &g->database_room, sizeof(*database))) {
		return no_memory(g);
	}
	database = &g->databases[g->database_count];
	*database = (struct pkgdb_database){
		.path = pkgdb_roster_keep(&g->roster, path, strlen(path)),
		.db = db,
		.problem = "",
	};
	if (!database->path) {
		return no_memory(g);
	}
	*ret_number = g->database_count++;
	return 0;
}

int pkgdb_problem(struct pkgdb_gather *g, size_t database, const char *format, ...)
{
	char text[PKGDB_PROBLEM_MAX + 1];
	va_list args;
	const char *kept;

	if (g->databases[database].problem[0]) {
		return 0;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	kept = pkgdb_roster_keep(&g->roster, text, strlen(text));
	if (!kept) {
		return no_memory(g);
	}
	g->databases[database].problem = kept;
	return 0;
}

int pkgdb_problem_at(struct pkgdb_gather *g, size_t database, const char *name, unsigned long line,
	const char *what)
{
	return line ? pkgdb_problem(g, database, "%s:%lu: %s", name, line, what)
		    : pkgdb_problem(g, database, "%s: %s", name, what);
}

int pkgdb_check_text(struct pkgdb_gather *g, size_t database, const char *name,
	const struct pkgdb_text *text)
{
	const int code = text->code;

	if (code == PEEL_ENOMEM || code == PEEL_EINTERNAL || code == PEEL_ECHANGED) {
		return peel_fail(g->err, code, "%s", peel_strerror(code));
	}
	return code < 0 ? pkgdb_problem_at(g, database, name, text->line + 1, peel_strerror(code))
			: 0;
}

int pkgdb_add(struct pkgdb_gather *g, size_t database, const struct pkgdb_record *record,
	enum pkgdb_rank rank, bool inner, uint32_t *ret_ticket)
{
	struct peel_error err = {0};
	int r = pkgdb_roster_add(&g->roster, record, rank, inner, ret_ticket, &err);

	if (r == PEEL_ELIMIT) {
		*ret_ticket = 0;
		return pkgdb_problem(g, database, "%s", err.message);
	}
	return r < 0 ? peel_fail(g->err, r, "%s", err.message) : 0;
}

/* Files beyond the limit of a table have no owner that could be told. */
static int set_claim(struct pkgdb_gather *g, struct pkgdb_claims *claims, uint64_t ino,
	struct pkgdb_claim claim)
{
	struct peel_error err = {0};
	int r = pkgdb_claims_set(claims, ino, claim, &err);

	if (r == PEEL_ELIMIT && g->database_count > 0) {
		return pkgdb_problem(g, 0, "limit: %s", err.message);
	}
	return r < 0 ? peel_fail(g->err, r, "%s", err.message) : 0;
}

int pkgdb_claim(struct pkgdb_gather *g, uint64_t ino, uint32_t ticket, enum peel_claim how)
{
	const struct pkgdb_claim now = pkgdb_claims_get(&g->files, ino);

	if (ticket == 0 || now.package == ticket) {
		/* The first thing that a package says of a file may be the weaker one. */
		if (ticket == 0 || now.how <= how) {
			return 0;
		}
	} else if (now.package &&
		(now.how < how ||
			(now.how == how &&
				!pkgdb_roster_before(&g->roster, ticket, now.package)))) {
		return 0;
	}
	return set_claim(g, &g->files, ino, (struct pkgdb_claim){ticket, how});
}

int pkgdb_claim_folder(struct pkgdb_gather *g, uint64_t folder, uint32_t ticket)
{
	const struct pkgdb_claim now = pkgdb_claims_get(&g->folders, folder);

	if (ticket == 0 || (now.package && !pkgdb_roster_before(&g->roster, ticket, now.package))) {
		return 0;
	}
	return set_claim(g, &g->folders, folder, (struct pkgdb_claim){ticket, PEEL_CLAIM_FOLDER});
}

int pkgdb_claim_path(struct pkgdb_gather *g, size_t database, const struct pkgdb_root *root,
	uint64_t base, const char *path, size_t len, uint32_t ticket)
{
	struct peel_node node;
	int r;

	if (++g->paths > PKGDB_PATHS_MAX) {
		return pkgdb_problem(g, database, "limit: more than %d paths", PKGDB_PATHS_MAX);
	}
	r = pkgdb_find(g->finder, root, base, path, len, &node, g->err);
	if (r <= 0 || !S_ISREG(node.mode)) {
		return r < 0 ? r : 0;
	}
	return pkgdb_claim(g, node.ino, ticket, PEEL_CLAIM_LISTED);
}

int pkgdb_late(struct pkgdb_gather *g, uint64_t folder, uint64_t record, uint32_t ticket)
{
	if (ticket == 0) {
		return 0;
	}
	if (!grow_array(&g->lates, g->late_count, &g->late_room, sizeof(*g->lates))) {
		return no_memory(g);
	}
	g->lates[g->late_count++] = (struct pkgdb_late){folder, record, ticket};
	return 0;
}

/* What peel says about a name that is not there is no failure. */
static int found_or_not(struct pkgdb_gather *g, int r)
{
	if (r == PEEL_ENOENT || r == PEEL_ENOTDIR || r == PEEL_ELOOP || r == PEEL_ELIMIT) {
		if (g->err) {
			*g->err = (struct peel_error){0};
		}
		return 0;
	}
	return r < 0 ? r : 1;
}

int pkgdb_lookup(struct pkgdb_gather *g, uint64_t folder, const char *name, size_t len,
	struct peel_node *ret_node)
{
	return found_or_not(g, peel_lookup(g->index, folder, name, len, ret_node, g->err));
}

int pkgdb_resolve(struct pkgdb_gather *g, uint64_t base, const char *path, size_t len,
	struct peel_node *ret_node)
{
	return found_or_not(g,
		peel_resolve(g->index, PEEL_VIEW_MERGED, base, path, len, true, ret_node, NULL,
			g->err));
}

int pkgdb_canonical(struct pkgdb_gather *g, uint64_t folder, const char *name, char **ret_path)
{
	cleanup_free char *canonical = NULL;
	struct peel_node node;
	int r = peel_resolve(g->index, PEEL_VIEW_MERGED, folder, ".", 1, true, &node, &canonical,
		g->err);

	if (r < 0) {
		return r;
	}
	if (asprintf(ret_path, "%s%s%s", name && strcmp(canonical, "/") == 0 ? "" : canonical,
		    name ? "/" : "", name ? name : "") < 0) {
		*ret_path = NULL;
		return no_memory(g);
	}
	return 0;
}

int pkgdb_set_root(struct pkgdb_gather *g, const char *path, size_t len,
	struct pkgdb_root *ret_root, char **ret_path)
{
	struct peel_node node = {.ino = peel_root(PEEL_VIEW_MERGED)};
	int r = 1;

	*ret_path = strndup(path, len);
	if (!*ret_path) {
		return no_memory(g);
	}
	if (len > 0) {
		r = pkgdb_resolve(g, node.ino, *ret_path, len, &node);
	}
	*ret_root = (struct pkgdb_root){.ino = node.ino, .path = *ret_path};
	return r;
}

bool pkgdb_ends(const char *name, size_t len, const char *end)
{
	const size_t end_len = strlen(end);

	return len > end_len && memcmp(name + len - end_len, end, end_len) == 0;
}
