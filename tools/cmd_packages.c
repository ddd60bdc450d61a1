/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel packages: bytes of the merged tree by the package that owns them, and the rest by folder. What is owned and what
 * is not sum to what is visible.
 */
#include <inttypes.h>
#include <string.h>

#include "format.h"
#include "json_writer.h"
#include "packages.h"
#include "sheet.h"

/* Levels of folders of the rest, and most of its rows where only packages were asked for. */
#define DEPTH_DEFAULT 2
#define FOLDERS_SHOWN 20

static const char *const databases[] = {
	"apk", "cargo", "conda", "dpkg", "egg", "gem", "go", "npm", "pip", "rpm", "status.d"};

/* One run: the sums, and what is shown of them. */
struct run {
	const struct packages_values *values;
	struct packages packages;
	/* Packages that are shown, in the order that --sort wants. */
	uint32_t *order;
	size_t count;
	/* --unowned: the rest alone. */
	bool unowned;
};

bool packages_wanted(const struct packages_values *values, const struct peel_package *package)
{
	return !values->db || strcmp(values->db, package->db) == 0;
}

int packages_complain(const struct peel_index *index)
{
	int status = STATUS_OK;

	for (uint32_t i = 0; i < peel_package_db_count(index); i++) {
		const struct peel_package_db *db = peel_package_db_get(index, i);
		char path[PEEL_MESSAGE_SIZE];
		char problem[PEEL_MESSAGE_SIZE];

		if (!*db->problem) {
			continue;
		}
		complain("%s (%s): %s",
			peel_text_escape_into(path, sizeof(path), db->path, strlen(db->path)),
			db->db,
			peel_text_escape_into(problem, sizeof(problem), db->problem,
				strlen(db->problem)));
		status = STATUS_INCONCLUSIVE;
	}
	return status;
}

static void json_text(struct json *json, const char *key, const char *text)
{
	json_bytes(json, key, text, strlen(text));
}

void packages_json(struct json *json, const struct peel_package *package)
{
	json_unsigned(json, "id", package->id);
	json_string(json, "db", package->db);
	json_text(json, "name", package->name);
	json_text(json, "version", package->version);
	json_text(json, "arch", package->arch);
	json_text(json, "source", package->source);
	json_text(json, "record", package->record);
	if (package->layer >= 0) {
		json_integer(json, "layer", package->layer);
	} else {
		json_null(json, "layer");
	}
	if (package->claimed >= 0) {
		json_integer(json, "claimed_bytes", package->claimed);
	} else {
		json_null(json, "claimed_bytes");
	}
}

void packages_json_sum(struct json *json, const struct packages_sum *sum, bool claims)
{
	json_unsigned(json, "files", sum->files);
	json_unsigned(json, "bytes", sum->bytes);
	json_unsigned(json, "allocated_bytes", sum->allocated);
	if (claims) {
		json_object(json, "bytes_by_claim");
		for (int i = 1; i < PACKAGES_CLAIMS; i++) {
			json_unsigned(json, peel_claim_name(i), sum->claims[i]);
		}
		json_close(json);
	}
}

/* Owners rest on facts and databases. */
static void finish_document(struct json *json)
{
	cleanup_free char *reasons = NULL;

	if (peel_detect_reasons(json->about[0], &reasons, NULL) < 0) {
		end_without_memory();
	}
	json_reasons(json, reasons);
}

void packages_json_document(struct json *json, const char *name, struct peel_index *index)
{
	json_document(json, name, index);
	json->finish = finish_document;
}

void packages_json_databases(struct json *json, const struct peel_index *index)
{
	json_array(json, "databases");
	for (uint32_t i = 0; i < peel_package_db_count(index); i++) {
		const struct peel_package_db *db = peel_package_db_get(index, i);

		json_object(json, NULL);
		json_text(json, "path", db->path);
		json_string(json, "db", db->db);
		json_text(json, "problem", db->problem);
		json_close(json);
	}
	json_close(json);
}

static int compare_by_name(const void *a, const void *b, void *arg)
{
	const struct run *run = arg;
	const uint32_t one = *(const uint32_t *)a;
	const uint32_t two = *(const uint32_t *)b;
	const int r = strcmp(peel_package_get(run->packages.index, one)->name,
		peel_package_get(run->packages.index, two)->name);

	return r ? r : (one > two) - (one < two);
}

static int compare_by_size(const void *a, const void *b, void *arg)
{
	const struct run *run = arg;
	const uint64_t one = run->packages.sums[*(const uint32_t *)a].bytes;
	const uint64_t two = run->packages.sums[*(const uint32_t *)b].bytes;

	return one != two ? (one < two) - (one > two) : compare_by_name(a, b, arg);
}

/* Choose and sort packages. @return false where memory is exhausted. */
static bool choose(struct run *run)
{
	const bool by_name = run->values->sort && strcmp(run->values->sort, "name") == 0;

	run->order = calloc((size_t)run->packages.count + 1, sizeof(*run->order));
	if (!run->order) {
		return false;
	}
	for (uint32_t id = 1; id <= run->packages.count; id++) {
		if (packages_wanted(run->values, peel_package_get(run->packages.index, id))) {
			run->order[run->count++] = id;
		}
	}
	qsort_r(run->order, run->count, sizeof(*run->order),
		by_name ? compare_by_name : compare_by_size, run);
	return true;
}

static bool print_package(const struct run *run, struct sheet *sheet, uint32_t id)
{
	const struct peel_package *package = peel_package_get(run->packages.index, id);
	const struct packages_sum *sum = &run->packages.sums[id];
	cleanup_free char *name = NULL;
	cleanup_free char *version = NULL;
	cleanup_free char *arch = NULL;
	char cells[5][FORMAT_SIZE];
	const char *row[] = {sheet_bytes(sheet, cells[0], sum->bytes),
		sheet_bytes(sheet, cells[1], sum->allocated),
		package->claimed >= 0 ? sheet_bytes(sheet, cells[2], (uint64_t)package->claimed)
				      : "",
		format_number(cells[3], sum->files),
		package->layer >= 0 ? format_number(cells[4], (uint64_t)package->layer) : "",
		package->db, NULL, NULL, NULL};

	if (peel_text_escape(package->name, strlen(package->name), &name) < 0 ||
		peel_text_escape(package->version, strlen(package->version), &version) < 0 ||
		peel_text_escape(package->arch, strlen(package->arch), &arch) < 0) {
		return false;
	}
	row[6] = name;
	row[7] = version;
	row[8] = arch;
	return sheet_row(sheet, row);
}

static bool print_packages(const struct run *run, enum sheet_format format, FILE *out)
{
	static const struct column columns[] = {{"SIZE", true}, {"ALLOCATED", true},
		{"CLAIMED", true}, {"FILES", true}, {"LAYER", true}, {"DB", false},
		{"PACKAGE", false}, {"VERSION", false}, {"ARCH", false}};
	const struct packages_sum *rest = &run->packages.sums[0];
	char cells[3][FORMAT_SIZE];
	struct sheet sheet;
	bool fine = sheet_begin(&sheet, out, format, columns, countof(columns));

	for (size_t i = 0; fine && i < run->count; i++) {
		fine = print_package(run, &sheet, run->order[i]);
	}
	if (fine && !run->values->db) {
		const char *row[] = {sheet_bytes(&sheet, cells[0], rest->bytes),
			sheet_bytes(&sheet, cells[1], rest->allocated), "",
			format_number(cells[2], rest->files), "", "", "(unowned)", "", ""};

		fine = sheet_row(&sheet, row);
	}
	sheet_end(&sheet);
	return fine;
}

static bool print_folders(const struct run *run, enum sheet_format format, FILE *out)
{
	static const struct column columns[] = {
		{"SIZE", true}, {"ALLOCATED", true}, {"FILES", true}, {"FOLDER", false}};
	const struct packages *packages = &run->packages;
	const size_t most = run->unowned || format == SHEET_CSV ? packages->folder_count
								: FOLDERS_SHOWN;
	struct sheet sheet;
	bool fine = sheet_begin(&sheet, out, format, columns, countof(columns));
	uint64_t left = 0;

	for (size_t i = 0; fine && i < packages->folder_count; i++) {
		const struct packages_folder *folder = &packages->folders[i];
		cleanup_free char *path = NULL;
		char cells[3][FORMAT_SIZE];

		if (i >= most) {
			left += folder->sum.bytes;
			continue;
		}
		fine = peel_text_escape(folder->path, folder->path_len, &path) == 0;
		if (fine) {
			const char *row[] = {sheet_bytes(&sheet, cells[0], folder->sum.bytes),
				sheet_bytes(&sheet, cells[1], folder->sum.allocated),
				format_number(cells[2], folder->sum.files), path};

			fine = sheet_row(&sheet, row);
		}
	}
	sheet_end(&sheet);
	if (packages->folder_count > most) {
		char cell[FORMAT_SIZE];

		fprintf(out, "and %s in %zu more: --unowned shows all\n", format_bytes(cell, left),
			packages->folder_count - most);
	}
	return fine;
}

/* The line that says that nothing is missing. */
static void print_total(const struct packages *packages, FILE *out)
{
	char cells[6][FORMAT_SIZE];

	fprintf(out, "owned %s + unowned %s = visible %s",
		format_bytes(cells[0], packages->owned.bytes),
		format_bytes(cells[1], packages->sums[0].bytes),
		format_bytes(cells[2], packages->all.bytes));
	fprintf(out, " (%" PRIu64 " + %" PRIu64 " = %" PRIu64 " bytes; allocated %s + %s = %s)\n",
		packages->owned.bytes, packages->sums[0].bytes, packages->all.bytes,
		format_bytes(cells[3], packages->owned.allocated),
		format_bytes(cells[4], packages->sums[0].allocated),
		format_bytes(cells[5], packages->all.allocated));
}

static bool print_json(const struct run *run, FILE *out)
{
	const struct packages *packages = &run->packages;
	struct json json = {.out = out};

	packages_json_document(&json, "packages", packages->index);
	json_object(&json, "visible");
	packages_json_sum(&json, &packages->all, false);
	json_close(&json);
	json_object(&json, "owned");
	packages_json_sum(&json, &packages->owned, true);
	json_close(&json);
	json_object(&json, "unowned");
	packages_json_sum(&json, &packages->sums[0], false);
	json_close(&json);
	if (!run->unowned) {
		json_array(&json, "packages");
		for (size_t i = 0; i < run->count; i++) {
			json_object(&json, NULL);
			packages_json(&json, peel_package_get(packages->index, run->order[i]));
			packages_json_sum(&json, &packages->sums[run->order[i]], true);
			json_close(&json);
		}
		json_close(&json);
	}
	json_array(&json, "unowned_folders");
	for (size_t i = 0; i < packages->folder_count; i++) {
		const struct packages_folder *folder = &packages->folders[i];

		json_object(&json, NULL);
		json_bytes(&json, "path", folder->path, folder->path_len);
		packages_json_sum(&json, &folder->sum, false);
		json_close(&json);
	}
	json_close(&json);
	packages_json_databases(&json, packages->index);
	json_close(&json);
	return true;
}

static int emit_packages(struct call *call, struct peel_index *index, const char *name, FILE *out,
	void *arg)
{
	const enum sheet_format format = sheet_format(name);
	const struct run *run = arg;
	bool fine = true;

	(void)call;
	(void)index;
	if (strcmp(name, "json") == 0) {
		return print_json(run, out) ? STATUS_OK : STATUS_ERROR;
	}
	if (!run->unowned) {
		fine = print_packages(run, format, out);
	}
	if (fine && format != SHEET_CSV && !run->unowned && run->packages.folder_count > 0) {
		fputs(format == SHEET_MARKDOWN ? "### unowned, by folder\n\n"
					       : "\nunowned, by folder\n",
			out);
	}
	if (fine && (run->unowned || format != SHEET_CSV) &&
		(run->unowned || run->packages.folder_count > 0)) {
		fine = print_folders(run, format, out);
	}
	if (fine && format != SHEET_CSV) {
		print_total(&run->packages, out);
	}
	if (!fine) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
	}
	return fine ? STATUS_OK : STATUS_ERROR;
}

static int sum_up(struct call *call, struct peel_index *index, bool unowned, unsigned depth)
{
	struct run run = {.values = call->values, .unowned = unowned};
	struct peel_error err = {0};
	int status;

	if (packages_sum_up(index, depth, &run.packages, &err) < 0) {
		status = complain_error(&err);
	} else if (!choose(&run)) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		status = STATUS_ERROR;
	} else {
		status = emit_all(call, index, emit_packages, &run);
	}
	free(run.order);
	packages_finish(&run.packages);
	return status;
}

/* --unowned[=DEPTH]; the last one counts. */
static int take_unowned(const struct call *call, bool *ret_unowned, unsigned *ret_depth)
{
	*ret_unowned = call->log.count > 0;
	*ret_depth = DEPTH_DEFAULT;
	for (size_t i = 0; i < call->log.count; i++) {
		const char *value = call->log.events[i].value;
		char shown[64];
		char *end;
		unsigned long depth;

		if (!value) {
			*ret_depth = DEPTH_DEFAULT;
			continue;
		}
		depth = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end || depth > PACKAGES_DEPTH_MAX) {
			return complain_usage(call, "--unowned takes 0 to %d levels, not '%s'",
				PACKAGES_DEPTH_MAX,
				peel_text_escape_into(shown, sizeof(shown), value, strlen(value)));
		}
		*ret_depth = (unsigned)depth;
	}
	return STATUS_OK;
}

static int check_values(const struct call *call)
{
	const struct packages_values *values = call->values;
	char shown[64];
	bool known = !values->db;

	for (size_t i = 0; i < countof(databases); i++) {
		known = known || strcmp(values->db, databases[i]) == 0;
	}
	if (!known) {
		return complain_usage(call, "--db knows no '%s'",
			peel_text_escape_into(shown, sizeof(shown), values->db,
				strlen(values->db)));
	}
	if (values->sort && strcmp(values->sort, "size") != 0 &&
		strcmp(values->sort, "name") != 0) {
		return complain_usage(call, "--sort takes size or name, not '%s'",
			peel_text_escape_into(shown, sizeof(shown), values->sort,
				strlen(values->sort)));
	}
	if (!!values->owner + !!values->files + (call->log.count > 0) > 1) {
		return complain_usage(call,
			"--owner, --files and --unowned ask different questions");
	}
	return STATUS_OK;
}

static int run_packages(struct call *call)
{
	const struct packages_values *values = call->values;
	cleanup_index struct peel_index *index = NULL;
	bool unowned;
	unsigned depth;
	int incomplete;
	int status = check_values(call);

	if (status == STATUS_OK) {
		status = take_unowned(call, &unowned, &depth);
	}
	if (status == STATUS_OK) {
		status = open_for_reading(call, &index);
	}
	if (status != STATUS_OK) {
		return status;
	}
	incomplete = packages_complain(index);
	status = values->owner  ? packages_owner(call, index)
		: values->files ? packages_files(call, index)
				: sum_up(call, index, unowned, depth);
	if (status == STATUS_ERROR) {
		return status;
	}
	return worse_status(reading_status(index, status), incomplete);
}

#define AT(member) offsetof(struct packages_values, member)

static const struct opt packages_options[] = {
	{0, "db", "apk|cargo|conda|dpkg|egg|gem|go|npm|pip|rpm|status.d", OPT_STRING, AT(db),
		"packages of this kind of database alone"},
	{0, "files", "PACKAGE", OPT_STRING, AT(files),
		"the files that a package owns (NAME, NAME:ARCH, NAME=VERSION)"},
	{0, "owner", "PATH", OPT_STRING, AT(owner), "the package that owns a path"},
	{0, "sort", "name|size", OPT_STRING, AT(sort), "order of the packages (size)"},
	{0, "unowned", "[=DEPTH]", OPT_ORDERED, 0,
		"what nobody owns, by folder, so many levels down (2)"},
	{0},
};

const struct verb cmd_packages = {
	.name = "packages",
	.operands = "IMAGE",
	.summary = "show bytes by the package that owns them, and what nobody owns",
	.details =
		"Databases are read out of the image: dpkg, distroless status.d, apk, rpm, pip and eggs,\n"
		"conda, npm, gems, and what programs of Go and Rust say of themselves.\n"
		"SIZE: payload of visible files that it owns, hard links once. ALLOCATED: the same in 4 KiB\n"
		"blocks, less holes. CLAIMED: its installed size as it says itself. LAYER: the first whose\n"
		"database has it in this version. A database that cannot be read gives status 3.\n",
	.options = packages_options,
	.values_size = sizeof(struct packages_values),
	.image = true,
	.facts = true,
	.formats = "table json csv markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_packages,
};
