/* SPDX-License-Identifier: Apache-2.0 */
/**
 * peel: look inside a container image file without unpacking it.
 *
 *     struct peel_error err = {0};
 *     struct peel_index *index = NULL;
 *     struct peel_node node;
 *
 *     if (peel_index_open("app.tar", NULL, &index, &err) < 0 ||
 *         peel_resolve(index, PEEL_VIEW_MERGED, 0, "/usr/bin/git", 12, true, &node, NULL,
 *                 &err) < 0)
 *             fprintf(stderr, "%s\n", err.message);
 *     else
 *             printf("%llu bytes\n", (unsigned long long)node.size);
 *     peel_index_close(index);
 *
 * image.h says what a file holds, index.h builds and opens, query.h asks, mount.h shows it through
 * FUSE.
 */
#ifndef PEEL_PEEL_H
#define PEEL_PEEL_H

#include <peel/advice.h>
#include <peel/audit.h>
#include <peel/diff.h>
#include <peel/error.h>
#include <peel/facts.h>
#include <peel/image.h>
#include <peel/index.h>
#include <peel/limits.h>
#include <peel/query.h>
#include <peel/sandbox.h>
#include <peel/text.h>
#include <peel/waste.h>

/** Version of the library, semantic versioning. */
#define PEEL_VERSION "0.1.0"

#endif
