/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, and the dump for the man-page check, all out of the tables. */
#include <string.h>

#include "cmd.h"

static const char exit_status_text[] =
	"Exit status: 0 done, 1 differs or not found, 2 error, 3 part of the image could not be read.\n";

static const char image_text[] =
	"IMAGE is a file (docker save, OCI archive, root filesystem tar; plain, gzip or zstd), an OCI layout\n"
	"folder, '-' for standard input, or TRANSPORT:PATH[:SELECTOR] with docker-archive, oci-archive, oci, rootfs.\n";

void help_print_overview(FILE *out)
{
	const struct verb *verb;

	fputs("usage: peel VERB [OPTIONS] IMAGE [...]\n\nLook inside a container image file without unpacking it.\n\n",
		out);
	for (size_t i = 0; (verb = verb_at(i)); i++) {
		fprintf(out, "  %-8s %-20s %s\n", verb->name, verb->operands, verb->summary);
	}
	fprintf(out, "\n%s%s'peel help VERB' shows the options of a verb.\n", image_text,
		exit_status_text);
}

void help_print_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "usage: peel %s [OPTIONS] %s\n\n%c%s.\n", verb->name, verb->operands,
		verb->summary[0] >= 'a' && verb->summary[0] <= 'z' ? verb->summary[0] - 'a' + 'A'
								   : verb->summary[0],
		verb->summary + 1);
	if (verb->details) {
		fprintf(out, "\n%s", verb->details);
	}
	fputs("\nOptions:\n", out);
	opts_print_help(out, verb->options, "--");
	if (verb->formats) {
		opts_print_help(out, options_output, "--");
		fprintf(out, "  %-26s FMT is one of: %s\n", "", verb->formats);
	}
	opts_print_help(out, options_common, "--");
	if (verb == &cmd_mount) {
		fputs("\nMount options (-o, separated by commas):\n", out);
		opts_print_help(out, options_mount, "");
	}
	if (verb->image) {
		fputs("\nImage and index:\n", out);
		opts_print_help(out, options_image, "--");
		fprintf(out, "\n%s", image_text);
	}
}

static void print_rows(FILE *out, const char *kind, const char *verb, const struct opt *rows)
{
	for (const struct opt *row = rows; row && (row->letter || row->name); row++) {
		if (!row->help) {
			continue;
		}
		if (row->letter) {
			fprintf(out, "%s\t%s\t-%c\t%s\n", kind, verb, row->letter,
				row->value ? row->value : "");
		}
		if (row->name) {
			fprintf(out, "%s\t%s\t%s%s\t%s\n", kind, verb,
				strcmp(kind, "mount") == 0 ? "" : "--", row->name,
				row->value ? row->value : "");
		}
	}
}

void help_print_tables(FILE *out)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)); i++) {
		fprintf(out, "verb\t%s\t%s\t%s\n", verb->name, verb->operands,
			verb->formats ? verb->formats : "");
		print_rows(out, "option", verb->name, verb->options);
	}
	print_rows(out, "shared", "*", options_common);
	print_rows(out, "shared", "*", options_image);
	print_rows(out, "shared", "*", options_output);
	print_rows(out, "mount", "mount", options_mount);
}

static int run_help(struct call *call)
{
	const struct verb *verb;

	if (call->argc == 0) {
		help_print_overview(stdout);
		return STATUS_OK;
	}
	verb = verb_find(call->argv[0]);
	if (!verb) {
		char shown[64];

		complain("no verb '%s' (see 'peel help')",
			peel_text_escape_into(shown, sizeof(shown), call->argv[0],
				strlen(call->argv[0])));
		return STATUS_ERROR;
	}
	help_print_verb(stdout, verb);
	return STATUS_OK;
}

const struct verb cmd_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "show how a verb is used",
	.max_operands = 1,
	.run = run_help,
};
