/* SPDX-License-Identifier: Apache-2.0 */
/** Every cheap question to an index that may say anything. Answers are as query.h and facts.h promise them. */
#ifndef INDEX_ASK_H
#define INDEX_ASK_H

struct peel_index;

/** Number of groups of questions; SQL is the last. */
#define INDEX_ASK_GROUPS 9

/** Ask the group that a number stands for, any number. */
void index_ask(struct peel_index *index, unsigned int number);

#endif
