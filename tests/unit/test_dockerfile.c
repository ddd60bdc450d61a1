/* SPDX-License-Identifier: Apache-2.0 */
#include "../../tools/dockerfile.h"

#include <stdio.h>
#include <string.h>

#include "peel_test.h"
#include "util.h"

#define ROWS 8

/* A file, a history, and the line of each of its rows. */
static const struct {
	const char *text;
	const char *rows[ROWS];
	int lines[ROWS];
} cases[] = {
	/* The classic builder, with a base image below. */
	{"FROM debian\nRUN apt-get update\nCOPY a b /c/\nENV A=1\nRUN make $A\nCMD [\"x\", \"-y\"]\n",
		{"/bin/sh -c #(nop) ADD file:01 in / ", "/bin/sh -c #(nop)  CMD [\"bash\"]",
			"/bin/sh -c apt-get update", "/bin/sh -c #(nop) COPY multi:0123 in /c/ ",
			"/bin/sh -c #(nop)  ENV A=1", "/bin/sh -c make $A",
			"/bin/sh -c #(nop)  CMD [\"x\" \"-y\"]"},
		{1, 1, 2, 3, 4, 5, 6}},
	/* BuildKit: flags are left out, variables put in, continuation lines joined. */
	{"FROM a AS base\nRUN one \\\n  # why\n  two\n\nFROM base\nARG V=3\n"
	 "RUN --mount=type=cache,target=/x pip install $V\n"
	 "COPY --from=base --chown=1 /x /y\n",
		{"RUN /bin/sh -c one   two # buildkit", "ARG V=3",
			"RUN |1 V=3 /bin/sh -c pip install 3 # buildkit", "COPY /x /y # buildkit"},
		{2, 7, 8, 9}},
	/* The stage that was built is not the last. */
	{"FROM a AS one\nRUN first\nRUN second\nFROM b AS two\nRUN third\n",
		{"RUN /bin/sh -c first # buildkit", "RUN /bin/sh -c second # buildkit"}, {2, 3}},
	/* Heredocs, another escape character, small letters, DOS line ends. */
	{"# escape=`\r\nfrom a\r\nrun <<EOF\r\nset -e\r\nRUN not me\r\nEOF\r\nrun more `\r\n  lines\r\n",
		{"RUN /bin/sh -c set -e\nRUN not me\n # buildkit",
			"RUN /bin/sh -c more   lines # buildkit"},
		{3, 7}},
	/* A comment is one line: what follows is no directive of it. */
	{"#\nescape=`\nFROM a\nRUN x \\\n  y\n", {"RUN /bin/sh -c x   y # buildkit"}, {4}},
	/* Lines that are alike: in order. */
	{"FROM a\nRUN x\nRUN y\nRUN x\nRUN y\n",
		{"RUN /bin/sh -c x", "RUN /bin/sh -c y", "RUN /bin/sh -c x", "RUN /bin/sh -c y"},
		{2, 3, 4, 5}},
	/* What the file does not have; another file. */
	{"FROM a\nRUN x\nRUN z\n",
		{"RUN /bin/sh -c x", "RUN /bin/sh -c other things", "RUN /bin/sh -c z"}, {2, 0, 3}},
	{"FROM a\nEXPOSE 1\n", {"RUN /bin/sh -c x", "CMD [\"y\"]"}, {0, 0}},
	/* Two RUN with a shell of their own. */
	{"FROM a\nSHELL [\"/bin/bash\", \"-ec\"]\nRUN x y\n",
		{"SHELL [/bin/bash -ec]", "RUN /bin/bash -ec x y # buildkit"}, {2, 3}},
};

static void lines_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct dockerfile *file = NULL;
		struct peel_error err = {0};
		int lines[ROWS] = {0};
		size_t count = 0;

		while (count < ROWS && cases[i].rows[count]) {
			count++;
		}
		assert_int_equal(dockerfile_parse("Dockerfile", cases[i].text,
					 strlen(cases[i].text), &file, &err),
			0);
		assert_int_equal(dockerfile_lines(file, cases[i].rows, count, lines, &err), 0);
		for (size_t k = 0; k < count; k++) {
			if (lines[k] != cases[i].lines[k]) {
				fail_msg("case %zu, row %zu: line %d, not %d", i, k, lines[k],
					cases[i].lines[k]);
			}
		}
		dockerfile_free(file);
	}
}

static void what_has_no_from_is_none(void **state)
{
	struct dockerfile *file = NULL;

	(void)state;
	assert_int_equal(dockerfile_parse("x", "RUN y\n", 6, &file, NULL), PEEL_EFORMAT);
	assert_int_equal(dockerfile_parse("x", "", 0, &file, NULL), PEEL_EFORMAT);
	assert_null(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found),
		cmocka_unit_test(what_has_no_from_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
