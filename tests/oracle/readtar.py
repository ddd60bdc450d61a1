# SPDX-License-Identifier: Apache-2.0
"""Read image files with Python's tarfile into the model's entries: a second, independent reader of real images."""
import decimal
import io
import json
import os
import posixpath
import subprocess
import tarfile

import model

KIND = {tarfile.REGTYPE: "f", tarfile.AREGTYPE: "f", tarfile.CONTTYPE: "f", tarfile.GNUTYPE_SPARSE: "f",
        tarfile.LNKTYPE: "h", tarfile.SYMTYPE: "l", tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b",
        tarfile.DIRTYPE: "d", tarfile.FIFOTYPE: "p"}
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


def decompress(raw):
    """Undo one gzip or zstd, by the commands of those names."""
    for magic, tool in ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if raw.startswith(magic):
            return subprocess.run([tool, "-dc"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    return raw


def entries(raw):
    """The entries of one layer's tar."""
    out = []
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
        for member in tar:
            entry = model.Entry(os.fsencode(member.name), KIND[member.type], member.mode & 0o7777, member.uid,
                                member.gid, link=os.fsencode(member.linkname), rdev=(member.devmajor, member.devminor))
            text = member.pax_headers.get("mtime", str(member.mtime))
            entry.mtime = int(decimal.Decimal(text) * 10 ** 9)
            if entry.kind not in "cb":
                entry.rdev = (0, 0)
            if entry.kind not in "hl":
                entry.link = b""
            entry.xattrs = {os.fsencode(k[13:]): os.fsencode(v) for k, v in member.pax_headers.items()
                            if k.startswith("SCHILY.xattr.")}
            if entry.kind == "f":
                entry.data = tar.extractfile(member).read()
            out.append(entry)
    return out


class Folder:
    """An OCI layout in a folder."""

    def __init__(self, path):
        self.path = path

    def read(self, name):
        path = os.path.join(self.path, name)
        with open(path, "rb") as file:
            data = file.read()
        # a checkout without symlinks has their targets as text
        if data.startswith(b"../") and len(data) < 200:
            with open(os.path.join(os.path.dirname(path), data.decode()), "rb") as file:
                return file.read()
        return data

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))


class Archive:
    """Members of a tar; links are followed inside it."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.tar = tarfile.open(fileobj=io.BytesIO(decompress(file.read())))
        self.members = {posixpath.normpath(m.name): m for m in self.tar}

    def read(self, name):
        return self.tar.extractfile(self.members[posixpath.normpath(name)]).read()

    def has(self, name):
        return posixpath.normpath(name) in self.members


def blob(digest):
    return "blobs/" + digest.replace(":", "/")


def oci_layers(store):
    """Blobs of the one image that an OCI layout holds; of several, the one for linux/amd64."""
    index = json.loads(store.read("index.json"))
    while True:
        found = [d for d in index["manifests"] if d.get("platform", {}).get("os", "linux") == "linux"
                 and d.get("platform", {}).get("architecture", "amd64") == "amd64"]
        document = json.loads(store.read(blob((found or index["manifests"])[0]["digest"])))
        if "layers" in document:
            return [blob(layer["digest"]) for layer in document["layers"]]
        index = document


def layers(path):
    """The layers of an image file or layout folder, as the model wants them."""
    store = Folder(path) if os.path.isdir(path) else Archive(path)
    if store.has("manifest.json"):
        manifest = {k.lower(): v for k, v in json.loads(store.read("manifest.json"))[0].items()}
        names = manifest.get("layers") or []
    else:
        names = oci_layers(store)
    return [entries(decompress(store.read(name))) for name in names]
