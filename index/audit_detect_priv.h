/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One run of peel_detect: files first (audit_detect_file.c, side by side by audit_detect_parts.c), then links and
 * folders (audit_detect_link.c), packages and the configuration (audit_detect_config.c); what is found waits in memory
 * (audit_detect_found.c) until it is sorted.
 */
#ifndef AUDIT_DETECT_PRIV_H
#define AUDIT_DETECT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_detect_match.h"

struct facts_rows;
struct peel_piece;
struct query_names;

/** Bytes of all that is found; beyond it there is no answer. A finding has some 300. */
#define DETECT_MEMORY_MAX ((size_t)512 << 20)
/** Most links of one finding that are told. */
#define DETECT_LINKS_MAX 64

/** Longest first line of a script that is told, with its NUL. */
#define DETECT_LINE_MAX 1024

/** What stands in brackets behind a title. */
enum detect_note {
	DETECT_STATIC = 1,
	/** None of its names is one that the detector's programs have. */
	DETECT_RENAMED = 2,
	/** A program without any execute bit. */
	DETECT_NO_EXECUTE = 4,
	/** The image has package databases, and none owns it. */
	DETECT_UNOWNED = 8,
	/** The interpreter that it names is not there. */
	DETECT_UNRESOLVED = 16,
	/** A package whose detector finds no interpreter in the merged tree. */
	DETECT_GONE = 32,
};

/** A text in a list. */
struct found_name {
	struct found_name *next;
	size_t len;
	char text[];
};

struct found_evidence {
	struct found_evidence *next;
	struct peel_evidence evidence;
};

/** A finding at rest. */
struct found {
	uint32_t rule;
	/** A set of enum detect_note. */
	unsigned int notes;
	bool visible, shipped;
	int layer, hidden_by;
	enum peel_cause cause;
	uint64_t ino, bytes;
	uint32_t package;
	/** In order of bytes. */
	struct found_name *names;
	size_t name_count;
	struct found_evidence *evidence, **last;
	size_t evidence_count, link_count;
};

/** Memory of findings, freed as a whole. */
struct found_block;

struct founds {
	struct found_block *blocks;
	size_t bytes;
	struct found **list;
	size_t count, room;
};

struct detect {
	struct peel_index *index;
	const struct peel_detectors *detectors;
	/** By detector: asked for; and, for the count of archives, looked for. */
	const bool *asked;
	bool *wanted;
	struct match *match;
	/** What stands beside the files of the range at hand. */
	struct facts_rows *rows;
	struct query_names *names;
	/** Xattrs of files, ascending by entry. */
	struct detect_xattr *xattrs;
	size_t xattr_count, xattr_room, xattr_at;
	/** True where the merged tree has a package database. */
	bool databases;
	/** Detector "archive", count where there is none; what it finds that was not looked into. */
	uint32_t archive;
	uint64_t unexpanded, unexpanded_visible;
	/** First line of the script at hand. */
	char line[DETECT_LINE_MAX];
	struct founds founds;
	/** The finding that match_finish's callback fills: what all findings of a thing share. */
	struct found base;
	struct peel_error *err;
};

struct detect_xattr {
	uint64_t entry;
	const char *name;
};

/** Bytes of the run's memory. @return NULL, and the message is set. */
void *found_alloc(struct detect *detect, size_t len);
/** A copy of a text. @return NULL, and the message is set. */
char *found_text(struct detect *detect, const char *text, size_t len);
/** What found_alloc and found_text set. */
int found_failed(const struct detect *detect);

/** A place in the memory of findings. */
struct found_mark {
	struct found_block *block;
	size_t used;
};

/** The place at hand; all that is allocated after it can be given back, in the order of a stack. */
struct found_mark found_mark(const struct detect *detect);
void found_release(struct detect *detect, const struct found_mark *mark);
/**
 * Add a finding: a copy of detect->base with a rule and copies of evidence.
 * @param ret_found may be NULL. @return 0; PEEL_ENOMEM, PEEL_ELIMIT.
 */
int found_add(struct detect *detect, uint32_t rule, const struct peel_evidence *evidence,
	size_t count, struct found **ret_found);
/** Add evidence to a finding. @return as found_add. */
int found_evidence_add(struct detect *detect, struct found *found,
	const struct peel_evidence *evidence);
/** Put a name in its place in the list; one that is there already is not added. @return as found_add. */
int found_name_add(struct detect *detect, struct found_name **names, size_t *count,
	const char *text, size_t len);
/** Sort by detector, tier, path. */
void founds_sort(struct detect *detect);
/** Take over findings of another run, which has none then. @return 0; PEEL_ENOMEM, PEEL_ELIMIT. */
int founds_join(struct detect *detect, struct founds *other);
/** Free all. */
void founds_finish(struct founds *founds);

/** The rule of a finding. */
static inline const struct detector_rule *found_rule(const struct detect *detect,
	const struct found *found)
{
	return &detect->detectors->rules[found->rule];
}

/** Permission bits as chmod takes them. @param text of 5 bytes. @return it. */
static inline const char *detect_mode_text(uint32_t mode, char *text)
{
	for (int i = 0; i < 4; i++) {
		text[i] = (char)('0' + (mode >> (9 - 3 * i) & 7));
	}
	text[4] = '\0';
	return text;
}

/** Files of all layers, by threads. @return 0; PEEL_EFORMAT, PEEL_EIO, PEEL_ELIMIT, PEEL_ENOMEM. */
int detect_files(struct detect *detect);
/** Files whose rows are from the entry from on, before end. @return as detect_files. */
int detect_range(struct detect *detect, uint64_t from, uint64_t end);
/** Xattrs of files that detectors ask for. @return as detect_files. */
int detect_xattrs(struct detect *detect);
/** Folders; symlinks that lead to what was found, and to nothing. @return as detect_files. */
int detect_folders(struct detect *detect);
int detect_links(struct detect *detect);
/** What interpreters of scripts come to in the image. @return as detect_files. */
int detect_interpreters(struct detect *detect);
/** Packages, and what the configuration runs and sets. @return as detect_files. */
int detect_packages(struct detect *detect);
int detect_config(struct detect *detect);

/**
 * A command as the image's shell would find it: a path, or a name by the image's PATH.
 * @param ret_path canonical path of the regular file behind all links, the caller frees. @return 1; 0: it is not
 *   there; PEEL_ENOMEM.
 */
int detect_resolve(struct detect *detect, const char *command, size_t len, uint64_t *ret_ino,
	char **ret_path);
/**
 * The interpreter of a script's first line: "/usr/bin/python3", or what env looks for. @return false: there is
 * none.
 */
bool detect_script_command(const char *line, size_t len, const char **ret_command, size_t *ret_len);

#endif
