/* SPDX-License-Identifier: Apache-2.0 */
/** Every cheap question to an index that may say anything. Answers are as query.h and facts.h promise them. */
#ifndef INDEX_ASK_H
#define INDEX_ASK_H

struct peel_index;

/** Number of groups of questions, of which most have parts; SQL is the last. */
#define INDEX_ASK_GROUPS 9

/** Ask what a number stands for: number % INDEX_ASK_GROUPS the group, the rest its part. Any number does. */
void index_ask(struct peel_index *index, unsigned int number);

#endif
