/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on a list (sandbox_table.c), made into a filter by libseccomp, which knows the numbers of every
 * architecture.
 *
 * What is not on the list gives EPERM: a library that asks for a comfort goes on without it. What no honest code path of
 * peel or of its libraries asks for ends the process (SIGSYS): there, somebody else is at work. Another architecture's
 * calls (32-bit, x32) end it too.
 *
 * Cost: most calls on the list are allowed whatever their arguments, which the kernel remembers by number (since 5.11), so
 * that reading costs nothing more. The filter is a search tree over numbers; making it is most of what entering costs.
 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "sandbox_priv.h"
#include "sandbox_table.h"
#include "util.h"

/** libseccomp: 2 is a binary tree. */
#define OPTIMIZE_TREE 2

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter) {
		seccomp_release(*filter);
	}
}

static int fail(int r, struct peel_error *err)
{
	if (r == -ENOMEM) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	/* Older than Linux 4.14, or something between us and the kernel does not know it. */
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		return peel_fail(err, PEEL_EUNSUPPORTED,
			"this kernel cannot confine a process (seccomp)");
	}
	return peel_fail(err, PEEL_EIO, "cannot confine system calls: %s",
		strerror(r == -ECANCELED ? errno : -r));
}

static int set_attributes(scmp_filter_ctx filter, struct peel_error *err)
{
	const struct {
		enum scmp_filter_attr attribute;
		uint32_t value;
	} attributes[] = {
		{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
		{SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < countof(attributes); i++) {
		r = seccomp_attr_set(filter, attributes[i].attribute, attributes[i].value);
	}
	return r == 0 ? 0 : fail(r, err);
}

/** The value that a condition compares with; it may be known at run time only. */
static uint64_t value_of(const struct sandbox_condition *condition)
{
	return condition->own_process ? (uint64_t)getpid() : condition->value;
}

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	struct scmp_arg_cmp compare[SANDBOX_CONDITIONS];
	unsigned count = 0;
	int r;

	for (; count < SANDBOX_CONDITIONS && rule->conditions[count].op != 0; count++) {
		const struct sandbox_condition *condition = &rule->conditions[count];
		const bool masked = condition->op == SCMP_CMP_MASKED_EQ;

		compare[count] = (struct scmp_arg_cmp){
			.arg = condition->argument,
			.op = condition->op,
			.datum_a = masked ? condition->mask : value_of(condition),
			.datum_b = masked ? condition->value : 0,
		};
	}
	r = seccomp_rule_add_array(filter, rule->action, rule->call, count, compare);
	/* -EDOM: this architecture has no such call. -EACCES: it is what happens anyway. */
	return r == -EDOM || r == -EACCES ? 0 : r;
}

/** A filter for one architecture. */
static int make_filter(uint32_t arch, unsigned kept, scmp_filter_ctx *ret_filter,
	struct peel_error *err)
{
	cleanup(cleanup_filter) scmp_filter_ctx filter =
		seccomp_init(kept & SANDBOX_INSTRUMENTS ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;
	int code;

	if (r == 0 && arch != 0 && arch != seccomp_arch_native()) {
		r = seccomp_arch_add(filter, arch);
		r = r == 0 ? seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) : r;
	}
	if (r != 0) {
		return fail(r, err);
	}
	code = set_attributes(filter, err);
	for (size_t i = 0; code == 0 && i < sandbox_rule_count; i++) {
		const struct sandbox_rule *rule = &sandbox_rules[i];

		if ((rule->with == 0 || rule->with & kept) && !(rule->without & kept)) {
			r = add_rule(filter, rule);
			code = r == 0 ? 0 : fail(r, err);
		}
	}
	if (code == 0) {
		*ret_filter = steal_pointer(&filter);
	}
	return code;
}

int sandbox_calls_confine(unsigned kept, struct peel_error *err)
{
	cleanup(cleanup_filter) scmp_filter_ctx filter = NULL;
	int code = make_filter(0, kept, &filter, err);

	if (code == 0) {
		int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

		r = r == 0 ? seccomp_load(filter) : r;
		code = r == 0 ? 0 : fail(r, err);
	}
	return code;
}

int sandbox_calls_export(uint32_t arch, unsigned kept, int fd, struct peel_error *err)
{
	cleanup(cleanup_filter) scmp_filter_ctx filter = NULL;
	int code = make_filter(arch, kept, &filter, err);

	if (code == 0) {
		int r = seccomp_export_bpf(filter, fd);

		code = r == 0 ? 0 : fail(r, err);
	}
	return code;
}
