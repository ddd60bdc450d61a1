#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What our readers see in archives, against Python's zipfile and ar: this machine's own (a sample of them), and ZIP files in
all forms that zipfile and zipapp write.
"""
import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipapp
import zipfile

FOLDERS = ['/usr', '/opt']
ZIP_ENDS = ('.jar', '.whl', '.zip', '.egg', '.pyz')


def find(ends, most):
    """Some files with such ends, spread over all there are."""
    found = []
    for top in FOLDERS:
        for folder, folders, names in os.walk(top):
            folders.sort()
            found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(ends)]
    found = [path for path in found if os.path.isfile(path) and not os.path.islink(path)]
    return found[::max(1, len(found) // most)]


def look(mode, path):
    """Lines that look prints about a file."""
    command = [os.environ.get('PEEL_LOOK', os.path.join(os.environ.get('PEEL_BUILD', '.'), 'tests', 'look')), mode, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return [line.split(' ') for line in done.stdout.decode().splitlines()[1:]]


class Run:
    """Counts, and complains."""
    def __init__(self):
        self.wrong = self.checked = self.members = 0

    def same(self, path, what, own, other):
        if own != other:
            self.wrong += 1
            print('not ok - %s: %s: %s, not %s' % (path, what, repr(own)[:300], repr(other)[:300]))

    def check_ar(self, path):
        done = subprocess.run(['ar', 't', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode or done.stderr:
            return
        lines = look('ar', path)
        # ar cuts names that fill their field.
        names = [bytes.fromhex(line[5])[:15] for line in lines if line[0] == 'member']
        self.same(path, 'members', names, [name[:15] for name in done.stdout.splitlines()])
        self.same(path, 'end', lines[-1][:2], ['ar', '1'])
        self.checked += 1
        self.members += len(names)

    def check_zip(self, path, content=True):
        try:
            other = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            return
        with other:
            lines = look('zip', path)
            own = [tuple(map(int, line[1:5])) for line in lines if line[0] == 'member']
            infos = other.infolist()
            self.same(path, 'members', own, [(info.compress_size, info.file_size, info.header_offset,
                                              info.compress_type) for info in infos])
            own = [bytes.fromhex(line[5]) for line in lines if line[0] == 'member']
            self.same(path, 'names', own, [info.orig_filename.encode('utf-8' if info.flag_bits & 0x800 else 'cp437')
                                           for info in infos])
            encrypted = any(info.flag_bits & 1 for info in infos)
            self.same(path, 'end', lines[-1][:2], ['zip', '2' if encrypted else '1'])
            self.checked += 1
            self.members += len(own)
            if content:
                own = [bytes.fromhex(line[2]) for line in look('unzip', path) if line[1][0] != '-']
                self.same(path, 'contents', own, [other.read(info)[:1 << 20] for info in infos
                                                  if info.compress_type in (0, 8)])


def make_zip(path, prefix, comment, unseekable, big):
    """Write a ZIP file with zipfile in one of its ways."""
    class Stream(io.RawIOBase):
        """Cannot seek: sizes follow the data then."""
        def __init__(self, file):
            super().__init__()
            self.file = file

        def write(self, data):
            return self.file.write(data)

        def writable(self):
            return True

    with open(path, 'wb') as file:
        file.write(prefix)
        with zipfile.ZipFile(Stream(file) if unseekable else file, 'w') as archive:
            for number, method in enumerate((0, 8, 12, 14)):
                info = zipfile.ZipInfo('m%d \u20ac.txt' % number if number == 1 else 'm%d.txt' % number)
                info.compress_type = method
                with archive.open(info, 'w', force_zip64=big) as member:
                    member.write(b'some bytes, some bytes, some bytes ' * (1 + 50 * number))
            archive.comment = comment


def make_all(folder):
    """All forms of ZIP files, by path."""
    for number in range(16):
        path = os.path.join(folder, '%d.zip' % number)
        prefix = open('/proc/self/exe', 'rb').read(50000) if number & 1 else b''
        make_zip(path, prefix, b'c' * 65535 if number & 2 else b'', number & 4, number & 8)
        yield path
    source = os.path.join(folder, 'app')
    os.mkdir(source)
    with open(os.path.join(source, '__main__.py'), 'w', encoding='utf-8') as file:
        file.write('print(1)\n')
    path = os.path.join(folder, 'app.pyz')
    zipapp.create_archive(source, path, interpreter='/usr/bin/env python3', compressed=True)
    yield path
    # More members than 16 bits count.
    path = os.path.join(folder, 'many.zip')
    with zipfile.ZipFile(path, 'w') as archive:
        for number in range(65536):
            archive.writestr('m%d' % number, b'')
    yield path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--most', type=int, default=20, help='archives of each kind that are taken from this machine')
    options = parser.parse_args()
    run = Run()
    with tempfile.TemporaryDirectory() as folder:
        for path in make_all(folder):
            run.check_zip(path, not path.endswith('many.zip'))
            if path.endswith('.pyz'):
                run.same(path, 'bundle', look('bundle', path)[0][:2], ['bundle', '3'])
    made = run.checked
    for path in find(ZIP_ENDS, options.most):
        if os.path.getsize(path) < 20 << 20:
            run.check_zip(path)
    if shutil.which('ar'):
        for path in find(('.a', '.deb'), options.most):
            run.check_ar(path)
    else:
        print('ar is not here (package binutils): ar archives are not held against it', file=sys.stderr)
    print('%s - %d archives with %d members as Python and ar see them, %d of them made'
          % ('not ok' if run.wrong else 'ok', run.checked, run.members, made))
    print('1..1')
    sys.exit(bool(run.wrong) or made < 18)


if __name__ == '__main__':
    main()
