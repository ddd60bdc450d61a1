/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eggs, from before wheels. NAME-VERSION.egg-info is a folder with PKG-INFO (and installed-files.txt where pip has put
 * it there, relative to that folder), or PKG-INFO itself. NAME-VERSION-pyX.Y.egg is a package whole, as a folder or as
 * a ZIP. NAME.egg-link names the folder of a source tree that is used where it lies; what stands there is found as any
 * other egg-info.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>

#include "pkgdb_python.h"
#include "pkgdb_walk.h"
#include "util.h"

/* Find the database of a folder of modules. */
static int find_site(struct pkgdb_gather *g, uint64_t site, size_t *ret_database)
{
	cleanup_free char *path = NULL;
	int r = pkgdb_canonical(g, site, NULL, &path);

	return r < 0 ? r : pkgdb_found(g, path, "pip", ret_database);
}

/* installed-files.txt: one path a line, relative to the egg-info folder. @return 1 it is there, 0 not, less than 0. */
static int read_list(struct pkgdb_gather *g, const struct pkgdb_python *python, uint64_t info)
{
	static const char name[] = "installed-files.txt";
	const struct pkgdb_root root = {.ino = peel_root(PEEL_VIEW_MERGED), .path = ""};
	struct peel_node node;
	const char *line;
	size_t len;
	int r = pkgdb_lookup(g, info, name, strlen(name), &node);

	r = r > 0 ? pkgdb_open(g->index, 0, NULL, node.ino, &g->text, g->err) : r;
	if (r <= 0) {
		return r;
	}
	r = 0;
	while (r == 0 && pkgdb_line(&g->text, &line, &len)) {
		len -= len > 0 && line[len - 1] == '\r';
		r = pkgdb_claim_path(g, python->database, &root, info, line, len, python->ticket);
	}
	r = r < 0 ? r : pkgdb_check_text(g, python->database, name, &g->text);
	return r < 0 ? r : 1;
}

/* The files of a package that is an egg-info. @param info folder, 0: it is a file. */
static int claim_files(struct pkgdb_gather *g, const struct pkgdb_python *python,
	const struct pkgdb_entry *entry, uint64_t info)
{
	int r;

	if (!info) {
		r = pkgdb_claim(g, entry->node.ino, python->ticket, PEEL_CLAIM_FOLDER);
		return r < 0 ? r : pkgdb_python_modules(g, python, 0);
	}
	r = pkgdb_claim_folder(g, info, python->ticket);
	r = r < 0 ? r : read_list(g, python, info);
	return r == 0 ? pkgdb_python_modules(g, python, info) : r > 0 ? 0 : r;
}

int pkgdb_egg_info(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	const uint64_t info = S_ISDIR(entry->node.mode) ? entry->node.ino : 0;
	struct pkgdb_python python = {0};
	cleanup_free char *path = NULL;
	int r;

	r = find_site(g, entry->folder, &python.database);
	r = r < 0 ? r : pkgdb_python_head(g, &python, entry, info, "PKG-INFO", ".egg-info");
	r = r < 0 ? r
		  : pkgdb_canonical(g, info ? info : entry->folder,
			    !info                   ? entry->name
				    : python.record ? "PKG-INFO"
						    : NULL,
			    &path);
	r = r < 0 ? r : pkgdb_python_add(g, &python, "egg", path, PKGDB_RANK_OTHER);
	return r < 0 || !python.ticket ? r : claim_files(g, &python, entry, info);
}

int pkgdb_egg(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	const bool folder = S_ISDIR(entry->node.mode);
	struct pkgdb_python python = {0};
	struct peel_node info = {0};
	cleanup_free char *path = NULL;
	int r = folder ? pkgdb_lookup(g, entry->node.ino, "EGG-INFO", strlen("EGG-INFO"), &info)
		       : 1;

	/* Other things are called so, too: an egg has its folder, or is a ZIP with a version in its name. */
	if (r <= 0 || (!folder && !strstr(entry->name, "-py"))) {
		return r < 0 ? r : 0;
	}
	r = find_site(g, entry->folder, &python.database);
	if (r == 0 && folder) {
		r = pkgdb_python_head(g, &python, entry, info.ino, "PKG-INFO", ".egg");
	} else if (r == 0) {
		r = pkgdb_python_head(g, &python, entry, entry->folder, "", ".egg");
	}
	r = r < 0 ? r : pkgdb_canonical(g, entry->folder, entry->name, &path);
	r = r < 0 ? r : pkgdb_python_add(g, &python, "egg", path, PKGDB_RANK_OTHER);
	if (r < 0 || !python.ticket) {
		return r;
	}
	return folder ? pkgdb_claim_folder(g, entry->node.ino, python.ticket)
		      : pkgdb_claim(g, entry->node.ino, python.ticket, PEEL_CLAIM_EMBEDDED);
}

int pkgdb_egg_link(struct pkgdb_gather *g, const struct pkgdb_entry *entry)
{
	struct pkgdb_python python = {0};
	cleanup_free char *path = NULL;
	struct peel_node node;
	const char *line;
	size_t len;
	int r = find_site(g, entry->folder, &python.database);

	r = r < 0 ? r : pkgdb_open(g->index, 0, NULL, entry->node.ino, &g->text, g->err);
	if (r <= 0 || !pkgdb_line(&g->text, &line, &len)) {
		return r < 0 ? r : 0;
	}
	len -= len > 0 && line[len - 1] == '\r';
	r = pkgdb_resolve(g, entry->folder, line, len, &node);
	if (r == 0) {
		return pkgdb_problem_at(g, python.database, entry->name, 1,
			"leads to no folder of the image");
	}
	r = r < 0 ? r : pkgdb_python_head(g, &python, entry, entry->folder, "", ".egg-link");
	r = r < 0 ? r : pkgdb_canonical(g, entry->folder, entry->name, &path);
	r = r < 0 ? r : pkgdb_python_add(g, &python, "egg", path, PKGDB_RANK_OTHER);
	return r < 0 ? r : pkgdb_claim(g, entry->node.ino, python.ticket, PEEL_CLAIM_FOLDER);
}
