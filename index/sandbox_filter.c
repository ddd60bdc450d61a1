/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_filter.h"

#include <errno.h>
#include <seccomp.h>

#include "sandbox_calls.h"
#include "sandbox_priv.h"
#include "sandbox_table.h"
#include "util.h"

/**
 * What libseccomp may use, whatever the kernel at hand knows, which is not the one that will run it: ending a
 * process.
 */
#define API_LEVEL 3

/** libseccomp: 2 is a binary tree over the numbers. */
#define OPTIMIZE_TREE 2

static void cleanup_filter(scmp_filter_ctx *filter)
{
	if (*filter) {
		seccomp_release(*filter);
	}
}

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	struct scmp_arg_cmp compare[SANDBOX_CONDITIONS];
	unsigned count = 0;
	int r;

	for (; count < SANDBOX_CONDITIONS && rule->conditions[count].op != 0; count++) {
		const struct sandbox_condition *condition = &rule->conditions[count];
		const uint64_t value = condition->own_process ? SANDBOX_OWN : condition->value;
		const bool masked = condition->op == SCMP_CMP_MASKED_EQ;

		compare[count] = (struct scmp_arg_cmp){
			.arg = condition->argument,
			.op = condition->op,
			.datum_a = masked ? condition->mask : value,
			.datum_b = masked ? value : 0,
		};
	}
	r = seccomp_rule_add_array(filter, rule->action, rule->call, count, compare);
	/* -EDOM: this architecture has no such call. -EACCES: it is what happens anyway. */
	return r == -EDOM || r == -EACCES ? 0 : r;
}

int sandbox_filter_write(uint32_t arch, unsigned kept, int fd)
{
	cleanup(cleanup_filter) scmp_filter_ctx filter =
		seccomp_init(kept & SANDBOX_INSTRUMENTS ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;

	if (r == 0 && arch != 0 && arch != seccomp_arch_native()) {
		r = seccomp_arch_add(filter, arch);
		r = r == 0 ? seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) : r;
	}
	r = r == 0 ? seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) : r;
	r = r == 0 ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE) : r;
	for (size_t i = 0; r == 0 && i < sandbox_rule_count; i++) {
		const struct sandbox_rule *rule = &sandbox_rules[i];

		if ((rule->with == 0 || rule->with & kept) && !(rule->without & kept)) {
			r = add_rule(filter, rule);
		}
	}
	return r == 0 ? seccomp_export_bpf(filter, fd) : r;
}
