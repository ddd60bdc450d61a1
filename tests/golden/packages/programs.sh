# SPDX-License-Identifier: Apache-2.0
# Programs that say what they are made of: Go's build information, and cargo auditable's.
python3 - <<'END'
import json
import struct
import zlib


def elf(section, data):
    """The least ELF file with one section."""
    names = b"\0.shstrtab\0" + section + b"\0"
    start = (64 + len(data) + len(names) + 7) // 8 * 8
    head = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, start, 0, 64, 56, 0, 64, 3, 2)
    table = b"\0" * 64 + struct.pack("<IIQQQQIIQQ", 11, 1, 0, 0, 64, len(data), 0, 0, 1, 0)
    table += struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, 64 + len(data), len(names), 0, 0, 1, 0)
    return (head + data + names).ljust(start, b"\0") + table


def counted(data):
    """With its length before it, seven bits a byte."""
    return bytes([len(data) & 127 | 128, len(data) >> 7] if len(data) > 127 else [len(data)]) + data


lines = b"path\texample.org/x/cmd\nmod\texample.org/x\tv1.2.3\th1:a=\ndep\ta\tv1\th1\ndep\tb\tv2\nbuild\t-x=y\n"
go = b"\xff Go buildinf:\x08\x02" + b"\0" * 16 + counted(b"go1.22.1") + counted(b"0" * 16 + lines + b"1" * 16)
crates = {"packages": [{"name": "serde", "version": "1.0"}, {"name": "app", "version": "0.3.1", "root": True}]}
for name, section, data in (("gobin", b".go.buildinfo", go), ("rustbin", b".dep-v0", zlib.compress(json.dumps(crates).encode())),
                            ("old", b".go.buildinfo", go[:15] + b"\0" + go[16:]), ("damaged", b".dep-v0", b"\x78\x9cnonsense"),
                            ("cut", b".go.buildinfo", go[:60])):
    with open(name, "wb") as out:
        out.write(elf(section, data))
END
tar --owner=0 --group=0 --mtime=@0 -cf image.tar gobin rustbin old damaged cut
run packages --sort name image.tar
run packages --owner /gobin --output json image.tar
