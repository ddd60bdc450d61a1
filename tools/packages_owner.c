/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ways between packages and paths: who owns a path, and which files a package owns. A link holds no bytes and is
 * no piece of the ledger; its owner is who lists it, and that of an alternative is who owns what it leads to.
 */
#include <string.h>
#include <sys/stat.h>

#include "json_writer.h"
#include "packages.h"
#include "sheet.h"

/* What --owner found. */
struct owner {
	struct peel_index *index;
	const struct packages_values *values;
	/* Canonical path of what was asked for, and of what it was found by. */
	char *path, *by;
	uint64_t ino;
	/* Of a regular file. */
	const struct peel_package *package;
	enum peel_claim claim;
	/* Of anything else: "NAME VERSION" as why has it. */
	char *listed;
};

static int take_owner(void *arg, const struct peel_piece *piece)
{
	struct owner *owner = arg;

	if (piece->ino != owner->ino) {
		return 0;
	}
	owner->package = peel_package_get(owner->index, piece->package);
	owner->claim = piece->claim;
	return 1;
}

static int take_step(void *arg, const struct peel_step *step)
{
	struct owner *owner = arg;

	free(owner->listed);
	owner->listed = *step->package ? format_text("%s", step->package) : NULL;
	return 0;
}

/*
 * A link that chooses one of several programs: why would name its target's owner as the link's own.
 * @return 1, 0, or less than 0 as peel_readlink.
 */
static int is_alternative(const struct owner *owner, const struct peel_node *node,
	struct peel_error *err)
{
	static const char folder[] = "/etc/alternatives/";
	cleanup_free char *target = NULL;
	size_t len;
	int r;

	if (!S_ISLNK(node->mode) || strncmp(owner->by, folder, strlen(folder)) == 0) {
		return S_ISLNK(node->mode);
	}
	r = peel_readlink(owner->index, node->ino, &target, &len, err);
	return r < 0 ? r : strncmp(target, folder, strlen(folder)) == 0;
}

/* Follow a link that nobody lists, until something is owned. */
static int find_owner(struct owner *owner, const char *path, bool follow, struct peel_error *err)
{
	struct peel_node node;
	int r;

	free(owner->by);
	owner->by = NULL;
	r = resolve_path(owner->index, PEEL_VIEW_MERGED, path, follow, &node, &owner->by, err);
	if (r < 0) {
		return r;
	}
	owner->ino = node.ino;
	if (S_ISREG(node.mode)) {
		r = peel_pieces(owner->index, PEEL_BY_ENTRY, true, take_owner, owner, err);
		return r < 0 ? r : 0;
	}
	r = follow ? 0 : is_alternative(owner, &node, err);
	if (r != 0) {
		return r < 0 ? r : find_owner(owner, path, true, err);
	}
	r = peel_why(owner->index, owner->by, strlen(owner->by), take_step, owner, err);
	if (r >= 0 && !owner->listed && S_ISLNK(node.mode) && !follow) {
		return find_owner(owner, path, true, err);
	}
	return r < 0 ? r : 0;
}

/* The same word for what a link leads to: it is made by update-alternatives or the like. */
static const char *claim_of(const struct owner *owner)
{
	return strcmp(owner->path, owner->by) != 0 ? peel_claim_name(PEEL_CLAIM_GENERATED)
		: owner->package                   ? peel_claim_name(owner->claim)
						   : peel_claim_name(PEEL_CLAIM_LISTED);
}

static void json_owner(struct peel_index *index, const struct owner *owner, FILE *out)
{
	struct json json = {.out = out};

	packages_json_document(&json, "packages-owner", index);
	json_bytes(&json, "path", owner->path, strlen(owner->path));
	json_bytes(&json, "found_by", owner->by, strlen(owner->by));
	if (owner->package || owner->listed) {
		json_string(&json, "claim", claim_of(owner));
		json_object(&json, "package");
		if (owner->package) {
			packages_json(&json, owner->package);
		} else {
			json_bytes(&json, "name_and_version", owner->listed, strlen(owner->listed));
		}
		json_close(&json);
	} else {
		json_null(&json, "claim");
		json_null(&json, "package");
	}
	packages_json_databases(&json, index);
	json_close(&json);
}

/* @param fine false: memory was exhausted, which is then said. */
static int status_of(bool fine)
{
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return fine ? STATUS_OK : STATUS_ERROR;
}

static int emit_owner(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	static const struct column columns[] = {{"PACKAGE", false}, {"VERSION", false},
		{"ARCH", false}, {"DB", false}, {"CLAIM", false}, {"PATH", false}};
	const struct owner *owner = arg;
	const struct peel_package *package = owner->package;
	const char *listed = owner->listed ? owner->listed : "";
	const size_t name = strcspn(listed, " ");
	char *texts[6] = {NULL};
	const char *raw[] = {package ? package->name : listed,
		package ? package->version : listed + name + (listed[name] != '\0'),
		package ? package->arch : "", package ? package->db : "", claim_of(owner),
		owner->by};
	struct sheet sheet;
	bool fine = true;

	(void)call;
	if (strcmp(format, "json") == 0) {
		json_owner(index, owner, out);
		return STATUS_OK;
	}
	if (!package && !owner->listed) {
		return STATUS_OK;
	}
	for (size_t i = 0; fine && i < countof(raw); i++) {
		const size_t len = i == 0 && !package ? name : strlen(raw[i]);

		fine = peel_text_escape(raw[i], len, &texts[i]) == 0;
	}
	fine = fine && sheet_begin(&sheet, out, sheet_format(format), columns, countof(columns));
	if (fine) {
		fine = sheet_row(&sheet, (const char *const *)texts);
		sheet_end(&sheet);
	}
	for (size_t i = 0; i < countof(texts); i++) {
		free(texts[i]);
	}
	return status_of(fine);
}

int packages_owner(struct call *call, struct peel_index *index)
{
	struct owner owner = {.index = index, .values = call->values};
	struct peel_error err = {0};
	struct peel_node node;
	int status;
	int r;

	r = resolve_path(index, PEEL_VIEW_MERGED, owner.values->owner, false, &node, &owner.path,
		&err);
	r = r < 0 ? r : find_owner(&owner, owner.values->owner, false, &err);
	if (r < 0) {
		status = complain_error(&err);
		status = r == PEEL_ENOENT || r == PEEL_ENOTDIR ? STATUS_NO : status;
	} else {
		status = emit_all(call, index, emit_owner, &owner);
		if (status == STATUS_OK && !owner.package && !owner.listed) {
			char shown[PEEL_MESSAGE_SIZE];

			complain("no package owns %s",
				peel_text_escape_into(shown, sizeof(shown), owner.path,
					strlen(owner.path)));
			status = STATUS_NO;
		}
	}
	free(owner.path);
	free(owner.by);
	free(owner.listed);
	return status;
}

/* Whether each package is one of those that --files names. */
struct files {
	const struct packages_values *values;
	struct peel_index *index;
	struct sheet sheet;
	struct json json;
	bool is_json;
	bool *wanted;
	bool fine;
};

/* NAME, NAME:ARCH, or NAME=VERSION. */
static bool is_named(const struct peel_package *package, const char *wanted)
{
	const size_t len = strlen(package->name);

	if (strncmp(wanted, package->name, len) != 0) {
		return false;
	}
	return wanted[len] == '\0' ||
		(wanted[len] == ':' && strcmp(wanted + len + 1, package->arch) == 0) ||
		(wanted[len] == '=' && strcmp(wanted + len + 1, package->version) == 0);
}

static int take_file(void *arg, const struct peel_piece *piece)
{
	struct files *files = arg;
	const struct peel_package *package = peel_package_get(files->index, piece->package);
	cleanup_free char *path = NULL;
	cleanup_free char *name = NULL;
	char cells[2][FORMAT_SIZE];

	if (!package || !files->wanted[piece->package]) {
		return 0;
	}
	if (files->is_json) {
		json_object(&files->json, NULL);
		json_bytes(&files->json, "path", piece->path, piece->path_len);
		json_unsigned(&files->json, "bytes", piece->bytes);
		json_unsigned(&files->json, "allocated_bytes", piece->allocated);
		json_integer(&files->json, "layer", piece->layer);
		json_unsigned(&files->json, "package", piece->package);
		json_string(&files->json, "claim", peel_claim_name(piece->claim));
		json_close(&files->json);
		return 0;
	}
	files->fine = peel_text_escape(piece->path, piece->path_len, &path) == 0 &&
		peel_text_escape(package->name, strlen(package->name), &name) == 0;
	if (files->fine) {
		const char *row[] = {sheet_bytes(&files->sheet, cells[0], piece->bytes),
			format_number(cells[1], (uint64_t)piece->layer),
			peel_claim_name(piece->claim), package->db, name, path};

		files->fine = sheet_row(&files->sheet, row);
	}
	return !files->fine;
}

static int emit_files(struct call *call, struct peel_index *index, const char *format, FILE *out,
	void *arg)
{
	static const struct column columns[] = {{"SIZE", true}, {"LAYER", true}, {"CLAIM", false},
		{"DB", false}, {"PACKAGE", false}, {"PATH", false}};
	struct files files = *(const struct files *)arg;
	struct peel_error err = {0};
	int r;

	(void)call;
	files.is_json = strcmp(format, "json") == 0;
	files.json = (struct json){.out = out};
	files.fine = true;
	if (files.is_json) {
		packages_json_document(&files.json, "packages-files", index);
		json_array(&files.json, "packages");
		for (uint32_t id = 1; id <= peel_package_count(index); id++) {
			if (files.wanted[id]) {
				json_object(&files.json, NULL);
				packages_json(&files.json, peel_package_get(index, id));
				json_close(&files.json);
			}
		}
		json_close(&files.json);
		json_array(&files.json, "files");
	} else if (!sheet_begin(&files.sheet, out, sheet_format(format), columns,
			   countof(columns))) {
		sheet_end(&files.sheet);
		return status_of(false);
	}
	r = peel_pieces(index, PEEL_BY_PATH, true, take_file, &files, &err);
	if (files.is_json) {
		json_close(&files.json);
		packages_json_databases(&files.json, index);
		json_close(&files.json);
	} else {
		sheet_end(&files.sheet);
	}
	return r < 0 ? complain_error(&err) : status_of(files.fine);
}

int packages_files(struct call *call, struct peel_index *index)
{
	struct files files = {.values = call->values, .index = index};
	const uint32_t count = peel_package_count(index);
	bool found = false;
	int status;

	files.wanted = calloc((size_t)count + 1, sizeof(*files.wanted));
	if (!files.wanted) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	for (uint32_t id = 1; id <= count; id++) {
		const struct peel_package *package = peel_package_get(index, id);

		files.wanted[id] = packages_wanted(files.values, package) &&
			is_named(package, files.values->files);
		found = found || files.wanted[id];
	}
	if (found) {
		status = emit_all(call, index, emit_files, &files);
	} else {
		char shown[PEEL_MESSAGE_SIZE];

		complain("no package '%s'",
			peel_text_escape_into(shown, sizeof(shown), files.values->files,
				strlen(files.values->files)));
		status = STATUS_NO;
	}
	free(files.wanted);
	return status;
}
