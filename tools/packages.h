/* SPDX-License-Identifier: Apache-2.0 */
/** peel packages: what each package has of the visible bytes, and where the rest is. */
#ifndef PACKAGES_H
#define PACKAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/audit.h>
#include <peel/facts.h>

#include "cmd.h"

struct json;

/** Number of kinds of claim, PEEL_CLAIM_NONE included. */
#define PACKAGES_CLAIMS 6

/** Most folders of the unowned rest that are told apart; what lies in others counts for the folder above. */
#define PACKAGES_FOLDERS_MAX 1000000
/** Deepest level of folders that --unowned takes. */
#define PACKAGES_DEPTH_MAX 64

/** Visible regular files. */
struct packages_sum {
	uint64_t files, bytes, allocated;
	/** Bytes by enum peel_claim. */
	uint64_t claims[PACKAGES_CLAIMS];
};

/** A folder of the unowned rest, without what its own rows below have. */
struct packages_folder {
	char *path;
	size_t path_len;
	struct packages_sum sum;
};

/** All sums. */
struct packages {
	struct peel_index *index;
	/** Member 0: nobody's; then by peel_package.id. */
	struct packages_sum *sums;
	uint32_t count;
	struct packages_sum all, owned;
	/** The largest first. */
	struct packages_folder *folders;
	size_t folder_count, folder_room;
};

/** Options of the verb. */
struct packages_values {
	const char *db;
	const char *sort;
	const char *owner;
	const char *files;
};

/**
 * Sum up the visible tree.
 * @param depth levels of folders that the rest is broken down to, 0: one row, "/".
 * @return 0; what peel_pieces gives. Free with packages_finish, also on failure.
 */
int packages_sum_up(struct peel_index *index, unsigned depth, struct packages *ret_packages,
	struct peel_error *err);

/** Free what packages_sum_up made. */
void packages_finish(struct packages *packages);

/** Answer --owner. @return an exit status. */
int packages_owner(struct call *call, struct peel_index *index);

/** Answer --files. @return an exit status. */
int packages_files(struct call *call, struct peel_index *index);

/** True where a package is of the database that --db names, or it names none. */
bool packages_wanted(const struct packages_values *values, const struct peel_package *package);

/** Say on stderr what could not be read of databases and files. @return STATUS_INCONCLUSIVE where any, else STATUS_OK.
 */
int packages_complain(const struct peel_index *index);

/** Open a JSON document that says so, too, at its end. */
void packages_json_document(struct json *json, const char *name, struct peel_index *index);

/** A package's own members of a JSON object. */
void packages_json(struct json *json, const struct peel_package *package);

/** Members of a sum. @param claims whether bytes by claim are wanted. */
void packages_json_sum(struct json *json, const struct packages_sum *sum, bool claims);

/** The databases, as an array "databases". */
void packages_json_databases(struct json *json, const struct peel_index *index);

#endif
