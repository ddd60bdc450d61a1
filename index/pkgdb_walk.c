/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk, folders before what is in them. A name is enough to suspect a database, and its reader looks closer, at
 * once: what it says of folders beside it is known before the walk comes to them. A folder that is a package's makes
 * all files below it the package's, until a folder says otherwise.
 *
 * Databases lie anywhere: Python's and Node's in any prefix, and whole root filesystems inside the image (a chroot, an
 * SDK's sysroot) have dpkg's, apk's and rpm's. Those are read too: their paths begin at their own root, and never lead
 * out of it.
 *
 * Rejected: fixed places only (misses virtual environments, conda, /opt), and globs over all paths (a match for every
 * file; here it is one comparison of the name's end).
 */
#include "pkgdb_walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_apk.h"
#include "pkgdb_dpkg.h"
#include "pkgdb_rpm.h"
#include "util.h"

/* What a folder is to the walk. */
enum kind {
	KIND_PLAIN,
	KIND_PYCACHE,
	/* Its subfolders are packages: node_modules, and a scope in it. */
	KIND_MODULES,
	KIND_SCOPE,
};

/* A folder that is still to be listed. */
struct pending {
	uint64_t ino, parent;
	/* Package whose folder it lies in, 0: none. */
	uint32_t owner;
	enum kind kind;
	/* Database of the outermost node_modules above, + 1. */
	size_t modules;
};

/* The walk. */
struct walk {
	struct pending *pending;
	size_t count, room;
	/* The folder that is being listed. */
	struct pending now;
};

static void walk_finish(struct walk *walk)
{
	free(walk->pending);
}

/* Readers of what a fixed path ends in; they take the folder and its path. */
static int read_place(struct pkgdb_gather *g, const struct pkgdb_entry *entry,
	int (*reader)(struct pkgdb_gather *g, const char *path, uint64_t folder))
{
	cleanup_free char *path = NULL;
	int r = pkgdb_canonical(g, entry->node.ino, NULL, &path);

	return r < 0 ? r : reader(g, path, entry->node.ino);
}

static int see_dpkg(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	return read_place(g, entry, pkgdb_dpkg_folder);
}

static int see_apk(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	return read_place(g, entry, pkgdb_apk_folder);
}

static int see_rpm(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	return read_place(g, entry, pkgdb_rpm_folder);
}

typedef int see_fn(struct pkgdb_gather *g, const struct pkgdb_entry *entry);

/* What names mean: the whole name, or its end where it begins with a dot. */
static const struct {
	const char *name;
	bool folder;
	see_fn *see;
} rules[] = {
	{"conda-meta", true, pkgdb_conda_meta},
	{"db", true, see_apk},
	{"dpkg", true, see_dpkg},
	{"index.json", false, pkgdb_conda_index},
	{"rpm", true, see_rpm},
	{"rpmmanifest", true, see_rpm},
	{"specifications", true, pkgdb_gem_specifications},
	{".dist-info", true, pkgdb_python_folder},
	{".egg", true, pkgdb_egg},
	{".egg", false, pkgdb_egg},
	{".egg-info", true, pkgdb_egg_info},
	{".egg-info", false, pkgdb_egg_info},
	{".egg-link", false, pkgdb_egg_link},
};

static bool name_fits(const struct pkgdb_entry *entry, const char *name)
{
	return name[0] == '.' ? pkgdb_ends(entry->name, entry->name_len, name)
			      : strcmp(entry->name, name) == 0;
}

/* Let all readers whose name it has look at an entry. */
static int see_entry(struct pkgdb_gather *g, const struct pkgdb_entry *entry, bool folder)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < countof(rules); i++) {
		if (rules[i].folder == folder && name_fits(entry, rules[i].name)) {
			r = rules[i].see(g, entry);
		}
	}
	return r;
}

/* The database that an outermost node_modules is. */
static int find_modules(struct pkgdb_gather *g, const struct pkgdb_entry *entry,
	size_t *ret_modules)
{
	cleanup_free char *path = NULL;
	int r = pkgdb_canonical(g, entry->node.ino, NULL, &path);

	r = r < 0 ? r : pkgdb_found(g, path, "npm", ret_modules);
	++*ret_modules;
	return r;
}

static int push_folder(struct pkgdb_gather *g, struct walk *walk, const struct pkgdb_entry *entry)
{
	struct pending next = {
		.ino = entry->node.ino,
		.parent = entry->folder,
		.owner = walk->now.owner,
		.modules = walk->now.modules,
	};

	int r = 0;

	if (strcmp(entry->name, "__pycache__") == 0) {
		next.kind = KIND_PYCACHE;
	} else if (strcmp(entry->name, "node_modules") == 0) {
		next.kind = KIND_MODULES;
		next.owner = 0;
		r = next.modules ? 0 : find_modules(g, entry, &next.modules);
	} else if (walk->now.kind == KIND_MODULES && entry->name[0] == '@') {
		next.kind = KIND_SCOPE;
	} else if ((walk->now.kind == KIND_MODULES || walk->now.kind == KIND_SCOPE) &&
		entry->name[0] != '.') {
		r = pkgdb_npm_package(g, walk->now.modules - 1, entry);
	}
	if (r < 0) {
		return r;
	}
	if (!grow_array(&walk->pending, walk->count, &walk->room, sizeof(next))) {
		return peel_fail(g->err, PEEL_ENOMEM, "out of memory");
	}
	walk->pending[walk->count++] = next;
	return 0;
}

static int take_file(struct pkgdb_gather *g, struct walk *walk, const struct pkgdb_entry *entry)
{
	int r = 0;

	if (walk->now.owner) {
		r = pkgdb_claim(g, entry->node.ino, walk->now.owner, PEEL_CLAIM_FOLDER);
	}
	if (r == 0 &&
		(pkgdb_ends(entry->name, entry->name_len, ".pyc") ||
			pkgdb_ends(entry->name, entry->name_len, ".pyo"))) {
		r = pkgdb_bytecode_note(g, entry, walk->now.kind == KIND_PYCACHE);
	}
	if (r == 0 && pkgdb_claims_get(&g->programs, entry->node.ino).package) {
		r = pkgdb_program(g, entry);
	}
	return r < 0 ? r : see_entry(g, entry, false);
}

static int take_entry(struct pkgdb_gather *g, void *arg, const struct pkgdb_entry *entry)
{
	struct walk *walk = arg;
	int r;

	if (S_ISREG(entry->node.mode)) {
		return take_file(g, walk, entry);
	}
	if (!S_ISDIR(entry->node.mode)) {
		return 0;
	}
	r = see_entry(g, entry, true);
	return r < 0 ? r : push_folder(g, walk, entry);
}

int pkgdb_walk(struct pkgdb_gather *g)
{
	cleanup(walk_finish) struct walk walk = {0};
	const uint64_t root = peel_root(PEEL_VIEW_MERGED);
	int r = 0;

	walk.now = (struct pending){.ino = root, .parent = root};
	for (;;) {
		const struct pkgdb_claim claim = pkgdb_claims_get(&g->folders, walk.now.ino);

		if (claim.package) {
			walk.now.owner = claim.package;
		}
		r = pkgdb_list(g, walk.now.ino, walk.now.parent, take_entry, &walk);
		if (r < 0 || walk.count == 0) {
			return r;
		}
		walk.now = walk.pending[--walk.count];
	}
}

static int compare_lates(const void *a, const void *b, void *arg)
{
	const struct pkgdb_gather *g = arg;
	const struct pkgdb_late *one = a;
	const struct pkgdb_late *two = b;

	if (one->ticket != two->ticket) {
		return pkgdb_roster_before(&g->roster, one->ticket, two->ticket) ? -1 : 1;
	}
	return (one->folder > two->folder) - (one->folder < two->folder);
}

/* A package that another one has installed as its own files has no folders: they are that one's. */
static bool is_foreign(const struct pkgdb_gather *g, const struct pkgdb_late *late)
{
	const struct pkgdb_claim claim = pkgdb_claims_get(&g->files, late->record);

	return claim.package && claim.package != late->ticket && claim.how == PEEL_CLAIM_LISTED;
}

int pkgdb_claim_lates(struct pkgdb_gather *g)
{
	int r = 0;

	if (g->late_count > 0) {
		qsort_r(g->lates, g->late_count, sizeof(*g->lates), compare_lates, g);
	}
	for (size_t i = 0; r == 0 && i < g->late_count; i++) {
		const struct pkgdb_late *late = &g->lates[i];
		struct peel_node node;

		if (is_foreign(g, late) || pkgdb_claims_get(&g->folders, late->folder).package) {
			continue;
		}
		r = peel_node_get(g->index, late->folder, &node, g->err);
		if (r == 0 && S_ISDIR(node.mode)) {
			r = pkgdb_claim_folder(g, late->folder, late->ticket);
			r = r < 0 ? r
				  : pkgdb_claim_tree(g, late->folder, late->ticket,
					    PEEL_CLAIM_FOLDER);
		} else if (r == 0) {
			r = pkgdb_claim(g, late->folder, late->ticket, PEEL_CLAIM_FOLDER);
		}
	}
	return r;
}
