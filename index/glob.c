/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching without recursion and without a blow-up. Of several "**" only the last one that was
 * passed can be worth another try: had an earlier one taken more, the parts between the two would
 * stand later, and leave less for the rest. So one place to go back to is enough, for "**" among
 * components and for "*" within one, and each place of the path is tried once for each part.
 *
 * What follows the last "**" can stand at the path's end only, and is looked at there first: for most
 * patterns that was all.
 */
#include "glob_priv.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static bool takes(const struct glob *glob, unsigned int step, unsigned char c)
{
	const uint64_t *bits;

	if (step < GLOB_ANY) {
		return step == c;
	}
	if (step == GLOB_ANY) {
		return true;
	}
	bits = glob->sets[step - GLOB_SETS].bits;
	return bits[c / 64] >> c % 64 & 1;
}

/* Steps of a component against some bytes without slashes, all of both. */
static bool take_steps(const struct glob *glob, const uint16_t *steps, size_t count,
	const char *name, size_t len)
{
	size_t star = SIZE_MAX;
	size_t star_at = 0;
	size_t step = 0;
	size_t at = 0;

	for (;;) {
		if (step < count && steps[step] == GLOB_STAR) {
			star = ++step;
			star_at = at;
			if (step == count) {
				return true;
			}
		} else if (step < count && at < len &&
			takes(glob, steps[step], (unsigned char)name[at])) {
			step++;
			at++;
		} else if (step == count && at == len) {
			return true;
		} else if (star == SIZE_MAX || at == len) {
			return false;
		} else {
			at = ++star_at;
			step = star;
		}
	}
}

static bool takes_name(const struct glob *glob, const struct glob_part *part, const char *name,
	size_t len)
{
	const char *text = glob->text + part->text;
	const uint16_t *steps = glob->steps + part->step;
	const size_t ends = (size_t)part->head + part->tail;

	if (part->steps == 0 ? len != ends : len < ends) {
		return false;
	}
	/* Most names differ in their first byte. */
	if ((part->head > 0 && name[0] != text[0]) || memcmp(name, text, part->head) != 0 ||
		memcmp(name + len - part->tail, text + part->head, part->tail) != 0) {
		return false;
	}
	return part->steps == 0 || (part->steps == 1 && steps[0] == GLOB_STAR) ||
		take_steps(glob, steps, part->steps, name + part->head, len - ends);
}

/* Where the component that begins here ends. */
static size_t name_end(const char *path, size_t len, size_t at)
{
	while (at < len && path[at] != '/') {
		at++;
	}
	return at;
}

/* All but the ending against the rest of the path. */
static bool take_front(const struct glob *glob, const char *path, size_t len)
{
	const struct glob_part *parts = glob->parts;
	const size_t count = glob->parts_count - glob->ending;
	/* Behind the last component is one more than the length; the root has none. */
	const size_t done = len + 1;
	size_t at = len > 1 ? 1 : done;
	size_t again = SIZE_MAX;
	size_t again_at = 0;
	size_t part = 0;

	for (;;) {
		size_t end;

		if (part == count && at == done) {
			return true;
		}
		if (part < count && parts[part].any_depth) {
			again = ++part;
			again_at = at;
			if (part == count) {
				return at != done || glob->ending > 0;
			}
		}
		if (part < count && at == done) {
			return false;
		}
		end = name_end(path, len, at);
		if (part < count && takes_name(glob, &parts[part], path + at, end - at)) {
			part++;
			at = end + 1;
		} else if (again == SIZE_MAX) {
			return false;
		} else {
			again_at = name_end(path, len, again_at) + 1;
			at = again_at;
			part = again;
		}
	}
}

bool glob_matches(const struct glob *glob, const char *path, size_t len)
{
	const struct glob_part *parts = glob->parts + (glob->parts_count - glob->ending);

	/* The root has no components. */
	len = len > 1 ? len : 0;
	for (size_t i = glob->ending; i > 0; i--) {
		const char *slash = memrchr(path, '/', len);

		if (!slash ||
			!takes_name(glob, &parts[i - 1], slash + 1,
				len - 1 - (size_t)(slash - path))) {
			return false;
		}
		len = (size_t)(slash - path);
	}
	return (glob->ending > 0 && parts == glob->parts + 1) || take_front(glob, path, len);
}

int glob_match(const char *pattern, const char *path, size_t len, struct peel_error *err)
{
	struct glob_braces braces;
	char alternative[GLOB_MAX + 1];
	bool found = false;
	int r;

	r = glob_braces_init(&braces, pattern, err);
	while (r == 0 && glob_braces_next(&braces, alternative)) {
		cleanup_free struct glob *glob = NULL;

		r = glob_compile(alternative, pattern, &glob, err);
		found = found || (r == 0 && glob_matches(glob, path, len));
	}
	return r < 0 ? r : found;
}
