/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that GNU find does not have: of layers, and of contents. */
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "find.h"

bool find_parse_hidden(struct find *find, struct find_node *node, const char *arg)
{
	(void)node;
	(void)arg;
	find->hidden = true;
	return true;
}

bool find_eval_hidden(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	(void)find;
	(void)node;
	return entry->step->node->hidden_by >= 0;
}

/* A folder that no layer has an entry for is no layer's. */
bool find_eval_layer(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	const struct peel_node *found = entry->step->node;

	(void)find;
	return !found->implied && found->layer >= 0 &&
		find_compare_number(node, (uint64_t)found->layer);
}

static enum peel_kind kind_of(const char *name, size_t len)
{
	enum peel_kind kind = PEEL_KIND_EMPTY;

	for (; peel_kind_name(kind); kind++) {
		if (strncmp(peel_kind_name(kind), name, len) == 0 &&
			peel_kind_name(kind)[len] == 0) {
			return kind;
		}
	}
	return 0;
}

static bool complain_kind(const char *name, size_t len)
{
	char shown[256];
	char known[1024] = "";
	size_t at = 0;

	for (enum peel_kind kind = PEEL_KIND_EMPTY; peel_kind_name(kind); kind++) {
		int more = snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "",
			peel_kind_name(kind));

		at += more > 0 && (size_t)more < sizeof(known) - at ? (size_t)more : 0;
	}
	complain("unknown argument to -kind: '%s'; kinds are %s",
		peel_text_escape_into(shown, sizeof(shown), name, len), known);
	return false;
}

/* Names with commas between them. */
bool find_parse_kind(struct find *find, struct find_node *node, const char *arg)
{
	find->reads_contents = true;
	for (;;) {
		size_t len = strcspn(arg, ",");
		enum peel_kind kind = kind_of(arg, len);

		if (!kind) {
			return complain_kind(arg, len);
		}
		node->number |= UINT64_C(1) << kind;
		if (arg[len] == 0) {
			return true;
		}
		arg += len + 1;
	}
}

bool find_eval_kind(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	const struct peel_node *found = entry->step->node;
	struct peel_error err = {0};
	enum peel_kind kind;

	if (!S_ISREG(found->mode)) {
		return false;
	}
	if (peel_kind(find->index, found->ino, &kind, &err) < 0) {
		find_complain_error(find, entry->step->path, &err);
		return false;
	}
	return node->number & UINT64_C(1) << kind;
}
