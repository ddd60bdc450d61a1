/* SPDX-License-Identifier: Apache-2.0 */
/* peel help sandbox: what is given up before an image is read, and what of that this machine's kernel holds. */
#include <peel/sandbox.h>

#include "cmd.h"
#include "help.h"

static const char intro[] =
	"What reads an image gives rights up first, for good, so that a hole in a parser opens nothing. Verbs"
	" do that once their images and their --output files are open, children that build indexes before the first"
	" byte, the server of a mount before the first request. CMD of run keeps the rights of the caller.";

static const struct {
	enum peel_sandbox_held bit;
	const char *name;
	const char *held;
	const char *open;
} rights[] = {
	{PEEL_SANDBOX_CALLS, "system calls", "on a list: no programs, processes, sockets, mounts",
		"NOT LIMITED here"},
	{PEEL_SANDBOX_PATHS, "paths", "only blobs of a layout, spools, the target of cp (Landlock)",
		"NOT LIMITED here: the kernel has no Landlock. Files can be read where cp or a layout need that"},
	{PEEL_SANDBOX_CAPABILITIES, "capabilities", "none, for root too", "KEPT here"},
};

int help_print_sandbox(FILE *out)
{
	const struct peel_sandbox nothing = {0};
	struct peel_error err = {0};
	int held;

	help_fill(out, intro, 0, 0);
	fputs("\nOn this machine:\n", out);
	held = peel_sandbox_enter(&nothing, &err);
	if (held < 0) {
		complain_error(&err);
		return STATUS_ERROR;
	}
	for (size_t i = 0; i < countof(rights); i++) {
		int column = fprintf(out, "  %-13s ", rights[i].name);

		help_fill(out, held & (int)rights[i].bit ? rights[i].held : rights[i].open, 16,
			column);
	}
	fputs("\n--no-sandbox does without. More: peel(1), SANDBOX.\n", out);
	return STATUS_OK;
}
