/* SPDX-License-Identifier: Apache-2.0 */
/** Table entry and its indexes, filled at once when all layers were added. */
#ifndef TREE_LOAD_H
#define TREE_LOAD_H

struct peel_error;
struct tree;

/** Fill them; the tree's sort is then at its start. @return 0; PEEL_EIO (disk full), PEEL_ENOMEM, PEEL_ELIMIT. */
int tree_load(struct tree *tree, struct peel_error *err);

#endif
