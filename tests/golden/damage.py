#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damage an image for a test: the same input gives the same bytes.

    damage.py IN OUT OPERATION...

IN and OUT are tar archives (docker-archive, oci-archive). Operations, in order:

    drop:NAME            leave the member out
    flip:NAME:OFFSET     change one byte of its data
    cut:NAME:SIZE        keep SIZE bytes of its data
    sub:NAME:OLD=>NEW    replace text in its data; what else names its digest is left alone
    text:NAME:TEXT       give it (an old or a new member) this data
    truncate:SIZE        keep SIZE bytes of the archive
    until:NAME:SIZE      keep the archive up to SIZE bytes of the member's data

NAME may be layer0, layer1, ... or config or manifest for what the manifest names; else the member's own name."""

import io
import json
import sys
import tarfile

EPOCH = 1700000000


def read(path):
    """Members in order, name to data."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def roles(files):
    """layer0, config, manifest: to member names."""
    def blob(descriptor):
        return "blobs/" + descriptor["digest"].replace(":", "/")

    if "manifest.json" in files:
        item = json.loads(files["manifest.json"])[0]
        found = {"layer%d" % i: name for i, name in enumerate(item["Layers"])}
        found.update(config=item["Config"], manifest="manifest.json")
    elif "index.json" in files:
        name = blob(json.loads(files["index.json"])["manifests"][0])
        manifest = json.loads(files[name])
        found = {"layer%d" % i: blob(layer) for i, layer in enumerate(manifest["layers"])}
        found.update(config=blob(manifest["config"]), manifest=name)
    else:
        found = {}
    return found


def write(files):
    """The archive's bytes, and where each member's data begins."""
    out = io.BytesIO()
    places = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = EPOCH
            tar.addfile(info, io.BytesIO(data))
            places[name] = out.tell() - -(-len(data) // 512) * 512
    return out.getvalue(), places


def apply(files, name, operation, rest):
    """One operation on the members."""
    if operation == "drop":
        del files[name]
    elif operation == "flip":
        data = bytearray(files[name])
        data[int(rest)] ^= 0x55
        files[name] = bytes(data)
    elif operation == "cut":
        files[name] = files[name][:int(rest)]
    elif operation == "sub":
        old, new = rest.split("=>", 1)
        if old.encode() not in files[name]:
            sys.exit("damage.py: %s does not hold %s" % (name, old))
        files[name] = files[name].replace(old.encode(), new.encode())
    elif operation == "text":
        files[name] = rest.encode()
    else:
        sys.exit("damage.py: unknown operation " + operation)


def main():
    source, out = sys.argv[1:3]
    files = read(source)
    names = roles(files)
    limit = None
    until = None
    for argument in sys.argv[3:]:
        operation, _, rest = argument.partition(":")
        if operation == "truncate":
            limit = int(rest)
            continue
        name, _, rest = rest.partition(":")
        name = names.get(name, name)
        if operation == "until":
            until = (name, int(rest))
        else:
            apply(files, name, operation, rest)
    data, places = write(files)
    if until:
        limit = places[until[0]] + until[1]
    with open(out, "wb") as file:
        file.write(data[:limit])


if __name__ == "__main__":
    main()
