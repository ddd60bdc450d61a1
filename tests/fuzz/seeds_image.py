# SPDX-License-Identifier: Apache-2.0
"""Seeds for what an image file is made of: outer archives, manifests, layers, compressed bytes, names, merges."""
import glob
import os
import random
import struct
import subprocess
import tempfile
import zlib

import mkimage

# One layer with an entry of every kind that mkimage knows.
KINDS = """
layer RUN one
d usr/bin mode=755
f usr/bin/tool mode=4755 uid=1 gid=2 mtime=1700000000.123456789 data=x uname=root gname=wheel
f holes size=1048576 extent=4096:100 extent=65536:10
l bin -> usr/bin
h usr/bin/tool2 -> usr/bin/tool
c dev/null 1:3 mode=666
b dev/sda 8:0
p run/fifo
f secret xattr.user.note=hello xattr.security.capability=hex:0100000200200000000000000000000000000000
f acl pax.SCHILY.acl.access=user::rw-,group::r--,other::r-- pax.LIBARCHIVE.xattr.user.a=YQ==
w usr/bin/tool
o opt
"""


def kinds():
    """Entries of KINDS."""
    return mkimage.parse(KINDS)[0][0]["entries"]


def raw(name, flag, data=b"", **fields):
    """A tar member by its header's fields."""
    return mkimage.header(name, flag, size=len(data), **fields) + mkimage.padded(data)


def old_sparse():
    """A GNU sparse member with its map in the header, and one more block of it."""
    block = bytearray(mkimage.header(b"sparse", b"S", size=1024))
    block[257:265] = b"ustar  \0"
    for i, (offset, length) in enumerate(((0, 512), (4096, 256), (8192, 128), (16384, 64))):
        block[386 + 24 * i:410 + 24 * i] = b"%011o\0%011o\0" % (offset, length)
    block[482] = 1
    block[483:495] = b"%011o\0" % 65536
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    more = b"%011o\0%011o\0" % (32768, 64)
    return bytes(block) + mkimage.padded(more) + bytes(1024)


def tar_seeds():
    """Layers: each kind of entry alone, all together, and the forms that only GNU tar writes."""
    end = bytes(1024)
    entries = kinds()
    for i, entry in enumerate(entries):
        yield "entry-%02d-%s" % (i, entry["type"]), mkimage.tar_entry(entry) + end
    yield "all", mkimage.layer_tar(entries)
    yield "empty", end
    yield "gnu-long-name", raw(b"././@LongLink", b"L", b"n" * 120 + b"\0") + raw(b"n", b"0", b"1") + end
    yield "gnu-long-link", raw(b"././@LongLink", b"K", b"k" * 120 + b"\0") + raw(b"l", b"2", link=b"k") + end
    yield "gnu-sparse", old_sparse() + end
    yield "pax-sparse-0.0", raw(b"x", b"x", b"".join(mkimage.pax_record(*pair) for pair in (
        (b"GNU.sparse.size", b"8192"), (b"GNU.sparse.numblocks", b"2"), (b"GNU.sparse.offset", b"0"),
        (b"GNU.sparse.numbytes", b"1"), (b"GNU.sparse.offset", b"4096"), (b"GNU.sparse.numbytes", b"1")))) + \
        raw(b"f", b"0", b"12") + end
    yield "pax-sparse-0.1", raw(b"x", b"x", b"".join(mkimage.pax_record(*pair) for pair in (
        (b"GNU.sparse.size", b"8192"), (b"GNU.sparse.numblocks", b"2"), (b"GNU.sparse.map", b"0,1,4096,1"),
        (b"GNU.sparse.name", b"real")))) + raw(b"f", b"0", b"12") + end
    yield "pax-numbers", raw(b"x", b"x", b"".join(mkimage.pax_record(*pair) for pair in (
        (b"size", b"3"), (b"uid", b"4294967296"), (b"gid", b"-1"), (b"mtime", b"-1.5"), (b"uname", b"u"),
        (b"path", b"a/b"), (b"linkpath", b"c"), (b"hdrcharset", b"BINARY")))) + raw(b"f", b"0", b"123") + end
    yield "pax-global", raw(b"g", b"g", mkimage.pax_record(b"comment", b"x")) + raw(b"f", b"0", b"1") + end
    yield "old-v7", raw(b"folder/", b"\0") + raw(b"f", b"\0", b"1") + end
    yield "trailing", raw(b"f", b"0", b"1") + end + b"more"


def name_seeds():
    """Paths and texts."""
    texts = ["a/b", "/../x", "./a//b/../c/", ".wh.name", ".wh..wh..opq", "a\\b", "\x1b[31m", "\u202e\u2066x", "\u00e9\U0001f600",
             "sha256:" + "0" * 64, "sha512:" + "f" * 128, "::error::x", "\x7f\x85\u2028\u200f", "docker-archive:a:b@1"]
    for i, text in enumerate(texts):
        yield "text-%02d" % i, text.encode()
    yield "not-utf-8", b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xff\xfe"


def documents(*members, way=0):
    """An input of the target image: its comment says how."""
    return bytes([way]) + b"".join(name + b"\0" + content + b"\xff" for name, content in members)


CONFIG = (b'{"architecture":"amd64","os":"linux","created":"2023-11-14T22:13:20Z","author":"a","config":{"Env":["PATH=/bin"],'
          b'"Entrypoint":["/a"],"Cmd":["b"],"Labels":{"a":"b"},"ExposedPorts":{"80/tcp":{}},"User":"1:1","WorkingDir":"/w",'
          b'"Volumes":{"/v":{}},"StopSignal":"SIGTERM","Shell":["sh"],"Healthcheck":{"Test":["CMD","x"],"Interval":3}},'
          b'"rootfs":{"type":"layers","diff_ids":["sha256:\x01"]},"history":[{"created":"2023-11-14T22:13:20Z",'
          b'"created_by":"COPY a b","comment":"c"},{"created_by":"ENV a=b","empty_layer":true}]}')
OCI = b"application/vnd.oci.image."
MANIFEST = (b'{"schemaVersion":2,"mediaType":"' + OCI + b'manifest.v1+json","config":{"mediaType":"' + OCI +
            b'config.v1+json","digest":"sha256:\x02","size":\x10\x02},"layers":[{"mediaType":"' + OCI +
            b'layer.v1.tar","digest":"sha256:\x01","size":\x10\x01}]}')
INDEX = (b'{"schemaVersion":2,"manifests":[{"mediaType":"' + OCI + b'manifest.v1+json","digest":"sha256:\x03","size":\x10\x03,'
         b'"platform":{"os":"linux","architecture":"amd64"},"annotations":{"org.opencontainers.image.ref.name":"a"}}]}')
ATTESTED = INDEX.replace(b"}}]}", b'}},{"mediaType":"' + OCI + b'manifest.v1+json","digest":"sha256:\x03","size":3,"platform":'
                         b'{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":'
                         b'"attestation-manifest"}}]}')
NESTED = INDEX.replace(b"manifest.v1", b"index.v1").replace(b"\x03", b"\x04")
SCHEMA2 = MANIFEST.replace(OCI + b"manifest.v1+json", b"application/vnd.docker.distribution.manifest.v2+json").replace(
    OCI + b"layer.v1.tar", b"application/vnd.docker.image.rootfs.diff.tar.gzip")
BLOBS = ((b"blobs/sha256/\x01", b"layer"), (b"blobs/sha256/\x02", CONFIG))


def image_seeds():
    """Docker and OCI archives, hybrids of both, nested indexes, damaged and foreign ones."""
    layout = (b"oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    docker = [(b"\x01/layer.tar", b"layer"), (b"\x02.json", CONFIG)]
    save = b'[{"Config":"\x02.json","RepoTags":["a:1"],"Layers":["\x01/layer.tar"]}]'
    oci = [*BLOBS, (b"blobs/sha256/\x03", MANIFEST)]
    for way in range(10):
        yield "docker-%d" % way, documents(*docker, (b"manifest.json", save), way=way)
        yield "oci-%d" % way, documents(*oci, (b"index.json", INDEX), layout, way=way)
    yield "two-images", documents(*docker, (b"manifest.json", save[:-1] + b"," + save[1:]))
    yield "docker-link", documents((b"a.tar", b"layer"), (b"b.json", CONFIG), (b">c.tar", b"a.tar"), (
        b"manifest.json", b'[{"Config":"b.json","RepoTags":null,"Layers":["c.tar","a.tar"],"LayerSources":{}}]'))
    yield "hybrid", documents(*oci, (b"index.json", INDEX), layout, (b"manifest.json", save.replace(
        b"\x02.json", b"blobs/sha256/\x02").replace(b"\x01/layer.tar", b"blobs/sha256/\x01")))
    yield "attested", documents(*oci, (b"index.json", ATTESTED), layout)
    yield "nested", documents(*oci, (b"blobs/sha256/\x04", INDEX), (b"index.json", NESTED), layout)
    yield "schema2", documents(*BLOBS, (b"blobs/sha256/\x03", SCHEMA2), (b"index.json", INDEX), layout)
    yield "foreign", documents(*BLOBS, (b"blobs/sha256/\x03", MANIFEST.replace(
        b"layer.v1.tar", b"layer.nondistributable.v1.tar+gzip").replace(b"sha256:\x01", b"sha256:" + b"0" * 64)), (
            b"index.json", INDEX), layout)
    yield "legacy", documents((b"\x01/layer.tar", b"layer"), (b"repositories", b"{}"))
    yield "rootfs", documents((b"etc/passwd", b"root:x:0:0::/:/bin/sh"), way=3)
    yield "gzip-layer", documents((b"a.tar", mkimage.compressed(b"layer", "gzip")), (b"b.json", CONFIG), (
        b"manifest.json", b'[{"Config":"b.json","RepoTags":["a"],"Layers":["a.tar"]}]'))


def outer_seeds():
    """Whole small images, plain and compressed."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image")
        layers = [{"instruction": "RUN a", "entries": [{"type": "f", "path": b"a", "data": b"1"}]}]
        for form in ("docker-archive", "oci-archive", "rootfs"):
            for outer in ("none", "gzip", "zstd"):
                mkimage.build(path, layers, form=form, outer=outer, tags=["a"])
                with open(path, "rb") as file:
                    yield "%s-%s" % (form, outer), b"\0" + file.read()
    for name, data in tar_seeds():
        yield "tar-" + name, b"\0" + data


def json_seeds():
    """Documents, and the odd values of JSON."""
    for name, text in (("config", CONFIG), ("manifest", MANIFEST), ("index", INDEX)):
        yield name, text.replace(b"\x10", b"1").replace(b"\x01", b"1").replace(b"\x02", b"2").replace(b"\x03", b"3")
    for i, text in enumerate((b'{"a":1,"A":2}', b'{"a":1,"a":2}', b"[" * 70 + b"]" * 70, b'"\\ud800\\udc00\\u0000"', b"1e400",
                              b"-0.0e-1", b"[true,false,null]", b'{"Labels":{"a":1,"A":2}}', b"\xef\xbb\xbf1",
                              b'{"\xc5\xbf":1,"s":2,"\xe2\x84\xaa":3}', b"9223372036854775808")):
        yield "odd-%02d" % i, text


def reference_seeds():
    """References, platforms, names."""
    for i, text in enumerate((
            b"docker-archive:a:b", b"oci-archive:a:@1", b"oci:a:b", b"rootfs:a:b", b"-", b"oci-archive:-", b"docker://a", b"a:b",
            b"docker-archive:a:@99999999999", b"linux/amd64", b"linux/aarch64/v8", b"linux/arm/v7",
            b"busybox\0docker.io/library/busybox:latest", b"index.docker.io/a/b\0a/b", b"localhost/a@sha256:1\0a:1/b")):
        yield "text-%02d" % i, text


def plain_bytes(size):
    """Bytes that compress a little, with repetitions near and far."""
    words = random.Random(7).choices([b"usr/", b"lib/", b"x86_64", b"\0\0\0\0", b"#include", b"0123456789abcdef", b"z"], k=size // 3)
    return b"".join(words)[:size]


def gzip_member(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, flush=0, flags=0, mode=zlib.Z_FULL_FLUSH):
    """A member with the optional fields that flags announce, flushed every so many bytes."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    fields = {4: b"\6\0extras", 8: b"name\0", 16: b"comment\0"}
    out = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + b"".join(fields[bit] for bit in fields if flags & bit)
    if flags & 2:
        out += struct.pack("<H", zlib.crc32(out) & 0xffff)
    for at in range(0, len(data), flush or len(data) + 1):
        out += deflate.compress(data[at:at + (flush or len(data))])
        out += deflate.flush(mode) if flush else b""
    return out + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xffffffff)


def gzip_seeds():
    """Levels, strategies, flushes, header fields, several members, what follows them."""
    small, large = plain_bytes(300), plain_bytes(60000)
    for level in (0, 1, 6, 9):
        yield "level-%d" % level, gzip_member(plain_bytes(2500), level)
    for name, strategy in (("fixed", zlib.Z_FIXED), ("huffman", zlib.Z_HUFFMAN_ONLY), ("rle", zlib.Z_RLE)):
        yield name, gzip_member(plain_bytes(2500), 6, strategy)
    yield "long-runs", gzip_member(bytes(20000) + small + bytes(20000))
    yield "full-flushes", gzip_member(bytes(45000) + small, flush=3000)
    yield "sync-flushes", gzip_member(bytes(45000) + small, flush=3000, mode=zlib.Z_SYNC_FLUSH)
    yield "repeats", gzip_member(large[:1200] * 38, 9)
    yield "stored-and-more", gzip_member(large[:1000], 0) + gzip_member(bytes(40000))
    yield "too-long", gzip_member(bytes(60000))
    yield "members", b"".join(gzip_member(small[:100] * (i * 20)) for i in range(12))
    yield "empty-member", gzip_member(b"") + gzip_member(small)
    for flags in (1, 2, 4, 8, 16, 31):
        yield "flags-%d" % flags, gzip_member(small, flags=flags)
    yield "trailing", gzip_member(small) + b"more"
    yield "trailing-magic", gzip_member(small) + b"\x1f"
    yield "cut", gzip_member(large[:3000])[:700]


def zstd_seeds():
    """Frames of the zstd command at its levels, checksums, many frames, skippable ones, a seek table's shape."""
    def frame(data, *options):
        # With its size told, a frame asks for no more of a window than that.
        return subprocess.run(["zstd", "-q", "--single-thread", "-c", "--stream-size=%d" % len(data), *options], input=data, stdout=subprocess.PIPE,
                              check=True).stdout

    small, large = plain_bytes(300), bytes(20000) + plain_bytes(1500) + bytes(20000)
    skippable = b"\x5e\x2a\x4d\x18" + struct.pack("<I", 17) + bytes(8) + b"\1\0\0\0\0\xb1\xea\x92\x8f"
    for level in ("-1", "-3", "-9", "-19"):
        yield "level" + level, frame(plain_bytes(2500), level, "--no-check")
    yield "checksum", frame(small)
    yield "runs", frame(large, "--no-check")
    yield "frames", b"".join(frame(small[:100] * (i * 20), "--no-check") for i in range(12))
    yield "seekable", frame(large, "--no-check") + frame(small, "--no-check") + skippable
    yield "skippable-first", skippable + frame(small, "--no-check")
    yield "skippable-only", skippable
    yield "empty", frame(b"", "--no-check") + frame(small, "--no-check")
    yield "raw-block", frame(random.Random(1).randbytes(500), "--no-check")
    yield "trailing", frame(small, "--no-check") + b"more"
    yield "cut", frame(plain_bytes(2500), "--no-check")[:300]
    yield "long-window", frame(small, "--long=27", "--no-check")


def corpus_outer(corpus):
    """Hostile archives."""
    for name, data in corpus_tars(corpus, "outer"):
        yield name, b"\0" + data


def corpus_tars(corpus, folder="public"):
    """Layers and fixtures of the corpus."""
    for path in sorted(glob.glob(os.path.join(corpus, folder, "**", "*.tar"), recursive=True)):
        if os.path.getsize(path) <= 64 << 10:
            with open(path, "rb") as file:
                yield folder + "-" + os.path.relpath(path, corpus).replace("/", "_")[-100:], file.read()


def stack(*layers):
    """An input of the target merge: entries are (kind, path, link, meta, content)."""
    names = ["a", "b", "c", "d", "e", "l", ".wh.a", ".wh.b", ".wh.c", ".wh.d", ".wh..wh..opq", ".wh..wh.x", ".wh.", "..",
             ".", ""]

    def parts(path):
        numbers = [names.index(part) for part in path.split("/")]
        return bytes(a | b << 4 for a, b in zip(numbers[::2], numbers[1::2] + [0])), len(numbers) - 1

    out = bytearray(b"\1")
    for number, layer in enumerate(layers):
        for at, (kind, path, *rest) in enumerate(layer):
            link, meta, content = (list(rest) + ["a", 0, 1][len(rest):])[:3]
            target, links = parts(link.lstrip("/") if link != "/" else "")
            name, count = parts(path)
            out += bytes(["f.d.lhcp".index(kind) | count << 3 | meta << 5 | (at == 0 and number > 0) << 7,
                          content | links << 2 | link.startswith("/") << 4]) + name
            if kind in "lh":
                out += target
    return bytes(out)


def merge_seeds():
    """A stack for each rule."""
    for name, layers in {
            "whiteout": ([("f", "a"), ("d", "d"), ("f", "d/a")], [("f", ".wh.a"), ("f", ".wh.d")]),
            "whiteout-then-again": ([("d", "d"), ("f", "d/a")], [("f", ".wh.d"), ("f", "d/b")]),
            "opaque": ([("d", "d"), ("f", "d/a")], [("d", "d"), ("f", "d/.wh..wh..opq"), ("f", "d/b")]),
            "same-layer": ([("f", "a")], [("f", "a", "a", 0, 2), ("f", ".wh.a")]),
            "types": ([("d", "a"), ("f", "a/b"), ("f", "b"), ("l", "c", "a")], [("f", "a"), ("d", "b"), ("d", "c")]),
            "implied": ([("f", "a/b/c")], [("f", "a/b/d"), ("d", "a", "a", 1)]),
            "parent-is-link": ([("d", "d"), ("l", "l", "d"), ("f", "l/a")], [("f", "l/b")]),
            "links": ([("f", "a"), ("h", "b", "a")], [("h", "c", "b", 1), ("f", "a", "a", 0, 2)]),
            "broken-link": ([("h", "b", "a"), ("f", "a")], [("f", ".wh.a"), ("h", "c", "a")]),
            "same-again": ([("f", "a"), ("d", "d"), ("l", "l", "/a")], [("f", "a"), ("d", "d"), ("l", "l", "/a")]),
            "loop": ([("l", "a", "b"), ("l", "b", "a"), ("f", "a/c")],),
            "up": ([("l", "l", "../.."), ("f", "l/a"), ("f", "../b"), ("d", ".")],),
            "unreachable": ([("f", "a"), ("f", "a/b")], [("f", "a/c")]),
            "devices": ([("c", "a"), ("p", "b")], [("c", "a", "a", 0, 2), ("p", "b", "a", 1)])}.items():
        yield name, stack(*layers)
        yield name + "-plain", b"\0" + stack(*layers)[1:]


MAKERS = {"gzip": gzip_seeds, "image": image_seeds, "json": json_seeds, "merge": merge_seeds, "name": name_seeds,
          "outer": outer_seeds, "reference": reference_seeds, "tar": tar_seeds, "zstd": zstd_seeds}
CORPUS = {"outer": corpus_outer, "tar": corpus_tars}
