# SPDX-License-Identifier: Apache-2.0
"""The figures that peel promises, each in turn with its peer on an image in one of its forms.

A figure is a method of Bench that adds rows to its report. Peers and limits stand beside the measurement."""
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
import time

from measure import (BIG, NULL, PEEL, Processes, at_hand, cold, folder_size, has_verb, mounted, point, sh,
                     until_mounted, warm)

FORMS = {"plain": "plain.tar", "gzip": "gzip.oci.tar", "zstd": "zstd.oci.tar"}
ROOT = os.path.join(BIG, "rootfs")
SQFS = os.path.join(BIG, "rootfs.sqfs")
INDEX_MIB, SERVE_MIB = 64, 128
# Bytes of the merged tree, and a margin.
READ_BYTES = 5 << 30
# Verbs that answer from index and facts: name, command, whether they want facts about contents.
VERBS = [
    ("history", "history {cache} {image}", False), ("waste", "waste {cache} {image}", False),
    ("dup", "dup {cache} {image}", True), ("packages", "packages {cache} {image}", True),
    ("bloat", "bloat {cache} {image}", True), ("detect", "detect {cache} {image}", True),
    ("check", "check {cache} --deny python,compiler {image}", True), ("report", "report {cache} {image}", True),
    ("diff", "diff {cache} {image} {image}", True),
]
# Bytes of a layer from which on it is one: smaller members are manifests.
LAYER_MIN = 1 << 16


def cut_layers(form):
    """The layers' stored bytes as files of their own, in order of the archive; kept beside the image."""
    folder, out = os.path.join(BIG, "layers", form), []
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(os.path.join(BIG, FORMS[form])) as tar:
        for member in tar:
            if not member.isfile() or member.size < LAYER_MIN:
                continue
            out.append(os.path.join(folder, "layer%d" % len(out)))
            if not os.path.exists(out[-1]) or os.path.getsize(out[-1]) != member.size:
                with open(out[-1], "wb") as file:
                    shutil.copyfileobj(tar.extractfile(member), file, 1 << 22)
    return out


class Bench:
    """One form of the image: its file, its layers as files, and a cache with its index."""

    def __init__(self, form, rounds, report, scratch):
        self.form, self.rounds, self.report, self.scratch = form, rounds, report, scratch
        self.image = os.path.join(BIG, FORMS[form])
        self.cache = os.path.join(scratch, "cache")
        self.layers = cut_layers(form)

    def peer_pass(self):
        """What bounds a first mount: the headers of plain layers, or decoder and digest on as many cores as peel has."""
        if self.form == "plain":
            return sh("for l in %s; do tar tvf $l; done" % " ".join(self.layers))
        decoder = {"gzip": "igzip -dc", "zstd": "zstd -dcq"}[self.form]
        jobs = "".join("%s %s >/dev/null\nopenssl dgst -sha256 %s >/dev/null\n" % (decoder, p, p)
                       for p in sorted(self.layers, key=os.path.getsize, reverse=True))
        return sh("xargs -P %d -I{} sh -c '{}' <<'END'\n%sEND" % (os.cpu_count(), jobs))

    def first_mount(self):
        """Mount without an index; memory and disk of that. The last index stays for the other figures."""
        peel, peer, peak, written = [], [], 0, 0
        warm(self.image)
        for _ in range(self.rounds):
            shutil.rmtree(self.cache, ignore_errors=True)
            with point() as folder:
                with Processes(folder) as processes:
                    peel.append(sh('"$PEEL" mount --cache-dir %s %s %s' % (self.cache, self.image, folder)))
                subprocess.run([PEEL, "umount", folder], check=True)
            peak, written = max(peak, processes.mib), max(written, processes.written)
            peer.append(self.peer_pass())
        limit = self.disk_limit() / 1e6
        self.report.pair("first mount", self.form, peel, peer, {
            "plain": "tar tvf", "gzip": "igzip -dc, sha256", "zstd": "zstd -dc, sha256"}[self.form],
            1.0 if self.form == "plain" else 1.25)
        self.report.value("first mount: peak memory", self.form, peak, "MiB", INDEX_MIB)
        self.report.value("first mount: written", self.form, written / 1e6, "MB", limit)
        self.report.value("index on disk", self.form, folder_size(self.cache) / 1e6, "MB", limit)

    def entries(self):
        """Tar entries of all layers."""
        out = subprocess.run([PEEL, "sql", "--cache-dir", self.cache, self.image, "SELECT '='||count(*) AS n FROM entry"],
                             stdout=subprocess.PIPE, check=True, stdin=NULL).stdout
        return int(next(line[1:] for line in out.split(b"\n") if line.startswith(b"=")))

    def disk_limit(self):
        """Most bytes that an index may have."""
        return os.path.getsize(self.image) / 100 + 200 * self.entries()

    def index_with_facts(self):
        """Index with facts about contents, against an index without them."""
        if not has_verb("index", "--facts"):
            return
        peel, peer, peak = [], [], 0
        for _ in range(self.rounds):
            for option, times in (("--facts", peel), ("", peer)):
                cache = tempfile.mkdtemp(dir=self.scratch)
                with Processes(cache) as processes:
                    times.append(sh('"$PEEL" index %s --cache-dir %s %s' % (option, cache, self.image)))
                peak = max(peak, processes.mib)
                shutil.rmtree(cache)
        self.report.pair("index with facts", self.form, peel, peer, "index without", 1.25 if self.form == "gzip" else None)
        self.report.value("index with facts: peak memory", self.form, peak, "MiB", INDEX_MIB)

    def mount_again(self):
        """Mount with an index at hand."""
        peel, peer = [], []
        with point() as folder:
            for _ in range(self.rounds * 3):
                peel.append(until_mounted('"$PEEL" mount --cache-dir %s %s %s' % (self.cache, self.image, folder), folder))
                subprocess.run([PEEL, "umount", folder], check=True)
                peer.append(until_mounted("squashfuse_ll %s %s" % (SQFS, folder), folder))
                subprocess.run(["umount", folder], check=True)
        self.report.pair("mount with an index", self.form, peel, peer, "squashfuse_ll", 3.0)

    def walk(self, name, command):
        """A walk of a fresh mount, and the same again: against the unpacked tree with cold and with warm caches."""
        first, second, cold_tree, warm_tree, peak = [], [], [], [], 0
        for _ in range(self.rounds):
            cold()
            cold_tree.append(sh(command, cwd=ROOT))
            warm_tree.append(sh(command, cwd=ROOT))
            with mounted(self.image, self.cache) as folder, Processes(folder) as processes:
                first.append(sh(command, cwd=folder))
                second.append(sh(command, cwd=folder))
            peak = max(peak, processes.mib)
        self.report.pair(name + ", first", self.form, first, cold_tree, "unpacked tree, cold", 1.0)
        self.report.pair(name + ", second", self.form, second, warm_tree, "unpacked tree, warm", 1.0)
        self.report.value(name + ": memory of the server", self.form, peak, "MiB", SERVE_MIB)

    def find(self):
        """Every name with its size."""
        self.walk("find", "find . -printf '%s %p\\n'")

    def du(self):
        """The sum."""
        self.walk("du -s", "du -s .")

    def random_reads(self):
        """4 KiB at random places of the larger files, nothing cached, against the decoder's time for 8 MiB."""
        rng = random.Random(1)
        found = subprocess.run(["find", ".", "-type", "f", "-size", "+1M", "-printf", "%s %P\\n"], cwd=ROOT,
                               stdout=subprocess.PIPE, check=True).stdout
        files = [line.split(b" ", 1) for line in found.split(b"\n") if line]
        times = []
        with mounted(self.image, self.cache) as folder:
            for _ in range(200):
                size, name = rng.choice(files)
                fd = os.open(os.path.join(os.fsencode(folder), name), os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
                started = time.perf_counter()
                os.pread(fd, 4096, rng.randrange(int(size) - 4096))
                times.append(time.perf_counter() - started)
                os.close(fd)
        times.sort()
        self.report.value("random 4 KiB: median", self.form, times[100] * 1e3, "ms", None)
        # One big zstd frame is decoded once a mount, whatever the first read wants.
        self.report.value("random 4 KiB: 99 of 100", self.form, times[197] * 1e3, "ms", None if self.form == "zstd" else 10)

    def read_peer(self, command):
        """Time of what reading every file is measured against."""
        if self.form == "gzip":
            return sh("for l in %s; do igzip -dc $l; done" % " ".join(self.layers))
        sh(command, cwd=ROOT)
        return sh(command, cwd=ROOT)

    def read_all(self):
        """Every file through tar. Caches are warm: the unpacked tree is in the page cache, and so is the image; the mount
        is fresh, so its first pass copies everything into the page cache, and the second finds it there as tar over the
        unpacked tree does."""
        first, second, peer, peak = [], [], [], 0
        command = "tar cf - . | cat"
        # Room for the tree and for the mount's copy of it.
        cold()
        for _ in range(self.rounds):
            peer.append(self.read_peer(command))
            with mounted(self.image, self.cache) as folder, Processes(folder) as processes:
                at_hand(READ_BYTES)
                first.append(sh(command, cwd=folder))
                second.append(sh(command, cwd=folder))
            peak = max(peak, processes.mib)
        name, limit = {"plain": ("tar over the unpacked tree, warm", 1 / 0.8), "gzip": ("one igzip -dc pass", 1.3),
                       "zstd": ("tar over the unpacked tree, warm", None)}[self.form]
        self.report.pair("read every file, first", self.form, first, peer, name, limit)
        self.report.pair("read every file, second", self.form, second, peer, name, limit)
        self.report.value("read every file: memory of the server", self.form, peak, "MiB", SERVE_MIB)

    def read_largest(self):
        """The largest file from its start to its end, on a fresh mount, against the unpacked one."""
        found = subprocess.run("find . -type f -printf '%s %p\\n' | sort -n | tail -n 1", cwd=ROOT, shell=True,
                               stdout=subprocess.PIPE, check=True, text=True).stdout
        size, path = found.rstrip("\n").split(" ", 1)
        peel, peer = [], []
        for _ in range(self.rounds):
            with mounted(self.image, self.cache) as folder:
                at_hand(2 * int(size))
                peel.append(sh("cat '%s'" % path, cwd=folder))
            warm(os.path.join(ROOT, path))
            peer.append(sh("cat '%s'" % path, cwd=ROOT))
        self.report.pair("read the largest file", self.form, peel, peer, "unpacked, warm", None)

    def verb(self, line, cache):
        """Time of a verb; a verdict of any kind is an answer."""
        script = line.format(image=self.image, cache="--cache-dir " + cache)
        return sh('"$PEEL" %s; case $? in [013]) ;; *) false ;; esac' % script)

    def first_run(self, name, line):
        """A verb with an index at hand that knows nothing of contents yet."""
        cache = self.cache + "-first"
        shutil.copytree(self.cache + "-bare", cache)
        with Processes(cache) as processes:
            self.report.value(name + ": first run", self.form, self.verb(line, cache), "s", None)
        self.report.value(name + ": first run, peak memory", self.form, processes.mib, "MiB", None)
        shutil.rmtree(cache)

    def verbs(self, quick):
        """Verbs that answer from index and facts, against listing the plain layers; the first run gathers the facts."""
        plain = " ".join(cut_layers("plain"))
        listing = [sh("for l in %s; do tar tf $l; done" % plain) for _ in range(self.rounds)]
        shutil.copytree(self.cache, self.cache + "-bare")
        for name, line, facts in VERBS:
            if not has_verb(name):
                print("%s: no such verb" % name, flush=True)
                continue
            if quick and facts:
                continue
            if facts and (self.form == "plain" or name in ("check", "report")):
                self.first_run(name, line)
            self.verb(line, self.cache)
            times = [self.verb(line, self.cache) for _ in range(self.rounds)]
            self.report.pair(name + ", facts at hand", self.form, times, listing, "tar tf, plain layers", 1.0)
