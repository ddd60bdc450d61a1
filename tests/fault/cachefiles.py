#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of the cache that were truncated, damaged at random, or made by an attacker: safe, noticed, and built anew.

    cachefiles.py [--seeds N] [--seed N] [--figures FILE]

An index and a facts file are cut at every 1/64, and damaged by random bytes, zeroed pages and swapped pages; an attacker's
index is changed by SQL and sealed anew. Verbs then end with a documented status within ten seconds, and show no byte of a file
beside the image, which is filled with a mark. `cache verify` notices every damage (status 1) that the seal
covers, and after it every answer is the good one. $PEEL is the command.
"""
import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys

import common

PAGE = 8192
MARK = b"SECRET-OF-THE-MACHINE"
VERBS = (["ls", "-lR"], ["find"], ["export", "--format", "tar"], ["detect", "{image}", "setuid"], ["cat", "{image}", "/opt/tool.py", "/usr/share/big"],
         ["inspect"], ["du", "-a"], ["packages"])
ATTACKS = (
    "UPDATE dir SET parent = id WHERE id > 1",
    "UPDATE entry SET self = 1 WHERE type = 'd'",
    "UPDATE entry SET dir = self WHERE type = 'd'",
    "UPDATE entry SET name = CAST('a/b' AS BLOB) WHERE type = 'f'",
    "UPDATE entry SET name = CAST('..' AS BLOB)",
    "UPDATE entry SET name = x'610062' WHERE type = 'f'",
    "UPDATE entry SET size = 9223372036854775807 WHERE type = 'f'",
    "UPDATE entry SET data = 9223372036854775807 WHERE type = 'f'",
    "UPDATE entry SET data = -1, size = 100000 WHERE type = 'f'",
    "UPDATE entry SET link = zeroblob(1000000) WHERE type = 'l'",
    "UPDATE blob SET offset = 0, size = 9223372036854775807, out_size = 9223372036854775807",
    "UPDATE blob SET offset = 4611686018427387904",
    "UPDATE blob SET file = CAST('../../secret' AS BLOB)",
    "UPDATE blob SET file = CAST('{secret}' AS BLOB)",
    "UPDATE blob SET codec = 1 - codec",
    "UPDATE point SET in_off = in_off + 7, bits = 5",
    "UPDATE point SET out_off = 9223372036854775807",
    "UPDATE point SET window = zeroblob(100), window_len = 32768",
    "UPDATE point SET window_len = 4294967295",
    "UPDATE layer SET tar_size = 9223372036854775807",
    "UPDATE layer SET first_id = 0, end_id = 9223372036854775807",
    "UPDATE image SET value = zeroblob(5000000) WHERE key = 'config'",
    "UPDATE image SET value = '{secret}' WHERE key = 'location'",
    "UPDATE history SET instruction = zeroblob(2000000)",
    "CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END",
    "DROP VIEW tree; CREATE VIEW tree AS SELECT * FROM entry",
    "CREATE TABLE more (a); INSERT INTO more VALUES (zeroblob(3000000))",
    "CREATE VIRTUAL TABLE v USING fts5(a)",
    "DELETE FROM point",
    "DELETE FROM dir",
)


def damage(data, chance):
    """One way to damage a file's bytes."""
    data = bytearray(data)
    pages = len(data) // PAGE
    kind = chance.randrange(4)
    if kind == 0:
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        for _ in range(chance.choice((2, 20, 300))):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 2:
        at = chance.randrange(pages) * PAGE
        data[at:at + PAGE] = bytes(PAGE)
    else:
        one, other = (chance.randrange(pages) * PAGE for _ in range(2))
        data[one:one + PAGE], data[other:other + PAGE] = data[other:other + PAGE], data[one:one + PAGE]
    return bytes(data)


# What a mount shows, all of it.
WALK = "find . -ls; find . -type f -exec cat {} +; find . -type l -exec readlink {} +; exit 0"


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.cache = os.path.join(folder, "cache")
        self.secret = os.path.join(folder, "secret")
        with open(self.secret, "wb") as file:
            file.write(MARK * 5000)
        self.images = common.make_images(folder)
        self.counts = {"crashes": 0, "hangs": 0, "wrong": 0, "leaks": 0}
        self.rows = []

    def verb(self, verb, image, *more):
        args = [word.format(image=image) for word in verb]
        args = [*args[:1], *more, *args[1:]] + ([] if "{image}" in verb else [image])
        return common.run(args)

    def judge(self, what, done):
        """No crash, no hang, nothing of another file."""
        for kind, bad in (("hangs", done.hung), ("crashes", done.crashed()), ("wrong", MARK in done.out + done.err)):
            if bad:
                self.counts[kind] += 1
                print("%s: %s" % (what, done.text()), flush=True)

    def mounted(self, what, image, *more):
        """The same of a mount, which has to live as long as it is looked at. @return runs"""
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            return 0
        done = common.run(["run", *more, image, "--", "sh", "-c", WALK])
        dead = done.status < 0 or done.status >= 128 or b"endpoint is not connected" in done.err
        for kind, bad in (("hangs", done.hung), ("crashes", dead and not done.hung), ("wrong", MARK in done.out + done.err)):
            if bad:
                self.counts[kind] += 1
                print("%s: a mount: %s" % (what, done.text()), flush=True)
        return 1

    def put(self, name, data):
        path = os.path.join(self.cache, name)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o600)

    def wrong(self, text):
        self.counts["wrong"] += 1
        print(text, flush=True)

    def restore(self, good):
        shutil.rmtree(self.cache, ignore_errors=True)
        os.mkdir(self.cache, 0o700)
        for name, data in good.items():
            self.put(name, data)

    def damaged(self, image, good, answers, name, data, what, number):
        """One damaged file: two verbs before it is verified, verify, and the answer afterwards."""
        self.restore(good)
        self.put(name, data)
        for verb in (VERBS[number % len(VERBS)], VERBS[(number // 3 + 3) % len(VERBS)]):
            self.judge(what, self.verb(verb, image, "--cache-dir", self.cache))
        # What a verb noticed by itself is built anew by now.
        with open(os.path.join(self.cache, name), "rb") as file:
            is_damaged = file.read() == data and data != good[name]
        # Another version in the header makes it another version's: it is listed, never used, and its seal not known.
        same = [data[a:b] == good[name][a:b] for a, b in ((0, 16), (68, 72), (60, 64))]
        is_damaged = is_damaged and (len(data) < 100 or same != [True, True, False])
        done = common.run(["cache", "verify", "--cache-dir", self.cache])
        self.judge(what, done)
        if done.status != (1 if is_damaged else 0):
            self.wrong("%s: cache verify has status %d, damaged: %s" % (what, done.status, is_damaged))
        verb = VERBS[0]
        after = self.verb(verb, image, "--cache-dir", self.cache)
        if (after.status, after.out) != answers:
            self.wrong("%s: after cache verify: %s" % (what, after.text()))

    def image(self, compress, chance, seeds):
        image = self.images[compress]
        shutil.rmtree(self.cache, ignore_errors=True)
        done = common.run(["index", "-q", "--facts", "--cache-dir", self.cache, image])
        if done.status:
            raise SystemExit(done.text())
        good = {}
        for name in common.files_of(self.cache):
            with open(os.path.join(self.cache, name), "rb") as file:
                good[name] = file.read()
        done = self.verb(VERBS[0], image, "--cache-dir", self.cache)
        answers = (done.status, done.out)
        number = cuts = 0
        for name, data in good.items():
            for i in range(0, 64, max(1, 64 // max(1, min(64, seeds // 4)))):
                self.damaged(image, good, answers, name, data[:len(data) * i // 64], "%s cut at %d/64" % (name[-6:], i), number)
                number, cuts = number + 1, cuts + 1
        for seed in range(seeds):
            name = sorted(good)[seed % len(good)]
            self.damaged(image, good, answers, name, damage(good[name], chance), "%s %s seed %d" % (compress, name[-6:], seed),
                         number + seed)
        self.rows.append([compress, cuts, seeds, self.attacks(compress, image)])

    def attacks(self, compress, image):
        """An attacker's index, in place of the user's own, and given with --index."""
        tried = 0
        named = os.path.join(self.folder, "named.peel")
        for attack in ATTACKS:
            for path in (named, named + ".facts"):
                if os.path.exists(path):
                    os.unlink(path)
            done = common.run(["index", "-q", "--index", named, image])
            base = sqlite3.connect(named)
            try:
                base.executescript(attack.format(secret=self.secret))
            except sqlite3.Error as error:
                raise SystemExit("%s: %s" % (attack, error))
            base.close()
            subprocess.run([common.SEAL, named], check=True)
            for verb in VERBS:
                self.judge("%s: %s: %s" % (compress, attack, verb[0]), self.verb(verb, image, "--index", named))
                tried += 1
            tried += self.mounted("%s: %s" % (compress, attack), image, "--index", named)
        return tried


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures")
    options = parser.parse_args()
    if not os.path.exists(common.SEAL):
        print("SKIP: no %s" % common.SEAL)
        return 77
    with common.Workplace() as folder:
        campaign = Campaign(folder, options)
        chance = random.Random(options.seed)
        for compress in ("none", "gzip", "zstd"):
            campaign.image(compress, chance, options.seeds // 3 + 1)
            print("# %s: %d cuts, %d damages, %d runs on an attacker's index" % tuple(campaign.rows[-1]), flush=True)
    if options.figures:
        common.write_figures(options.figures, "Files of the cache: cut, damaged, made by an attacker",
                             ["layers", "cut", "damaged at random", "runs on an attacker's index"], campaign.rows,
                             **campaign.counts)
    print(campaign.counts)
    return 1 if any(campaign.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
