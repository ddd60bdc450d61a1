/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ruby: HOME/specifications/NAME-VERSION[-PLATFORM].gemspec says that a gem is installed, and HOME/gems/ has its folder
 * of the same name; what was compiled for it, its documentation and the archive that it came in lie beside. Gems that
 * came with Ruby have a gemspec in specifications/default and no folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_control.h"
#include "pkgdb_walk.h"
#include "util.h"

#define SUFFIX ".gemspec"

/* Lines of a gemspec that are looked at. */
#define LINES_MAX 200

/* Where a gem's folders and files are, from its home; "%s" is the name of its gemspec. */
static const char *const places[] = {"gems/%s", "doc/%s", "cache/%s.gem", "build_info/%s.info"};

/* A home while it is read. */
struct gems {
	struct pkgdb_gather *g;
	size_t database;
	uint64_t home;
};

struct head {
	char name[PKGDB_NAME_MAX + 1];
	char version[PKGDB_NAME_MAX + 1];
};

/* "# stub: NAME VERSION PLATFORM PATHS", which RubyGems writes so that nothing must be run to know. */
static bool take_stub(struct head *head, const char *line, size_t len)
{
	static const char stub[] = "# stub: ";
	const char *end = line + len;
	const char *space;

	if (len <= strlen(stub) || memcmp(line, stub, strlen(stub)) != 0) {
		return false;
	}
	line += strlen(stub);
	space = memchr(line, ' ', (size_t)(end - line));
	if (!space) {
		return false;
	}
	pkgdb_copy(head->name, line, (size_t)(space - line));
	line = space + 1;
	space = memchr(line, ' ', (size_t)(end - line));
	pkgdb_copy(head->version, line, (size_t)((space ? space : end) - line));
	return true;
}

/* By the file's name: the version begins at the first dash with a digit behind it. */
static void take_name(struct head *head, const char *name, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++) {
		if (name[i] == '-' && name[i + 1] >= '0' && name[i + 1] <= '9') {
			pkgdb_copy(head->name, name, i);
			pkgdb_copy(head->version, name + i + 1, len - i - 1);
			return;
		}
	}
	pkgdb_copy(head->name, name, len);
}

static int read_head(struct gems *gems, const struct pkgdb_entry *entry, struct head *head)
{
	struct pkgdb_gather *g = gems->g;
	const char *line;
	size_t len;
	bool known = false;
	int r = pkgdb_open(g->index, 0, NULL, entry->node.ino, &g->text, g->err);

	for (int i = 0; r > 0 && !known && i < LINES_MAX && pkgdb_line(&g->text, &line, &len);
		i++) {
		known = take_stub(head, line, len);
	}
	if (!known) {
		take_name(head, entry->name, entry->name_len - strlen(SUFFIX));
	}
	return r < 0 ? r : pkgdb_check_text(g, gems->database, entry->name, &g->text);
}

static int claim_node(struct pkgdb_gather *g, const struct peel_node *node, uint32_t ticket)
{
	if (S_ISDIR(node->mode)) {
		return pkgdb_claim_folder(g, node->ino, ticket);
	}
	return S_ISREG(node->mode) ? pkgdb_claim(g, node->ino, ticket, PEEL_CLAIM_FOLDER) : 0;
}

/* A gem whose compiled parts are looked for in extensions/PLATFORM/RUBY/STEM. */
struct extension {
	const char *stem;
	uint32_t ticket;
	int depth;
};

static int take_extension(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct extension next = *(const struct extension *)arg;
	struct peel_node node;
	int r;

	if (!S_ISDIR(entry->node.mode)) {
		return 0;
	}
	if (next.depth-- > 1) {
		return pkgdb_list(g, entry->node.ino, entry->folder, take_extension, &next);
	}
	r = pkgdb_lookup(g, entry->node.ino, next.stem, strlen(next.stem), &node);
	return r > 0 ? claim_node(g, &node, next.ticket) : r;
}

static int claim_places(struct gems *gems, const char *stem, uint32_t ticket)
{
	struct extension extension = {.stem = stem, .ticket = ticket, .depth = 2};
	struct pkgdb_gather *g = gems->g;
	char path[PEEL_NAME_MAX + 32];
	struct peel_node node;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < countof(places); i++) {
		const char *hole = strstr(places[i], "%s");

		snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole - places[i]), places[i], stem,
			hole + 2);
		r = pkgdb_resolve(g, gems->home, path, strlen(path), &node);
		r = r > 0 ? claim_node(g, &node, ticket) : r;
	}
	r = r < 0 ? r : pkgdb_lookup(g, gems->home, "extensions", strlen("extensions"), &node);
	return r > 0 && S_ISDIR(node.mode)
		? pkgdb_list(g, node.ino, gems->home, take_extension, &extension)
		: r;
}

static int take_gemspec(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct gems *gems = arg;
	cleanup_free char *path = NULL;
	char stem[PEEL_NAME_MAX + 1];
	struct head head = {.name = ""};
	struct pkgdb_record record = {.db = "gem",
		.name = head.name,
		.version = head.version,
		.layer = -1,
		.claimed = -1};
	uint32_t ticket;
	int r;

	if (!S_ISREG(entry->node.mode) || !pkgdb_ends(entry->name, entry->name_len, SUFFIX)) {
		return 0;
	}
	r = pkgdb_canonical(g, entry->folder, NULL, &path);
	r = r < 0 ? r : pkgdb_found(g, path, "gem", &gems->database);
	r = r < 0 ? r : read_head(gems, entry, &head);
	free(steal_pointer(&path));
	r = r < 0 ? r : pkgdb_canonical(g, entry->folder, entry->name, &path);
	record.record = path;
	r = r < 0 ? r : pkgdb_add(g, gems->database, &record, PKGDB_RANK_OTHER, false, &ticket);
	r = r < 0 ? r : pkgdb_claim(g, entry->node.ino, ticket, PEEL_CLAIM_FOLDER);
	if (r < 0 || !gems->home) {
		return r;
	}
	memcpy(stem, entry->name, entry->name_len - strlen(SUFFIX));
	stem[entry->name_len - strlen(SUFFIX)] = '\0';
	return claim_places(gems, stem, ticket);
}

int pkgdb_gem_specifications(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct gems gems = {.g = g, .home = entry->folder};
	struct peel_node node;
	int r = pkgdb_list(g, entry->node.ino, entry->folder, take_gemspec, &gems);

	gems.home = 0;
	r = r < 0 ? r : pkgdb_lookup(g, entry->node.ino, "default", strlen("default"), &node);
	return r > 0 && S_ISDIR(node.mode)
		? pkgdb_list(g, node.ino, entry->node.ino, take_gemspec, &gems)
		: r;
}
