/* SPDX-License-Identifier: Apache-2.0 */
/* Run while peel is built: write sandbox_filters.h, every filter of the cage as an array of C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/filter.h>

#include "sandbox_calls.h"
#include "sandbox_config.h"
#include "sandbox_filter.h"
#include "util.h"

static const unsigned instruments =
#ifdef SANDBOX_INSTRUMENTED
	SANDBOX_INSTRUMENTS;
#else
	0;
#endif

/** A filter as an initialiser. */
static int write_filter(FILE *out, unsigned kept)
{
	cleanup_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter instruction;
	int r = fd < 0 ? -1 : sandbox_filter_write(0, kept | instruments, fd);

	if (r < 0) {
		fprintf(stderr, "filter %u: %s\n", kept, strerror(-r));
		return r;
	}
	fprintf(out, "static const struct sock_filter filter_%u[] = {\n", sandbox_filter_of(kept));
	for (off_t at = 0; pread(fd, &instruction, sizeof(instruction), at) == sizeof(instruction);
		at += (off_t)sizeof(instruction)) {
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt,
			instruction.jf, instruction.k);
	}
	fputs("};\n", out);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *out = argc == 2 ? fopen(argv[1], "we") : NULL;
	int r = out ? 0 : -1;

	if (r == 0) {
		fputs("/* Made by sandbox_make.c from sandbox_table.c. */\n", out);
	}
	for (unsigned kept = 0; r == 0 && kept < 2 * SANDBOX_CHILDREN; kept++) {
		if (!(kept & SANDBOX_OWNERS)) {
			r = write_filter(out, kept);
		}
	}
	if (r == 0) {
		fputs("static const struct sock_fprog filters[] = {\n", out);
		for (unsigned i = 0; i < SANDBOX_FILTERS; i++) {
			fprintf(out,
				"\t{sizeof(filter_%u) / sizeof(*filter_%u),"
				" (struct sock_filter *)filter_%u},\n",
				i, i, i);
		}
		fputs("};\n", out);
	}
	return r == 0 && fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
