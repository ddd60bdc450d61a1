/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apk keeps everything in one text: lines of a letter, a colon and a value, a blank line after each package. P is the
 * name, V the version, F a folder, R a file in the last folder. A reader that does not know a capital letter has not
 * understood the package; unknown small ones are to be passed over.
 */
#include "pkgdb_apk.h"

#include <string.h>

#include <peel/error.h>

#include "pkgdb.h"
#include "util.h"

/* Capital letters of apk-tools 2 and 3 that say nothing about who owns what. */
#define PASSED_OVER "CSTULDZM"

static const char *const databases[] = {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"};

static void begin(struct pkgdb_apk *apk)
{
	apk->name[0] = apk->version[0] = apk->arch[0] = apk->origin[0] = '\0';
	apk->claimed = -1;
	apk->folder_len = apk->path_len = 0;
	apk->open = true;
}

/* @return false where the path is longer than any that is handled. */
static bool set_folder(struct pkgdb_apk *apk, const char *value, size_t len)
{
	if (len >= sizeof(apk->path) / 2) {
		return false;
	}
	memcpy(apk->path, value, len);
	apk->folder_len = len;
	if (len > 0) {
		apk->path[apk->folder_len++] = '/';
	}
	return true;
}

static bool set_file(struct pkgdb_apk *apk, const char *value, size_t len)
{
	if (len >= sizeof(apk->path) / 2) {
		return false;
	}
	memcpy(apk->path + apk->folder_len, value, len);
	apk->path_len = apk->folder_len + len;
	return apk->name[0] != '\0';
}

static enum pkgdb_apk_event take_field(struct pkgdb_apk *apk, const char *line, size_t len)
{
	const char *value = line + 2;
	const size_t value_len = len - 2;

	switch (line[0]) {
	case 'P':
		pkgdb_copy(apk->name, value, value_len);
		break;
	case 'V':
		pkgdb_copy(apk->version, value, value_len);
		break;
	case 'A':
		pkgdb_copy(apk->arch, value, value_len);
		break;
	case 'o':
		pkgdb_copy(apk->origin, value, value_len);
		break;
	case 'I':
		apk->claimed = pkgdb_number(value, value_len);
		break;
	case 'F':
		return set_folder(apk, value, value_len) ? PKGDB_APK_END : PKGDB_APK_DAMAGE;
	case 'R':
		return set_file(apk, value, value_len) ? PKGDB_APK_FILE : PKGDB_APK_DAMAGE;
	default:
		if (line[0] >= 'A' && line[0] <= 'Z' && !strchr(PASSED_OVER, line[0])) {
			return PKGDB_APK_DAMAGE;
		}
	}
	return PKGDB_APK_END;
}

enum pkgdb_apk_event pkgdb_apk_next(struct pkgdb_apk *apk)
{
	const char *line;
	size_t len;

	while (pkgdb_line(apk->text, &line, &len)) {
		enum pkgdb_apk_event event;

		if (len == 0 && apk->open) {
			apk->open = false;
			return PKGDB_APK_PACKAGE;
		}
		if (len == 0) {
			continue;
		}
		if (!apk->open) {
			begin(apk);
		}
		if (len < 2 || line[1] != ':') {
			return PKGDB_APK_DAMAGE;
		}
		event = take_field(apk, line, len);
		if (event != PKGDB_APK_END) {
			return event;
		}
	}
	if (apk->open && apk->text->code == 0) {
		apk->open = false;
		return PKGDB_APK_PACKAGE;
	}
	return PKGDB_APK_END;
}

static bool find(struct pkgdb_text *text, const struct pkgdb_path *path,
	struct pkgdb_package *package)
{
	struct pkgdb_apk apk = {.text = text};
	enum pkgdb_apk_event event;

	while ((event = pkgdb_apk_next(&apk)) != PKGDB_APK_END) {
		if (event == PKGDB_APK_FILE && pkgdb_path_is(path, apk.path, apk.path_len)) {
			strcpy(package->name, apk.name);
			strcpy(package->version, apk.version);
			return true;
		}
	}
	return false;
}

int pkgdb_apk_owner(struct peel_index *index, const struct pkgdb_path *path,
	struct pkgdb_package *ret_package, struct peel_error *err)
{
	cleanup(pkgdb_text_finish) struct pkgdb_text text = {0};

	for (size_t i = 0; i < countof(databases); i++) {
		int r = pkgdb_open(index, path->view, databases[i], 0, &text, err);

		if (r < 0) {
			return r;
		}
		if (r > 0 && find(&text, path, ret_package)) {
			return 1;
		}
		r = pkgdb_unread(path, databases[i], text.code, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}
