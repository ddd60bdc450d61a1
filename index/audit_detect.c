/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in an image that should not be: detectors over the facts of every layer.
 *
 *   ledger ──┐
 *   facts  ──┼─► true leaves ─► triggered rules ─► findings ─► sorted ─► told
 *   names  ──┘    (match)      (first that holds)   (found)
 *
 * One pass over the files, visible or not, in the order of the index; then what stands beside them: folders, links,
 * interpreters of scripts, packages, the configuration. A file is one finding of a detector at most, with all
 * its names.
 *
 * Cost: the pass over the ledger, and one lookup a path in the set of all patterns; rules are asked only where
 * one of their
 * triggers is true. Rejected: a query in SQL a rule. There are hundreds of rules, and most of their conditions
 * (patterns,
 * least two of three markers, not) are not SQL's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/audit.h>
#include <peel/facts.h>
#include <peel/query.h>
#include <peel/text.h>

#include "audit_detect_priv.h"
#include "facts_rows.h"
#include "query_names.h"
#include "util.h"

/* The detector whose findings count as not looked into. */
#define ARCHIVES "archive"
/* Archives listed in part whose names are told as reasons; more are counted. */
#define PARTIAL_TOLD 20
/* Longest title with its notes. */
#define TITLE_SIZE 512

static const struct {
	enum detect_note note;
	const char *text;
} notes[] = {
	{DETECT_STATIC, "static"},
	{DETECT_RENAMED, "renamed"},
	{DETECT_NO_EXECUTE, "not executable"},
	{DETECT_UNOWNED, "of no package"},
	{DETECT_UNRESOLVED, "it is not there"},
	{DETECT_GONE, "none is there"},
};

/* True where packages of a system own files: what none of them owns was put there by other means. */
static bool has_databases(const struct peel_index *index)
{
	static const char *const systems[] = {"dpkg", "status.d", "apk", "rpm"};

	for (uint32_t i = 0; i < peel_package_db_count(index); i++) {
		for (size_t j = 0; j < countof(systems); j++) {
			if (strcmp(peel_package_db_get(index, i)->db, systems[j]) == 0) {
				return true;
			}
		}
	}
	return false;
}

static size_t find_detector(const struct peel_detectors *detectors, const char *name)
{
	size_t i = 0;

	while (i < detectors->count && strcmp(detectors->list[i].public.name, name) != 0) {
		i++;
	}
	return i;
}

/* Which detectors are asked for. */
static int set_asked(const struct peel_detectors *detectors, const char *const *names, size_t count,
	bool *asked, struct peel_error *err)
{
	for (size_t i = 0; i < detectors->count; i++) {
		asked[i] = count == 0;
	}
	for (size_t i = 0; i < count; i++) {
		const size_t found = find_detector(detectors, names[i]);
		char shown[80];

		if (found == detectors->count) {
			return peel_fail(err, PEEL_ENOENT, "there is no detector '%s'",
				peel_text_escape_into(shown, sizeof(shown), names[i],
					strlen(names[i])));
		}
		asked[found] = true;
	}
	return 0;
}

static int check_index(struct peel_index *index, const struct peel_detectors *detectors,
	struct peel_error *err)
{
	if (!peel_has_facts(index)) {
		return peel_fail(err, PEEL_EUSAGE, "the index was opened without facts");
	}
	if (strcmp(facts_wanted_digest(index), detectors_wanted(detectors)->digest) != 0) {
		return peel_fail(err, PEEL_EUSAGE, "the facts were gathered for other detectors");
	}
	return 0;
}

/* Notes in brackets behind the title. */
static const char *set_title(const struct detect *detect, const struct found *found, char *title)
{
	const char *separator = " (";
	size_t len = (size_t)snprintf(title, TITLE_SIZE, "%s", found_rule(detect, found)->title);

	for (size_t i = 0; i < countof(notes) && len < TITLE_SIZE; i++) {
		if (found->notes & notes[i].note) {
			len += (size_t)snprintf(title + len, TITLE_SIZE - len, "%s%s", separator,
				notes[i].text);
			separator = ", ";
		}
	}
	if (*separator == ',' && len < TITLE_SIZE) {
		snprintf(title + len, TITLE_SIZE - len, ")");
	}
	return title;
}

static const char *instruction(struct detect *detect, int layer)
{
	struct peel_layer_stat stat;

	return layer >= 0 && peel_layer_stat(detect->index, layer, &stat, NULL) == 0 &&
			stat.layer.instruction
		? stat.layer.instruction
		: "";
}

/* Where findings go. */
struct told {
	peel_detection_fn *each;
	void *arg;
	struct peel_detect_summary *summary;
};

static int tell(struct detect *detect, const struct found *found, const struct told *told)
{
	const struct detector_rule *rule = found_rule(detect, found);
	cleanup_free const char **paths = calloc(found->name_count + 1, sizeof(*paths));
	cleanup_free struct peel_evidence *evidence = calloc(found->evidence_count + 1,
		sizeof(*evidence));
	char title[TITLE_SIZE];
	struct peel_detection detection = {
		.detector = detect->detectors->list[rule->detector].public.name,
		.tier = rule->tier,
		.rule = rule->id,
		.title = set_title(detect, found, title),
		.visible = found->visible,
		.shipped = found->shipped,
		.ino = found->ino,
		.paths = paths,
		.layer = found->layer,
		.hidden_by = found->hidden_by,
		.cause = found->visible ? PEEL_CAUSE_NONE : found->cause,
		.instruction = instruction(detect, found->layer),
		.hidden_instruction = instruction(detect, found->hidden_by),
		.package = found->package ? peel_package_get(detect->index, found->package) : NULL,
		.bytes = found->bytes,
		.evidence = evidence,
	};

	if (!paths || !evidence) {
		return peel_fail(detect->err, PEEL_ENOMEM, "no memory for a finding");
	}
	for (const struct found_name *name = found->names; name; name = name->next) {
		paths[detection.path_count++] = name->text;
	}
	for (const struct found_evidence *one = found->evidence; one; one = one->next) {
		evidence[detection.evidence_count++] = one->evidence;
	}
	told->summary->findings[rule->tier]++;
	told->summary->visible += found->visible;
	told->summary->shipped += found->shipped;
	return told->each(told->arg, &detection) ? 1 : 0;
}

/* Lines of a text, each with what stands before it; the last has no newline. */
static void add_reasons(FILE *out, const char *before, const char *lines, bool *first)
{
	while (lines && *lines) {
		const size_t len = strcspn(lines, "\n");

		fprintf(out, "%s%s%.*s", *first ? "" : "\n", before, (int)len, lines);
		*first = false;
		lines += len + (lines[len] == '\n');
	}
}

/* Databases that could not be read: what they own is not known. */
static void add_databases(FILE *out, struct peel_index *index, bool *first)
{
	for (uint32_t i = 0; i < peel_package_db_count(index); i++) {
		const struct peel_package_db *db = peel_package_db_get(index, i);
		char path[PEEL_MESSAGE_SIZE];
		char before[PEEL_MESSAGE_SIZE + 32];
		char problem[PEEL_MESSAGE_SIZE];

		peel_text_escape_into(path, sizeof(path), db->path, strlen(db->path));
		peel_text_escape_into(problem, sizeof(problem), db->problem, strlen(db->problem));
		snprintf(before, sizeof(before), "package database %s: ", path);
		add_reasons(out, before, problem, first);
	}
}

/* The first name of a file, escaped. */
static int take_name(void *arg, const char *path, size_t len)
{
	peel_text_escape_into(arg, PEEL_MESSAGE_SIZE, path, len);
	return 1;
}

/* Archives whose members are not all known: what is in the rest is not known either. */
static int add_partial(FILE *out, struct peel_index *index, bool *first, uint64_t *ret_count,
	struct peel_error *err)
{
	struct query_names *names = NULL;
	struct facts_rows *rows = NULL;
	struct facts_row row;
	int r = facts_rows_new_partial(index, &rows, err);

	*ret_count = 0;
	r = r < 0 ? r : query_names_new(index, &names, err);
	while (r >= 0 && (r = facts_rows_next(rows, &row, err)) > 0) {
		char shown[PEEL_MESSAGE_SIZE] = "?";
		int layer = -1;

		if (++*ret_count > PARTIAL_TOLD) {
			continue;
		}
		r = query_names_each(names, row.entry, false, take_name, shown, err);
		r = r < 0 ? r : query_names_layer(names, row.entry, &layer, err);
		fprintf(out,
			"%slayer %d: archive %s was listed in part: damaged, encrypted, or too large",
			*first ? "" : "\n", layer, shown);
		*first = false;
	}
	if (*ret_count > PARTIAL_TOLD) {
		const uint64_t more = *ret_count - PARTIAL_TOLD;

		fprintf(out, "\n%llu more archive%s listed in part", (unsigned long long)more,
			more == 1 ? " was" : "s were");
	}
	query_names_free(names);
	facts_rows_free(rows);
	return r < 0 ? r : 0;
}

static int find_reasons(struct peel_index *index, char **ret_reasons, uint64_t *ret_partial,
	struct peel_error *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *out = peel_text_stream(&text, &size);
	bool first = true;
	int r = 0;

	*ret_partial = 0;
	if (!out) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for reasons");
	}
	add_reasons(out, "", peel_index_incomplete_reasons(index), &first);
	add_reasons(out, "", peel_facts_incomplete_reasons(index), &first);
	add_databases(out, index, &first);
	add_reasons(out, "", peel_index_answer_reason(index), &first);
	if (peel_has_facts(index)) {
		r = add_partial(out, index, &first, ret_partial, err);
	}
	if (fclose(out) != 0 || !text) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for reasons");
	}
	*ret_reasons = r < 0 || first ? NULL : steal_pointer(&text);
	return r;
}

int peel_detect_reasons(struct peel_index *index, char **ret_reasons, struct peel_error *err)
{
	uint64_t partial;

	return find_reasons(index, ret_reasons, &partial, err);
}

static int look(struct detect *detect)
{
	int r = match_new(detect->detectors, detect->wanted, &detect->match, detect->err);

	r = r < 0 ? r : query_names_new(detect->index, &detect->names, detect->err);
	r = r < 0 ? r : detect_xattrs(detect);
	r = r < 0 ? r : detect_files(detect);
	r = r < 0 ? r : detect_links(detect);
	r = r < 0 ? r : detect_folders(detect);
	r = r < 0 ? r : detect_interpreters(detect);
	r = r < 0 ? r : detect_config(detect);
	return r < 0 ? r : detect_packages(detect);
}

static void finish(struct detect *detect)
{
	match_free(detect->match);
	query_names_free(detect->names);
	founds_finish(&detect->founds);
	free(detect->xattrs);
}

static int run(struct detect *detect, const struct told *told)
{
	int r = look(detect);

	if (r < 0) {
		return r;
	}
	told->summary->unexpanded = detect->unexpanded;
	told->summary->unexpanded_visible = detect->unexpanded_visible;
	founds_sort(detect);
	for (size_t i = 0; r == 0 && i < detect->founds.count; i++) {
		r = tell(detect, detect->founds.list[i], told);
	}
	return r;
}

int peel_detect(struct peel_index *index, const struct peel_detectors *detectors,
	const char *const *names, size_t count, peel_detection_fn *each, void *arg,
	struct peel_detect_summary *ret_summary, struct peel_error *err)
{
	cleanup_free bool *asked = calloc(detectors->count + 1, sizeof(*asked));
	cleanup_free bool *wanted = calloc(detectors->count + 1, sizeof(*wanted));
	struct peel_detect_summary summary = {0};
	struct peel_error own = {0};
	struct detect detect = {
		.index = index,
		.detectors = detectors,
		.asked = asked,
		.wanted = wanted,
		.databases = false,
		.archive = (uint32_t)find_detector(detectors, ARCHIVES),
		.err = err ? err : &own,
	};
	const struct told told = {each, arg, &summary};
	int r = check_index(index, detectors, err);

	if (r < 0) {
		return r;
	}
	if (!asked || !wanted) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for detectors");
	}
	detect.databases = has_databases(index);
	r = set_asked(detectors, names, count, asked, err);
	for (size_t i = 0; i < detectors->count; i++) {
		wanted[i] = asked[i] || i == detect.archive;
	}
	r = r < 0 ? r : run(&detect, &told);
	if (r >= 0 && ret_summary) {
		const int reasons = find_reasons(index, &summary.reasons, &summary.partial, err);

		r = reasons < 0 ? reasons : r;
	}
	finish(&detect);
	if (r >= 0 && ret_summary) {
		*ret_summary = summary;
	}
	return r;
}
