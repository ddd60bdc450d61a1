# SPDX-License-Identifier: Apache-2.0
"""Seeds for what an image file is made of: outer archives, manifests, layers, compressed bytes, names, merges."""
import glob
import os

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


def corpus_tars(corpus):
    """Layers and fixtures of the corpus."""
    for path in sorted(glob.glob(os.path.join(corpus, "public", "**", "*.tar"), recursive=True)):
        if os.path.getsize(path) <= 64 << 10:
            with open(path, "rb") as file:
                yield "public-" + os.path.relpath(path, corpus).replace("/", "_")[-100:], file.read()


MAKERS = {"name": name_seeds, "tar": tar_seeds}
CORPUS = {"tar": corpus_tars}
