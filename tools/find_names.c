/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of names: globs on the last component, the whole path and a link's target, and regular expressions. */
#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "find.h"

/* The syntaxes that -regextype names, as GNU findutils has them. */
static const struct {
	const char *name;
	reg_syntax_t syntax;
} syntaxes[] = {
	{"findutils-default", RE_SYNTAX_EMACS | RE_DOT_NEWLINE},
	{"ed", RE_SYNTAX_ED},
	{"emacs", RE_SYNTAX_EMACS},
	{"gnu-awk", RE_SYNTAX_GNU_AWK},
	{"grep", RE_SYNTAX_GREP},
	{"posix-awk", RE_SYNTAX_POSIX_AWK},
	{"awk", RE_SYNTAX_AWK},
	{"posix-basic", RE_SYNTAX_POSIX_BASIC},
	{"posix-egrep", RE_SYNTAX_POSIX_EGREP},
	{"egrep", RE_SYNTAX_EGREP},
	{"posix-extended", RE_SYNTAX_POSIX_EXTENDED},
	{"posix-minimal-basic", RE_SYNTAX_POSIX_MINIMAL_BASIC},
	{"sed", RE_SYNTAX_SED},
};

bool find_parse_name(struct find *find, struct find_node *node, const char *arg)
{
	if (find->warn && strchr(arg, '/')) {
		complain(
			"warning: %s matches against basenames only, but the given pattern contains a directory"
			" separator ('/'), thus the expression will evaluate to false all the time."
			"  Did you mean '%s'?",
			node->primary->name, node->primary->variant ? "-iwholename" : "-wholename");
	}
	return true;
}

/* A path ends with a slash where a start does, and nowhere else. */
bool find_parse_path(struct find *find, struct find_node *node, const char *arg)
{
	size_t len = strlen(arg);
	char shown[256];

	if (len == 0 || arg[len - 1] != '/') {
		return true;
	}
	for (int i = 0; i < find->path_count; i++) {
		if (fnmatch(arg, find->paths[i], node->primary->variant) == 0) {
			return true;
		}
	}
	complain("warning: %s %s will not match anything because it ends with /.",
		node->primary->name, peel_text_escape_into(shown, sizeof(shown), arg, len));
	return true;
}

const char *find_base_name(const char *path, size_t len, size_t *ret_len)
{
	size_t start;

	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	for (start = len; start > 0 && path[start - 1] != '/'; start--) {
	}
	/* The root is its own name. */
	start = start == len && len > 0 ? len - 1 : start;
	*ret_len = len - start;
	return path + start;
}

bool find_eval_name(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	const struct walk_step *step = entry->step;
	char start[PEEL_NAME_MAX + 1];
	const char *name = step->path + step->name;
	size_t len;

	(void)find;
	if (step->depth == 0) {
		name = find_base_name(step->path, step->path_len, &len);
		if (len > PEEL_NAME_MAX) {
			return false;
		}
		memcpy(start, name, len);
		start[len] = 0;
		name = start;
	}
	return fnmatch(node->text, name, node->primary->variant) == 0;
}

bool find_eval_path(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	return fnmatch(node->text, entry->step->path, node->primary->variant) == 0;
}

bool find_eval_lname(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	cleanup_free char *target = NULL;
	struct peel_error err = {0};
	size_t len;

	if (!S_ISLNK(entry->step->node->mode)) {
		return false;
	}
	if (peel_readlink(find->index, entry->step->node->ino, &target, &len, &err) < 0) {
		find_complain_error(find, entry->step->path, &err);
		return false;
	}
	return fnmatch(node->text, target, node->primary->variant) == 0;
}

bool find_parse_regextype(struct find *find, struct find_node *node, const char *arg)
{
	char shown[256];

	(void)node;
	for (size_t i = 0; i < countof(syntaxes); i++) {
		if (strcmp(syntaxes[i].name, arg) == 0) {
			find->regex_syntax = syntaxes[i].syntax;
			return true;
		}
	}
	complain(
		"unknown regular expression type '%s'; valid types are 'findutils-default', 'ed', 'emacs', 'gnu-awk',"
		" 'grep', 'posix-awk', 'awk', 'posix-basic', 'posix-egrep', 'egrep', 'posix-extended',"
		" 'posix-minimal-basic', 'sed'.",
		peel_text_escape_into(shown, sizeof(shown), arg, strlen(arg)));
	return false;
}

void find_regex_free(struct re_pattern_buffer *regex)
{
	if (regex) {
		regfree(regex);
		free(regex);
	}
}

bool find_parse_regex(struct find *find, struct find_node *node, const char *arg)
{
	const char *wrong;

	node->regex = calloc(1, sizeof(*node->regex));
	if (!node->regex) {
		complain("%s", strerror(ENOMEM));
		return false;
	}
	re_set_syntax(find->regex_syntax | (node->primary->variant ? RE_ICASE : 0));
	wrong = re_compile_pattern(arg, strlen(arg), node->regex);
	if (wrong) {
		char shown[256];

		complain("failed to compile regular expression '%s': %s",
			peel_text_escape_into(shown, sizeof(shown), arg, strlen(arg)), wrong);
	}
	return !wrong;
}

bool find_eval_regex(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	regoff_t len = (regoff_t)entry->step->path_len;

	(void)find;
	return re_match(node->regex, entry->step->path, len, 0, NULL) == len;
}
