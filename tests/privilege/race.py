#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peel cp as root into a folder that somebody else may write: nothing outside of it changes, whatever he puts there meanwhile.

Round after round a copy runs while an attacker, as the owner of the target, exchanges its folders for links, names that are about to
be made for links, and whole levels for others. With the sandbox and without: the walls of each must hold alone. The count of rounds
in which the copy met the attacker is part of the test, since a race that nobody runs proves nothing.

PEEL names the program; prints TAP; exits 77 where it is not root.
"""
import multiprocessing
import os
import pathlib
import random
import stat
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PEEL = os.environ["PEEL"]
MKIMAGE = HERE.parent / "lib/mkimage.py"
STRANGER = 54321
ROUNDS = int(os.environ.get("PEEL_RACE_ROUNDS", "200"))
FOLDERS, FILES = 6, 4

IMAGE = "layer COPY\n" + "".join(
    f"d a{i} mode=777\nd a{i}/b mode=777\n" + "".join(f'f a{i}/b/f{j} data="evil{i}{j}" mode=4755\n' for j in range(FILES)) +
    f"l a{i}/link -> f0\nh a{i}/hard -> a{i}/b/f0\np a{i}/pipe\n" for i in range(FOLDERS))


def snapshot(folder):
    """Everything below a folder that a write could change."""
    seen = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            full = os.path.join(path, name)
            st = os.lstat(full)
            data = open(full, "rb").read() if stat.S_ISREG(st.st_mode) else b""
            seen[full] = (st.st_mode, st.st_uid, st.st_gid, st.st_size, st.st_ctime_ns, data)
    return seen


def attack(target, outside, seed, stop, counts):
    """As the stranger: folders become links and folders again, names become links, folders move away while they are filled."""
    os.setgroups([])
    os.setgid(STRANGER)
    os.setuid(STRANGER)
    chance = random.Random(seed)
    swaps = 0

    def to_link(path):
        nonlocal swaps
        aside = f"{target}/.aside{chance.randrange(1 << 30)}"
        try:
            os.rename(path, aside)
        except OSError:
            return
        try:
            os.symlink(chance.choice([outside, f"{outside}/deep", "../outside", "/", ".."]), path)
            swaps += 1
            time.sleep(chance.random() / 2000)
            os.unlink(path)
            os.rename(aside, path)
        except OSError:
            pass

    def plant(path):
        nonlocal swaps
        try:
            os.symlink(f"{outside}/passwd", path)
            swaps += 1
        except OSError:
            try:
                os.unlink(path)
            except OSError:
                pass

    while not stop.is_set():
        i = chance.randrange(FOLDERS)
        pick = chance.randrange(5)
        if pick < 2:
            to_link(f"{target}/a{i}")
        elif pick == 2:
            to_link(f"{target}/a{i}/b")
        elif pick == 3:
            plant(f"{target}/a{i}/b/f{chance.randrange(FILES)}")
        else:
            plant(f"{target}/a{i}")
    with counts.get_lock():
        counts.value += swaps


def open_folders(top):
    """The stranger may write all folders of the target, wherever they are now."""
    for path, folders, _ in os.walk(top):
        os.chown(path, STRANGER, STRANGER)


def one_round(number, lab, options):
    """Returns (how many exchanges, whether the copy met one of them, what is wrong)."""
    target, outside = lab / f"target{number}", lab / "outside"
    target.mkdir(mode=0o777)
    os.chown(target, STRANGER, STRANGER)
    for i in range(FOLDERS):
        (target / f"a{i}/b").mkdir(parents=True)
    open_folders(target)
    before = snapshot(outside)
    stop, counts = multiprocessing.Event(), multiprocessing.Value("L", 0)
    attacker = multiprocessing.Process(target=attack, args=(str(target), str(outside), number, stop, counts))
    attacker.start()
    try:
        done = subprocess.run([PEEL, "cp", "-a", "--index", lab / "index", *options, f"rootfs:{lab}/image", "/.", target],
                              stderr=subprocess.PIPE, timeout=120)
    finally:
        stop.set()
        attacker.join()
    wrong = []
    if snapshot(outside) != before:
        wrong.append("outside changed")
    if done.returncode not in (0, 1, 2):
        wrong.append(f"status {done.returncode}: {done.stderr[:300]!r}")
    return counts.value, done.returncode != 0, wrong


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP not root: A TARGET OF SOMEBODY ELSE IS NOT TESTED")
        return 77
    number = failed = 0
    with tempfile.TemporaryDirectory(prefix="peel-race.") as name:
        lab = pathlib.Path(name)
        lab.chmod(0o755)
        (lab / "outside/deep").mkdir(parents=True)
        for path in ("passwd", "deep/b", "f0"):
            (lab / "outside" / path).write_text("precious")
        # Were a link followed, the stranger's folders would show it: he may look, and may not write.
        subprocess.run([MKIMAGE, "--form", "rootfs", lab / "image"], input=IMAGE, text=True, check=True)
        # An image younger than two seconds is indexed anew each time.
        time.sleep(2.2)
        subprocess.run([PEEL, "index", "--index", lab / "index", f"rootfs:{lab}/image"], check=True, stdout=subprocess.DEVNULL)
        for options in ((), ("--no-sandbox",)):
            swaps = met = 0
            wrong = []
            for _ in range(ROUNDS):
                number += 1
                exchanged, failed_copy, bad = one_round(number, lab, options)
                swaps, met = swaps + exchanged, met + failed_copy
                wrong += bad
                subprocess.run(["rm", "-rf", lab / f"target{number}"], check=True)
            good = not wrong and met >= ROUNDS // 10
            failed |= not good
            what = options[0] if options else "in the sandbox"
            print(f"{'' if good else 'not '}ok {1 + bool(options)} - {what}: {ROUNDS} rounds, {swaps} exchanges, {met} copies met one")
            for text in wrong[:5]:
                print("# " + text)
    print("1..2")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
