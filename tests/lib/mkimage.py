#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make small container images for tests: the same input gives the same bytes.

As a command, it reads a description from standard input:

    mkimage.py [--form FORM] [--compress CODEC] [--outer CODEC] [--tag REF]... OUT <<'END'
    layer RUN install things
    d usr/bin mode=755
    f usr/bin/tool mode=4755 uid=0 gid=0 mtime=1700000000.123456789 data="#!/bin/sh\\n"
    f big size=10000000 seed=7
    f holes size=1048576 extent=4096:100 extent=65536:10
    l bin -> usr/bin
    h usr/bin/tool2 -> usr/bin/tool
    c dev/null 1:3 mode=666
    p run/fifo
    f secret xattr.user.note=hello xattr.security.capability=hex:0100000200200000000000000000000000000000
    layer RUN rm things
    w usr/bin/tool
    o opt
    END

A line is split as a shell does it; values know the escapes of Python bytes (\\n, \\xff, \\\\).
Types: d folder, f file, l symlink, h hard link, c and b devices, p fifo, w whiteout of that path
(writes .wh.NAME), o opaque folder (writes .wh..wh..opq in it). Keys: mode (octal), uid, gid, mtime
(seconds, up to nine decimals), data, size (with data: padded with zeros; without: pseudo-random
bytes of seed=N), extent=OFFSET:LENGTH (repeated; makes a pax 1.0 sparse file, bytes of seed=N),
xattr.NAME=VALUE (hex:… for bytes), pax.KEY=VALUE (raw record), uname, gname.
Lines before the first "layer" are an error; "env KEY=VALUE" sets the image's environment; "#" starts a comment.

As a module, build(out, layers, form=…, compress=…, outer=…, tags=…, env=…, platform=…, settings=…) takes a list of layers,
{"instruction": str, "entries": [entry, …]} with entry = {"type": letter, "path": bytes, "mode": int, "uid": int,
"gid": int, "mtime": (seconds, nanoseconds), "data": bytes, "link": bytes, "major": int, "minor": int,
"extents": [(offset, bytes), …], "size": int (with extents), "xattrs": {bytes: bytes}, "pax": {bytes: bytes}};
everything but type and path may be left out. A layer may also be {"instruction": str, "tar": bytes}.
layer_tar(entries) gives a layer's tar alone.

Forms: docker-archive (plain docker save: LAYER/layer.tar and manifest.json), oci-archive, oci (a folder),
rootfs (one plain tar; exactly one layer). Codecs: none, gzip, zstd (by the zstd command).
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import shlex
import subprocess
import sys

BLOCK = 512
EPOCH = (1700000000, 0)
CREATED = "2023-11-14T22:13:20Z"
USTAR_SIZE_MAX = 8 ** 11 - 1
USTAR_ID_MAX = 8 ** 7 - 1
TYPEFLAGS = {"f": b"0", "h": b"1", "l": b"2", "c": b"3", "b": b"4", "d": b"5", "p": b"6"}
MODES = {"d": 0o755, "l": 0o777, "c": 0o666, "b": 0o660}
MEDIA = {"none": "application/vnd.oci.image.layer.v1.tar",
         "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
         "zstd": "application/vnd.oci.image.layer.v1.tar+zstd"}


def padded(data):
    """Bytes filled up to whole tar blocks."""
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    """One pax record: its length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def header(name, flag, mode=0o644, uid=0, gid=0, size=0, mtime=0, link=b"", major=0, minor=0,
           uname=b"", gname=b""):
    """One ustar header block; the caller has made sure that the values fit."""
    raw = bytearray(BLOCK)

    def put(at, length, value):
        raw[at:at + length] = value[:length].ljust(length, b"\0")

    def octal(at, length, value):
        put(at, length, b"%0*o\0" % (length - 1, value))

    put(0, 100, name)
    octal(100, 8, mode & 0o7777)
    octal(108, 8, uid)
    octal(116, 8, gid)
    octal(124, 12, size)
    octal(136, 12, mtime)
    put(148, 8, b"        ")
    put(156, 1, flag)
    put(157, 100, link)
    put(257, 8, b"ustar\x0000")
    put(265, 32, uname)
    put(297, 32, gname)
    octal(329, 8, major)
    octal(337, 8, minor)
    put(148, 8, b"%06o\0 " % sum(raw))
    return bytes(raw)


def sparse_body(entry, pax):
    """Body of a pax 1.0 sparse file: the map as decimal lines in whole blocks, then the extents' bytes."""
    extents = sorted(entry["extents"])
    size = entry.get("size", extents[-1][0] + len(extents[-1][1]))
    numbers = [(offset, len(data)) for offset, data in extents]
    if not numbers or sum(numbers[-1]) < size:
        numbers.append((size, 0))
    text = b"%d\n" % len(numbers) + b"".join(b"%d\n%d\n" % pair for pair in numbers)
    pax[b"GNU.sparse.major"] = b"1"
    pax[b"GNU.sparse.minor"] = b"0"
    pax[b"GNU.sparse.name"] = entry["path"]
    pax[b"GNU.sparse.realsize"] = b"%d" % size
    return padded(text) + b"".join(data for _, data in extents)


def tar_entry(entry):
    """Bytes of one entry: a pax header where one is needed, the header, the data."""
    kind = entry["type"]
    path = entry["path"]
    pax = {}
    link = entry.get("link", b"")
    sec, nsec = entry.get("mtime", EPOCH)
    body = entry.get("data", b"") if kind == "f" else b""
    numbers = {}

    if kind == "w":
        folder, _, name = path.rpartition(b"/")
        path = (folder + b"/" if folder else b"") + b".wh." + name
        kind = "f"
    elif kind == "o":
        path = path.rstrip(b"/") + b"/.wh..wh..opq"
        kind = "f"
    elif kind == "d" and not path.endswith(b"/"):
        path += b"/"
    if "extents" in entry:
        body = sparse_body(entry, pax)
        path = b"GNUSparseFile.0/" + path.rpartition(b"/")[2][:80]
    for key in ("uid", "gid"):
        numbers[key] = entry.get(key, 0)
        if not 0 <= numbers[key] <= USTAR_ID_MAX:
            pax[key.encode()] = b"%d" % numbers[key]
            numbers[key] = 0
    if len(path) > 100:
        pax[b"path"] = path
    if len(link) > 100:
        pax[b"linkpath"] = link
    if nsec or not 0 <= sec <= USTAR_SIZE_MAX:
        whole = sec + 1 if sec < 0 and nsec else sec
        fraction = 10 ** 9 - nsec if sec < 0 and nsec else nsec
        sign = b"-" if sec < 0 else b""
        pax[b"mtime"] = sign + b"%d" % abs(whole) + (b".%09d" % fraction if nsec else b"")
        sec = max(0, min(sec, USTAR_SIZE_MAX))
    if len(body) > USTAR_SIZE_MAX:
        pax[b"size"] = b"%d" % len(body)
    for key, value in entry.get("xattrs", {}).items():
        pax[b"SCHILY.xattr." + key] = value
    pax.update(entry.get("pax", {}))

    out = b""
    if pax:
        records = b"".join(pax_record(key, pax[key]) for key in sorted(pax))
        out += header(b"PaxHeaders.0/" + path.rstrip(b"/").rpartition(b"/")[2][:80], b"x", size=len(records))
        out += padded(records)
    out += header(path, TYPEFLAGS[kind], entry.get("mode", MODES.get(kind, 0o644)), numbers["uid"],
                  numbers["gid"], 0 if b"size" in pax else len(body), sec, link, entry.get("major", 0),
                  entry.get("minor", 0), entry.get("uname", b""), entry.get("gname", b""))
    return out + padded(body)


def layer_tar(entries):
    """A whole layer as a tar."""
    return b"".join(tar_entry(entry) for entry in entries) + bytes(2 * BLOCK)


def compressed(data, codec):
    """Data in gzip (no time stamp) or zstd (one thread, so that the bytes are the same everywhere)."""
    if codec == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if codec == "zstd":
        return subprocess.run(["zstd", "-q", "-3", "--single-thread", "-c"], input=data,
                              stdout=subprocess.PIPE, check=True).stdout
    return data


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def json_bytes(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def config_json(layers, tars, env, platform, settings=None):
    """Image configuration with a history record a layer."""
    parts = platform.split("/")
    config = {"architecture": parts[1], "os": parts[0], "created": CREATED,
              "config": dict({"Env": env}, **(settings or {})), "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in tars]},
              "history": [{"created": CREATED, "created_by": layer.get("instruction", "")} for layer in layers]}
    if len(parts) > 2:
        config["variant"] = parts[2]
    return json_bytes(config)


def docker_files(tars, config, compress, tags):
    """Files of a docker-archive, in order."""
    files = {}
    names = []
    for tar in tars:
        blob = compressed(tar, compress)
        name = digest(tar)[7:] + "/layer.tar"
        files[name] = blob
        names.append(name)
    config_name = digest(config)[7:] + ".json"
    files[config_name] = config
    files["manifest.json"] = json_bytes([{"Config": config_name, "RepoTags": tags or None, "Layers": names}])
    return files


def oci_files(tars, config, compress, tags, platform):
    """Files of an OCI layout, in order."""
    files = {"oci-layout": json_bytes({"imageLayoutVersion": "1.0.0"})}
    parts = platform.split("/")

    def blob(data, media):
        files["blobs/sha256/" + digest(data)[7:]] = data
        return {"mediaType": media, "digest": digest(data), "size": len(data)}

    descriptors = [blob(compressed(tar, compress), MEDIA[compress]) for tar in tars]
    manifest = blob(json_bytes({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                "config": blob(config, "application/vnd.oci.image.config.v1+json"),
                                "layers": descriptors}), "application/vnd.oci.image.manifest.v1+json")
    manifest["platform"] = {"os": parts[0], "architecture": parts[1]}
    if len(parts) > 2:
        manifest["platform"]["variant"] = parts[2]
    manifests = [dict(manifest, annotations={"org.opencontainers.image.ref.name": tag}) for tag in tags]
    files["index.json"] = json_bytes({"schemaVersion": 2, "manifests": manifests or [manifest]})
    return files


def build(out, layers, form="docker-archive", compress="none", outer="none", tags=(), env=(),
          platform="linux/amd64", settings=None):
    """Write an image; see the module's text for the arguments."""
    tars = [layer["tar"] if "tar" in layer else layer_tar(layer["entries"]) for layer in layers]
    env = list(env) or ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    if form == "rootfs":
        if len(tars) != 1:
            raise ValueError("a rootfs tar has exactly one layer")
        data = tars[0]
    else:
        config = config_json(layers, tars, env, platform, settings)
        if form == "docker-archive":
            files = docker_files(tars, config, compress, list(tags))
        else:
            files = oci_files(tars, config, compress, list(tags), platform)
        if form == "oci":
            for name, content in files.items():
                path = os.path.join(out, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
            return
        data = layer_tar([{"type": "f", "path": name.encode(), "data": content}
                          for name, content in files.items()])
    with open(out, "wb") as file:
        file.write(compressed(data, outer))


def unescape(text):
    """A word of the description as bytes; characters beyond ASCII as UTF-8, \\xNN as that byte."""
    return text.encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1") \
        if "\\" in text else text.encode("utf-8", "surrogateescape")


def random_bytes(seed, size):
    return random.Random(seed).randbytes(size)


def set_key(entry, key, value):
    """Put one KEY=VALUE of the description into an entry; size, seed and extents are settled by finish()."""
    if key == "mode":
        entry["mode"] = int(value, 8)
    elif key in ("uid", "gid", "size", "seed"):
        entry[key] = int(value)
    elif key == "mtime":
        sec, _, fraction = value.partition(".")
        nsec = int(fraction.ljust(9, "0")[:9]) if fraction else 0
        entry["mtime"] = (int(sec), nsec) if not (sec.startswith("-") and nsec) else (int(sec) - 1, 10 ** 9 - nsec)
    elif key in ("data", "uname", "gname"):
        entry[key] = unescape(value)
    elif key == "extent":
        entry.setdefault("holes", []).append(tuple(int(n) for n in value.split(":")))
    elif key.startswith("xattr."):
        data = bytes.fromhex(value[4:]) if value.startswith("hex:") else unescape(value)
        entry.setdefault("xattrs", {})[unescape(key[6:])] = data
    elif key.startswith("pax."):
        entry.setdefault("pax", {})[unescape(key[4:])] = unescape(value)
    else:
        raise ValueError("unknown key " + key)


def finish(entry):
    """Turn size, seed and extent of the description into data or extents."""
    seed = entry.pop("seed", 1)
    if "holes" in entry:
        entry["extents"] = [(at, random_bytes(seed + at, length)) for at, length in entry.pop("holes")]
    elif "data" in entry and "size" in entry:
        entry["data"] = entry["data"].ljust(entry.pop("size"), b"\0")
    elif "size" in entry:
        entry["data"] = random_bytes(seed, entry.pop("size"))
    return entry


def parse_entry(words):
    """One line of the description as an entry."""
    entry = {"type": words[0], "path": unescape(words[1])}
    rest = words[2:]
    if words[0] not in TYPEFLAGS and words[0] not in "wo":
        raise ValueError("unknown type " + words[0])
    if words[0] in "lh":
        if len(rest) < 2 or rest[0] != "->":
            raise ValueError("a link wants: PATH -> TARGET")
        entry["link"] = unescape(rest[1])
        rest = rest[2:]
    elif words[0] in "cb":
        entry["major"], entry["minor"] = (int(n) for n in rest[0].split(":"))
        rest = rest[1:]
    for word in rest:
        key, _, value = word.partition("=")
        set_key(entry, key, value)
    return finish(entry)


def parse(text):
    """The description as (layers, env)."""
    layers = []
    env = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        word = line.split(None, 1)
        if word[0] == "layer":
            layers.append({"instruction": word[1] if len(word) > 1 else "", "entries": []})
        elif word[0] == "env":
            env.append(word[1])
        else:
            layers[-1]["entries"].append(parse_entry(shlex.split(line)))
    return layers, env


def main():
    parser = argparse.ArgumentParser(description="make a small image from a description on standard input")
    parser.add_argument("out")
    parser.add_argument("--form", default="docker-archive", choices=["docker-archive", "oci-archive", "oci", "rootfs"])
    parser.add_argument("--compress", default="none", choices=["none", "gzip", "zstd"])
    parser.add_argument("--outer", default="none", choices=["none", "gzip", "zstd"])
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--platform", default="linux/amd64")
    args = parser.parse_args()
    text = io.TextIOWrapper(sys.stdin.buffer, "utf-8", "surrogateescape").read()
    layers, env = parse(text)
    build(args.out, layers, args.form, args.compress, args.outer, args.tag, env, args.platform)


if __name__ == "__main__":
    main()
