# SPDX-License-Identifier: Apache-2.0
"""Images that ask for more than they are worth. Each is small on disk, made as it is written, and the same every time."""
import gzip
import hashlib
import io
import json
import os
import sqlite3
import struct
import subprocess
import sys
import zipfile
import zlib

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")]
import tarbytes  # noqa: E402

MIB, GIB = 1 << 20, 1 << 30
# Most bytes of a block of zstd.
ZSTD_BLOCK = 128 << 10


def gzip_member(data, level=9):
    """One gzip member without a time in it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def file_entry(name, size, **more):
    """Headers of a file; its data follows."""
    return tarbytes.entry(name, "f", size=size, **more)


def write(path, *chunks):
    with open(path, "wb") as file:
        for chunk in chunks:
            file.write(chunk)


def tar_file(path, *entries):
    write(path, *entries, tarbytes.END)


def with_data(name, data):
    """A file with its data and padding."""
    return file_entry(name, len(data)) + data + tarbytes.pad(len(data))


def gzip_zeros(size):
    """A layer whose one file is zeros: members of 64 MiB, again and again."""
    def make(path):
        member = gzip_member(bytes(64 * MIB))
        with open(path, "wb") as file:
            file.write(gzip_member(file_entry(b"zeros", size)))
            for _ in range(size // (64 * MIB)):
                file.write(member)
    return make


def zstd_frame(head, zeros, window=0x30):
    """A frame by hand (RFC 8878): raw bytes, then zeros as blocks of four bytes. window is its descriptor."""
    yield b"\x28\xb5\x2f\xfd\x00" + bytes([window])
    yield struct.pack("<I", len(head) << 3)[:3] + head
    whole, rest = divmod(zeros, ZSTD_BLOCK)
    run = struct.pack("<I", ZSTD_BLOCK << 3 | 1 << 1)[:3] + b"\0"
    for _ in range(whole // 4096):
        yield run * 4096
    yield run * (whole % 4096)
    yield struct.pack("<I", rest << 3 | 1 << 1 | 1)[:3] + b"\0"


def zstd_zeros(size, window=0x48):
    """A layer of zeros in one frame."""
    def make(path):
        with open(path, "wb") as file:
            for piece in zstd_frame(file_entry(b"zeros", size), size + 1024, window):
                file.write(piece)
    return make


def zstd(data):
    """Frames that the zstd program makes of pieces of bytes."""
    packer = subprocess.Popen(["zstd", "-q", "-3", "-T1", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = []
    reader = __import__("threading").Thread(target=lambda: out.append(packer.stdout.read()))
    reader.start()
    for piece in data:
        packer.stdin.write(piece)
    packer.stdin.close()
    reader.join()
    packer.wait()
    return out[0]


def headers(names):
    """Headers of empty files, in pieces: only name and checksum differ."""
    template = tarbytes.header(b"", b"0", 0o644, 0, 0, 0, 1700000000)
    base = sum(template) - sum(template[148:156]) + 8 * 32
    middle, tail = template[100:148], template[156:]
    batch = []
    for name in names:
        batch.append(name.ljust(100, b"\0") + middle + b"%06o\0 " % (base + sum(name)) + tail)
        if len(batch) == 4096:
            yield b"".join(batch)
            batch.clear()
    yield b"".join(batch)


def same_entries(count):
    """Empty files of one name: a frame of 2^19 of them, as often as it takes."""
    def make(path):
        piece = b"".join(headers([b"file"] * 4096))
        frame = zstd(piece for _ in range(128))
        write(path, frame * (count >> 19), zstd([tarbytes.END]))
    return make


def distinct_entries(count, name=b"d%d/f%d"):
    def make(path):
        write(path, zstd(headers(name % (i // 1000, i) for i in range(count))), zstd([tarbytes.END]))
    return make


def one_folder(count):
    def make(path):
        write(path, zstd(headers(b"folder/f%d" % i for i in range(count))), zstd([tarbytes.END]))
    return make


def stream_entries(out, count=100000000):
    """A plain tar of so many empty files, as long as somebody reads it."""
    for piece in headers(b"d%d/d%d/f%d" % (i // 100000, i // 100, i) for i in range(count)):
        out.write(piece)


def deep(depth, count=1):
    """Paths of so many names each, none of them shared."""
    def make(path):
        def pieces():
            for i in range(count):
                yield tarbytes.entry(b"%d/" % i + b"a/" * (depth - 2) + b"f", "f")
        write(path, zstd(pieces()), zstd([tarbytes.END]))
    return make


def long_path(size):
    def make(path):
        tar_file(path, file_entry(b"before", 0), tarbytes.entry(b"n" * size, "f"), file_entry(b"after", 0))
    return make


def sparse(size, extents):
    """GNU format 1.0: the map is at the beginning of the data."""
    def make(path):
        lines = ["%d" % len(extents)] + ["%d\n%d" % pair for pair in extents]
        text = ("\n".join(lines) + "\n").encode()
        text += tarbytes.pad(len(text))
        data = sum(length for _, length in extents)
        records = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"sparse"),
                   (b"GNU.sparse.realsize", b"%d" % size)]
        tar_file(path, tarbytes.entry(b"GNUSparseFile.0/sparse", "f", size=len(text) + data, extra=records),
                 text, bytes(data), tarbytes.pad(data))
    return make


def huge_header(path):
    """A pax header that claims 1 TiB."""
    write(path, file_entry(b"before", 0), tarbytes.header(b"PaxHeaders/0", b"x", 0o644, 0, 0, 1 << 40, 0), bytes(4096))


def xattrs(count, entries=1, size=1):
    def make(path):
        def pieces():
            some = {b"user.%06d" % i: b"v" * size for i in range(count)}
            for i in range(entries):
                yield tarbytes.entry(b"f%d" % i, "f", xattrs=some)
        write(path, zstd(pieces()), zstd([tarbytes.END]))
    return make


def hard_links(count):
    """Each is a link to the one before."""
    def make(path):
        links = (tarbytes.entry(b"l%d" % i, "h", link=b"l%d" % (i - 1)) for i in range(1, count))
        tar_file(path, file_entry(b"l0", 0), *links)
    return make


def lattice(path):
    """2^60 ways through sixty symlinks, and a file whose parent they are."""
    links = [tarbytes.entry(b"s%d" % i, "l", link=b"s%d/../s%d" % (i + 1, i + 1)) for i in range(60)]
    tar_file(path, tarbytes.entry(b"s60/", "d"), *links, file_entry(b"s0/x", 0), tarbytes.entry(b"h", "h", link=b"s0/x"))


def layered(layer, count, **config):
    """A docker archive whose layers all have the same bytes: those that layer gives, and their digest unpacked."""
    def make(path):
        data, digest = layer()
        manifest = [{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar"] * count}]
        about = dict(config, rootfs={"type": "layers", "diff_ids": ["sha256:" + digest] * count})
        tar_file(path, with_data(b"config.json", json.dumps(about).encode()), with_data(b"layer.tar", data),
                 with_data(b"manifest.json", json.dumps(manifest).encode()))
    return make


def plain_layer(data=tarbytes.END):
    return data, hashlib.sha256(data).hexdigest()


def whiteouts(count):
    """Files, and whiteouts of all of them: each layer hides those of the one below."""
    def layer():
        names = [b"d/f%d" % i for i in range(count)] + [b"d/.wh.f%d" % i for i in range(count)]
        tar = b"".join(headers(names)) + tarbytes.END
        return zstd([tar]), hashlib.sha256(tar).hexdigest()
    return layer


def document(text, name=b"manifest.json"):
    def make(path):
        tar_file(path, with_data(name, text if isinstance(text, bytes) else text()))
    return make


def nested_indexes(depth):
    """A layout whose index leads to an index, and so on."""
    def make(path):
        os.makedirs(path + "/blobs/sha256")
        write(path + "/oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        text = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
        for _ in range(depth):
            digest = hashlib.sha256(text).hexdigest()
            write(path + "/blobs/sha256/" + digest, text)
            text = json.dumps({"schemaVersion": 2, "manifests": [
                {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": "sha256:" + digest,
                 "size": len(text)}] * 2}).encode()
        write(path + "/index.json", text)
    return make


def many_layers(count):
    return layered(plain_layer, count)


def many_records(count):
    """History."""
    def make(path):
        layered(plain_layer, 1, history=[{}] * count)(path)
    return make


def double_gzip(path):
    inner = gzip_member(file_entry(b"f", 0) + tarbytes.END)
    for _ in range(20):
        inner = gzip_member(inner)
    layered(lambda: plain_layer(inner), 1)(path)


def overlapping_zip(count):
    """Members that all are the same bytes, ten MiB of zeros each (better zip bombs overlap)."""
    body = zlib.compress(bytes(10 * MIB), 9)[2:-4]
    crc = zlib.crc32(bytes(10 * MIB))
    local = struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 8, 0, 0, crc, len(body), 10 * MIB, 10, 0) + b"python3.py"
    central = b"".join(
        struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, 8, 0, 0, crc, len(body), 10 * MIB, 10, 0, 0, 0, 0, 0, 0)
        + b"python3.py" for _ in range(count))
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count & 0xffff, count & 0xffff, len(central), len(local) + len(body), 0)
    return local + body + central + end


def nested_zip(levels):
    data = bytes(MIB)
    for level in range(levels):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(10):
                archive.writestr(zipfile.ZipInfo("%d-%d.whl" % (level, i)), data)
        data = out.getvalue()
    return data


def archives(path):
    """Archives in files, which facts look into."""
    tar_file(path, with_data(b"app/a.jar", overlapping_zip(60000)), with_data(b"app/b.whl", nested_zip(3)),
             with_data(b"app/c.pyz", b"#!/usr/bin/python3\n" + overlapping_zip(1000)),
             with_data(b"app/d.tar.gz", gzip.compress(gzip.compress(bytes(MIB), mtime=0), mtime=0)))


def databases(path):
    """Package databases with counts that no file has room for."""
    rpm = path + ".sqlite"
    base = sqlite3.connect(rpm)
    base.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    base.executemany("INSERT INTO Packages (blob) VALUES (?)",
                     [(struct.pack(">II", il, dl) + bytes(64),) for il, dl in
                      ((2 ** 31 - 1, 2 ** 31 - 1), (65535, 16), (2 ** 32 - 1, 0), (1, 2 ** 28))])
    base.commit()
    base.close()
    with open(rpm, "rb") as file:
        sqlite = file.read()
    os.unlink(rpm)
    ndb = struct.pack("<8I", 0x506d7052, 0, 1, 2 ** 32 - 1, 1, 0, 0, 0) + b"Slot" * 4096
    dpkg = b"".join(b"Package: p%d\nStatus: install ok installed\nVersion: 1\n\n" % i for i in range(250000))
    tar_file(path, with_data(b"var/lib/rpm/rpmdb.sqlite", sqlite), with_data(b"usr/lib/sysimage/rpm/Packages.db", ndb),
             with_data(b"var/lib/dpkg/status", dpkg + b"Description: " + b"x" * (8 * MIB)),
             with_data(b"lib/apk/db/installed", b"P:a\nF:" + b"b/" * MIB + b"\n" + b"R:c\n" * 300000))


def letters(path):
    """Something that patterns which go back would stand before for ever."""
    tar_file(path, with_data(b"text", b"a" * MIB), with_data(b"more", b"a" * MIB + b"\n"))
