# SPDX-License-Identifier: Apache-2.0
"""What other ways to look inside an image cost until the first `ls` answers: time, and bytes written to disk.

A way is a shell script over $image (gzip layers, oci-archive), $plain (docker-archive), $layer (the largest layer, plain)
and an empty folder $work, which must leave a tree at $work/mnt or $work/tree; and a script that takes it away."""
import os
import shutil
import subprocess
import tempfile

from figures import FORMS, cut_layers
from measure import BIG, sh

WAYS = [
    ("peel mount, no index", "gzip layers", "peel",
     '"$PEEL" mount --cache-dir $work/cache $image $work/mnt', '"$PEEL" umount $work/mnt'),
    ("peel mount, no index", "plain layers", "peel",
     '"$PEEL" mount --cache-dir $work/cache $plain $work/mnt', '"$PEEL" umount $work/mnt'),
    ("umoci unpack", "gzip layers", "umoci",
     "mkdir $work/oci; tar xf $image -C $work/oci; umoci unpack --image $work/oci:t $work/tree", ""),
    ("podman load, image mount", "plain layers", "podman",
     "p=\"podman --root $work/root --runroot $work/run\"; $p load -q -i $plain; ln -s $($p image mount big:latest) $work/tree",
     "podman --root $work/root --runroot $work/run system reset -f"),
    ("archivemount", "the largest layer alone, plain", "archivemount",
     "archivemount -o readonly $layer $work/mnt", "umount $work/mnt"),
    ("mksquashfs, squashfuse_ll", "a tree that is unpacked already", "squashfuse_ll",
     "mksquashfs $tree $work/fs -quiet -no-progress -comp zstd -Xcompression-level 3; squashfuse_ll $work/fs $work/mnt",
     "umount $work/mnt"),
    ("mkfs.erofs, mount", "a tree that is unpacked already", "mkfs.erofs",
     "mkfs.erofs --quiet $work/fs $tree; mount -o loop,ro $work/fs $work/mnt", "umount $work/mnt"),
    ("bsdtar tvf", "the largest layer alone, plain", "bsdtar", "mkdir $work/tree; bsdtar tvf $layer", ""),
    ("pigz -dc | tar t", "every layer, gzip", "pigz", "mkdir $work/tree; for l in $gz; do pigz -dc $l | tar t; done", ""),
    ("zstd -dc | tar t", "every layer, zstd", "zstd", "mkdir $work/tree; for l in $zst; do zstd -dcq $l | tar t; done", ""),
]


def disk_used(folder):
    """Bytes on disk below a folder, mounts left out."""
    return int(subprocess.run(["du", "-sxB1", folder], stdout=subprocess.PIPE, check=True).stdout.split()[0])


def run(report, scratch):
    """A row a way; ways whose tool is not here are left out, and said."""
    layers = {form: cut_layers(form) for form in FORMS}
    variables = {"image": os.path.join(BIG, FORMS["gzip"]), "plain": os.path.join(BIG, FORMS["plain"]),
                 "layer": max(layers["plain"], key=os.path.getsize), "tree": os.path.join(BIG, "rootfs"),
                 "gz": "'%s'" % " ".join(layers["gzip"]), "zst": "'%s'" % " ".join(layers["zstd"])}
    for name, of, tool, script, undo in WAYS:
        if tool != "peel" and not shutil.which(tool):
            print("%s: not installed" % tool, flush=True)
            continue
        work = tempfile.mkdtemp(dir=scratch)
        os.mkdir(os.path.join(work, "mnt"))
        head = "set -e; work=%s; %s; " % (work, "; ".join("%s=%s" % item for item in variables.items()))
        try:
            seconds = sh(head + script + "; if [ -e $work/tree ]; then ls $work/tree/; else ls $work/mnt; fi")
            report.value("until the first ls: " + name, of, seconds, "s", None)
            report.value("until the first ls: " + name + ", disk", of, disk_used(work) / 1e6, "MB", None)
        except subprocess.CalledProcessError as err:
            report.value("until the first ls: %s failed (%d)" % (name, err.returncode), of, 0, "s", None)
        finally:
            if undo:
                sh(head + undo, check=False)
            shutil.rmtree(work, ignore_errors=True)
