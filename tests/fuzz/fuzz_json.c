/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON behind its caps: what is accepted is valid for another reading too (written out and read again it is the same),
 * and no refusal is put down to a lack of memory, which there is none of here.
 */
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "fuzz.h"
#include "json.h"
#include "limit.h"

/* Deepest nesting, and every object's keys unlike in any case. */
static void check_value(json_t *value, int depth)
{
	const char *key;
	json_t *member;
	size_t i;

	fuzz_check(depth <= (int)limits_value(NULL, PEEL_LIMIT_JSON_DEPTH) + 1);
	json_array_foreach (value, i, member) {
		check_value(member, depth + 1);
	}
	json_object_foreach (value, key, member) {
		fuzz_check(json_member(value, key) == member);
		check_value(member, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct peel_error err = {0};
	json_t *json = NULL, *again = NULL;
	char *text;
	int r = json_parse("x", data, len, &json, &err);

	if (r < 0) {
		fuzz_check(r == PEEL_EFORMAT || r == PEEL_ELIMIT || r == PEEL_EAMBIGUOUS);
		fuzz_check_text(err.message);
		fuzz_check(json == NULL);
		return 0;
	}
	check_value(json, 1);
	text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
	fuzz_check(text && json_parse("y", text, strlen(text), &again, NULL) == 0);
	fuzz_check(json_equal(json, again));
	json_decref(again);
	json_decref(json);
	free(text);
	return 0;
}
