/* SPDX-License-Identifier: Apache-2.0 */
/* The words of find, in order of names: what is there, and what GNU find has and an image cannot give. */
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "find.h"

#define TEST(word, price, parser, evaluator, flag) \
	{ \
		.name = word, .class = FIND_TEST, .argument = true, .cost = price, \
		.parse = parser, .eval = evaluator, .variant = flag \
	}
#define TEST_BOUND(word, parser, binder, evaluator) \
	{ \
		.name = word, .class = FIND_TEST, .argument = true, .parse = parser, \
		.bind = binder, .eval = evaluator \
	}
#define TEST_ALONE(word, price, parser, evaluator, flag) \
	{ \
		.name = word, .class = FIND_TEST, .cost = price, .parse = parser, \
		.eval = evaluator, .variant = flag \
	}
#define ACTION(word, takes, stands_in, parser, evaluator) \
	{ \
		.name = word, .class = FIND_ACTION, .argument = takes, .prints = stands_in, \
		.cost = FIND_DOES, .parse = parser, .eval = evaluator \
	}
#define OPTION(word, kind, takes, parser, flag) \
	{ \
		.name = word, .class = kind, .argument = takes, .parse = parser, \
		.eval = find_eval_true, .variant = flag \
	}
#define REFUSED(word, reason) \
	{ \
		.name = word, .class = FIND_REFUSED, .refusal = reason \
	}

#define NO_TIME \
	"the files of an image have one time, that of modification: use -mtime, -mmin or -newer"
#define NO_COMMAND \
	"nothing is executed: use 'peel run IMAGE -- find ... -exec ...', or mount the image"
#define NO_PROMPT \
	"nothing is executed: use 'peel run IMAGE -- find ... -ok ...', or mount the image"
#define NO_LEVEL "there are no levels of optimisation: cheap tests always come first"
#define NO_FILE "no file is written but standard output: redirect that, or run peel find once more"

static const struct find_primary primaries[] = {
	REFUSED("--help", "see 'peel help find'"),
	REFUSED("--version", "see 'peel --version'"),
	REFUSED("-D", "there is no debug output"),
	REFUSED("-O0", NO_LEVEL),
	REFUSED("-O1", NO_LEVEL),
	REFUSED("-O2", NO_LEVEL),
	REFUSED("-O3", NO_LEVEL),
	REFUSED("-amin", NO_TIME),
	REFUSED("-anewer", NO_TIME),
	REFUSED("-atime", NO_TIME),
	REFUSED("-cmin", NO_TIME),
	REFUSED("-cnewer", NO_TIME),
	REFUSED("-context", "SELinux contexts are not compared: use -printf '%Z'"),
	REFUSED("-ctime", NO_TIME),
	OPTION("-d", FIND_GLOBAL, false, find_parse_depth, 1),
	OPTION("-daystart", FIND_POSITIONAL, false, NULL, 0),
	REFUSED("-delete", "an image cannot be changed"),
	OPTION("-depth", FIND_GLOBAL, false, find_parse_depth, 0),
	TEST_ALONE("-empty", FIND_ASKS, NULL, find_eval_empty, 0),
	REFUSED("-exec", NO_COMMAND),
	REFUSED("-execdir", NO_COMMAND),
	TEST_ALONE("-executable", FIND_ASKS, NULL, find_eval_access, X_OK),
	TEST_ALONE("-false", FIND_FREE, NULL, find_eval_false, 0),
	REFUSED("-files0-from",
		"places to start are taken from the command line alone: use xargs -0"),
	REFUSED("-fls", NO_FILE),
	OPTION("-follow", FIND_POSITIONAL, false, find_parse_follow, 0),
	REFUSED("-fprint", NO_FILE),
	REFUSED("-fprint0", NO_FILE),
	REFUSED("-fprintf", NO_FILE),
	REFUSED("-fstype", "an image has no file system type"),
	TEST("-gid", FIND_FREE, find_parse_number, find_eval_gid, 0),
	TEST_BOUND("-group", NULL, find_bind_group, find_eval_gid),
	REFUSED("-help", "see 'peel help find'"),
	TEST_ALONE("-hidden", FIND_FREE, find_parse_hidden, find_eval_hidden, 0),
	OPTION("-ignore_readdir_race", FIND_GLOBAL, false, NULL, 0),
	TEST("-ilname", FIND_ASKS, NULL, find_eval_lname, FNM_CASEFOLD),
	TEST("-iname", FIND_FREE, find_parse_name, find_eval_name, FNM_CASEFOLD),
	TEST("-inum", FIND_FREE, find_parse_number, find_eval_inum, 0),
	TEST("-ipath", FIND_FREE, find_parse_path, find_eval_path, FNM_CASEFOLD),
	TEST("-iregex", FIND_FREE, find_parse_regex, find_eval_regex, 1),
	TEST("-iwholename", FIND_FREE, find_parse_path, find_eval_path, FNM_CASEFOLD),
	TEST("-kind", FIND_READS, find_parse_kind, find_eval_kind, 0),
	TEST("-layer", FIND_FREE, find_parse_number, find_eval_layer, 0),
	TEST("-links", FIND_FREE, find_parse_number, find_eval_links, 0),
	TEST("-lname", FIND_ASKS, NULL, find_eval_lname, 0),
	ACTION("-ls", false, true, NULL, find_eval_ls),
	OPTION("-maxdepth", FIND_GLOBAL, true, find_parse_maxdepth, 0),
	OPTION("-mindepth", FIND_GLOBAL, true, find_parse_mindepth, 0),
	TEST("-mmin", FIND_FREE, find_parse_time, find_eval_mtime, 60),
	OPTION("-mount", FIND_GLOBAL, false, NULL, 0),
	TEST("-mtime", FIND_FREE, find_parse_time, find_eval_mtime, 86400),
	TEST("-name", FIND_FREE, find_parse_name, find_eval_name, 0),
	TEST_BOUND("-newer", find_parse_newer, find_bind_newer, find_eval_newer),
	TEST_BOUND("-newermm", find_parse_newer, find_bind_newer, find_eval_newer),
	TEST("-newermt", FIND_FREE, find_parse_newermt, find_eval_newer, 0),
	TEST_ALONE("-nogroup", FIND_FREE, NULL, find_eval_nogroup, 0),
	OPTION("-noignore_readdir_race", FIND_GLOBAL, false, NULL, 0),
	OPTION("-noleaf", FIND_GLOBAL, false, NULL, 0),
	TEST_ALONE("-nouser", FIND_FREE, NULL, find_eval_nouser, 0),
	OPTION("-nowarn", FIND_POSITIONAL, false, find_parse_warn, 0),
	REFUSED("-ok", NO_PROMPT),
	REFUSED("-okdir", NO_PROMPT),
	TEST("-path", FIND_FREE, find_parse_path, find_eval_path, 0),
	TEST("-perm", FIND_FREE, find_parse_perm, find_eval_perm, 0),
	ACTION("-print", false, true, NULL, find_eval_print),
	ACTION("-print0", false, true, NULL, find_eval_print0),
	ACTION("-printf", true, true, find_parse_format, find_eval_printf),
	ACTION("-prune", false, false, NULL, find_eval_prune),
	ACTION("-quit", false, false, NULL, find_eval_quit),
	TEST_ALONE("-readable", FIND_ASKS, NULL, find_eval_access, R_OK),
	TEST("-regex", FIND_FREE, find_parse_regex, find_eval_regex, 0),
	OPTION("-regextype", FIND_POSITIONAL, true, find_parse_regextype, 0),
	TEST_BOUND("-samefile", find_parse_newer, find_bind_samefile, find_eval_inum),
	TEST("-size", FIND_FREE, find_parse_size, find_eval_size, 0),
	TEST_ALONE("-true", FIND_FREE, NULL, find_eval_true, 0),
	TEST("-type", FIND_FREE, find_parse_type, find_eval_type, 0),
	TEST("-uid", FIND_FREE, find_parse_number, find_eval_uid, 0),
	REFUSED("-used", NO_TIME),
	TEST_BOUND("-user", NULL, find_bind_user, find_eval_uid),
	REFUSED("-version", "see 'peel --version'"),
	OPTION("-warn", FIND_POSITIONAL, false, find_parse_warn, 1),
	TEST("-wholename", FIND_FREE, find_parse_path, find_eval_path, 0),
	REFUSED("-writable", "nothing of an image can be written; modes are what -perm asks for"),
	OPTION("-xdev", FIND_GLOBAL, false, NULL, 0),
	TEST("-xtype", FIND_ASKS, find_parse_type, find_eval_xtype, 0),
};

/* -newerXY with other letters than those of the table. */
static const struct find_primary newer_xy = REFUSED("-newerXY", NO_TIME ", -newermt or -newermm");

const struct find_primary *find_primary_of(const char *word)
{
	size_t low = 0;
	size_t high = countof(primaries);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(primaries[middle].name, word);

		if (order == 0) {
			return &primaries[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (strncmp(word, "-newer", 6) == 0 && strlen(word) == 8 && strchr("aBcm", word[6]) &&
		strchr("aBcmt", word[7])) {
		return &newer_xy;
	}
	return NULL;
}

const char *find_word_at(size_t i)
{
	static const char *const operators[] = {
		"!", "(", ")", ",", "-a", "-and", "-not", "-o", "-or"};

	if (i < countof(operators)) {
		return operators[i];
	}
	i -= countof(operators);
	for (size_t n = 0; n < countof(primaries); n++) {
		if (primaries[n].class != FIND_REFUSED && i-- == 0) {
			return primaries[n].name;
		}
	}
	return NULL;
}
