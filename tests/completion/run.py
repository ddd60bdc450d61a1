#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a shell offers at the end of a command line, by the script that peel wrote for it.

    run.py SHELL        bash, fish or zsh; cases.tsv says what must be offered and what must not

PEEL names the program. The driver beside this file (bash.sh, ...) reads lines and answers with words, an empty line after each.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DRIVERS = {"bash": "bash.sh", "fish": "fish.fish", "zsh": "zsh.zsh"}


def cases(shell):
    """The lines of cases.tsv that concern a shell."""
    for line in (HERE / "cases.tsv").read_text().splitlines():
        if not line.startswith("#"):
            typed, wanted, unwanted, *only = line.split("\t")
            if shell in (only or [shell]):
                yield typed, wanted.split(), unwanted.split()


def offers(shell, script, typed, folder):
    """The words that a shell offers for each line."""
    done = subprocess.run(
        [shell, HERE / DRIVERS[shell], script],
        input="".join(line + "\n" for line in typed),
        cwd=folder, capture_output=True, text=True, timeout=200,
        env={**os.environ, "HOME": str(folder), "TERM": "dumb", "XDG_CONFIG_HOME": str(folder)})
    answers = done.stdout.split("\n")
    groups, group = [], []
    for word in answers[:-1]:
        if word:
            group.append(word.rstrip(" "))
        else:
            groups.append(group)
            group = []
    if len(groups) != len(typed):
        print(f"Bail out! {shell} answered {len(groups)} of {len(typed)} lines: {done.stderr}")
        sys.exit(1)
    return groups


def main():
    shell = sys.argv[1]
    if not shutil.which(shell):
        print(f"1..0 # SKIP {shell} is not installed: ITS COMPLETION IS NOT TESTED")
        return 77
    peel = os.environ["PEEL"]
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        script = folder / ".script"
        script.write_bytes(subprocess.run([peel, "completion", shell], capture_output=True, check=True).stdout)
        (folder / "app.tar").touch()
        (folder / "sub").mkdir()
        # Names that a line must not hold as they are, and a command that must not run.
        (folder / "bad;cmd").touch(0o755)
        table = list(cases(shell))
        groups = offers(shell, script, [case[0] for case in table], folder)
        injected = (folder / "INJECTED").exists()
    for number, ((typed, wanted, unwanted), offered) in enumerate(zip(table, groups), 1):
        lacks = [word for word in wanted if word not in offered]
        extra = [word for word in unwanted if word in offered]
        print(f"{'not ' if lacks or extra else ''}ok {number} - peel {typed}".replace("#", r"\#"))
        if lacks or extra:
            failed = 1
            print(f"# lacks {lacks}, has {extra} of {sorted(set(offered))[:40]}")
    print(f"{'not ' if injected else ''}ok {len(table) + 1} - what is typed is never run")
    print(f"1..{len(table) + 1}")
    return failed or injected


if __name__ == "__main__":
    sys.exit(main())
