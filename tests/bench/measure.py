# SPDX-License-Identifier: Apache-2.0
"""Measuring: wall time of commands in pairs, what processes hold and write, and the caches of the machine."""
import contextlib
import ctypes
import mmap
import os
import subprocess
import tempfile
import threading
import time

PEEL = os.environ.get("PEEL", "peel")
BIG = os.environ.get("PEEL_BIG", os.path.expanduser("~/.cache/peel-tests"))
NULL = subprocess.DEVNULL
ENV = dict(os.environ, PEEL=PEEL, LC_ALL="C.UTF-8", TZ="UTC")


def sh(command, check=True, **kwargs):
    """A shell command's wall time in seconds; what it prints is thrown away."""
    started = time.perf_counter()
    subprocess.run(["bash", "-c", command], check=check, stdout=NULL, stderr=NULL, stdin=NULL, env=ENV, **kwargs)
    return time.perf_counter() - started


def warm(path):
    """Bring a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


@contextlib.contextmanager
def pinned(path):
    """A file that stays in the page cache, cold() or not: its pages are mapped, as the contract wants the image's."""
    with open(path, "rb") as file:
        flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        mapped = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
        try:
            yield
        finally:
            mapped.close()


def free_memory():
    """Bytes of memory that nothing uses."""
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemFree:"))


def at_hand(size):
    """Have so much free memory in fact: a virtual machine gives free pages back to its host, and to fetch them again
    for the page cache takes longer than all copies of their contents (here: 10 s for 4 GiB, 0.5 s where they were at
    hand). The unpacked tree's pages are in memory already, so this would be measured on one side only."""
    size = min(size, free_memory() - (512 << 20))
    if size <= 0:
        return
    mapped = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):
        mapped.madvise(mmap.MADV_HUGEPAGE)
    view = (ctypes.c_char * size).from_buffer(mapped)
    ctypes.memset(view, 1, size)
    del view
    mapped.close()


def has_verb(verb, option=""):
    """True where the command has a verb, and its help an option."""
    out = subprocess.run([PEEL, "help", verb], stdout=subprocess.PIPE, stderr=NULL, stdin=NULL, env=ENV)
    return out.returncode == 0 and option.encode() in out.stdout


def cold():
    """Forget what the kernel keeps of files and folders, but for those that are pinned."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def until_mounted(command, point):
    """Time until a command that mounts has made the folder a mount: some return before that."""
    started = time.perf_counter()
    sh(command)
    while not os.path.ismount(point):
        time.sleep(0.0005)
    return time.perf_counter() - started


class Processes(threading.Thread):
    """Every process that has a word on its command line: the most memory that they hold together (proportional
    set size, KiB, sampled 30 times a second) and the bytes that each wrote to files."""

    def __init__(self, mark):
        super().__init__(daemon=True)
        self.mark, self.peak, self.over = os.fsencode(mark), 0, False
        self.written_by, self.parents = {}, {}

    def sample_one(self, pid):
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            line = file.read()
        if self.mark not in line or os.fsencode(os.path.basename(PEEL)) not in line or int(pid) == os.getpid():
            return 0
        with open("/proc/%s/io" % pid) as file:
            io = dict(line.split(": ") for line in file.read().splitlines())
        self.written_by[pid] = int(io["write_bytes"])
        with open("/proc/%s/stat" % pid) as file:
            self.parents[pid] = file.read().rpartition(")")[2].split()[1]
        with open("/proc/%s/smaps_rollup" % pid) as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))

    def sample(self):
        total, alive = 0, set(filter(str.isdigit, os.listdir("/proc")))
        for pid in alive:
            with contextlib.suppress(OSError, IndexError, ValueError, KeyError):
                total += self.sample_one(pid)
        self.peak = max(self.peak, total)
        # What a child wrote is its parent's once that has waited for it.
        for pid, parent in self.parents.items():
            if pid not in alive and parent in alive and parent in self.written_by:
                self.written_by[pid] = 0

    def run(self):
        while not self.over:
            self.sample()
            time.sleep(0.03)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()
        self.sample()

    @property
    def mib(self):
        """The peak in MiB."""
        return self.peak / 1024

    @property
    def written(self):
        """Bytes written."""
        return sum(self.written_by.values())


@contextlib.contextmanager
def point():
    """A folder to mount on."""
    folder = tempfile.mkdtemp(prefix="peel-bench-")
    try:
        yield folder
    finally:
        os.rmdir(folder)


def folder_size(folder):
    """Bytes of the files below a folder."""
    return sum(os.path.getsize(os.path.join(d, n)) for d, _, names in os.walk(folder) for n in names)


@contextlib.contextmanager
def mounted(image, cache, *options):
    """An image, mounted afresh."""
    with point() as folder:
        subprocess.run([PEEL, "mount", "--cache-dir", cache, *options, image, folder], check=True, stdin=NULL)
        try:
            yield folder
        finally:
            subprocess.run([PEEL, "umount", folder], check=True)
