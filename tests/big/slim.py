# SPDX-License-Identifier: Apache-2.0
"""A slim image beside the big one, out of its own bytes: the same base layer, and of what its third installation brought only
Python and torch. So two real images share a layer, and the rest differs."""
import gzip
import hashlib
import io
import json
import os
import re
import tarfile

KEPT = re.compile(r"^\.?/?(usr/lib/python3|usr/bin/python3|usr/lib/x86_64-linux-gnu/lib(torch|c10|blas|lapack|gomp|gfortran|fmt|proto)"
                  r"|var/lib/dpkg/(status|info/(python3|libpython3|libtorch))|etc/python3)")
INSTRUCTION = "RUN apt-get install -y --no-install-recommends python3-torch"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob_of(outer, name):
    return outer.extractfile("blobs/sha256/" + name.split(":")[1]).read()


def layer_of(outer, manifest, number):
    return tarfile.open(fileobj=outer.extractfile(outer.getmember(manifest["Layers"][number])))


def status_of(outer, manifest, number):
    """The base's packages, and those of a layer whose lists are kept: what dpkg would say of the slim image."""
    with layer_of(outer, manifest, 0) as base:
        status = next(base.extractfile(e).read() for e in base if e.name.endswith("var/lib/dpkg/status"))
    listed, upper = set(), b""
    with layer_of(outer, manifest, number) as layer:
        for entry in layer:
            if entry.name.endswith("var/lib/dpkg/status"):
                upper = layer.extractfile(entry).read()
            elif entry.name.endswith(".list") and KEPT.match(entry.name):
                listed.add(os.path.basename(entry.name)[:-5].split(":")[0].encode())
    known = set(re.findall(rb"^Package: (.*)$", status, re.M))
    added = [part for part in upper.split(b"\n\n")
             if set(re.findall(rb"^Package: (.*)$", part, re.M)) & (listed - known)]
    return status + b"".join(part.strip(b"\n") + b"\n\n" for part in added)


def filtered(plain, number):
    """A layer of the plain image less what is not kept, as gzip."""
    with tarfile.open(plain) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))[0]
        status = status_of(outer, manifest, number)
        out = io.BytesIO()
        tar_hash = hashlib.sha256()

        class Both:
            def __init__(self, to):
                self.to = to

            def write(self, data):
                tar_hash.update(data)
                return self.to.write(data)

        with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed:
            with layer_of(outer, manifest, number) as layer, \
                    tarfile.open(fileobj=Both(packed), mode="w|", format=tarfile.PAX_FORMAT) as kept:
                for entry in layer:
                    if entry.name.endswith("var/lib/dpkg/status"):
                        entry.size = len(status)
                        kept.addfile(entry, io.BytesIO(status))
                    elif KEPT.match(entry.name) and not entry.islnk():
                        kept.addfile(entry, layer.extractfile(entry) if entry.isreg() else None)
        return out.getvalue(), "sha256:" + tar_hash.hexdigest()


def build(folder, out):
    """Write the slim image; folder is that of the big one."""
    with tarfile.open(os.path.join(folder, "gzip.oci.tar")) as fat:
        index = json.load(fat.extractfile("index.json"))
        manifest = json.loads(blob_of(fat, index["manifests"][0]["digest"]))
        config = json.loads(blob_of(fat, manifest["config"]["digest"]))
        base = blob_of(fat, manifest["layers"][0]["digest"])
    layer, diff_id = filtered(os.path.join(folder, "plain.tar"), 3)
    config["rootfs"]["diff_ids"] = [config["rootfs"]["diff_ids"][0], diff_id]
    config["history"] = [config["history"][0], {"created": "2024-01-01T00:00:00Z", "created_by": INSTRUCTION}]
    config = json.dumps(config).encode()
    manifest["config"].update(digest=digest(config), size=len(config))
    manifest["layers"] = [manifest["layers"][0],
                          dict(manifest["layers"][0], digest=digest(layer), size=len(layer))]
    manifest = json.dumps(manifest).encode()
    index["manifests"] = [dict(index["manifests"][0], digest=digest(manifest), size=len(manifest))]
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    for data in (config, manifest, base, layer):
        files["blobs/sha256/" + digest(data).split(":")[1]] = data
    with tarfile.open(out + ".new", "w") as outer:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            outer.addfile(entry, io.BytesIO(data))
    os.rename(out + ".new", out)
