/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What databases and the configuration say. A command of the configuration counts for a detector where a word
 * of it has a
 * name that its rules know, or comes to a file that the detector has found: an entrypoint "/app/run" that is an
 * interpreter under another name, or a script for one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/facts.h>
#include <peel/query.h>

#include "audit_detect_priv.h"
#include "json.h"
#include "util.h"

/* Most words of one command that are looked at, and the longest. */
#define WORDS_MAX 256
#define WORD_MAX 4096

/* What ends a word of a command that a shell takes apart. */
static const char separators[] = " \t\r\n;|&()<>'\"`=";

static void set_base(struct detect *detect, bool shipped)
{
	detect->base = (struct found){
		.visible = true,
		.shipped = shipped,
		.layer = -1,
		.hidden_by = -1,
	};
}

static int take_rule(void *arg, uint32_t rule, const struct peel_evidence *evidence, size_t count)
{
	struct detect *detect = arg;

	return detect->asked[detect->detectors->rules[rule].detector]
		? found_add(detect, rule, evidence, count, NULL)
		: 0;
}

/* True where a detector has found something that can run X's programs, or holds it, in the merged tree. */
static bool detector_found(const struct detect *detect, uint32_t detector, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct found *found = detect->founds.list[i];

		if (found->visible && found_rule(detect, found)->detector == detector &&
			found_rule(detect, found)->tier <= PEEL_TIER_EMBEDDER) {
			return true;
		}
	}
	return false;
}

static int look_at_package(struct detect *detect, const struct peel_package *package)
{
	const struct peel_evidence evidence = {"package", detect->line, -1};
	char rooted[DETECT_LINE_MAX + 2];
	int len = snprintf(rooted, sizeof(rooted), "/%s", package->name);
	int r;

	set_base(detect, true);
	detect->base.layer = package->layer;
	detect->base.package = package->id;
	snprintf(detect->line, sizeof(detect->line), "%s: %s %s", package->db, package->name,
		package->version);
	match_begin(detect->match, DETECTOR_PACKAGE);
	match_text(detect->match, DETECTOR_PACKAGE_NAME, rooted,
		(size_t)len < sizeof(rooted) ? (size_t)len : sizeof(rooted) - 1, "package",
		evidence.text, -1);
	if (!match_triggered(detect->match)) {
		return 0;
	}
	len = snprintf(rooted, sizeof(rooted), "/%s", package->db);
	match_text(detect->match, DETECTOR_PACKAGE_DB, rooted, (size_t)len, "package",
		evidence.text, -1);
	r = found_name_add(detect, &detect->base.names, &detect->base.name_count, package->record,
		strlen(package->record));
	return r < 0 ? r : match_finish(detect->match, take_rule, detect);
}

int detect_packages(struct detect *detect)
{
	const size_t before = detect->founds.count;
	int r = 0;

	for (uint32_t id = 1; r >= 0 && id <= peel_package_count(detect->index); id++) {
		r = look_at_package(detect, peel_package_get(detect->index, id));
	}
	for (size_t i = before; r >= 0 && i < detect->founds.count; i++) {
		struct found *found = detect->founds.list[i];

		if (!detector_found(detect, found_rule(detect, found)->detector, before)) {
			found->notes |= DETECT_GONE;
		}
	}
	return r < 0 ? r : 0;
}

/* A word of a command: what it comes to in the image. */
struct word {
	const char *text;
	size_t len;
	uint64_t ino;
	char *path;
};

struct command {
	struct word words[WORDS_MAX];
	size_t count;
};

static void finish_command(struct command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		free(command->words[i].path);
	}
}

/* Take a string of the configuration apart. */
static void add_words(struct command *command, const char *text)
{
	while (*text && command->count < WORDS_MAX) {
		const size_t len = strcspn(text, separators);

		if (len > 0 && len < WORD_MAX) {
			command->words[command->count++] = (struct word){.text = text, .len = len};
		}
		text += len;
		text += strspn(text, separators);
	}
}

/* The row of a detector's rule about commands. @return false: it has none. */
static bool command_rule(const struct detect *detect, uint32_t detector, uint32_t *ret_rule)
{
	const struct detector *one = &detect->detectors->list[detector];

	for (uint32_t i = one->first_rule; i < one->end_rule; i++) {
		if (detect->detectors->rules[i].on == DETECTOR_CONFIG &&
			detect->detectors->rules[i].tier == PEEL_TIER_DEPENDENT) {
			*ret_rule = i;
			return true;
		}
	}
	return false;
}

/* A word comes to a file that a detector found. */
static int add_found_word(struct detect *detect, const char *text, const struct word *word,
	const struct found *target, size_t before)
{
	const struct peel_evidence evidence[] = {{"config", text, -1}, {"link", word->path, -1}};
	const uint32_t detector = found_rule(detect, target)->detector;
	uint32_t rule;

	if (!command_rule(detect, detector, &rule)) {
		return 0;
	}
	for (size_t i = before; i < detect->founds.count; i++) {
		if (found_rule(detect, detect->founds.list[i])->detector == detector) {
			return 0;
		}
	}
	return found_add(detect, rule, evidence, countof(evidence), NULL);
}

/* Say of findings by name what the words come to; then look for words that come to what was found. */
static int resolve_words(struct detect *detect, struct command *command, const char *text,
	size_t before, size_t files)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < command->count; i++) {
		struct word *word = &command->words[i];

		r = detect_resolve(detect, word->text, word->len, &word->ino, &word->path);
		for (size_t j = 0; r > 0 && j < files; j++) {
			const struct found *found = detect->founds.list[j];
			const enum peel_tier tier = found_rule(detect, found)->tier;

			if (found->ino == word->ino && found->visible &&
				(tier <= PEEL_TIER_EMBEDDER || tier == PEEL_TIER_DEPENDENT)) {
				r = add_found_word(detect, text, word, found, before);
				r = r < 0 ? r : 1;
			}
		}
	}
	return r < 0 ? r : 0;
}

/* Of findings by name: what the word comes to, or that it comes to nothing. */
static int note_words(struct detect *detect, const struct command *command, size_t before)
{
	int r = 0;

	for (size_t i = before; r >= 0 && i < detect->founds.count; i++) {
		struct found *found = detect->founds.list[i];
		const struct found_evidence *one = found->evidence;
		bool resolved = false;

		for (; r >= 0 && one && !resolved; one = one->next) {
			for (size_t j = 0; r >= 0 && j < command->count && !resolved; j++) {
				const struct word *word = &command->words[j];

				if (word->path && strlen(one->evidence.text) == word->len &&
					memcmp(one->evidence.text, word->text, word->len) == 0) {
					const struct peel_evidence link = {"link", word->path, -1};

					resolved = true;
					r = found_evidence_add(detect, found, &link);
				}
			}
		}
		found->notes |= resolved ? 0 : DETECT_UNRESOLVED;
	}
	return r < 0 ? r : 0;
}

/* Words by their last component, for rules. */
static int match_words(struct detect *detect, const struct command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		const struct word *word = &command->words[i];
		const char *slash = memrchr(word->text, '/', word->len);
		const char *name = slash ? slash + 1 : word->text;
		const size_t len = (size_t)(word->text + word->len - name);
		char rooted[WORD_MAX + 2];
		char *shown = found_alloc(detect, word->len + 1);

		if (!shown) {
			return found_failed(detect);
		}
		memcpy(shown, word->text, word->len);
		shown[word->len] = '\0';
		snprintf(rooted, sizeof(rooted), "/%.*s", (int)len, name);
		match_text(detect->match, DETECTOR_COMMAND, rooted, len + 1, "config", shown, -1);
	}
	return 0;
}

static int look_at_command(struct detect *detect, const char *key, const json_t *value,
	size_t files)
{
	cleanup_free struct command *command = calloc(1, sizeof(*command));
	cleanup_free char *text = json_dumps(value, JSON_ENCODE_ANY);
	const size_t before = detect->founds.count;
	char name[64];
	json_t *element;
	size_t i;
	int r;

	if (!command || !text) {
		return peel_fail(detect->err, PEEL_ENOMEM, "no memory for the configuration");
	}
	if (json_is_string(value)) {
		add_words(command, json_string_value(value));
	}
	json_array_foreach (value, i, element) {
		add_words(command, json_is_string(element) ? json_string_value(element) : "");
	}
	set_base(detect, false);
	r = snprintf(name, sizeof(name), "config:%s", key);
	r = found_name_add(detect, &detect->base.names, &detect->base.name_count, name, (size_t)r);
	match_begin(detect->match, DETECTOR_CONFIG);
	r = r < 0 ? r : match_words(detect, command);
	r = r < 0 ? r : match_finish(detect->match, take_rule, detect);
	if (r >= 0) {
		r = resolve_words(detect, command, text, before, files);
		r = r < 0 ? r : note_words(detect, command, before);
	}
	finish_command(command);
	return r;
}

/* Names of variables: their values may be secrets, and are not told. */
static int look_at_env(struct detect *detect, const json_t *env)
{
	json_t *element;
	size_t i;
	int r;

	set_base(detect, false);
	r = found_name_add(detect, &detect->base.names, &detect->base.name_count, "config:Env",
		strlen("config:Env"));
	match_begin(detect->match, DETECTOR_CONFIG);
	json_array_foreach (env, i, element) {
		const char *text = json_is_string(element) ? json_string_value(element) : "";
		const size_t len = strcspn(text, "=");
		char *rooted = r < 0 ? NULL : found_alloc(detect, len + 2);

		if (!rooted) {
			return r < 0 ? r : found_failed(detect);
		}
		rooted[0] = '/';
		memcpy(rooted + 1, text, len);
		rooted[len + 1] = '\0';
		if (len > 0 && !memchr(text, '/', len)) {
			match_text(detect->match, DETECTOR_ENV, rooted, len + 1, "config",
				rooted + 1, -1);
		}
	}
	return match_finish(detect->match, take_rule, detect);
}

static int look_at_user(struct detect *detect, const char *user)
{
	char rooted[DETECT_LINE_MAX];
	int len = snprintf(rooted, sizeof(rooted), "/%s", *user ? user : "root");
	int r;

	set_base(detect, false);
	r = found_name_add(detect, &detect->base.names, &detect->base.name_count, "config:User",
		strlen("config:User"));
	match_begin(detect->match, DETECTOR_CONFIG);
	if (len < (int)sizeof(rooted)) {
		match_text(detect->match, DETECTOR_USER, rooted, (size_t)len, "config",
			*user ? user : "(none)", -1);
	}
	return r < 0 ? r : match_finish(detect->match, take_rule, detect);
}

int detect_config(struct detect *detect)
{
	static const char *const commands[] = {"Entrypoint", "Cmd", "Shell"};
	const char *text = peel_image_value(detect->index, "config");
	const size_t files = detect->founds.count;
	cleanup_json json_t *root = NULL;
	const json_t *config;
	int r;

	if (!text || !*text) {
		return 0;
	}
	r = json_parse_again("configuration", text, strlen(text), &root, detect->err);
	config = r < 0 ? NULL : json_member(root, "config");
	for (size_t i = 0; r >= 0 && i < countof(commands); i++) {
		const json_t *value = json_member(config, commands[i]);

		r = value ? look_at_command(detect, commands[i], value, files) : 0;
	}
	if (r >= 0 && json_member(config, "Healthcheck")) {
		const json_t *test = json_member(json_member(config, "Healthcheck"), "Test");

		r = test ? look_at_command(detect, "Healthcheck", test, files) : 0;
	}
	r = r < 0 ? r : look_at_env(detect, json_member(config, "Env"));
	r = r < 0 || !config ? r : look_at_user(detect, json_text(config, "User"));
	return r < 0 ? r : 0;
}
