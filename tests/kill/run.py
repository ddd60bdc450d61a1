#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill peel run with SIGKILL at random moments: no mount, no process and no file is left.

    run.py [--count N] [--seed N] [--user]

Each round starts a command that leaves children, sessions and orphans behind, and kills peel, its process group, the
server, peel and server, the command, or every process of the tree at once but the guard. A few seconds later no process
of the round lives, no mount namespace of any process shows its mount, and the folders for temporary files, the cache and
the working directory hold what they held before. Half the rounds build the index anew, half have it at hand. --user:
as an ordinary user with subordinate ids, where that can be set up. $PEEL is the command.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
from mounts import enter_private  # noqa: E402

PEEL = os.path.realpath(os.environ.get("PEEL", "peel"))
GRACE = 8.0
FILES = 300
# An image that is younger than this is not trusted by the cache.
SETTLE = 2.2
MARK = "PEEL_KILL_ROUND"
COMMANDS = (
    "sleep 60",
    "setsid sleep 60 & (sleep 61 &) ; sleep 62",
    "while :; do find . -type f -exec cat {} + >/dev/null; done",
    "(setsid sh -c 'while :; do sleep 0.01; done' &) ; find . | sort | tail -1; exit 3",
    "exit 0",
)
VICTIMS = ("peel", "peel", "group", "server", "peel and server", "command", "all")


def make_image(path):
    entries = [{"type": "f", "path": b"d%d/f%d" % (i % 7, i), "data": b"x" * i} for i in range(FILES)]
    mkimage.build(path, [{"instruction": "only", "entries": entries}], tags=["t:latest"])


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def fields(pid):
    """State, parent and start time of a process, or None."""
    text = read("/proc/%d/stat" % pid)
    if not text:
        return None
    words = text[text.rindex(b")") + 2:].split()
    return words[0], int(words[1]), words[19]


def is_peel(pid):
    try:
        return os.readlink("/proc/%d/exe" % pid).startswith(PEEL)
    except OSError:
        return False


def descendants(root):
    """Pids below a process, itself included, with their start times."""
    stats = {pid: fields(pid) for pid in all_pids()}
    tree, added = {}, True
    if stats.get(root):
        tree[root] = stats[root][2]
    while added:
        added = False
        for pid, stat in stats.items():
            if stat and pid not in tree and stat[1] in tree:
                tree[pid] = stat[2]
                added = True
    return tree


def marked(token):
    """Processes that carry the round's mark in their environment."""
    wanted = ("%s=%s" % (MARK, token)).encode()
    return [pid for pid in all_pids() if wanted in read("/proc/%d/environ" % pid).split(b"\0")]


def alive(seen, token):
    """Processes of a round that still live."""
    left = set(marked(token))
    for pid, start in seen.items():
        stat = fields(pid)
        if stat and stat[2] == start:
            left.add(pid)
    return sorted(pid for pid in left if (fields(pid) or b"Z")[0] not in (b"Z", b"X"))


def mounts(token):
    """Processes in whose mount namespace the round's mount is."""
    return [pid for pid in all_pids() if token.encode() in read("/proc/%d/mountinfo" % pid)]


def files(folder):
    return sorted(os.path.join(d, n) for d, ds, ns in os.walk(folder) for n in ds + ns)


def choose(who, root, seen):
    """The processes to kill."""
    peels = [pid for pid in seen if is_peel(pid)]
    guards = [pid for pid in seen if b"/proc/self/fd/3" in read("/proc/%d/cmdline" % pid)]
    servers = [pid for pid in peels if pid != root and (fields(pid) or (b"", 0))[1] == root]
    commands = [pid for pid in seen if pid not in peels + guards and (fields(pid) or (b"", 0))[1] == root and
                read("/proc/%d/cmdline" % pid).startswith(b"sh")]
    return {"peel": [root], "server": servers, "peel and server": peels, "command": commands,
            "all": [pid for pid in seen if pid not in guards], "group": []}[who]


def kill_all(pids):
    """Kill each; how many there were."""
    killed = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            pass
    return killed


def kill(who, root, seen):
    chosen = choose(who, root, seen)
    if who == "group":
        try:
            os.killpg(root, signal.SIGKILL)
            return 1
        except ProcessLookupError:
            return 0
    return kill_all(chosen)


def round_of(rng, number, folder, become):
    """One run and one attack. Returns (killed, what is wrong or None)."""
    token = "peel-kill-%d-%d" % (os.getpid(), number)
    who = rng.choice(VICTIMS)
    command = [*become, PEEL, "run", "-q", "-o", "fsname=" + token, "--cache-dir", os.path.join(folder, "cache"),
               *rng.choice(([], ["--no-cache"], ["--rebuild"])), os.path.join(folder, "image"), "--", "sh", "-c", rng.choice(COMMANDS)]
    environ = dict(os.environ, **{MARK: token, "TMPDIR": os.path.join(folder, "tmp"), "HOME": folder})
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env=environ, cwd=os.path.join(folder, "tmp"), start_new_session=True)
    time.sleep(rng.random() * rng.choice((0.02, 0.06, 0.3)))
    seen = descendants(child.pid)
    for pid in marked(token):
        seen[pid] = (fields(pid) or (b"", 0, b""))[2]
    killed = kill(who, child.pid, seen)
    end = time.monotonic() + GRACE
    if not killed:
        child.kill()
    while time.monotonic() < end and child.poll() is None:
        time.sleep(0.01)
    left = alive(seen, token)
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = alive(seen, token)
    if left:
        text = ["%d %s" % (pid, read("/proc/%d/cmdline" % pid)[:60]) for pid in left]
        kill_all(left)
        return killed, "killed %s: processes are left: %s" % (who, text)
    if mounts(token):
        return killed, "killed %s: still mounted in %s" % (who, mounts(token))
    return killed, None


def prepare_user():
    """In a mount namespace of our own: a FUSE device for every user, and subordinate ids. Says why not, or None."""
    if os.geteuid() != 0:
        return "not root: no second user"
    enter_private()
    folder = tempfile.mkdtemp(prefix="peel-kill-device-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder], check=True)
    with open(os.path.join(folder, "lent"), "w") as file:
        file.write("nobody:300000:65536\n")
    failed = subprocess.run(["sh", "-c", "cd %s && mknod -m 666 fuse c 10 229 && mount --bind fuse /dev/fuse && "
                             "mount --bind lent /etc/subuid && mount --bind lent /etc/subgid" % folder]).returncode
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)
    return "no device or no subordinate ids for a user" if failed else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--user", action="store_true")
    options = parser.parse_args()
    become = []
    if options.user:
        missing = prepare_user()
        if missing:
            print("SKIP: %s" % missing)
            return 77
        become = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
    rng = random.Random(options.seed)
    killed, wrong = 0, []
    with tempfile.TemporaryDirectory(prefix="peel-kill-") as folder:
        for name in ("tmp", "cache"):
            os.mkdir(os.path.join(folder, name))
        make_image(os.path.join(folder, "image"))
        if options.user:
            subprocess.run(["chown", "-R", "nobody", folder], check=True)
        time.sleep(SETTLE)
        first = subprocess.run([*become, PEEL, "run", "-q", "--cache-dir", os.path.join(folder, "cache"),
                                os.path.join(folder, "image"), "true"], stderr=subprocess.PIPE)
        if first.returncode == 125:
            print("SKIP: %s" % first.stderr.decode(errors="replace").split("\n")[0])
            return 77
        before = files(folder)
        for number in range(options.count):
            count, text = round_of(rng, number, folder, become)
            killed += count
            if text:
                wrong.append("round %d: %s" % (number, text))
            if files(folder) != before:
                wrong.append("round %d: files are left: %s" % (number, set(files(folder)) ^ set(before)))
                before = files(folder)
    for text in wrong[:20]:
        print(text)
    print("%d runs, %d processes killed, %d wrong" % (options.count, killed, len(wrong)))
    return 1 if wrong or killed < options.count // 4 else 0


if __name__ == "__main__":
    sys.exit(main())
