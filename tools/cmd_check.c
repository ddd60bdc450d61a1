/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel check: policies against one image, or all of an index. A rule that is violated is violated, whatever else
 * could not be looked at: status 1. Where none is, and not everything could be looked at, nothing is proved: status
 * 3, never 0.
 */
#include <string.h>
#include <time.h>

#include "cage.h"
#include "check.h"
#include "cmd.h"
#include "dockerfile.h"
#include "format.h"

/* Images of an index that are checked; each holds its index open until the documents are written. */
#define IMAGES_MAX 256
/* Environment variable with today's date for tests and for reproducible builds: seconds since 1970. */
#define EPOCH "SOURCE_DATE_EPOCH"

struct check_values {
	struct opt_list policies, deny, detectors;
	const char *dockerfile;
	bool all_platforms, skip_commands;
};

/** One run. */
struct check_run {
	struct call *call;
	struct peel_detectors *detectors;
	struct peel_policy *policies[OPT_LIST_MAX + 1];
	size_t policy_count;
	struct dockerfile *dockerfile;
	struct check_report report;
	/** The image at hand. */
	struct check_image *image;
	bool no_memory;
};

static int take_result(void *arg, const struct peel_result *result)
{
	struct check_run *run = arg;

	run->no_memory = !check_report_add(&run->report, run->image, result);
	return run->no_memory;
}

/* Lines of both, each once. */
static void join_reasons(struct check_image *image, const char *more)
{
	const char *at;
	int len = 0;

	while ((at = format_next_line(&more, &len))) {
		cleanup_free char *line = format_text("%.*s", len, at);
		char *old = image->reasons;

		if (!old || !strstr(old, line)) {
			image->reasons = format_text("%s%s%s", old ? old : "", old ? "\n" : "",
				line);
			free(old);
		}
	}
}

static int check_policy(struct check_run *run, const struct peel_policy *policy)
{
	struct check_image *image = run->image;
	struct peel_check_summary summary = {0};
	struct peel_error err = {0};
	int code = peel_check(image->index, policy, take_result, run, &summary, &err);

	if (code >= 0) {
		join_reasons(image, summary.reasons);
		join_reasons(image, peel_index_answer_reason(image->index));
	}
	free(summary.reasons);
	if (code < 0) {
		return complain_error(&err);
	}
	if (run->no_memory) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	image->passed += summary.passed;
	image->failed += summary.failed;
	image->warned += summary.warned;
	image->skipped += summary.skipped;
	image->unsure += summary.unsure;
	return STATUS_OK;
}

static int add_piece(void *arg, const struct peel_piece *piece)
{
	peel_ledger_add(arg, piece);
	return 0;
}

static int measure(struct check_image *image)
{
	struct peel_error err = {0};
	struct peel_layer_stat stat;
	int code = peel_pieces(image->index, PEEL_BY_ENTRY, false, add_piece, &image->ledger, &err);

	for (int i = 0; code >= 0 && i < peel_layer_count(image->index); i++) {
		code = peel_layer_stat(image->index, i, &stat, &err);
		image->stored_bytes += code < 0 ? 0 : stat.layer.stored_size;
	}
	return code < 0 ? complain_error(&err) : STATUS_OK;
}

/* Figures are in the JSON document alone, and cost a pass over the ledger. */
static bool wants_figures(const struct call *call)
{
	bool wanted = false;

	for (int i = 0; i < call->shared.outputs.count; i++) {
		wanted = wanted || strncmp(call->shared.outputs.items[i], "json", 4) == 0;
	}
	return wanted;
}

/* Which lines of the Dockerfile made the rows of the history. */
static int find_lines(struct check_run *run)
{
	struct check_image *image = run->image;
	const int count = peel_history_count(image->index);
	cleanup_free const char **rows = calloc((size_t)count + 1, sizeof(*rows));
	struct peel_error err = {0};

	image->lines = calloc((size_t)count + 1, sizeof(*image->lines));
	image->line_count = count;
	if (!rows || !image->lines) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	for (int i = 0; i < count; i++) {
		rows[i] = peel_history(image->index, i)->instruction;
	}
	return dockerfile_lines(run->dockerfile, rows, (size_t)count, image->lines, &err) < 0
		? complain_error(&err)
		: STATUS_OK;
}

static int check_image(struct check_run *run)
{
	struct check_image *image = run->image;
	int status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < run->policy_count; i++) {
		status = check_policy(run, run->policies[i]);
	}
	if (status == STATUS_OK && run->dockerfile) {
		status = find_lines(run);
	}
	if (status == STATUS_OK && wants_figures(run->call)) {
		status = measure(image);
	}
	image->status = image->failed > 0             ? STATUS_NO
		: image->unsure > 0 || image->reasons ? STATUS_INCONCLUSIVE
		: peel_index_limit_hit(image->index) || peel_index_failure(image->index)
		? reading_status(image->index, STATUS_OK)
		: STATUS_OK;
	return status;
}

static int open_image(struct check_run *run, unsigned int nth, unsigned int *ret_matches,
	struct peel_error *err)
{
	struct call *call = run->call;
	struct peel_index_options options;

	index_options(call, &options);
	options.facts = true;
	options.detectors = run->detectors;
	options.allow_missing = true;
	options.image.nth = nth;
	options.image.ret_matches = ret_matches;
	return open_index(call, 0, &options, &run->image->index, err);
}

static int open_one(struct check_run *run)
{
	struct peel_error err = {0};

	if (open_image(run, 0, NULL, &err) < 0) {
		return complain_error(&err);
	}
	progress_clear();
	complain_incomplete(run->call, run->call->argv[0], run->image->index);
	run->image->name = "";
	return STATUS_OK;
}

/* An image that the index lists and that cannot be opened leaves the verdict open; the others are checked. */
static int open_nth(struct check_run *run, unsigned int nth, unsigned int *ret_matches)
{
	struct check_image *image = run->image;
	struct peel_error err = {0};
	char name[32];
	int code = open_image(run, nth, ret_matches, &err);

	progress_clear();
	if (code < 0 && (*ret_matches == 0 || !open_is_absent(&err))) {
		return complain_error(&err);
	}
	snprintf(name, sizeof(name), "image %u", nth);
	image->name = keep_text(&run->report.keep,
		code >= 0 && *peel_image_value(image->index, "platform")
			? peel_image_value(image->index, "platform")
			: name);
	image->failure = code < 0 ? keep_text(&run->report.keep, err.message) : NULL;
	if (!image->name || (code < 0 && !image->failure)) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	if (code < 0) {
		image->status = STATUS_INCONCLUSIVE;
		return STATUS_OK;
	}
	complain_incomplete(run->call, run->call->argv[0], image->index);
	return STATUS_OK;
}

static int open_all(struct check_run *run)
{
	unsigned int matches = 0;
	int status = STATUS_OK;

	for (unsigned int nth = 1; status == STATUS_OK && (nth == 1 || nth <= matches); nth++) {
		if (nth > IMAGES_MAX) {
			return complain("more than %d images", IMAGES_MAX), STATUS_INCONCLUSIVE;
		}
		run->image = &run->report.images[nth - 1];
		run->report.count = nth;
		status = open_nth(run, nth, &matches);
		if (nth == 1 && matches > 1 && peel_reference_is_stdin(run->call->argv[0])) {
			complain(
				"standard input holds %u images and can be read once; write it to a file",
				matches);
			return STATUS_ERROR;
		}
	}
	return status;
}

/* Two images of one platform are told apart by their digests, in headings as in fingerprints. */
static bool name_apart(struct check_report *report, struct peel_index *const *indexes)
{
	for (size_t i = 0; report->count > 1 && i < report->count; i++) {
		cleanup_free char *label = indexes[i] ? image_label(indexes, report->count, i)
						      : NULL;

		if (label && *label) {
			report->images[i].name = keep_text(&report->keep, label);
		}
		if (!report->images[i].name) {
			complain("%s", peel_strerror(PEEL_ENOMEM));
			return false;
		}
	}
	return true;
}

/* All that are open; nothing else can be opened from here on. */
static int check_opened(struct check_run *run)
{
	struct peel_index *indexes[IMAGES_MAX];
	int status;

	for (size_t i = 0; i < run->report.count; i++) {
		indexes[i] = run->report.images[i].index;
	}
	status = name_apart(&run->report, indexes)
		? cage_enter(run->call, indexes, (int)run->report.count)
		: STATUS_ERROR;
	for (size_t i = 0; status == STATUS_OK && i < run->report.count; i++) {
		run->image = &run->report.images[i];
		status = run->image->index ? check_image(run) : STATUS_OK;
	}
	return status;
}

/* Violated outranks undecided: it is proved. */
static int verdict(const struct check_report *report)
{
	bool open = false;

	for (size_t i = 0; i < report->count; i++) {
		if (report->images[i].status == STATUS_NO) {
			return STATUS_NO;
		}
		open = open || report->images[i].status != STATUS_OK;
	}
	return open ? STATUS_INCONCLUSIVE : STATUS_OK;
}

/*
 * Today, or SOURCE_DATE_EPOCH where that is later, so that it can be seen what will hold then. An earlier one does not
 * count: builds set it to the day of their sources, and exceptions that are over would hold again.
 */
static bool take_now(int64_t *ret_now)
{
	const char *text = getenv(EPOCH);
	int64_t asked;
	char *end;

	*ret_now = (int64_t)time(NULL);
	if (!text || !*text) {
		return true;
	}
	asked = strtoll(text, &end, 10);
	*ret_now = asked > *ret_now ? asked : *ret_now;
	if (*end || *text < '0' || *text > '9') {
		complain(EPOCH " is no number of seconds");
		return false;
	}
	return true;
}

static int load_policies(struct check_run *run)
{
	const struct check_values *values = run->call->values;
	struct peel_policy_options options = {
		.detectors = run->detectors,
		.skip_command_tests = values->skip_commands,
	};
	struct peel_error err = {0};
	int code = 0;

	if (!take_now(&options.now)) {
		return STATUS_ERROR;
	}
	for (int i = 0; code == 0 && i < values->policies.count; i++) {
		code = peel_policy_load(values->policies.items[i], &options,
			&run->policies[run->policy_count], &err);
		run->policy_count += code == 0;
	}
	if (code == 0 && values->deny.count > 0) {
		code = peel_policy_deny(values->deny.items, (size_t)values->deny.count, &options,
			&run->policies[run->policy_count], &err);
		run->policy_count += code == 0;
	}
	if (code == 0 && values->dockerfile) {
		code = dockerfile_load(values->dockerfile, &run->dockerfile, &err);
	}
	if (code < 0) {
		/* Whatever is wrong with the policy, the image has not been looked at. */
		complain_error(&err);
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

static int check_usage(struct call *call)
{
	const struct check_values *values = call->values;

	if (values->policies.count == 0 && values->deny.count == 0) {
		return complain_usage(call, "what is to be checked? --config FILE or --deny WORDS");
	}
	if (values->all_platforms && (call->shared.platform || call->shared.index_file)) {
		return complain_usage(call,
			"--all-platforms goes with neither --platform nor --index");
	}
	return STATUS_OK;
}

/* The report's status; an error where contents were not kept. Undecided rules and the documents say so before. */
static int missed_status(const struct check_run *run)
{
	int status = run->report.status;

	for (size_t i = 0; i < run->report.count; i++) {
		const struct peel_index *index = run->report.images[i].index;

		status = index && peel_index_missed(index) ? reading_status(index, status) : status;
	}
	return status;
}

static int run_all(struct check_run *run)
{
	const struct check_values *values = run->call->values;
	struct peel_error err = {0};
	int status;

	run->report.images = calloc(IMAGES_MAX, sizeof(*run->report.images));
	run->report.reference = run->call->argv[0];
	run->image = run->report.images;
	if (!run->image) {
		complain("%s", peel_strerror(PEEL_ENOMEM));
		return STATUS_ERROR;
	}
	run->report.count = 1;
	if (peel_detectors_load(values->detectors.items, (size_t)values->detectors.count,
		    &run->detectors, &err) < 0) {
		complain_error(&err);
		return STATUS_ERROR;
	}
	status = load_policies(run);
	run->report.dockerfile = run->dockerfile;
	if (status == STATUS_OK) {
		status = values->all_platforms ? open_all(run) : open_one(run);
	}
	status = status == STATUS_OK ? check_opened(run) : status;
	if (status != STATUS_OK) {
		return status;
	}
	run->report.status = verdict(&run->report);
	status = emit_all(run->call, NULL, check_emit, &run->report);
	return status != STATUS_OK ? status : missed_status(run);
}

static int run_check(struct call *call)
{
	struct check_run run = {.call = call};
	int status = check_usage(call);

	if (status != STATUS_OK) {
		return status;
	}
	status = run_all(&run);
	check_report_finish(&run.report);
	for (size_t i = 0; i < run.policy_count; i++) {
		peel_policy_free(run.policies[i]);
	}
	dockerfile_free(run.dockerfile);
	peel_detectors_free(run.detectors);
	return status;
}

#define AT(member) offsetof(struct check_values, member)

static const struct opt check_options[] = {
	{0, "all-platforms", NULL, OPT_FLAG, AT(all_platforms),
		"every image of an index; the verdict is the worst"},
	{'c', "config", "FILE", OPT_LIST, AT(policies),
		"policy of peel's, container-structure-test's or dive's; repeatable"},
	{0, "deny", "WORDS", OPT_LIST, AT(deny),
		"no python,compiler; python@runtime: merged tree; python:payload: too"},
	{0, "detectors", "FILE", OPT_LIST, AT(detectors), "more detectors; repeatable"},
	{0, "dockerfile", "FILE", OPT_STRING, AT(dockerfile), "say which of its lines is to blame"},
	{0, "skip-command-tests", NULL, OPT_FLAG, AT(skip_commands),
		"command tests, which are never run, do not count"},
	{0},
};

const struct verb cmd_check = {
	.name = "check",
	.operands = "IMAGE",
	.summary = "hold an image against policies",
	.details =
		"Status 0: all rules hold, and all was looked at. 1: a rule is violated. 3: none is, but not\n"
		"everything could be looked at; the reasons are told. Policies: see peel(1), POLICY FILES.\n",
	.options = check_options,
	.values_size = sizeof(struct check_values),
	.image = true,
	.facts = true,
	.formats = "text json junit sarif github markdown",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_check,
};
