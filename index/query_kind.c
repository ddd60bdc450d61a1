/* SPDX-License-Identifier: Apache-2.0 */
/* What the regular file behind a number is, by its first bytes. */
#include "facts.h"
#include "query_priv.h"

int peel_kind(struct peel_index *index, uint64_t ino, enum peel_kind *ret_kind,
	struct peel_error *err)
{
	char head[FACTS_HEAD];
	ssize_t got = peel_read(index, ino, 0, head, sizeof(head), err);

	if (got < 0) {
		return (int)got;
	}
	*ret_kind = facts_kind(head, (size_t)got);
	return 0;
}
