# SPDX-License-Identifier: Apache-2.0
"""Files that tests make: programs of a few lines, bundles by their documented formats, and real ones with parts taken away."""
import functools
import io
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

import debs

# u16 of each release's bytecode (importlib.util.MAGIC_NUMBER, and Python/import.c of Python 2).
PYC_MAGICS = {'2.7': 62211, '3.6': 3379, '3.7': 3394, '3.8': 3413, '3.9': 3425, '3.10': 3439, '3.11': 3495, '3.12': 3531,
              '3.13': 3571, '3.14': 3627}
PYTHON = '/usr/bin/python3.11'


def f(path, data=b'', **keys):
    return dict({'type': 'f', 'path': path.encode() if isinstance(path, str) else path, 'data': data}, **keys)


def program(path, data, mode=0o755, **keys):
    return f(path, data, mode=mode, **keys)


def link(path, target):
    return {'type': 'l', 'path': path.encode(), 'link': target.encode()}


def hard(path, target):
    return {'type': 'h', 'path': path.encode(), 'link': target.encode()}


def folder(path, mode=0o755):
    return {'type': 'd', 'path': path.encode(), 'mode': mode}


def white(path):
    return {'type': 'w', 'path': path.encode()}


def opaque(path):
    return {'type': 'o', 'path': path.encode()}


@functools.lru_cache(None)
def python():
    """CPython as Debian has it: the interpreter and its library in one program."""
    return debs.data('python3.11-minimal', PYTHON)


@functools.lru_cache(None)
def libpython():
    return debs.data('libpython3.11', '/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0')


@functools.lru_cache(None)
def compiled(source, *options):
    """A program out of C."""
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, 'out')
        subprocess.run(['cc', '-x', 'c', '-', '-o', out] + list(options), input=source.encode(), check=True, cwd=work)
        with open(out, 'rb') as file:
            return file.read()


def read(path):
    """A file of this machine."""
    with open(path, 'rb') as file:
        return file.read()


def plain():
    """A program of no interest."""
    return compiled('int main(void) { return 0; }\n')


def with_text(text):
    """A program that holds a text."""
    return compiled('#include <stdio.h>\nint main(void) { return puts("%s"); }\n' % text)


@functools.lru_cache(None)
def caller(function, need):
    """A program of 17 KB that calls a function of a library, which it needs by this name."""
    with tempfile.TemporaryDirectory() as work:
        library, out = os.path.join(work, 'library.so'), os.path.join(work, 'out')
        subprocess.run(['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', library, '-Wl,-soname,' + need],
                       input=b'int %s(int c, char **v) { return c && v; }\n' % function.encode(), check=True)
        source = 'int %s(int, char **);\nint main(int c, char **v) { return %s(c, v); }\n' % (function, function)
        subprocess.run(['cc', '-x', 'c', '-', '-x', 'none', library, '-o', out], input=source.encode(), check=True)
        with open(out, 'rb') as file:
            return file.read()


def launcher(need):
    """What runs a libpython as python3 does."""
    return caller('Py_BytesMain', need)


def without_sections(elf):
    """An ELF file as sstrip leaves it: no section headers."""
    elf = bytearray(elf)
    elf[0x28:0x30] = bytes(8)
    elf[0x3a:0x40] = bytes(6)
    return bytes(elf)


def without_dynamic(elf):
    """The same without symbols, needs and program interpreter: what a static one has."""
    elf = bytearray(without_sections(elf))
    offset, size, count = struct.unpack_from('<Q', elf, 0x20)[0], *struct.unpack_from('<HH', elf, 0x36)
    for i in range(count):
        at = offset + i * size
        if struct.unpack_from('<I', elf, at)[0] in (2, 3):
            struct.pack_into('<I', elf, at, 0)
    return bytes(elf)


def zipped(members, before=b''):
    """A ZIP file of names and bytes."""
    out = io.BytesIO()
    out.write(before)
    with zipfile.ZipFile(out, 'a' if before else 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in members:
            archive.writestr(zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20)), members[name])
    return out.getvalue()


def pyc(version='3.11'):
    """Bytecode: this machine's own where the version is its, else that version's header."""
    if version == '%d.%d' % sys.version_info[:2]:
        import importlib._bootstrap_external as external
        return bytes(external._code_to_timestamp_pyc(compile('x = 1\n', 'x.py', 'exec'), 1700000000, 6))
    return struct.pack('<H', PYC_MAGICS[version]) + b'\r\n' + bytes(12) + b'\xe3' + bytes(40)


def pyinstaller_archive(names=(b'app',)):
    """PyInstaller's archive: entries, a table of contents, and the cookie of 88 bytes (PyInstaller/archive/writers.py)."""
    data = toc = b''
    for name in names:
        body = b'PYZ\0' + b'code'
        padded = name + bytes(16 - (len(name) + 18) % 16)
        toc += struct.pack('!IIIIBc', 18 + len(padded), len(data), len(body), len(body), 0, b's') + padded
        data += body
    total = len(data) + len(toc) + 88
    cookie = struct.pack('!8sIIII64s', b'MEI\014\013\012\013\016', total, len(data), len(toc), 311, b'libpython3.11.so.1.0')
    return data + toc + cookie


def pyinstaller_section(elf):
    """The archive in a section "pydata", as PyInstaller puts it into an ELF file with objcopy."""
    with tempfile.TemporaryDirectory() as work:
        paths = [os.path.join(work, name) for name in ('in', 'out', 'data')]
        for path, data in ((paths[0], elf), (paths[2], pyinstaller_archive())):
            with open(path, 'wb') as file:
                file.write(data)
        subprocess.run(['objcopy', '--add-section', 'pydata=' + paths[2], paths[0], paths[1]], check=True)
        with open(paths[1], 'rb') as file:
            return file.read()


def nuitka(elf):
    """Nuitka's payload behind a program: "KA", compression, data, and in the last 8 bytes its size (OnefileBootstrap.c)."""
    payload = b'KAX' + 'app.bin\0'.encode('utf-16-le') + struct.pack('<Q', 4) + b'body' + bytes(2)
    return elf + payload + struct.pack('<Q', len(payload))


def ar(members):
    """A static library."""
    with tempfile.TemporaryDirectory() as work:
        for name in members:
            with open(os.path.join(work, name), 'wb') as file:
                file.write(members[name])
        subprocess.run(['ar', 'rcSD', 'out.a'] + list(members), cwd=work, check=True)
        with open(os.path.join(work, 'out.a'), 'rb') as file:
            return file.read()


def pe(*texts):
    """A file for Windows with some texts in it."""
    head = bytearray(512)
    head[0:2] = b'MZ'
    struct.pack_into('<I', head, 60, 128)
    head[128:132] = b'PE\0\0'
    return bytes(head) + b'\0'.join(texts) + bytes(512)


def wasm(*texts):
    return b'\0asm\1\0\0\0' + b'\0'.join(texts) + bytes(64)


def sparse(path, data, hole=1 << 20):
    """A program behind a hole, stored as a sparse file; only what is not zero has bytes in the tar."""
    return {'type': 'f', 'path': path.encode(), 'mode': 0o755, 'extents': [(0, data)], 'size': len(data) + hole}
