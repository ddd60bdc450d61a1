/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Told to the static analyser before each file: what a failure returns is less than 0. It looks at one file at a time
 * and else follows ways on which a function has failed and its caller takes it for done.
 */
#include <peel/error.h>

#define peel_fail(err, code, ...) \
	((void)(peel_fail)(err, code, __VA_ARGS__), (code) < 0 ? (code) : PEEL_EINTERNAL)
#define peel_wrap(err, ...) ((void)(peel_wrap)(err, __VA_ARGS__), PEEL_EINTERNAL)

#ifdef ANALYZE_YAML
#include "../../index/yaml.h"
#define yaml_fail(document, node, err, ...) \
	((void)(yaml_fail)(document, node, err, __VA_ARGS__), PEEL_EFORMAT)
#endif

#ifdef ANALYZE_POLICY
#include "../../index/audit_policy_priv.h"
#define policy_no_memory(err) ((void)(policy_no_memory)(err), PEEL_ENOMEM)
#endif

#if ANALYZE_POLICY > 1
#define policy_fail(policy, node, err, ...) \
	((void)(policy_fail)(policy, node, err, __VA_ARGS__), PEEL_EFORMAT)
#endif
