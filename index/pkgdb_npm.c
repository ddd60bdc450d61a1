/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node: a folder in node_modules (or in a scope of it, @NAME) with a package.json is a package, and all files below it
 * are the package's but those of a node_modules in it. Who put them there, npm, yarn or pnpm, makes no difference: pnpm
 * keeps the folders in node_modules/.pnpm/NAME@VERSION/node_modules, and what leads there are links. Other files called
 * package.json are test data, templates and parts of packages, and nobody's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_control.h"
#include "pkgdb_walk.h"
#include "util.h"

struct head {
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
};

static int take_head(void *arg, const struct pkgdb_json_value *value)
{
	struct head *head = arg;

	if (value->depth == 1 && value->type == 's' && strcmp(value->key, "name") == 0) {
		pkgdb_copy(head->name, value->text, value->len);
	} else if (value->depth == 1 && value->type == 's' && strcmp(value->key, "version") == 0) {
		pkgdb_copy(head->version, value->text, value->len);
	}
	return 0;
}

int pkgdb_npm_package(struct pkgdb_gather *g, size_t database, const struct pkgdb_entry *entry)
{
	char file[PEEL_NAME_MAX + sizeof("/package.json")];
	cleanup_free char *path = NULL;
	struct head head = {.name = ""};
	struct pkgdb_record record = {.db = "npm",
		.name = head.name,
		.version = head.version,
		.layer = -1,
		.claimed = -1};
	struct peel_node node;
	uint32_t ticket;
	int r = pkgdb_lookup(g, entry->node.ino, "package.json", strlen("package.json"), &node);

	if (r <= 0 || !S_ISREG(node.mode)) {
		return r < 0 ? r : 0;
	}
	snprintf(file, sizeof(file), "%s/package.json", entry->name);
	r = pkgdb_scan_file(g, database, node.ino, file, take_head, &head);
	if (!head.name[0]) {
		pkgdb_copy(head.name, entry->name, entry->name_len);
	}
	r = r < 0 ? r : pkgdb_canonical(g, entry->node.ino, "package.json", &path);
	record.record = path;
	r = r < 0 ? r : pkgdb_add(g, database, &record, PKGDB_RANK_OTHER, false, &ticket);
	return r < 0 ? r : pkgdb_claim_folder(g, entry->node.ino, ticket);
}

int pkgdb_scan_file(struct pkgdb_gather *g, size_t database, uint64_t ino, const char *name,
	pkgdb_json_fn *each, void *arg)
{
	unsigned long line;
	int r = pkgdb_open(g->index, 0, NULL, ino, &g->text, g->err);

	if (r <= 0) {
		return r;
	}
	r = pkgdb_json_scan(&g->text, each, arg, &line);
	if (r == PEEL_ENOMEM || r == PEEL_EINTERNAL || r == PEEL_ECHANGED) {
		return peel_fail(g->err, r, "%s", peel_strerror(r));
	}
	if (r < 0) {
		r = pkgdb_problem_at(g, database, name, line,
			r == PEEL_EFORMAT ? "no JSON" : peel_strerror(r));
		return r;
	}
	return 1;
}
