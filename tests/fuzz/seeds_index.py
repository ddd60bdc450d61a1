# SPDX-License-Identifier: Apache-2.0
"""Seeds for an index from a stranger: which questions are asked, and lists of changes (fuzz_index.c)."""
import random

# Questions (index_ask.h): nine groups, four parts of each; the upper bit attaches facts.
GROUPS = range(36)
FACTS = 0x80


def changes():
    """Each group of questions to the good files, and to some that are changed at random, always the same ones."""
    for group in GROUPS:
        for facts in 0, FACTS:
            yield "good-%d-%d" % (group, facts >> 7), bytes([group | facts])
            chance = random.Random(group * 2 + facts)
            for number in range(3):
                data = bytes(chance.randrange(256) for _ in range(8 + 16 * number))
                yield "changed-%d-%d-%d" % (group, facts >> 7, number), bytes([group | facts]) + data


MAKERS = {"index": changes}
