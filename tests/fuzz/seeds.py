#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the seeds of a fuzz target: small files, one an input, the same ones in every run.

    seeds.py NAME FOLDER

A maker is a function in a file seeds_*.py beside this one, under the target's name in that file's MAKERS: it takes no
argument and gives (name, bytes) pairs. With $PEEL_CORPUS, or with shared/corpus beside the checkout, makers in
CORPUS give more of them, out of its files; those are never committed.
"""
import glob
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
sys.dont_write_bytecode = True
CORPUS = os.path.abspath(os.environ.get("PEEL_CORPUS", os.path.join(HERE, "..", "..", "..", "shared", "corpus")))
# Longest file of the corpus that is taken.
CORPUS_MAX = 1 << 20


def main():
    """The seeds of one target."""
    if len(sys.argv) != 3:
        sys.exit("usage: seeds.py NAME FOLDER")
    name, folder = sys.argv[1:]
    made = []
    for path in sorted(glob.glob(os.path.join(HERE, "seeds_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        if name in module.MAKERS:
            made += list(module.MAKERS[name]())
        if name in getattr(module, "CORPUS", {}) and os.path.isdir(CORPUS):
            made += [seed for seed in module.CORPUS[name](CORPUS) if len(seed[1]) <= CORPUS_MAX]
    if not made:
        sys.exit("seeds.py: no maker for %s" % name)
    os.makedirs(folder, exist_ok=True)
    for seed, data in made:
        with open(os.path.join(folder, seed), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
