# SPDX-License-Identifier: Apache-2.0
"""Threats 11 to 24: the mount, what is printed, the cache, and what goes wrong underneath."""
import os
import resource
import signal
import stat
import subprocess
import time

from common import (PEEL, Mounted, Skip, aged, case, expect, f,
                    findings, folder, image, link, need_fuse, peel)


def mount_line():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return [line for line in table.read().splitlines() if line.split(" ")[4] == os.path.abspath("mnt")]


# ---- 11 to 14: the mount


@case
def setuid_and_devices():
    """A setuid program and a device in the mount are words, not rights."""
    with Mounted(image([f("su", mode=0o4755), {"type": "c", "path": b"null", "major": 1, "minor": 3}]), "-o", "suid,dev"):
        options = mount_line()[0].split(" ")[5].split(",")
        expect({"ro", "nosuid", "nodev"} <= set(options), options)
        try:
            os.close(os.open("mnt/null", os.O_RDONLY))
            expect(False, "a device was opened")
        except PermissionError:
            pass


@case
def absolute_symlink():
    """An absolute symlink in the mount resolves in the mount."""
    with Mounted(image([f("etc/hostname", b"image"), folder("d"), link("d/l", "/etc/hostname"), link("up", "d/../../../../etc/hostname")])):
        for name in ("mnt/d/l", "mnt/up"):
            with open(name, "rb") as opened:
                expect(opened.read() == b"image", name, os.readlink(name))


@case
def allow_other():
    """libfuse #15: where others may look, the kernel checks permissions."""
    if os.geteuid() != 0:
        raise Skip("allow_other wants root, or a line in fuse.conf")
    with Mounted(image([f("secret", mode=0o600)]), "-o", "allow_other"):
        options = mount_line()[0].rpartition(" ")[2].split(",")
        expect("allow_other" in options and "default_permissions" in options, options)


@case
def readdir_names():
    """Names that no filesystem could show do not break a folder that holds one."""
    i = image([folder("d"), f("d/ok"), f("d/" + "n" * 256), f("d/z")])
    expect("name-too-long" in findings(i), findings(i))
    expect(peel("ls", i, "/d").out == b"ok\nz\n", "it is shown")
    with Mounted(i):
        done = subprocess.run(["ls", "mnt/d"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        expect(done.returncode == 0 and done.stdout == b"ok\nz\n", done)


# ---- 15, 16: what is printed, what is asked


@case
def terminal():
    """CWE-150: escape sequences in names, on a terminal and in a log."""
    done = peel("ls", image([f(b"a\x1b[2J\x1b]0;x\x07\xc2\x9b31m\xe2\x80\xae")]))
    expect(done.status == 0 and b"a\\x1b[2J" in done.out, done)
    expect(not [byte for byte in done.out.rstrip(b"\n") if byte < 0x20 or byte >= 0x7f], done)


@case
def log_commands():
    """CWE-117: lines that a runner of CI would obey, and lines that are none."""
    done = peel("ls", image([f(b"::error::x"), f(b"##[add-mask]x"), f(b"##vso[task.complete]"), f(b"n\n::error::y")]))
    expect(len(done.out.splitlines()) == 4, done)
    expect(b"##[" not in done.out and b"##vso[" not in done.out, done)
    expect(not [line for line in done.out.splitlines() if line.strip().startswith(b"::")], done)


@case
def sql_in_names():
    """Names full of SQL are looked up as names."""
    name = "x'; DROP TABLE entry; --\" OR 1=1"
    i = image([f(name, b"mine"), f("other")])
    done = peel("cat", i, "/" + name)
    expect(done.out == b"mine", done)
    done = peel("why", i, "/x' OR '1'='1")
    expect(done.status == 1, done)
    expect(b"other" in peel("ls", i).out, "a table is gone")


@case
def sql_of_users():
    """`peel sql` reads: it attaches, writes and loads nothing."""
    i = image([f("a")])
    for query in ("ATTACH 'evil.db' AS e", "VACUUM INTO 'evil.db'", "DELETE FROM entry", "SELECT load_extension('x')",
                  "PRAGMA journal_mode=DELETE", "CREATE TEMP TABLE t(a)"):
        done = peel("sql", i, query)
        expect(done.status == 2 and not done.out, query, done)
    expect(not os.path.exists("evil.db"), "a file was made")


# ---- 17 to 21: the cache


def indexed(**keys):
    """An image that is old enough to be kept, and its index."""
    i = image([f("a", b"mine"), f("b")], **keys)
    aged(i)
    expect(peel("index", i).status == 0, "no index")
    cache = os.path.join(os.environ["HOME"], ".cache/peel")
    kept = [os.path.join(cache, name) for name in os.listdir(cache) if name.endswith(".peel")]
    expect(len(kept) == 1, kept)
    return i, kept[0]


@case
def cache_of_others():
    """An index that others may write, or a folder that they may, is not believed."""
    i, kept = indexed()
    os.chmod(kept, 0o666)
    done = peel("ls", i)
    expect(done.status != 0 or b"others may write" in done.err or stat.S_IMODE(os.stat(kept).st_mode) & 0o22 == 0, done)
    os.chmod(os.path.dirname(kept), 0o777)
    done = peel("ls", i)
    expect(done.status == 0 and b"others may write" in done.err, done)


@case
def cached_schema():
    """An index with another schema than ours (a view, a trigger, a virtual table) is not opened."""
    import sqlite3
    i = image([f("a", b"mine")])
    expect(peel("ls", "--index", "x.peel", aged(i)).status == 0, "no index")
    with sqlite3.connect("x.peel") as db:
        db.execute("CREATE TRIGGER evil AFTER INSERT ON entry BEGIN SELECT 1; END")
        db.execute("CREATE VIEW evil2 AS SELECT * FROM entry")
    before = os.stat("x.peel").st_ino
    done = peel("ls", "--index", "x.peel", i)
    expect(done.status != 0 or os.stat("x.peel").st_ino != before, "an index with a trigger was used:", done)


@case
def image_replaced():
    """An index is no other image's: a file of the same name and size has its own."""
    i = image([f("a", b"first"), f("old")])
    aged(i)
    expect(b"old" in peel("ls", "--index", "x.peel", i).out, "no file")
    image([f("a", b"other"), f("new")])
    os.utime(i, (1, 1))
    expect(b"old" not in peel("ls", "--index", "x.peel", i).out, "the old image's answer")


@case
def image_changes():
    """An image that changes under a mount gives EIO, and never other bytes."""
    i = image([f("a", b"x" * 100000)], name="c.tar")
    with Mounted(i):
        with open(i, "r+b") as out:
            out.write(out.read()[::-1][:50])
        with open(i, "r+b") as out:
            data = out.read()
            out.seek(0)
            out.write(data.replace(b"x" * 1000, b"y" * 1000))
        try:
            with open("mnt/a", "rb") as opened:
                opened.read()
            expect(False, "a changed image was read")
        except OSError as error:
            expect(error.errno == 5, error)
        os.truncate(i, 1000)
        expect(subprocess.run(["stat", "mnt"], stdout=subprocess.DEVNULL, check=False).returncode == 0, "the mount died")


@case
def damaged_index():
    """A byte of an index that a disk changed is noticed, though SQLite sees nothing wrong."""
    i, kept = indexed()
    with open(kept, "r+b") as out:
        data = out.read()
        out.seek(data.index(b"RUN x"))
        out.write(b"RUN y")
    done = peel("cache", "verify")
    expect(done.status != 0 and b"damaged" in done.out + done.err, done)


@case
def killed_indexer():
    """kill -9 while an index is built leaves none, and the next run has the right one."""
    i = image([f("n%05d" % n) for n in range(20000)])
    aged(i)
    cache = os.path.join(os.environ["HOME"], ".cache/peel")
    for wait in (0.005, 0.02, 0.04):
        child = subprocess.Popen([PEEL, "index", i], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(wait)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for name in os.listdir(cache) if os.path.isdir(cache) else []:
            if name.endswith(".peel"):
                done = peel("cache", "verify")
                expect(done.status == 0, done)
    expect(len(peel("ls", i).out.splitlines()) == 20000, "not all files")


@case
def full_disk():
    """Where an index cannot be written the answer comes all the same, and no half of one is left."""
    i = image([f("n%04d" % n) for n in range(5000)])
    aged(i)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    done = peel("ls", i, preexec_fn=limit)
    cache = os.path.join(os.environ["HOME"], ".cache/peel")
    kept = os.listdir(cache) if os.path.isdir(cache) else []
    expect(not [name for name in kept if name.endswith(".peel")], kept)
    expect(done.status in (0, 2) and (done.status == 0 or done.err), done)
    expect(b"damaged" not in done.err and b"malformed" not in done.err, done)
    expect(len(peel("ls", i).out.splitlines()) == 5000, "the next run")


@case
def crowd():
    """Eight indexers of one image at once: one index, the same answer."""
    i = image([f("n%04d" % n) for n in range(3000)])
    aged(i)
    children = [subprocess.Popen([PEEL, "ls", i], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
    outcomes, said = (set(words) for words in zip(*[child.communicate() for child in children]))
    expect(all(child.returncode == 0 for child in children) and len(outcomes) == 1, [child.returncode for child in children])
    expect(not any(said), said)
    cache = os.path.join(os.environ["HOME"], ".cache/peel")
    kept = os.listdir(cache)
    expect(len(kept) == 1 and kept[0].endswith(".peel"), kept)


# ---- 22 to 24


@case
def dead_mount():
    """kill -9 of the server leaves no mount that nobody answers for."""
    with Mounted(image([f("a")])):
        device = mount_line()[0].split(" ")[2]
        victims = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_server(pid)]
        expect(victims, "no server found")
        os.kill(max(victims), signal.SIGKILL)
        for _ in range(50):
            if not mount_line():
                return
            time.sleep(0.1)
        expect(False, "the mount %s is still there" % device)


def is_server(pid):
    """Serves it the mount of this folder?"""
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as line:
            words = line.read().split(b"\0")
        devices = [os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)]
        return words[0] == os.fsencode(PEEL) and "/dev/fuse" in devices and \
            os.path.abspath("i.tar") in devices
    except OSError:
        return False


@case
def foreign_mount_point():
    """A folder that holds something is not mounted over."""
    need_fuse()
    os.makedirs("mnt/mine")
    done = peel("mount", image([f("a")]), "mnt")
    expect(done.status == 2 and b"not empty" in done.err, done)
    expect(not mount_line(), "it is mounted")


@case
def secrets():
    """An index is its owner's alone, and holds names, not contents."""
    secret = b"AKIAIOSFODNN7EXAMPLE-very-secret"
    os.umask(0)
    i, kept = indexed()
    os.unlink(kept)
    i = image([f("key", secret * 10)], compress="none")
    aged(i)
    for words in (["index"], ["index", "--facts"]):
        expect(peel(*words, i).status == 0, words)
    cache = os.path.dirname(kept)
    expect(os.listdir(cache), "nothing is kept")
    for name in os.listdir(cache):
        path = os.path.join(cache, name)
        expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, name, oct(os.stat(path).st_mode))
        with open(path, "rb") as opened:
            expect(secret not in opened.read(), name, "holds a secret")
