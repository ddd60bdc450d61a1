# SPDX-License-Identifier: Apache-2.0
"""What the cases share: images of a few bytes, and the command in a folder and a home of its own."""
import hashlib
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]
import mkimage  # noqa: E402
import tarbytes  # noqa: E402

PEEL = os.path.abspath(os.environ.get("PEEL", "peel"))
TIMEOUT = 60
CASES = {}


class Wrong(Exception):
    """What did not come out."""


class Skip(Exception):
    """Why a case cannot run here."""


def case(function):
    CASES[function.__name__] = function
    return function


def expect(fine, *what):
    if not fine:
        raise Wrong(" ".join(str(word) for word in what)[-500:])


def f(path, data=b"x", mode=0o644, **keys):
    return dict({"type": "f", "path": path.encode() if isinstance(path, str) else path, "data": data, "mode": mode}, **keys)


def link(path, target):
    return {"type": "l", "path": path.encode(), "link": target.encode()}


def hard(path, target):
    return {"type": "h", "path": path.encode(), "link": target.encode()}


def folder(path, mode=0o755):
    return {"type": "d", "path": path.encode(), "mode": mode}


def image(*layers, name="i.tar", **keys):
    """A docker archive of lists of entries, or of ready tars."""
    mkimage.build(name, [{"instruction": "RUN x", "tar": entries} if isinstance(entries, bytes) else
                         {"instruction": "RUN x", "entries": entries} for entries in layers], **keys)
    return name


def rootfs(data, name="r.tar"):
    with open(name, "wb") as out:
        out.write(data)
    return name


def aged(name):
    """The same file when it is old enough for an index of it to be believed."""
    os.utime(name, (1, 1))
    time.sleep(2.1)
    return name


def archive(members, name="i.tar"):
    """An outer archive of (name, bytes) pairs, twice where they stand twice."""
    return rootfs(mkimage.layer_tar([f(path, data) for path, data in members]), name)


def parts(text=b"x", path="f"):
    """A layer and its configuration."""
    tar = mkimage.layer_tar([f(path, text)])
    config = mkimage.json_bytes({"architecture": "amd64", "os": "linux", "config": {},
                                 "rootfs": {"type": "layers", "diff_ids": [mkimage.digest(tar)]}})
    return tar, config


def layout(name="l", tag="t", change=None):
    """An OCI layout of one plain layer; change(documents) may alter index and manifest before they are hashed."""
    tar, config = parts()
    blobs = {}

    def blob(data, media):
        blobs[hashlib.sha256(data).hexdigest()] = data
        return {"mediaType": media, "digest": mkimage.digest(data), "size": len(data)}

    base = "application/vnd.oci.image."
    documents = {"manifest": {"schemaVersion": 2, "mediaType": base + "manifest.v1+json", "config": blob(config, base + "config.v1+json"),
                              "layers": [blob(tar, base + "layer.v1.tar")]}}
    (change or (lambda d: None))(documents)
    descriptor = blob(mkimage.json_bytes(documents["manifest"]), base + "manifest.v1+json")
    documents["index"] = {"schemaVersion": 2, "manifests": [dict(descriptor, annotations={"org.opencontainers.image.ref.name": tag})]}
    (documents.get("late") or (lambda d: None))(documents)
    os.makedirs(name + "/blobs/sha256")
    for key, data in blobs.items():
        with open("%s/blobs/sha256/%s" % (name, key), "wb") as out:
            out.write(data)
    for path, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", documents["index"])):
        with open("%s/%s" % (name, path), "wb") as out:
            out.write(mkimage.json_bytes(value))
    return name


class Done:
    """What a run came to."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return "status %d, said %r, wrote %r" % (self.status, self.err[-200:], self.out[-200:])


def peel(*words, **keys):
    keys.setdefault("stdin", subprocess.DEVNULL)
    return Done(subprocess.run([PEEL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, **keys))


def findings(name):
    """Codes of the findings of an image."""
    done = peel("inspect", "--output", "json", name)
    expect(done.out, done)
    return {finding["code"] for finding in json.loads(done.out)["anomalies"]}


def refused(done, *words):
    """It ended with an error that says why."""
    expect(done.status in (2, 3), done)
    expect(all(word in done.err for word in words), done)
    expect(not done.out, done)


def need_fuse():
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Skip("no /dev/fuse")


class Mounted:
    """A mount for the time of a with."""

    def __init__(self, name, *options):
        need_fuse()
        self.name, self.options = name, options

    def __enter__(self):
        os.makedirs("mnt", exist_ok=True)
        done = peel("mount", *self.options, self.name, "mnt")
        expect(done.status == 0, done)
        return self

    def __exit__(self, *why):
        peel("umount", "-l", "mnt")
