/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration for people: what a container started from the image would get. */
#include <stdbool.h>
#include <string.h>

#include <peel/image.h>

#include "json.h"

/** Where facts go, and what the callback said last. */
struct walk {
	peel_fact_fn *each;
	void *arg;
	int stopped;
	bool out_of_memory;
};

/** How a member of the configuration is told. */
enum shape {
	/** A string. */
	TEXT,
	/** An array, one fact an element. */
	LIST,
	/** An array or a string that is one command: as JSON, so that the words are told apart. */
	COMMAND,
	/** An object whose keys count. */
	KEYS,
	/** An object of strings, "key=value". */
	PAIRS,
};

static const struct {
	const char *key;
	enum shape shape;
} members[] = {
	{"User", TEXT},
	{"WorkingDir", TEXT},
	{"Entrypoint", COMMAND},
	{"Cmd", COMMAND},
	{"Shell", COMMAND},
	{"Healthcheck", COMMAND},
	{"StopSignal", TEXT},
	{"Env", LIST},
	{"ExposedPorts", KEYS},
	{"Volumes", KEYS},
	{"OnBuild", LIST},
	{"Labels", PAIRS},
};

static void tell(struct walk *walk, const char *key, const char *value)
{
	if (!walk->stopped && value && *value) {
		walk->stopped = walk->each(walk->arg, key, value);
	}
}

static void tell_pairs(struct walk *walk, const char *key, const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		json_t *pair = json_sprintf("%s=%s", name,
			json_is_string(value) ? json_string_value(value) : "");

		walk->out_of_memory |= !pair;
		tell(walk, key, json_string_value(pair));
		json_decref(pair);
	}
}

static void tell_command(struct walk *walk, const char *key, const json_t *value)
{
	char *text;

	if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0)) {
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY);
	walk->out_of_memory |= !text;
	tell(walk, key, text);
	free(text);
}

static void tell_member(struct walk *walk, const char *key, enum shape shape, const json_t *value)
{
	size_t i;
	json_t *element;
	const char *name;

	switch (shape) {
	case TEXT:
		tell(walk, key, json_string_value(value));
		return;
	case LIST:
		json_array_foreach (value, i, element) {
			tell(walk, key, json_string_value(element));
		}
		return;
	case COMMAND:
		tell_command(walk, key, value);
		return;
	case KEYS:
		json_object_foreach ((json_t *)value, name, element) {
			tell(walk, key, name);
		}
		return;
	case PAIRS:
		tell_pairs(walk, key, value);
	}
}

int peel_config_facts(const char *config, size_t len, peel_fact_fn *each, void *arg,
	struct peel_error *err)
{
	struct walk walk = {.each = each, .arg = arg};
	json_t *root = NULL;
	const json_t *inner;
	int r = json_parse_again("configuration", config, len, &root, err);

	if (r < 0) {
		return r;
	}
	tell(&walk, "Created", json_text(root, "created"));
	tell(&walk, "Author", json_text(root, "author"));
	inner = json_member(root, "config");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !walk.stopped; i++) {
		const json_t *value = json_member(inner, members[i].key);

		if (value) {
			tell_member(&walk, members[i].key, members[i].shape, value);
		}
	}
	json_decref(root);
	if (walk.out_of_memory) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return walk.stopped ? 1 : 0;
}
