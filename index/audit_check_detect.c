/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of detectors: one detection for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/text.h>

#include "audit_check_priv.h"
#include "glob.h"
#include "util.h"

/* The detector that lists archives which could hold more. */
#define ARCHIVES "archive"
/* Its rule for what is looked into all the same. */
#define LOOKED_INTO ARCHIVES "/bundle"

/* One detector of one rule. */
struct asked {
	const struct policy_rule *rule;
	const struct policy_detector *detector;
	struct glob_set *allow;
};

struct gathering {
	struct check *check;
	struct asked *list;
	size_t count;
	const struct policy_rule *expanded;
	/** Archives that were not looked into and that no exception names: those of the merged tree among them. */
	uint64_t unexpanded, unexpanded_visible;
	bool failed;
};

static bool is_allowed(const struct asked *asked, const struct peel_detection *detection)
{
	uint32_t id;

	for (size_t i = 0; asked->allow && i < detection->path_count; i++) {
		if (!glob_set_first(asked->allow, detection->paths[i], strlen(detection->paths[i]),
			    &id)) {
			return false;
		}
	}
	return asked->allow && detection->path_count > 0;
}

static int complain(struct check *check, const struct policy_rule *rule,
	const struct peel_detection *detection)
{
	char what[CHECK_TEXT_MAX];
	const struct peel_violation violation = {
		.paths = detection->paths,
		.path_count = detection->path_count,
		.what = peel_text_escape_into(what, sizeof(what), detection->title,
			strlen(detection->title)),
		.layer = detection->layer,
		.hidden_by = detection->hidden_by,
		.visible = detection->visible,
		.bytes = detection->bytes,
		.evidence = detection->evidence,
		.evidence_count = detection->evidence_count,
		.package = detection->package,
	};

	return check_complain(check, rule, &violation);
}

/* An archive; what is looked into is none that was left, and an exception may name what is. */
static int take_archive(struct gathering *gathering, const struct peel_detection *detection)
{
	const struct policy_rule *rule = gathering->expanded;
	const struct outcome *outcome =
		&gathering->check->outcomes[check_number(gathering->check, rule)];
	const size_t before = outcome->total;
	int code;

	if (strcmp(detection->rule, LOOKED_INTO) == 0) {
		return 0;
	}
	code = complain(gathering->check, rule, detection);
	if (outcome->total > before) {
		gathering->unexpanded++;
		gathering->unexpanded_visible += detection->visible;
	}
	return code;
}

static int take(void *arg, const struct peel_detection *detection)
{
	struct gathering *gathering = arg;
	struct check *check = gathering->check;
	int code = 0;

	for (size_t i = 0; code == 0 && i < gathering->count; i++) {
		const struct asked *asked = &gathering->list[i];
		const struct policy_detector *detector = asked->detector;
		struct outcome *outcome = &check->outcomes[check_number(check, asked->rule)];

		if (strcmp(detector->name, detection->detector) != 0 ||
			!(detector->tiers & 1u << detection->tier)) {
			continue;
		}
		if (asked->rule->required) {
			outcome->fits[detector - asked->rule->as.detect.list] |= detection->visible;
		} else if (detector->runtime && !detection->visible) {
			continue;
		} else if (is_allowed(asked, detection)) {
			outcome->allowed++;
		} else {
			code = complain(check, asked->rule, detection);
		}
	}
	if (code == 0 && gathering->expanded && strcmp(detection->detector, ARCHIVES) == 0) {
		code = take_archive(gathering, detection);
	}
	gathering->failed = code < 0;
	return code;
}

static int add_asked(struct gathering *gathering, const struct policy_rule *rule)
{
	struct check *check = gathering->check;
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	int code = 0;

	outcome->fits = check_alloc(check, rule->as.detect.count + 1);
	if (!outcome->fits) {
		return check_failed(check);
	}
	for (size_t i = 0; code == 0 && i < rule->as.detect.count; i++) {
		struct asked *asked = &gathering->list[gathering->count++];

		*asked = (struct asked){.rule = rule, .detector = &rule->as.detect.list[i]};
		if (asked->detector->allow.count > 0) {
			code = glob_set_new(&asked->allow, check->err);
			if (code == 0) {
				code = check_globs(check, &asked->detector->allow, asked->allow, 0,
					false);
			}
		}
	}
	return code;
}

/* What is required and was not found. */
static int require(struct gathering *gathering)
{
	struct check *check = gathering->check;
	int code = 0;

	for (size_t i = 0; code == 0 && i < gathering->count; i++) {
		const struct asked *asked = &gathering->list[i];
		const struct outcome *outcome = &check->outcomes[check_number(check, asked->rule)];

		if (asked->rule->required &&
			!outcome->fits[asked->detector - asked->rule->as.detect.list]) {
			code = check_complain_text(check, asked->rule, NULL,
				"no %s in the merged tree", policy_shown(asked->detector->name));
		}
	}
	return code;
}

static int run(struct gathering *gathering)
{
	struct check *check = gathering->check;
	cleanup_free const char **names = calloc(gathering->count + 1, sizeof(*names));
	struct peel_detect_summary summary = {0};
	size_t count = 0;
	int code;

	if (!names) {
		return peel_fail(check->err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < gathering->count; i++) {
		names[count++] = gathering->list[i].detector->name;
	}
	if (gathering->expanded) {
		names[count++] = ARCHIVES;
	}
	code = peel_detect(check->index, check->policy->detectors, names, count, take, gathering,
		&summary, check->err);
	if (code > 0) {
		code = gathering->failed ? check_failed(check) : 0;
	}
	if (code == 0 && gathering->expanded && gathering->unexpanded > 0) {
		code = check_unsure(check, gathering->expanded,
			"%llu archives were not looked into, %llu of them in the merged tree",
			(unsigned long long)gathering->unexpanded,
			(unsigned long long)gathering->unexpanded_visible);
	}
	for (size_t i = 0; code == 0 && summary.partial > 0 && i < gathering->count; i++) {
		code = check_unsure(check, gathering->list[i].rule, "%llu archive%s listed in part",
			(unsigned long long)summary.partial,
			summary.partial == 1 ? " was" : "s were");
	}
	for (const char *line = summary.reasons; code == 0 && line && *line;) {
		size_t len = strcspn(line, "\n");

		code = check_reason(check, line, len);
		line += len + (line[len] == '\n');
	}
	free(summary.reasons);
	return code == 0 ? require(gathering) : code;
}

int check_gather_detections(struct check *check)
{
	struct gathering gathering = {.check = check};
	size_t count = 0;
	int code = 0;

	for (size_t i = 0; i < check->policy->rule_count; i++) {
		const struct policy_rule *rule = &check->policy->rules[i];

		count += rule->type == POLICY_DETECT ? rule->as.detect.count : 0;
		gathering.expanded = rule->type == POLICY_EXPANDED ? rule : gathering.expanded;
	}
	if (count == 0 && !gathering.expanded) {
		return 0;
	}
	gathering.list = check_alloc(check, (count + 1) * sizeof(*gathering.list));
	if (!gathering.list) {
		return check_failed(check);
	}
	for (size_t i = 0; code == 0 && i < check->policy->rule_count; i++) {
		if (check->policy->rules[i].type == POLICY_DETECT) {
			code = add_asked(&gathering, &check->policy->rules[i]);
		}
	}
	if (code == 0) {
		code = run(&gathering);
	}
	for (size_t i = 0; i < gathering.count; i++) {
		glob_set_free(gathering.list[i].allow);
	}
	return code;
}
