/* SPDX-License-Identifier: Apache-2.0 */
/** What yaml.c, which drives libyaml, and yaml_build.c, which makes the tree, share. */
#ifndef YAML_PRIV_H
#define YAML_PRIV_H

#include <stddef.h>

#include <yaml.h>

#include "yaml.h"

/** Longest piece of a stranger's text in a message. */
#define SHOWN_SIZE 160

/** Memory that is freed as a whole. */
struct yaml_block {
	struct yaml_block *next;
	size_t used;
	size_t room;
	max_align_t bytes[];
};

struct yaml_document {
	const struct yaml *root;
	struct yaml_block *blocks;
	/** Name of the document, escaped. */
	char what[SHOWN_SIZE];
};

/** A list or map that has not ended. */
struct yaml_frame {
	struct yaml *node;
	/** Its first member on the stack. */
	size_t base;
};

/** A document on its way; zeroed, it is one that has not begun. */
struct yaml_builder {
	yaml_parser_t parser;
	struct yaml_document *document;
	struct peel_error *err;
	/** Nodes that no list or map holds yet. */
	const struct yaml **members;
	size_t count;
	size_t room;
	/** Nodes made so far. */
	size_t nodes;
	/** Lists and maps that have not ended, outermost first. */
	struct yaml_frame frames[YAML_DEPTH];
	int depth;
	/** True from the first document's start on. */
	bool started;
	/** The bytes that are parsed. */
	const char *text;
	size_t len;
};

/**
 * Take one event of libyaml.
 * @return 1: go on; 0: it was the last; PEEL_EFORMAT, PEEL_ELIMIT, PEEL_ENOMEM.
 */
int yaml_take_event(struct yaml_builder *builder, const yaml_event_t *event);

/** Set an error that names the document and a line, from 1. @return PEEL_EFORMAT. */
int yaml_fail_line(const struct yaml_builder *builder, size_t line, const char *text);

#endif
