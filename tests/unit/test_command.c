/* SPDX-License-Identifier: Apache-2.0 */
/* The command's own small parts: values as text, tables, JSON, options. No library holds them: they are included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../tools/format.c"
#include "../../tools/json_writer.c"
#include "../../tools/nearest.c"
#include "../../tools/opts.c"
#include "../../tools/table.c"
#include "peel_test.h"

static void sizes_round_to_the_nearest_tenth(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *decimal;
		const char *human;
	} cases[] = {
		{0, "0 B", "0"},
		{999, "999 B", "999"},
		{1000, "1.0 kB", "1000"},
		{1023, "1.0 kB", "1023"},
		{1024, "1.0 kB", "1.0K"},
		{1025, "1.0 kB", "1.1K"},
		{1049, "1.0 kB", "1.1K"},
		{1050, "1.1 kB", "1.1K"},
		{10137, "10.1 kB", "9.9K"},
		{10138, "10.1 kB", "10K"},
		{10240, "10.2 kB", "10K"},
		{10241, "10.2 kB", "11K"},
		{999949, "999.9 kB", "977K"},
		{999950, "1.0 MB", "977K"},
		{1047552, "1.0 MB", "1023K"},
		{1047553, "1.0 MB", "1.0M"},
		{3700000, "3.7 MB", "3.6M"},
		{20500000000, "20.5 GB", "20G"},
		{UINT64_MAX, "18.4 EB", "16E"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char buf[FORMAT_SIZE];

		assert_string_equal(format_bytes(buf, cases[i].bytes), cases[i].decimal);
		assert_string_equal(format_human(buf, cases[i].bytes), cases[i].human);
	}
}

static void times_are_utc_and_never_fail(void **state)
{
	char buf[FORMAT_SIZE];

	(void)state;
	assert_string_equal(format_time(buf, 1700000000), "2023-11-14 22:13:20");
	assert_string_equal(format_minutes(buf, -1), "1969-12-31 23:59");
	assert_string_equal(format_full_time(buf, 0, 5), "1970-01-01 00:00:00.000000005 +0000");
	assert_string_equal(format_time(buf, INT64_MAX), "9223372036854775807");
	assert_string_equal(format_time(buf, INT64_MIN), "-9223372036854775808");
}

static void image_times_are_told_in_utc(void **state)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{"2023-11-14T22:13:20Z", "2023-11-14 22:13:20"},
		{"2023-11-14T22:13:20.123456789Z", "2023-11-14 22:13:20"},
		{"2023-11-15T00:13:20+02:00", "2023-11-14 22:13:20"},
		{"2023-11-14T17:43:20.5-04:30", "2023-11-14 22:13:20"},
		{"0001-01-01T00:00:00Z", "1-01-01 00:00:00"},
		{"", NULL},
		{"yesterday", NULL},
		{"2023-11-14", NULL},
		{"2023-11-14T22:13:20", NULL},
		{"2023-11-14T22:13:20Zjunk", NULL},
		{"2023-11-14T22:13:20+0200", NULL},
		{"2023-11-14T22:13:20+99", NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char buf[FORMAT_SIZE];
		const char *got = format_rfc3339(buf, cases[i].text);

		if (!cases[i].wanted) {
			assert_null(got);
		} else {
			assert_string_equal(got, cases[i].wanted);
		}
	}
}

static void modes_show_special_bits(void **state)
{
	char buf[11];

	(void)state;
	assert_string_equal(format_mode(buf, S_IFREG | 0644), "-rw-r--r--");
	assert_string_equal(format_mode(buf, S_IFDIR | 01777), "drwxrwxrwt");
	assert_string_equal(format_mode(buf, S_IFDIR | 01776), "drwxrwxrwT");
	assert_string_equal(format_mode(buf, S_IFREG | 06711), "-rws--s--x");
	assert_string_equal(format_mode(buf, S_IFREG | 06600), "-rwS--S---");
	assert_string_equal(format_mode(buf, S_IFCHR), "c---------");
	assert_string_equal(format_mode(buf, 0), "?---------");
}

static void instructions_lose_the_shell(void **state)
{
	static const struct {
		const char *stored;
		size_t max;
		const char *wanted;
	} cases[] = {
		{"", 0, ""},
		{"/bin/sh -c #(nop)  CMD [\"bash\"]", 0, "CMD [\"bash\"]"},
		{"/bin/sh -c apt-get update", 0, "RUN apt-get update"},
		{"RUN /bin/sh -c make # buildkit", 0, "RUN make"},
		{"COPY a b # buildkit", 0, "COPY a b"},
		{"RUN a &&\n\t  b  ", 0, "RUN a && b"},
		{"RUN \033[31m", 0, "RUN \\x1b[31m"},
		{"RUN 0123456789", 10, "RUN 012..."},
		{"RUN 012345", 10, "RUN 012345"},
		{"RUN \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc", 10,
			"RUN \xc3\xa4\xc3\xb6\xc3\xbc..."},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char *got = format_instruction(cases[i].stored, cases[i].max);

		assert_non_null(got);
		assert_string_equal(got, cases[i].wanted);
		free(got);
	}
}

static void tables_align_by_characters(void **state)
{
	static const struct column columns[] = {{"NAME", false}, {"N", true}, {"REST", false}};
	static const char *const rows[][3] = {
		{"\xc3\xa4", "1", "x"}, {"long name", "200", NULL}, {NULL, "3", ""}};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct table *table = table_new(out, columns, countof(columns), true);

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		assert_true(table_row(table, rows[i]));
	}
	table_finish(table);
	fclose(out);
	assert_string_equal(text,
		"NAME         N  REST\n\xc3\xa4            1  x\nlong name  200\n             3\n");
	free(text);
}

static void tables_of_any_length_keep_every_row(void **state)
{
	static const struct column columns[] = {{"N", true}};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct table *table = table_new(out, columns, 1, false);
	size_t lines = 0;

	(void)state;
	for (uint64_t i = 0; i < 2500; i++) {
		char number[FORMAT_SIZE];
		const char *cells[] = {format_number(number, i)};

		assert_true(table_row(table, cells));
	}
	table_finish(table);
	fclose(out);
	for (const char *at = text; (at = strchr(at, '\n')); at++) {
		lines++;
	}
	assert_int_equal(lines, 2500);
	assert_non_null(strstr(text, "2499\n"));
	free(text);
}

static void json_nests_and_escapes(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct json json = {.out = out};

	(void)state;
	json_object(&json, NULL);
	json_array(&json, "empty");
	json_close(&json);
	json_array(&json, "list");
	json_integer(&json, NULL, -1);
	json_unsigned(&json, NULL, UINT64_MAX);
	json_object(&json, NULL);
	json_close(&json);
	json_close(&json);
	json_real(&json, "real", 0.5);
	json_real(&json, "no number", 0.0 / 0.0);
	json_bool(&json, "yes", true);
	json_null(&json, "nothing");
	json_string(&json, "quo\"te", "a\nb");
	json_bytes(&json, "good", "\xc3\xa4", 2);
	json_bytes(&json, "bad", "a\xff", 2);
	json_bytes(&json, "worse", "\xff\xfe\xfd", 3);
	json_close(&json);
	fclose(out);
	assert_string_equal(text,
		"{\n  \"empty\": [],\n  \"list\": [\n    -1,\n    18446744073709551615,\n    {}\n  ],\n"
		"  \"real\": 0.5,\n  \"no number\": null,\n  \"yes\": true,\n  \"nothing\": null,\n"
		"  \"quo\\\"te\": \"a\\u000ab\",\n  \"good\": \"\xc3\xa4\",\n"
		"  \"bad\": \"a\xef\xbf\xbd\",\n  \"bad_b64\": \"Yf8=\",\n"
		"  \"worse\": \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\n  \"worse_b64\": \"//79\"\n}\n");
	free(text);
}

/* Options of the tests below. */
struct picked {
	bool all;
	const char *layer;
	uint64_t limit;
	struct opt_number uid;
	struct opt_list outputs;
};

static const struct opt picked_options[] = {
	{'a', "all", NULL, OPT_FLAG, offsetof(struct picked, all), "all"},
	{'l', "layer", "N", OPT_STRING, offsetof(struct picked, layer), "layer"},
	{0, "limit", "SIZE", OPT_SIZE, offsetof(struct picked, limit), "limit"},
	{0, "output", "FMT", OPT_LIST, offsetof(struct picked, outputs), "output"},
	{0, "uid", "N", OPT_NUMBER, offsetof(struct picked, uid), "uid"},
	{'1', NULL, NULL, OPT_IGNORED, 0, "nothing"},
	{0},
};

/* Parse words that blanks separate. Operands come back joined by blanks. */
static int pick(const char *line, bool stop_early, struct picked *ret_picked, char *ret_operands,
	struct peel_error *err)
{
	static char words[256];
	struct opt_group group = {picked_options, ret_picked, NULL};
	char *argv[16];
	int argc = 0;
	int r;

	*ret_picked = (struct picked){0};
	*err = (struct peel_error){0};
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		argv[argc++] = word;
	}
	r = opts_parse(&group, 1, argc, argv, stop_early, err);
	*ret_operands = 0;
	for (int i = stop_early ? r : 0; r >= 0 && i < (stop_early ? argc : r); i++) {
		strcat(strcat(ret_operands, *ret_operands ? " " : ""), argv[i]);
	}
	return r;
}

static void options_stand_anywhere(void **state)
{
	struct picked picked;
	struct peel_error err;
	char operands[256];

	(void)state;
	assert_int_equal(pick("x -a y --layer 3 - -1 z", false, &picked, operands, &err), 4);
	assert_string_equal(operands, "x y - z");
	assert_true(picked.all);
	assert_string_equal(picked.layer, "3");
	assert_int_equal(pick("-a1l3 -- -a --layer", false, &picked, operands, &err), 2);
	assert_string_equal(operands, "-a --layer");
	assert_string_equal(picked.layer, "3");
	assert_int_equal(pick("--layer=a=b --output=x --output y", false, &picked, operands, &err),
		0);
	assert_string_equal(picked.layer, "a=b");
	assert_int_equal(picked.outputs.count, 2);
	assert_string_equal(picked.outputs.items[1], "y");
	assert_int_equal(pick("-a ls -z --what", true, &picked, operands, &err), 1);
	assert_string_equal(operands, "ls -z --what");
}

static const struct opt ordered_options[] = {
	{'h', "human", NULL, OPT_ORDERED, 0, "human"},
	{'B', "block", "SIZE", OPT_ORDERED, 0, "block"},
	{0, "time", "[=WORD]", OPT_ORDERED, 0, "time"},
	{0},
};

static void ordered_options_keep_their_order(void **state)
{
	static const struct {
		char letter;
		const char *name;
		const char *value;
	} want[] = {
		{'h', NULL, NULL},
		{'B', NULL, "1K"},
		{0, "time", NULL},
		{0, "time", "ctime"},
		{0, "block", "2"},
		{'h', NULL, NULL},
	};
	char words[][16] = {"-hB1K", "--time", "x", "--time=ctime", "--block", "2", "-h"};
	char *argv[countof(words)];
	struct opt_log log = {0};
	struct opt_group group = {ordered_options, NULL, &log};
	struct peel_error err = {0};

	(void)state;
	for (size_t i = 0; i < countof(words); i++) {
		argv[i] = words[i];
	}
	assert_int_equal(opts_parse(&group, 1, countof(words), argv, false, &err), 1);
	assert_string_equal(argv[0], "x");
	assert_int_equal(log.count, countof(want));
	for (size_t i = 0; i < countof(want); i++) {
		const struct opt_event *event = &log.events[i];

		assert_int_equal(event->letter ? *event->letter : 0, want[i].letter);
		assert_true(!want[i].name || strcmp(event->row->name, want[i].name) == 0);
		assert_true(event->value ? want[i].value && strcmp(event->value, want[i].value) == 0
					 : !want[i].value);
	}
	assert_ptr_equal(log.events[1].letter, log.events[0].letter + 1);
	free(log.events);
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"--limit=0", 0},
		{"--limit=17", 17},
		{"--limit=1K", 1024},
		{"--limit=2kB", 2000},
		{"--limit=64G", 64ull << 30},
		{"--limit=3TiB", 3ull << 40},
		{"--limit=18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"--limit=", "--limit=-1", "--limit=1k", "--limit=K",
		"--limit=1.5G", "--limit=18446744073709551616", "--limit=99999999T",
		"--limit=0x10"};
	struct picked picked;
	struct peel_error err;
	char operands[256];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(pick(cases[i].text, false, &picked, operands, &err), 0);
		assert_int_equal(picked.limit, cases[i].bytes);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		assert_failure(pick(bad[i], false, &picked, operands, &err), PEEL_EUSAGE, &err,
			"is no size");
	}
}

static void mistakes_are_named(void **state)
{
	struct picked picked;
	struct peel_error err;
	char operands[256];

	(void)state;
	assert_failure(pick("--lay 1", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"unknown option '--lay' (did you mean '--layer'?)");
	assert_failure(pick("--zzzzzz", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"unknown option '--zzzzzz'");
	assert_failure(pick("-az", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"unknown option '-z'");
	assert_failure(pick("--layer", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"wants a value");
	assert_failure(pick("-l", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"wants a value");
	assert_failure(pick("--all=1", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"takes no value");
	assert_failure(pick("--uid=4294967295", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"is no number");
	assert_failure(pick("--uid=1x", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"is no number");
	assert_failure(pick("--\033[31m", false, &picked, operands, &err), PEEL_EUSAGE, &err,
		"'--\\x1b[31m'");
}

static int refuse(void *base, const char *word, struct peel_error *err)
{
	(void)base;
	return peel_fail(err, PEEL_EUSAGE, "no word '%s'", word);
}

static void comma_lists_keep_escaped_commas(void **state)
{
	struct picked picked = {0};
	struct peel_error err = {0};
	char good[] = "all,,layer=a\\,b\\\\c,limit=5";
	char unknown[] = "all,other=1";
	char empty[] = "layer=";

	(void)state;
	assert_int_equal(opts_parse_commas(picked_options, &picked, good, refuse, &err), 0);
	assert_true(picked.all);
	assert_string_equal(picked.layer, "a,b\\c");
	assert_int_equal(picked.limit, 5);
	assert_failure(opts_parse_commas(picked_options, &picked, unknown, refuse, &err),
		PEEL_EUSAGE, &err, "no word 'other=1'");
	assert_failure(opts_parse_commas(picked_options, &picked, empty, refuse, &err), PEEL_EUSAGE,
		&err, "wants a value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_round_to_the_nearest_tenth),
		cmocka_unit_test(times_are_utc_and_never_fail),
		cmocka_unit_test(image_times_are_told_in_utc),
		cmocka_unit_test(modes_show_special_bits),
		cmocka_unit_test(instructions_lose_the_shell),
		cmocka_unit_test(tables_align_by_characters),
		cmocka_unit_test(tables_of_any_length_keep_every_row),
		cmocka_unit_test(json_nests_and_escapes),
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(ordered_options_keep_their_order),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(comma_lists_keep_escaped_commas),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
