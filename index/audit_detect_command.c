/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: what a script's first line calls, and what a command comes to in the image, by the image's own PATH.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/query.h>

#include "audit_detect_priv.h"
#include "util.h"

/* What docker gives a container whose image sets none. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char blanks[] = " \t\r";

/* Words of a line, one after the other. */
struct words {
	const char *at;
	const char *end;
};

static bool next_word(struct words *words, const char **ret_word, size_t *ret_len)
{
	while (words->at < words->end && strchr(blanks, *words->at)) {
		words->at++;
	}
	*ret_word = words->at;
	while (words->at < words->end && !strchr(blanks, *words->at)) {
		words->at++;
	}
	*ret_len = (size_t)(words->at - *ret_word);
	return *ret_len > 0;
}

static bool is_env(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	const char *name = slash ? slash + 1 : path;

	return (size_t)(path + len - name) == 3 && memcmp(name, "env", 3) == 0;
}

/*
 * What env runs: the first word that is no option and sets no variable. "-S" and "--split-string=" may have it behind
 * them without a blank; -u, -C and --unset take the next word.
 */
static bool env_command(struct words *words, const char **ret_command, size_t *ret_len)
{
	static const char split[] = "--split-string=";

	while (next_word(words, ret_command, ret_len)) {
		const char *word = *ret_command;
		const size_t len = *ret_len;

		if (len > strlen(split) && memcmp(word, split, strlen(split)) == 0) {
			*ret_command += strlen(split);
			*ret_len -= strlen(split);
			return true;
		}
		if (word[0] != '-') {
			if (!memchr(word, '=', len)) {
				return true;
			}
			continue;
		}
		if (len > 1 && word[1] != '-') {
			const char *option = memchr(word, 'S', len);

			if (option && option + 1 < word + len) {
				*ret_command = option + 1;
				*ret_len = (size_t)(word + len - option - 1);
				return true;
			}
		}
		if (len == 2 && (word[1] == 'u' || word[1] == 'C')) {
			next_word(words, ret_command, ret_len);
		}
	}
	return false;
}

bool detect_script_command(const char *line, size_t len, const char **ret_command, size_t *ret_len)
{
	struct words words = {line + 2, line + len};

	if (len < 3 || memcmp(line, "#!", 2) != 0 || !next_word(&words, ret_command, ret_len)) {
		return false;
	}
	return !is_env(*ret_command, *ret_len) || env_command(&words, ret_command, ret_len);
}

/* A regular file at a path. @return 1, 0 or PEEL_ENOMEM. */
static int resolve_file(struct detect *detect, const char *path, size_t len, uint64_t *ret_ino,
	char **ret_path)
{
	cleanup_free char *canonical = NULL;
	struct peel_error ignored = {0};
	struct peel_node node;
	int r = peel_resolve(detect->index, PEEL_VIEW_MERGED, 0, path, len, true, &node, &canonical,
		&ignored);

	if (r == PEEL_ENOMEM) {
		return peel_fail(detect->err, PEEL_ENOMEM, "no memory for a path");
	}
	if (r < 0 || !S_ISREG(node.mode)) {
		return 0;
	}
	*ret_ino = node.ino;
	*ret_path = steal_pointer(&canonical);
	return 1;
}

int detect_resolve(struct detect *detect, const char *command, size_t len, uint64_t *ret_ino,
	char **ret_path)
{
	const char *path = peel_image_value(detect->index, "env_path");
	int r = 0;

	if (len == 0 || len >= PEEL_PATH_MAX) {
		return 0;
	}
	if (memchr(command, '/', len)) {
		return resolve_file(detect, command, len, ret_ino, ret_path);
	}
	path = path && *path ? path : DEFAULT_PATH;
	while (r == 0 && *path) {
		char candidate[2 * PEEL_PATH_MAX];
		const size_t element = strcspn(path, ":");

		if (element < PEEL_PATH_MAX) {
			const int made = snprintf(candidate, sizeof(candidate), "%.*s/%.*s",
				(int)element, path, (int)len, command);

			r = resolve_file(detect, candidate, (size_t)made, ret_ino, ret_path);
		}
		path += element + (path[element] == ':');
	}
	return r;
}

/* The line of a finding's script, NULL: it has none. */
static const char *script_line(const struct found *found)
{
	for (const struct found_evidence *one = found->evidence; one; one = one->next) {
		if (strcmp(one->evidence.type, "script") == 0) {
			return one->evidence.text;
		}
	}
	return NULL;
}

int detect_interpreters(struct detect *detect)
{
	cleanup_free char *path = NULL;
	const char *known = "";
	int r = 0;

	/* Scripts of a folder mostly have the same first line: what the last one came to is kept. */
	for (size_t i = 0; r >= 0 && i < detect->founds.count; i++) {
		struct found *found = detect->founds.list[i];
		const char *line = found->visible ? script_line(found) : NULL;
		const char *command;
		uint64_t ino;
		size_t len;

		if (!line || found_rule(detect, found)->tier != PEEL_TIER_DEPENDENT) {
			continue;
		}
		if (strcmp(line, known) != 0) {
			free(path);
			path = NULL;
			known = line;
			if (detect_script_command(line, strlen(line), &command, &len)) {
				r = detect_resolve(detect, command, len, &ino, &path);
			}
		}
		if (path) {
			const struct peel_evidence evidence = {"link", path, -1};

			r = r < 0 ? r : found_evidence_add(detect, found, &evidence);
		} else {
			found->notes |= DETECT_UNRESOLVED;
		}
	}
	return r < 0 ? r : 0;
}
