/* SPDX-License-Identifier: Apache-2.0 */
/* Values of policies: words, lists, patterns, sizes; each refusal names the file and the line. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <peel/text.h>

#include "audit_policy_priv.h"
#include "glob.h"
#include "util.h"

/* Characters of a list that a title shows. */
#define JOINED_MAX 200

const char *policy_shown(const char *text)
{
	static _Thread_local char shown[4][200];
	static _Thread_local unsigned int next;
	char *buf = shown[next++ % countof(shown)];

	return peel_text_escape_into(buf, sizeof(shown[0]), text, strlen(text));
}

int policy_fail(struct peel_policy *policy, const struct yaml *node, struct peel_error *err,
	const char *format, ...)
{
	char message[PEEL_MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return yaml_fail(policy->document, node, err, "%s", message);
}

int policy_keys(struct peel_policy *policy, const struct yaml *map, const char *what,
	const char *const *known, struct peel_error *err)
{
	const struct yaml *unknown;
	char list[400] = "";
	size_t len = 0;

	for (size_t i = 0; known[i] && len < sizeof(list); i++) {
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
			known[i]);
	}
	if (!map || map->type != YAML_MAP) {
		return policy_fail(policy, map, err, "%s is a map of %s", what, list);
	}
	unknown = yaml_unknown(map, known);
	return unknown ? policy_fail(policy, unknown, err, "%s has no '%s': it has %s", what,
				 policy_shown(unknown->text), list)
		       : 0;
}

int policy_word(struct peel_policy *policy, const struct yaml *node, const char *what,
	const char **ret_text, struct peel_error *err)
{
	if (!node || node->type != YAML_SCALAR || yaml_is_null(node)) {
		return policy_fail(policy, node, err, "%s is a text", what);
	}
	*ret_text = node->text;
	return 0;
}

int policy_words(struct peel_policy *policy, const struct yaml *node, const char *what,
	struct policy_texts *ret_texts, struct peel_error *err)
{
	const size_t count = node && node->type == YAML_LIST ? node->count : 1;
	const char **list = policy_alloc(policy, count + 1, sizeof(*list));
	int code = list ? 0 : policy_no_memory(err);

	if (code == 0 && (!node || node->type == YAML_MAP || count == 0)) {
		code = policy_fail(policy, node, err, "%s is a text or a list of texts", what);
	}
	for (size_t i = 0; code == 0 && node && i < count; i++) {
		code = policy_word(policy, node->type == YAML_LIST ? node->items[i] : node, what,
			&list[i], err);
	}
	*ret_texts = (struct policy_texts){list, count};
	return code;
}

int policy_globs(struct peel_policy *policy, const struct yaml *node, const char *what,
	const char *prefix, struct policy_globs *ret_globs, struct peel_error *err)
{
	struct policy_texts words = {0};
	int code = policy_words(policy, node, what, &words, err);
	const char **list = policy_alloc(policy, words.count + 1, sizeof(*list));

	if (code == 0 && !list) {
		code = policy_no_memory(err);
	}
	for (size_t i = 0; code == 0 && i < words.count; i++) {
		const struct yaml *item = node->type == YAML_LIST ? node->items[i] : node;
		struct peel_error why = {0};

		list[i] = policy_text(policy, "%s%s", prefix, words.list[i]);
		if (!list[i]) {
			return policy_no_memory(err);
		}
		if (++policy->glob_count > POLICY_GLOBS_MAX) {
			return policy_fail(policy, item, err, "there are more than %d patterns",
				POLICY_GLOBS_MAX);
		}
		code = glob_match(list[i], "/", 1, &why);
		code = code == PEEL_ENOMEM ? policy_no_memory(err)
			: code < 0         ? policy_fail(policy, item, err, "%s", why.message)
					   : 0;
	}
	*ret_globs = (struct policy_globs){list, words.count};
	return code;
}

static const struct {
	const char *unit;
	uint64_t factor;
} units[] = {
	{"", 1},
	{"b", 1},
	{"k", 1000},
	{"kb", 1000},
	{"m", 1000000},
	{"mb", 1000000},
	{"g", 1000000000},
	{"gb", 1000000000},
	{"t", UINT64_C(1000000000000)},
	{"tb", UINT64_C(1000000000000)},
	{"p", UINT64_C(1000000000000000)},
	{"pb", UINT64_C(1000000000000000)},
	{"e", UINT64_C(1000000000000000000)},
	{"eb", UINT64_C(1000000000000000000)},
	{"ki", UINT64_C(1) << 10},
	{"kib", UINT64_C(1) << 10},
	{"mi", UINT64_C(1) << 20},
	{"mib", UINT64_C(1) << 20},
	{"gi", UINT64_C(1) << 30},
	{"gib", UINT64_C(1) << 30},
	{"ti", UINT64_C(1) << 40},
	{"tib", UINT64_C(1) << 40},
	{"pi", UINT64_C(1) << 50},
	{"pib", UINT64_C(1) << 50},
	{"ei", UINT64_C(1) << 60},
	{"eib", UINT64_C(1) << 60},
};

/* Digits with at most one point; a comma between digits is passed over, as humanize does. No locale has a say. */
static int parse_decimal(const char **text, long double *ret_number)
{
	const char *at = *text;
	long double number = 0;
	long double place = 0;
	bool digits = false;

	for (; isdigit((unsigned char)*at) || *at == '.' || *at == ','; at++) {
		if (*at == '.') {
			if (place != 0) {
				return -1;
			}
			place = 1;
		} else if (*at != ',') {
			digits = true;
			number = number * 10 + (*at - '0');
			place *= 10;
		}
	}
	*text = at;
	*ret_number = place > 1 ? number / place : number;
	return digits ? 0 : -1;
}

int policy_parse_size(const char *text, uint64_t *ret_bytes)
{
	long double number;

	if (parse_decimal(&text, &number) < 0) {
		return -1;
	}
	while (*text == ' ') {
		text++;
	}
	for (size_t i = 0; i < countof(units); i++) {
		if (strcasecmp(units[i].unit, text) == 0) {
			number *= (long double)units[i].factor;
			if (number >= (long double)UINT64_MAX) {
				return -1;
			}
			*ret_bytes = (uint64_t)number;
			return 0;
		}
	}
	return -1;
}

int policy_size(struct peel_policy *policy, const struct yaml *node, const char *what,
	uint64_t *ret_bytes, struct peel_error *err)
{
	if (!node || node->type != YAML_SCALAR || policy_parse_size(node->text, ret_bytes) < 0) {
		return policy_fail(policy, node, err, "%s is a size, as 8GiB, 20MB or 512", what);
	}
	return 0;
}

int policy_bool(struct peel_policy *policy, const struct yaml *node, const char *what,
	bool *ret_value, struct peel_error *err)
{
	return yaml_bool(node, ret_value) < 0
		? policy_fail(policy, node, err, "%s is true or false", what)
		: 0;
}

const char *policy_joined(struct peel_policy *policy, const char *const *list, size_t count)
{
	char text[JOINED_MAX + 4];
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < count && len < JOINED_MAX; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
			policy_shown(list[i]));
	}
	if (len >= JOINED_MAX) {
		memcpy(text + JOINED_MAX - 3, "...", 4);
	}
	return policy_text(policy, "%s", text);
}

unsigned int policy_tiers(const struct policy_texts *words)
{
	unsigned int tiers = 0;

	for (size_t i = 0; i < words->count; i++) {
		enum peel_tier tier = peel_tier_parse(words->list[i]);

		if (!tier) {
			return 0;
		}
		tiers |= 1u << tier;
	}
	return tiers;
}

int policy_detector_known(const struct peel_policy *policy, const char *name,
	struct peel_error *err)
{
	char list[500] = "";
	size_t len = 0;

	for (size_t i = 0; i < peel_detector_count(policy->detectors); i++) {
		const char *known = peel_detector_get(policy->detectors, i)->name;

		if (strcmp(known, name) == 0) {
			return 0;
		}
		if (len < sizeof(list)) {
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
				len ? ", " : "", known);
		}
	}
	return peel_fail(err, PEEL_EUSAGE, "there is no detector '%s': there are %s",
		policy_shown(name), list);
}

const char *policy_detect_title(struct peel_policy *policy, const struct policy_detect *detect,
	bool required)
{
	const char *title = required ? "there is" : "there is no";

	for (size_t i = 0; title && i < detect->count; i++) {
		const struct policy_detector *one = &detect->list[i];

		title = policy_text(policy, "%s%s %s", title,
			i ? (required ? " and" : " and no") : "", policy_shown(one->name));
		if (title && one->tiers != POLICY_TIERS_DEFAULT) {
			char tiers[100] = "";
			size_t len = 0;

			for (int tier = 1; tier <= PEEL_TIER_DECLARED; tier++) {
				if (one->tiers & 1u << tier) {
					len += (size_t)snprintf(tiers + len, sizeof(tiers) - len,
						"%s%s", len ? ", " : "",
						peel_tier_name((enum peel_tier)tier));
				}
			}
			title = policy_text(policy, "%s (%s)", title, tiers);
		}
		if (title && one->runtime && !required) {
			title = policy_text(policy, "%s in the merged tree", title);
		}
	}
	return title;
}
