/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apk keeps everything in one text: lines of a letter and a value, a blank line after each package.
 * P is the name, V the version, F a folder, R a file in the last folder.
 */
#include <string.h>

#include <peel/error.h>

#include "pkgdb.h"
#include "util.h"

static const char *const databases[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

/* True where folder and name together are the path. */
static bool is_path(const struct pkgdb_path *path, const char *folder, size_t folder_len,
	const char *name, size_t len)
{
	for (size_t i = 0; i < path->count; i++) {
		const char *wanted = path->spellings[i];
		const size_t slash = folder_len ? 1 : 0;

		if (strlen(wanted) == folder_len + slash + len &&
			memcmp(wanted, folder, folder_len) == 0 &&
			(!slash || wanted[folder_len] == '/') &&
			memcmp(wanted + folder_len + slash, name, len) == 0) {
			return true;
		}
	}
	return false;
}

static bool find(struct pkgdb_text *text, const struct pkgdb_path *path,
	struct pkgdb_package *package)
{
	const char *folder = "";
	const char *line;
	size_t folder_len = 0;
	size_t len;

	*package = (struct pkgdb_package){0};
	while (pkgdb_line(text, &line, &len)) {
		size_t value_len;
		const char *value;

		if (len == 0) {
			*package = (struct pkgdb_package){0};
			folder_len = 0;
		} else if ((value = pkgdb_value(line, len, "P", &value_len)) != NULL) {
			pkgdb_copy(package->name, value, value_len);
		} else if ((value = pkgdb_value(line, len, "V", &value_len)) != NULL) {
			pkgdb_copy(package->version, value, value_len);
		} else if ((value = pkgdb_value(line, len, "F", &value_len)) != NULL) {
			folder = value;
			folder_len = value_len;
		} else if ((value = pkgdb_value(line, len, "R", &value_len)) != NULL &&
			is_path(path, folder, folder_len, value, value_len)) {
			return package->name[0] != '\0';
		}
	}
	return false;
}

int pkgdb_apk_owner(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err)
{
	for (size_t i = 0; i < countof(databases); i++) {
		cleanup(pkgdb_text_finish) struct pkgdb_text text = {0};
		int r = pkgdb_read(index, path->view, databases[i], 0, &text, err);

		if (r < 0) {
			return r;
		}
		if (r > 0 && find(&text, path, ret_package)) {
			return 1;
		}
	}
	return 0;
}
