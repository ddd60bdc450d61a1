/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each package of apk owns. The database lies in /lib/apk/db, or in /usr/lib/apk/db where the root's folders are
 * links into /usr: one of both, seen once, since the walk follows no links.
 */
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_apk.h"
#include "util.h"

#define SUFFIX "/lib/apk/db"
#define USR "/usr"

static struct pkgdb_record record_of(const struct pkgdb_apk *apk, const char *path)
{
	return (struct pkgdb_record){
		.db = "apk",
		.name = apk->name,
		.version = apk->version,
		.arch = apk->arch,
		.source = apk->origin,
		.record = path,
		.layer = -1,
		.claimed = apk->claimed,
	};
}

/* A database while it is read. */
struct state {
	struct pkgdb_gather *g;
	struct pkgdb_root root;
	/* Of the file. */
	const char *path;
	size_t database;
	struct pkgdb_apk apk;
	/* The package of the paragraph; 0: not added yet. */
	uint32_t ticket;
	bool added;
};

static int add_package(struct state *state)
{
	const struct pkgdb_record record = record_of(&state->apk, state->path);

	if (state->added) {
		return 0;
	}
	state->added = true;
	if (!state->apk.name[0]) {
		return pkgdb_problem_at(state->g, state->database, "installed",
			state->apk.text->line, "a package without a name");
	}
	return pkgdb_add(state->g, state->database, &record, PKGDB_RANK_SYSTEM,
		state->root.path[0] != '\0', &state->ticket);
}

static int take_event(struct state *state, enum pkgdb_apk_event event)
{
	int r = 0;

	switch (event) {
	case PKGDB_APK_FILE:
		r = add_package(state);
		return r < 0
			? r
			: pkgdb_claim_path(state->g, state->database, &state->root, state->root.ino,
				  state->apk.path, state->apk.path_len, state->ticket);
	case PKGDB_APK_PACKAGE:
		r = add_package(state);
		state->added = false;
		state->ticket = 0;
		return r;
	case PKGDB_APK_DAMAGE:
		return pkgdb_problem_at(state->g, state->database, "installed",
			state->apk.text->line, "no field that is known");
	case PKGDB_APK_END:
		break;
	}
	return 0;
}

/* Length of the path of the root filesystem that a database belongs to. */
static size_t root_length(const char *path)
{
	const size_t len = strlen(path) - strlen(SUFFIX);
	const bool in_usr = len >= strlen(USR) &&
		memcmp(path + len - strlen(USR), USR, strlen(USR)) == 0;

	return in_usr ? len - strlen(USR) : len;
}

int pkgdb_apk_folder(struct pkgdb_gather *g, const char *path, uint64_t folder)
{
	struct state state = {.g = g, .apk = {.text = &g->text}};
	cleanup_free char *root = NULL;
	cleanup_free char *installed = NULL;
	enum pkgdb_apk_event event;
	struct peel_node node;
	int r;

	if (strlen(path) < strlen(SUFFIX) ||
		strcmp(path + strlen(path) - strlen(SUFFIX), SUFFIX) != 0) {
		return 0;
	}
	r = pkgdb_lookup(g, folder, "installed", strlen("installed"), &node);
	r = r > 0 ? pkgdb_set_root(g, path, root_length(path), &state.root, &root) : r;
	if (r <= 0) {
		return r;
	}
	r = pkgdb_canonical(g, folder, "installed", &installed);
	state.path = installed;
	r = r < 0 ? r : pkgdb_found(g, path, "apk", &state.database);
	if (r == 0 && !S_ISREG(node.mode)) {
		return pkgdb_problem_at(g, state.database, "installed", 0, "not a file");
	}
	r = r == 0 ? pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err) : r;
	while (r >= 0 && (event = pkgdb_apk_next(&state.apk)) != PKGDB_APK_END) {
		r = take_event(&state, event);
	}
	return r < 0 ? r : pkgdb_check_text(g, state.database, "installed", &g->text);
}

int pkgdb_apk_each(struct pkgdb_text *text, pkgdb_seen_fn *seen, void *arg)
{
	struct pkgdb_apk apk = {.text = text};
	enum pkgdb_apk_event event;
	int r = 0;

	while (r == 0 && (event = pkgdb_apk_next(&apk)) != PKGDB_APK_END) {
		const struct pkgdb_record record = record_of(&apk, "");

		r = event == PKGDB_APK_PACKAGE ? seen(arg, &record) : 0;
	}
	return r;
}
