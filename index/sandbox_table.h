/* SPDX-License-Identifier: Apache-2.0 */
/** The list of system calls of the cage, as data. */
#ifndef SANDBOX_TABLE_H
#define SANDBOX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <seccomp.h>

/** Conditions on arguments in one rule; all of them hold where it applies. */
#define SANDBOX_CONDITIONS 2

/** A condition on one argument, which is a register: what it points to cannot be looked at. */
struct sandbox_condition {
	/** SCMP_CMP_EQ, SCMP_CMP_NE or SCMP_CMP_MASKED_EQ; 0: no condition, and none after it. */
	enum scmp_compare op;
	/** Number of the argument, from 0. */
	unsigned argument;
	/** Bits that are compared, with SCMP_CMP_MASKED_EQ. */
	uint64_t mask;
	uint64_t value;
	/** Compare with the process's own id in place of value. */
	bool own_process;
};

/** What happens to a call. Rules of one call never overlap where their actions differ. */
struct sandbox_rule {
	/** SCMP_SYS(name). */
	int call;
	/** SCMP_ACT_ALLOW, SCMP_ACT_KILL_PROCESS or SCMP_ACT_ERRNO. */
	uint32_t action;
	/** Only where one of these bits of enum sandbox_kept is kept; 0: always. */
	unsigned with;
	/** Not where one of these is kept. */
	unsigned without;
	struct sandbox_condition conditions[SANDBOX_CONDITIONS];
};

/** The rules. */
extern const struct sandbox_rule sandbox_rules[];
/** How many there are. */
extern const size_t sandbox_rule_count;

#endif
