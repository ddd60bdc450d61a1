/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What detectors, which are data (detectors.yaml and files of the same form), want to be looked for inside files. The
 * compiled form is in audit_detectors_priv.h.
 */
#ifndef AUDIT_DETECTORS_H
#define AUDIT_DETECTORS_H

#include <stddef.h>

struct facts_wanted;
struct peel_detectors;
struct peel_error;

/**
 * The detectors of one text alone, without the built-in ones.
 * @param what names it in messages. @return as peel_detectors_load. Free with peel_detectors_free.
 */
int detectors_parse(const char *what, const char *text, size_t len,
	struct peel_detectors **ret_detectors, struct peel_error *err);

/** Markers and symbols of all detectors, in order of their names; lives as long as they do. */
const struct facts_wanted *detectors_wanted(const struct peel_detectors *detectors);

#endif
