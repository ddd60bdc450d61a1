# SPDX-License-Identifier: Apache-2.0
"""Seeds for what files are by their content: ELF files, archives, bundles, files that pass by."""
import gzip
import io
import struct
import zipfile
import zlib

# Where a made file is mapped.
BASE = 0x400000


class Elf:
    """A small ELF file of either class and byte order, part by part."""

    def __init__(self, bits, big, machine=62):
        self.bits, self.order, self.machine = bits, ">" if big else "<", machine
        self.body = bytearray()
        self.segments, self.sections = [], [(b"", 0, 0, 0, 0, 0, 0, 0)]
        self.head = 64 if bits == 64 else 52

    def word(self, *values):
        return struct.pack(self.order + ("Q" if self.bits == 64 else "I") * len(values), *values)

    def put(self, data):
        """Append bytes; their offset in the file."""
        self.body += bytes(-(self.head + len(self.body)) % 8)
        self.body += data
        return self.head + len(self.body) - len(data)

    def section(self, name, kind, data, flags=0, link=0, info=0, entry=0):
        """Append a section; its offset."""
        offset = self.put(data)
        self.sections.append((name, kind, flags, offset, len(data), link, info, entry))
        return offset

    def segment(self, kind, offset, size):
        self.segments.append((kind, offset, size))

    def symbol(self, name, defined):
        if self.bits == 64:
            return struct.pack(self.order + "IBBHQQ", name, 0x12, 0, 1 if defined else 0, BASE, 8)
        return struct.pack(self.order + "IIIBBH", name, BASE, 8, 0x12, 0, 1 if defined else 0)

    def file(self):
        names = b"".join(name + b"\0" for name, *_ in self.sections) + b".shstrtab\0"
        self.section(b".shstrtab", 3, names)
        order = self.order
        segments = b""
        for kind, offset, size in [(1, 0, self.head + len(self.body)), *self.segments]:
            if self.bits == 64:
                segments += struct.pack(order + "IIQQQQQQ", kind, 5, offset, BASE + offset, BASE + offset, size, size, 8)
            else:
                segments += struct.pack(order + "IIIIIIII", kind, offset, BASE + offset, BASE + offset, size, size, 5, 8)
        programs = self.put(segments)
        headers = b""
        at = 0
        for name, kind, flags, offset, size, link, info, entry in self.sections:
            headers += struct.pack(order + "II", at, kind) + self.word(flags, BASE + offset if flags & 2 else 0, offset, size)
            headers += struct.pack(order + "II", link, info) + self.word(8, entry)
            at += len(name) + 1
        sections = self.put(headers)
        ident = b"\x7fELF" + bytes([self.bits // 32, 2 if order == ">" else 1, 1]) + bytes(9)
        header = ident + struct.pack(order + "HHI", 3, self.machine, 1) + self.word(BASE, programs, sections)
        header += struct.pack(order + "IHHHHHH", 0, self.head, 56 if self.bits == 64 else 32, len(self.segments) + 1,
                              64 if self.bits == 64 else 40, len(self.sections), len(self.sections) - 1)
        return header + bytes(self.body)


def cubin(kind=2, arch=90, size=64):
    """A fat binary with one piece of code."""
    piece = struct.pack("<HHIQIIII", kind, 0x101, 64, size, 0, 0, 0, arch) + bytes(28) + bytes(size)
    return struct.pack("<IHHQ", 0xba55ed50, 1, 16, len(piece)) + piece


def dynamic_elf(bits, big, gnu=True):
    """A program with needs, symbols, a build ID, debug sections and code for GPUs."""
    elf = Elf(bits, big)
    strings = b"\0libc.so.6\0libpython3.11.so.1.0\0libx.so\0$ORIGIN/lib\0Py_Main\0PyInit_one\0_init\0"
    at = {name: strings.index(b"\0" + name + b"\0") + 1 for name in strings.strip(b"\0").split(b"\0")}
    interp = elf.section(b".interp", 1, b"/lib64/ld-linux-x86-64.so.2\0", 2)
    elf.segment(3, interp, 28)
    note = struct.pack(elf.order + "III", 4, 8, 3) + b"GNU\0" + b"12345678"
    elf.segment(4, elf.section(b".note.gnu.build-id", 7, note, 2), len(note))
    dynstr = elf.section(b".dynstr", 3, strings, 2)
    symbols = elf.symbol(0, False) + elf.symbol(at[b"Py_Main"], False) + elf.symbol(at[b"PyInit_one"], True)
    symbols += elf.symbol(at[b"_init"], True)
    dynsym = elf.section(b".dynsym", 11, symbols, 2, link=3, info=1, entry=len(symbols) // 4)
    if gnu:
        table = struct.pack(elf.order + "IIII", 1, 2, 1, 6) + elf.word(2 ** 32 - 1) + struct.pack(elf.order + "III", 2, 4, 5)
        hashes = elf.section(b".gnu.hash", 0x6ffffff6, table, 2)
    else:
        hashes = elf.section(b".hash", 5, struct.pack(elf.order + "IIIIIII", 1, 4, 1, 0, 2, 3, 0), 2)
    tags = [(1, at[b"libc.so.6"]), (1, at[b"libpython3.11.so.1.0"]), (14, at[b"libx.so"]), (29, at[b"$ORIGIN/lib"]),
            (15, at[b"libx.so"]), (0x6ffffef5 if gnu else 4, BASE + hashes), (5, BASE + dynstr), (10, len(strings)),
            (6, BASE + dynsym), (0x7ffffffd, at[b"libx.so"]), (0x6ffffffb, 0x08000001), (0, 0)]
    data = b"".join(elf.word(*tag) for tag in tags)
    elf.segment(2, elf.section(b".dynamic", 6, data, 3, link=3), len(data))
    elf.section(b".debug_info", 1, b"0123456789")
    elf.section(b".zdebug_line", 1, b"ZLIB0123")
    elf.section(b".symtab", 2, symbols, link=12, info=1, entry=len(symbols) // 4)
    elf.section(b".strtab", 3, strings)
    elf.section(b".nv_fatbin", 1, cubin() + cubin(1, 52, 8), 2)
    elf.section(b"__nv_relfatbin", 1, cubin(2, 1000, 0), 2)
    elf.section(b"pydata", 1, b"MEI\x0c\x0b\x0a\x0b\x0e" + bytes(80))
    return elf.file()


def elf_with(name, data):
    """A file with one section of bytes."""
    elf = Elf(64, False)
    elf.section(name, 1, data, 2)
    return elf.file()


def elf_seeds():
    for bits in 32, 64:
        for big in False, True:
            for gnu in False, True:
                yield "dynamic-%d-%d-%d" % (bits, big, gnu), dynamic_elf(bits, big, gnu)
    whole = dynamic_elf(64, False)
    yield "appended", whole + bytes(100)
    yield "cut", whole[:len(whole) // 2]
    # Stripped of its section headers, as packers do.
    yield "no-sections", whole[:40] + bytes(8) + whole[48:60] + bytes(4) + whole[64:]
    yield "go", elf_with(b".go.buildinfo", b"\xff Go buildinf:\x08\x02" + bytes(16))
    yield "relfatbin", elf_with(b"__nv_relfatbin", cubin() * 3)


def zipped(members, method=zipfile.ZIP_DEFLATED, before=b"", comment=b""):
    """A ZIP file of names and bytes, behind other bytes."""
    out = io.BytesIO()
    out.write(before)
    with zipfile.ZipFile(out, "a", method) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, compress_type=method)
        file.comment = comment
    return out.getvalue()


def wide(data):
    """The same with an end record of ZIP64."""
    end = data.rindex(b"PK\x05\x06")
    count, size, offset = struct.unpack("<HII", data[end + 10:end + 20])
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    tail = b"PK\x05\x06" + bytes(4) + b"\xff" * 4 + b"\xff" * 8 + b"\0\0"
    return data[:end] + record + locator + tail


def ar(members):
    """An ar archive with GNU's long names."""
    names = b"".join(name + b"/\n" for name, _ in members if len(name) > 15)
    out = b"!<arch>\n"
    for name, data in ([(b"//", names)] if names else []) + members:
        label = name if name == b"//" else name + b"/" if len(name) <= 15 else b"/%d" % names.index(name + b"/\n")
        out += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (label, 0, 0, 0, b"100644", len(data)) + data + b"\n" * (len(data) % 2)
    return out


def pyinstaller(length=88):
    """An archive of PyInstaller with its cookie."""
    entry = struct.pack(">IIIIBc", 32, 0, 4, 4, 0, b"s") + b"app".ljust(14, b"\0")
    body = b"code" + entry
    cookie = b"MEI\x0c\x0b\x0a\x0b\x0e" + struct.pack(">IIII", len(body) + length, 4, len(entry), 311)
    return body + (cookie + b"libpython3.11.so.1.0".ljust(64, b"\0") if length == 88 else cookie)


def archives():
    text = b"print('hello') " * 6
    members = [("__main__.py", text), ("lib/os.py", b"import sys\n"), ("a.so", dynamic_elf(64, False)[:200]), ("d/", b"")]
    yield "zip", zipped(members)
    yield "stored", zipped(members, zipfile.ZIP_STORED)
    yield "zipapp", zipped(members[:2], before=b"#!/usr/bin/env python3\n")
    yield "zip64", wide(zipped(members[:2]))
    yield "bzip2", zipped(members[:1], zipfile.ZIP_BZIP2)
    yield "comment", zipped(members[:1], comment=b"PK\x05\x06 in the comment")
    yield "no-members", zipped([])
    yield "ar", ar([(b"a.o", b"\x7fELF" + bytes(60)), (b"a_name_longer_than_16.o", b"ab"), (b"odd", b"xyz")])
    yield "ar-bsd", b"!<arch>\n" + b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (b"#1/20", 0, 0, 0, b"644", 24) + b"n" * 20 + b"data"
    yield "deb", ar([(b"debian-binary", b"2.0\n"), (b"control.tar.xz", b"\xfd7zXZ\0"), (b"data.tar.zst", b"(\xb5/\xfd")])
    yield "pyinstaller", pyinstaller()
    yield "pyinstaller-old", pyinstaller(24)
    yield "pyinstaller-elf", dynamic_elf(64, False) + pyinstaller()
    payload = b"KAY" + b"(\xb5/\xfd" + bytes(40)
    yield "nuitka", dynamic_elf(64, False) + payload + struct.pack("<Q", len(payload))
    yield "deflate", bytes(40) + zlib.compress(text)[2:-4]


# What begins like each kind of file.
HEADS = [b"#!/bin/sh\necho needle-in-it\n", b"\xa7\r\r\n" + bytes(12), b"\xca\xfe\xba\xbe\0\0\0\x37", b"\0asm\1\0\0\0", b"MZ" + bytes(80),
         b"SQLite format 3\0", b"hsqs" + bytes(92), b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"GGUF\3\0\0\0", b"BM" + bytes(20), b"PACK\0\0\0\2",
         b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\1\0", b"070701", b"\xed\xab\xee\xdb", b"QFI\xfb", b"\x1f\x9d\x90", b"LZIP\1", b"wOFF"]


def passing():
    """Files behind a byte that says how large the pieces are."""
    for name, data in list(archives()) + list(elf_seeds())[:3]:
        yield name, b"\x06" + data
    for number, head in enumerate(HEADS):
        yield "head-%02d" % number, b"\x0f" + head + b"abababababab" + bytes(9) + b"\1 GLIBC_2.34 needle-in-it"
    yield "text", b"\x03" + "text with needle-in-it and ababababababab, \u00e9\u20ac".encode()
    yield "gzip", b"\xff" + gzip.compress(b"x" * 100, mtime=0)
    yield "large-text", b"\xff" + b"0123456789abcdef" * 260 + b"needle-in-it"


MAKERS = {"elf": elf_seeds, "archive": archives, "gather": passing}
