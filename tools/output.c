/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --output FMT[=FILE]: which documents a run writes, and where to; and how every JSON document begins and ends. Whether
 * an answer is complete is its last member: a limit may be hit, or a package database turn out not to be readable,
 * while it is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "format.h"
#include "json_writer.h"

/* Whether "table csv json" holds a word. */
static bool has_format(const char *formats, const char *wanted, size_t len)
{
	while (*formats) {
		size_t name_len = strcspn(formats, " ");

		if (name_len == len && memcmp(formats, wanted, len) == 0) {
			return true;
		}
		formats += name_len + (formats[name_len] == ' ');
	}
	return false;
}

int check_outputs(const struct call *call)
{
	int to_stdout = 0;

	for (int i = 0; i < call->shared.outputs.count; i++) {
		const char *output = call->shared.outputs.items[i];
		size_t len = strcspn(output, "=");
		char shown[64];

		if (!has_format(call->verb->formats, output, len)) {
			return complain_usage(call, "'%s' is no format of %s: use one of %s",
				peel_text_escape_into(shown, sizeof(shown), output, len),
				call->verb->name, call->verb->formats);
		}
		to_stdout += output[len] == 0;
	}
	if (to_stdout > 1) {
		return complain_usage(call, "only one --output can go to standard output");
	}
	return STATUS_OK;
}

/* What a file held goes away when it is written, which may never be. */
static FILE *open_output(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !out) {
		close(fd);
	}
	return out;
}

static int fail_output(const char *path, struct peel_error *err)
{
	int saved = errno;
	char shown[PEEL_MESSAGE_SIZE / 2];

	return peel_fail(err, PEEL_EIO, "%s: %s",
		peel_text_escape_into(shown, sizeof(shown), path, strlen(path)), strerror(saved));
}

int open_outputs(struct call *call, struct peel_error *err)
{
	const struct opt_list *outputs = &call->shared.outputs;

	for (int i = 0; i < outputs->count; i++) {
		const char *path = strchr(outputs->items[i], '=');

		if (path && !call->outputs[i] && !(call->outputs[i] = open_output(path + 1))) {
			return fail_output(path + 1, err);
		}
	}
	return 0;
}

void close_outputs(struct call *call)
{
	for (int i = 0; i < OPT_LIST_MAX; i++) {
		if (call->outputs[i]) {
			fclose(call->outputs[i]);
			call->outputs[i] = NULL;
		}
	}
}

static int emit_to_file(struct call *call, struct peel_index *index, const char *format, int number,
	emit_fn *emit, void *arg)
{
	const char *path = strchr(call->shared.outputs.items[number], '=') + 1;
	FILE *out = call->outputs[number];
	struct peel_error err = {0};
	bool failed;
	int status;

	call->outputs[number] = NULL;
	/* EINVAL: a pipe or a device, which has no length. */
	failed = ftruncate(fileno(out), 0) != 0 && errno != EINVAL;
	status = failed ? STATUS_ERROR : emit(call, index, format, out, arg);
	failed |= ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		fail_output(path, &err);
		return complain_error(&err);
	}
	return status;
}

int emit_all(struct call *call, struct peel_index *index, emit_fn *emit, void *arg)
{
	const struct opt_list *outputs = &call->shared.outputs;
	char format[OPT_NAME_MAX + 1];
	struct peel_error err = {0};
	int status = STATUS_OK;

	if (outputs->count == 0) {
		snprintf(format, sizeof(format), "%.*s", (int)strcspn(call->verb->formats, " "),
			call->verb->formats);
		return emit(call, index, format, stdout, arg);
	}
	if (open_outputs(call, &err) < 0) {
		return complain_error(&err);
	}
	for (int i = 0; i < outputs->count; i++) {
		const char *output = outputs->items[i];
		size_t len = strcspn(output, "=");
		int one;

		snprintf(format, sizeof(format), "%.*s", (int)len, output);
		one = output[len] ? emit_to_file(call, index, format, i, emit, arg)
				  : emit(call, index, format, stdout, arg);
		status = worse_status(status, one);
	}
	return status;
}

void json_image(struct json *json, struct peel_index *index)
{
	static const char *const keys[] = {
		"reference", "kind", "platform", "manifest_digest", "config_digest"};

	json_object(json, "image");
	for (size_t i = 0; i < countof(keys); i++) {
		const char *value = peel_image_value(index, keys[i]);

		json_bytes(json, keys[i], value, strlen(value));
	}
	json_close(json);
}

/* Elements of an array, a line each. */
static void json_lines(struct json *json, const char *reasons)
{
	const char *line;
	int len = 0;

	while ((line = format_next_line(&reasons, &len))) {
		char one[PEEL_MESSAGE_SIZE];

		snprintf(one, sizeof(one), "%.*s", len, line);
		json_string(json, NULL, one);
	}
}

void json_reasons(struct json *json, const char *reasons)
{
	json_bool(json, "complete", !reasons);
	if (reasons) {
		json_array(json, "incomplete_reasons");
		json_lines(json, reasons);
		json_close(json);
	}
}

/* What is known of an index now, at the end of an answer. */
static void json_completeness(struct json *json, struct peel_index *index)
{
	const char *const reasons[] = {
		peel_index_incomplete_reasons(index),
		peel_facts_incomplete_reasons(index),
		peel_index_answer_reason(index),
	};
	bool complete = true;

	for (size_t i = 0; i < countof(reasons); i++) {
		complete = complete && !*reasons[i];
	}
	json_bool(json, "complete", complete);
	if (!complete) {
		json_array(json, "incomplete_reasons");
		for (size_t i = 0; i < countof(reasons); i++) {
			json_lines(json, reasons[i]);
		}
		json_close(json);
	}
}

void json_begin(struct json *json, const char *name)
{
	char schema[64];

	snprintf(schema, sizeof(schema), "peel/%s/1", name);
	json_object(json, NULL);
	json_string(json, "schema", schema);
}

void json_image_members(struct json *json, struct peel_index *index)
{
	json_image(json, index);
	json_completeness(json, index);
}

static void finish_document(struct json *json)
{
	json_completeness(json, json->about[0]);
}

void json_document(struct json *json, const char *name, struct peel_index *index)
{
	json_begin(json, name);
	json_image(json, index);
	json->about[0] = index;
	json->finish = finish_document;
}

static void finish_pair(struct json *json)
{
	static const char *const names[] = {"a", "b"};

	for (size_t i = 0; i < countof(names); i++) {
		json_object(json, names[i]);
		json_image_members(json, json->about[i]);
		json_close(json);
	}
}

void json_pair(struct json *json, const char *name, struct peel_index *a, struct peel_index *b)
{
	json_begin(json, name);
	json->about[0] = a;
	json->about[1] = b;
	json->finish = finish_pair;
}
