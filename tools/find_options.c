/* SPDX-License-Identifier: Apache-2.0 */
/* Words that look at nothing: options of the run and of what follows them, which are always true; -prune, -quit. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "cmd.h"
#include "find.h"

bool find_parse_depth(struct find *find, struct find_node *node, const char *arg)
{
	(void)arg;
	if (node->primary->variant && find->warn) {
		complain(
			"warning: the -d option is deprecated; please use -depth instead, because the latter is a"
			" POSIX-compliant feature.");
	}
	find->depth_first = true;
	return true;
}

bool find_parse_follow(struct find *find, struct find_node *node, const char *arg)
{
	(void)node;
	(void)arg;
	find->follow = FIND_FOLLOW_ALWAYS;
	return true;
}

bool find_parse_warn(struct find *find, struct find_node *node, const char *arg)
{
	(void)arg;
	find->warn = node->primary->variant;
	return true;
}

/* Digits alone. */
static bool parse_level(const struct find_node *node, const char *arg, unsigned int *ret_level)
{
	uint64_t level = 0;
	char shown[256];

	for (const char *at = arg; *at; at++) {
		if (!isdigit((unsigned char)*at) || level > INT_MAX) {
			level = UINT64_MAX;
			break;
		}
		level = level * 10 + (uint64_t)(*at - '0');
	}
	if (!*arg || level > INT_MAX) {
		complain("Expected a positive decimal integer argument to %s, but got '%s'",
			node->primary->name,
			peel_text_escape_into(shown, sizeof(shown), arg, strlen(arg)));
		return false;
	}
	*ret_level = (unsigned int)level;
	return true;
}

bool find_parse_maxdepth(struct find *find, struct find_node *node, const char *arg)
{
	return parse_level(node, arg, &find->max_depth);
}

bool find_parse_mindepth(struct find *find, struct find_node *node, const char *arg)
{
	return parse_level(node, arg, &find->min_depth);
}

bool find_eval_true(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)find;
	(void)node;
	(void)entry;
	return true;
}

bool find_eval_false(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)find;
	(void)node;
	(void)entry;
	return false;
}

bool find_eval_prune(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)node;
	(void)entry;
	find->prune = true;
	return true;
}

bool find_eval_quit(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	(void)node;
	(void)entry;
	find->quit = true;
	return true;
}
