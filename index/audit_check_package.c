/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of packages, and queries whose rows are complaints. */
#include <stdio.h>
#include <string.h>

#include <peel/facts.h>
#include <peel/query.h>
#include <peel/text.h>

#include "audit_check_priv.h"
#include "glob.h"
#include "util.h"

/* Whether any pattern fits "/TEXT"; all do where there are none. @return 1, 0, or less than 0. */
static int any_fits(const struct policy_globs *globs, const char *text, size_t *ret_which,
	struct peel_error *err)
{
	char path[PEEL_PATH_MAX];
	int len = snprintf(path, sizeof(path), "/%s", text);

	for (size_t i = 0; i < globs->count; i++) {
		int code = glob_match(globs->list[i], path,
			min_u64((uint64_t)len, sizeof(path) - 1), err);

		if (code != 0) {
			*ret_which = i;
			return code;
		}
	}
	return globs->count == 0;
}

static bool db_fits(const struct policy_texts *dbs, const char *db)
{
	for (size_t i = 0; i < dbs->count; i++) {
		if (strcmp(dbs->list[i], db) == 0) {
			return true;
		}
	}
	return dbs->count == 0;
}

static int complain(struct check *check, const struct policy_rule *rule,
	const struct peel_package *package)
{
	char what[CHECK_TEXT_MAX];
	const struct peel_violation violation = {
		.paths = &package->record,
		.path_count = 1,
		.what = what,
		.layer = package->layer,
		.hidden_by = -1,
		.visible = true,
		.package = package,
	};

	snprintf(what, sizeof(what), "%s package %s %s", package->db, policy_shown(package->name),
		policy_shown(package->version));
	return check_complain(check, rule, &violation);
}

static int tell_missing(struct check *check, const struct policy_rule *rule)
{
	const struct policy_globs *names = &rule->as.package.names;
	int code = 0;

	for (size_t i = 0; code == 0 && i < names->count; i++) {
		if (!check->outcomes[check_number(check, rule)].fits[i]) {
			code = check_complain_text(check, rule, NULL, "no package %s",
				policy_shown(names->list[i] + 1));
		}
	}
	return code;
}

int check_package(struct check *check, const struct policy_rule *rule)
{
	const struct policy_package *wanted = &rule->as.package;
	struct outcome *outcome = &check->outcomes[check_number(check, rule)];
	size_t which = 0;
	size_t ignored;

	outcome->fits = check_alloc(check, wanted->names.count + 1);
	if (!outcome->fits) {
		return check_failed(check);
	}
	for (uint32_t id = 1; id <= peel_package_count(check->index); id++) {
		const struct peel_package *package = peel_package_get(check->index, id);
		int code = db_fits(&wanted->dbs, package->db)
			? any_fits(&wanted->names, package->name, &which, check->err)
			: 0;

		if (code > 0) {
			code = any_fits(&wanted->versions, package->version, &ignored, check->err);
		}
		if (code > 0 && rule->required) {
			outcome->fits[which] = true;
		} else if (code > 0) {
			code = complain(check, rule, package);
		}
		if (code < 0) {
			return code;
		}
	}
	return rule->required ? tell_missing(check, rule) : 0;
}

/* --- sql --- */

struct querying {
	struct check *check;
	const struct policy_rule *rule;
	size_t rows;
	int code;
};

static void print_value(FILE *out, const struct peel_value *value)
{
	switch (value->type) {
	case 'i':
		fprintf(out, "%lld", (long long)value->integer);
		break;
	case 'r':
		fprintf(out, "%g", value->real);
		break;
	case 't':
	case 'b':
		peel_text_print(out, value->bytes, min_u64(value->len, CHECK_TEXT_MAX));
		break;
	default:
		fputs("null", out);
	}
}

/* A row as "column=value, …"; a column "path" is the path, "layer" the layer. */
static int take_row(void *arg, int columns, const char *const *names,
	const struct peel_value *values)
{
	struct querying *querying = arg;
	struct peel_violation violation = {.layer = -1, .hidden_by = -1, .visible = true};
	char what[CHECK_TEXT_MAX] = "";
	cleanup_free char *path = NULL;
	FILE *out;

	querying->rows++;
	if (querying->rule->required) {
		return 1;
	}
	out = fmemopen(what, sizeof(what) - 1, "w");
	if (!out) {
		querying->code = peel_fail(querying->check->err, PEEL_ENOMEM, "out of memory");
		return querying->code;
	}
	for (int i = 0; i < columns; i++) {
		if (strcmp(names[i], "path") == 0 && !path && values[i].type == 't') {
			path = strndup(values[i].bytes, values[i].len);
		}
		if (strcmp(names[i], "layer") == 0 && values[i].type == 'i' &&
			values[i].integer >= 0 && values[i].integer < querying->check->layers) {
			violation.layer = (int)values[i].integer;
		}
		fputs(i ? ", " : "", out);
		peel_text_print(out, names[i], strlen(names[i]));
		putc('=', out);
		print_value(out, &values[i]);
	}
	fclose(out);
	violation.what = what;
	violation.paths = (const char *const *)&path;
	violation.path_count = path ? 1 : 0;
	querying->code = check_complain(querying->check, querying->rule, &violation);
	return querying->code;
}

int check_sql(struct check *check, const struct policy_rule *rule)
{
	struct querying querying = {.check = check, .rule = rule};
	struct peel_error why = {0};
	int code = peel_sql(check->index, rule->as.text, take_row, &querying, &why);

	if (querying.code < 0) {
		return querying.code;
	}
	if (code < 0) {
		return peel_fail(check->err, code, "%s:%d: %s: %s",
			policy_shown(check->policy->file), rule->line, rule->where, why.message);
	}
	return rule->required && querying.rows == 0
		? check_complain_text(check, rule, NULL, "the query has no rows")
		: 0;
}
