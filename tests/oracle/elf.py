#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What our reader sees in ELF files, against readelf, over this machine's own files: a sample of its libraries and programs,
the same files each time; --every 1 takes all.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

FOLDERS = ['/usr/bin', '/usr/lib', '/usr/sbin', '/usr/local']
WHOLE = {'malloc', '_init', 'main'}
PREFIXES = ('Py_', '_ZN')
FOUND_MAX = 256
STATIC, DEBUG, SYMTAB, NO_SECTIONS, GO, TRUNCATED = 1, 2, 4, 8, 16, 256


def elf_files():
    """All ELF files below FOLDERS, each inode once, in order of their names."""
    seen = set()
    for top in FOLDERS:
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                try:
                    status = os.lstat(path)
                    if status.st_ino in seen or not os.path.isfile(path) or os.path.islink(path):
                        continue
                    with open(path, 'rb') as file:
                        if file.read(4) != b'\177ELF':
                            continue
                except OSError:
                    continue
                seen.add(status.st_ino)
                yield path


def run(command):
    """Output of a command, as text whose bytes can be had back."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode('utf-8', 'surrogateescape')


def facts():
    return {'needs': [], 'interp': '', 'soname': '', 'runpath': '', 'build': '', 'sections': [],
            'symbols': {}, 'debug': 0, 'strip': 0, 'flags': 0, 'type': 0, 'bits': 0}


def ours(look, paths):
    """What look prints, by path."""
    result = {}
    for line in run([look, 'elf', *paths]).splitlines():
        word, _, rest = line.partition(' ')
        if word == 'file':
            fact = result[rest] = facts()
        elif word == 'need':
            fact['needs'].append(rest)
        elif word == 'symbol':
            fact['symbols'][rest[2:]] = rest[0] == 'D'
        elif word == 'section':
            offset, size, name = rest.split(' ', 2)
            fact['sections'].append((name, int(offset, 16), int(size, 16)))
        elif word == 'elf':
            values = rest.split()
            fact['bits'], fact['type'], fact['flags'] = int(values[0]), int(values[2]), int(values[3], 16)
        elif word == 'bytes':
            fact['debug'], fact['strip'], fact['end'] = map(int, rest.split())
        elif word in fact:
            fact[word] = rest
    return result


SECTION = re.compile(r'^  \[ *\d+\] (\S*) +(\S+) +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+) [0-9a-f]+ +([A-Za-z]*) +\d+ +\d+ +\d+$')
DYNAMIC = re.compile(r'^ 0x[0-9a-f]+ \((\w+)\) +.*\[(.*)\]$')
SYMBOL = re.compile(r'^ *\d+: [0-9a-f]+ +\S+ (?:<[^>]*>: \d+|\S+) +(?:<[^>]*>: \d+|\S+) +\S+ +(?:\[.*\] +)?(\S+) (\S+)')
TYPES = {'REL': 1, 'EXEC': 2, 'DYN': 3, 'CORE': 4}


def take_symbol(fact, line):
    found = SYMBOL.match(line)
    if not found:
        return
    name = found[2].split('@')[0]
    if name in WHOLE or name.startswith(PREFIXES):
        fact['symbols'][name] = fact['symbols'].get(name, False) or found[1] != 'UND'


def take_section(fact, line):
    found = SECTION.match(line)
    if not found or found[2] in ('NULL', 'NOBITS') or int(found[4], 16) == 0:
        return
    name, size, loaded = found[1], int(found[4], 16), 'A' in found[5]
    fact['sections'].append((name, int(found[3], 16), size))
    debug = name.startswith(('.debug_', '.zdebug_'))
    if debug:
        fact['flags'] |= DEBUG
    if found[2] == 'SYMTAB':
        fact['flags'] |= SYMTAB
    if name in ('.gopclntab', '.go.buildinfo', '.data.rel.ro.gopclntab'):
        fact['flags'] |= GO
    if debug and not loaded:
        fact['debug'] += size
    if (debug or name in ('.symtab', '.strtab')) and not loaded:
        fact['strip'] += size


def take_line(fact, line):
    """One line of readelf's."""
    dynamic = DYNAMIC.match(line)
    if dynamic:
        tag, value = dynamic[1], dynamic[2]
        if tag in ('NEEDED', 'AUXILIARY', 'FILTER'):
            fact['needs'].append(value)
        elif tag == 'SONAME':
            fact['soname'] = value
        elif tag == 'RUNPATH' or (tag == 'RPATH' and not fact['runpath']):
            fact['runpath'] = value
    elif '    Build ID: ' in line and not fact['build']:
        fact['build'] = line.rpartition(': ')[2]
    elif '[Requesting program interpreter: ' in line:
        fact['interp'] = line.split(': ', 1)[1][:-1]
    elif line.startswith('  Class: '):
        fact['bits'] = int(line.split('ELF')[1])
    elif line.startswith('  Type: '):
        fact['type'] = TYPES.get(line.split()[1], 0)
    else:
        take_section(fact, line)
        take_symbol(fact, line)


def theirs(paths):
    """What readelf prints, by path."""
    result = {}
    texts = run(['readelf', '-hdlnSW', '--dyn-syms', *paths, '/bin/true'])
    for text in texts.split('\nFile: ')[1:]:
        path, _, text = text.partition('\n')
        fact = result[path] = facts()
        for line in text.splitlines():
            take_line(fact, line)
    return result


def differences(own, other):
    """What differs between two facts, as text."""
    for key in ('bits', 'type', 'needs', 'interp', 'soname', 'runpath', 'build', 'sections', 'debug', 'strip'):
        if own[key] != other[key]:
            yield '%s: %r, not %r' % (key, own[key], other[key])
    wanted = DEBUG | SYMTAB | GO
    if own['flags'] & wanted != other['flags'] & wanted:
        yield 'flags: %x, not %x' % (own['flags'], other['flags'])
    # Symbols of .symtab are taken where there are no dynamic ones; readelf was asked for those only.
    if other['symbols']:
        by_prefix = [name for name in other['symbols'] if name not in WHOLE]
        if len(by_prefix) > FOUND_MAX:
            if not own['flags'] & TRUNCATED or len(set(own['symbols']) - WHOLE) != FOUND_MAX:
                yield 'symbols: not cut to %d' % FOUND_MAX
            if not own['symbols'].items() <= other['symbols'].items():
                yield 'symbols that are none: %r' % sorted(own['symbols'].items() - other['symbols'].items())
        elif own['symbols'] != other['symbols']:
            yield 'symbols: %r' % sorted(own['symbols'].items() ^ other['symbols'].items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--every', type=int, default=0, help='take one file of so many; 0: about 150')
    parser.add_argument('--look', default=os.path.join(os.environ.get('PEEL_BUILD', '.'), 'tests', 'look'))
    options = parser.parse_args()
    if not shutil.which('readelf'):
        print('SKIP: readelf is not here (package binutils): ELF facts are not held against it', file=sys.stderr)
        sys.exit(77)
    paths = list(elf_files())
    step = options.every or max(1, len(paths) // 150)
    paths = paths[::step]
    wrong = 0
    with_symbols = with_debug = 0
    for begin in range(0, len(paths), 50):
        some = paths[begin:begin + 50]
        own, other = ours(options.look, some), theirs(some)
        for path in some:
            with_symbols += bool(other[path]['symbols'])
            with_debug += bool(other[path]['flags'] & (DEBUG | SYMTAB))
            for text in differences(own[path], other[path]):
                wrong += 1
                print('not ok - %s: %s' % (path, text[:600]))
    print('%s - %d ELF files as readelf sees them (%d with symbols looked for, %d not stripped)'
          % ('not ok' if wrong else 'ok', len(paths), with_symbols, with_debug))
    print('1..1')
    sys.exit(bool(wrong) or not with_symbols)


if __name__ == '__main__':
    main()
