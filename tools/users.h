/* SPDX-License-Identifier: Apache-2.0 */
/**
 * User and group names as inside a chroot of the image: its own /etc/passwd and /etc/group, never
 * the machine's.
 */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;
struct peel_index;

struct name_row;

/** Names by number. Start with {0}; release with names_finish. */
struct names {
	struct name_row *rows;
	size_t count;
	size_t room;
};

/** Names of users and of groups. {0} is valid and knows no name. */
struct users {
	struct names users;
	struct names groups;
};

/**
 * Read the image's names. What the image lacks, holds broken or says in another form leaves numbers without names: that
 * is no error.
 * @param users free it with users_finish, on failure too. @return 0; PEEL_ENOMEM, PEEL_EIO, PEEL_ECHANGED.
 */
int users_read(struct users *users, struct peel_index *index, struct peel_error *err);
/** Free; a zero value is fine. */
void users_finish(struct users *users);

/** Escaped name of a number; NULL where the image has none. Belongs to names. */
const char *names_find(const struct names *names, uint32_t id);
/** As names_find, the bytes as the image has them: for output that is no text for people. */
const char *names_find_raw(const struct names *names, uint32_t id);
/** Number of a name, that of its first line. @return false where the image has no such name. */
bool names_find_id(const struct names *names, const char *raw, uint32_t *ret_id);
/** Escaped name, or the number in digits written to buf (FORMAT_SIZE bytes). */
const char *names_show(const struct names *names, uint32_t id, char *buf);

#endif
