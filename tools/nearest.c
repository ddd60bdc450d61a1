/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the name of a list that takes the fewest changes. */
#include <string.h>

#include "opts.h"

/* Distance of two short names: insertions, deletions, changes. Longer ones are far. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[OPT_NAME_MAX + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > OPT_NAME_MAX || b_len > OPT_NAME_MAX) {
		return OPT_NAME_MAX;
	}
	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t changed = diagonal + (a[i - 1] != b[j - 1]);
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = changed < best ? changed : best;
		}
	}
	return row[b_len];
}

const char *nearest_name(const char *typed, const char *(*name_at)(const void *arg, size_t i),
	const void *arg)
{
	size_t limit = strlen(typed) < 4 ? 2 : 3;
	const char *nearest = NULL;
	const char *name;

	for (size_t i = 0; (name = name_at(arg, i)); i++) {
		bool begun = strlen(typed) > 1 && strncmp(name, typed, strlen(typed)) == 0;
		size_t distance = begun ? 1 : edit_distance(typed, name);

		if (distance < limit && distance < strlen(name)) {
			limit = distance;
			nearest = name;
		}
	}
	return nearest;
}
