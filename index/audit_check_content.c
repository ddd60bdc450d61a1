/* SPDX-License-Identifier: Apache-2.0 */
/* What files hold: patterns over their bytes, read once each in the order in which layers have them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/facts.h>
#include <peel/query.h>

#include "audit_check_priv.h"
#include "re.h"
#include "util.h"

/* Bytes read at once. */
#define CHUNK ((size_t)256 << 10)

static int feed(struct re_scan **scans, size_t count, const void *bytes, size_t len, bool *matches,
	size_t *open, struct peel_error *err)
{
	for (size_t i = 0; i < count; i++) {
		int code;

		if (!scans[i] || matches[i]) {
			continue;
		}
		code = len > 0 ? re_scan_feed(scans[i], bytes, len, err)
			       : re_scan_end(scans[i], err);
		if (code < 0) {
			return code;
		}
		if (code > 0) {
			matches[i] = true;
			--*open;
		}
	}
	return 0;
}

static int read_all(struct check *check, uint64_t ino, struct re_scan **scans, size_t count,
	bool *matches, struct peel_error *err)
{
	cleanup_free char *bytes = malloc(CHUNK);
	uint64_t offset = 0;
	size_t open = 0;
	ssize_t got = 1;
	int code = bytes ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	for (size_t i = 0; i < count; i++) {
		open += scans[i] != NULL;
	}
	while (code == 0 && got > 0 && open > 0) {
		got = peel_read(check->index, ino, offset, bytes, CHUNK, err);
		if (got < 0) {
			return (int)got;
		}
		offset += (uint64_t)got;
		code = feed(scans, count, bytes, (size_t)got, matches, &open, err);
	}
	return code;
}

int check_search(struct check *check, uint64_t ino, struct re *const *res, size_t count,
	bool *ret_matches, struct peel_error *err)
{
	cleanup_free struct re_scan **scans = calloc(count + 1, sizeof(*scans));
	int code = scans ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	for (size_t i = 0; code == 0 && i < count; i++) {
		ret_matches[i] = false;
		if (res[i]) {
			code = re_scan_new(res[i], &scans[i], err);
		}
	}
	if (code == 0) {
		for (size_t i = 0; i < count; i++) {
			if (scans[i]) {
				re_scan_begin(scans[i]);
			}
		}
		code = read_all(check, ino, scans, count, ret_matches, err);
	}
	for (size_t i = 0; scans && i < count; i++) {
		re_scan_free(scans[i]);
	}
	return code;
}

/* --- content rules --- */

/* Files that are asked about, and scans that serve one after another. */
struct contents {
	struct check *check;
	struct content_job *jobs;
	size_t count;
	/* By rule: NULL until it is needed. */
	struct re_scan **scans;
	/* By rule: larger files that were left out. */
	size_t *larger;
	int code;
};

static int compare_jobs(const void *a, const void *b)
{
	const struct content_job *x = a;
	const struct content_job *y = b;
	int order = (x->ino > y->ino) - (x->ino < y->ino);

	order = order ? order : (x->rule > y->rule) - (x->rule < y->rule);
	return order ? order : strcmp(x->path ? x->path : "", y->path ? y->path : "");
}

static const struct content_job *first_job(const struct contents *contents, uint64_t ino)
{
	size_t low = 0;
	size_t high = contents->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (contents->jobs[middle].ino < ino) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < contents->count && contents->jobs[low].ino == ino ? &contents->jobs[low]
								       : NULL;
}

static int tell_match(struct contents *contents, const struct content_job *job, size_t names,
	const struct peel_piece *piece)
{
	struct check *check = contents->check;
	const struct policy_rule *rule = &check->policy->rules[job->rule];
	cleanup_free const char **paths = calloc(names, sizeof(*paths));
	char what[CHECK_TEXT_MAX];
	/* With all names, as an exception must fit each of them; fewer may be told. */
	struct peel_violation violation = {
		.paths = paths,
		.path_count = names,
		.what = what,
		.layer = piece->layer,
		.hidden_by = piece->hidden_by,
		.visible = piece->visible,
		.bytes = piece->bytes,
		.package = piece->package ? peel_package_get(check->index, piece->package) : NULL,
	};

	if (rule->required) {
		check->outcomes[job->rule].found++;
		return 0;
	}
	if (!paths) {
		return peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < names; i++) {
		paths[i] = job[i].path ? job[i].path : piece->path;
	}
	snprintf(what, sizeof(what), "it holds %s", policy_shown(rule->as.content.regex));
	return check_complain(check, rule, &violation);
}

/* One rule's jobs for one file: they differ in the name alone. */
static int search_rule(struct contents *contents, const struct content_job *job, size_t names,
	const struct peel_piece *piece)
{
	struct check *check = contents->check;
	const struct policy_rule *rule = &check->policy->rules[job->rule];
	struct re_scan **scan = &contents->scans[job->rule];
	struct peel_error why = {0};
	bool match = false;
	int code = 0;

	if (piece->bytes > rule->as.content.max_file) {
		contents->larger[job->rule]++;
		return 0;
	}
	if (!*scan) {
		code = re_scan_new(rule->as.content.re, scan, check->err);
	}
	if (code < 0) {
		return code;
	}
	re_scan_begin(*scan);
	code = read_all(check, piece->ino, scan, 1, &match, &why);
	if (code == PEEL_ENOMEM || code == PEEL_ECHANGED) {
		*check->err = why;
		return code;
	}
	if (code < 0) {
		return check_unsure(check, rule, "%s: %s", policy_shown(piece->path), why.message);
	}
	return match ? tell_match(contents, job, names, piece) : 0;
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct contents *contents = arg;
	const struct content_job *end = contents->jobs + contents->count;
	const struct content_job *job = first_job(contents, piece->ino);

	while (job && job < end && job->ino == piece->ino && contents->code == 0) {
		size_t names = 1;

		while (job + names < end && job[names].ino == job->ino &&
			job[names].rule == job->rule) {
			names++;
		}
		contents->code = search_rule(contents, job, names, piece);
		job += names;
	}
	return contents->code;
}

static int tell_rest(struct contents *contents)
{
	struct check *check = contents->check;
	int code = 0;

	for (size_t i = 0; code == 0 && i < check->policy->rule_count; i++) {
		const struct policy_rule *rule = &check->policy->rules[i];
		const struct outcome *outcome = &check->outcomes[i];

		if (rule->type != POLICY_CONTENT) {
			continue;
		}
		if (rule->required && outcome->found == 0) {
			code = check_complain_text(check, rule, NULL, "no file holds %s",
				policy_shown(rule->as.content.regex));
		}
		if (code == 0 && contents->larger[i] > 0 && !outcome->detail) {
			code = rule->as.content.max_file_given
				? check_detail(check, rule,
					  "%zu files larger than max_file were not searched",
					  contents->larger[i])
				: check_unsure(check, rule,
					  "%zu files are larger than %llu bytes and were not searched: "
					  "set max_file",
					  contents->larger[i],
					  (unsigned long long)rule->as.content.max_file);
		}
	}
	return code;
}

int check_gather_contents(struct check *check, struct content_job *jobs, size_t count)
{
	struct contents contents = {.check = check, .jobs = jobs, .count = count};
	int code = 0;

	contents.scans = check_alloc(check,
		(check->policy->rule_count + 1) * sizeof(struct re_scan *));
	contents.larger = check_alloc(check, (check->policy->rule_count + 1) * sizeof(size_t));
	if (!contents.scans || !contents.larger) {
		return check_failed(check);
	}
	if (count > 0) {
		qsort(jobs, count, sizeof(*jobs), compare_jobs);
		code = peel_pieces(check->index, PEEL_BY_ENTRY, false, take_piece, &contents,
			check->err);
		code = contents.code < 0 ? contents.code : code;
	}
	for (size_t i = 0; i < check->policy->rule_count; i++) {
		re_scan_free(contents.scans[i]);
	}
	return code == 0 ? tell_rest(&contents) : code;
}
