# SPDX-License-Identifier: Apache-2.0
"""Real software for tests: Debian packages, downloaded once into the cache of the tests and unpacked there."""
import glob
import os
import subprocess
import urllib.parse

CACHE = os.path.join(os.environ.get('PEEL_BIG', os.path.expanduser('~/.cache/peel-tests')), 'debs')


class Missing(Exception):
    """A package cannot be had: no network, no apt, or the archive has it no more."""


def archive(package):
    """Path of a package's .deb; "name/release" or "name=version" as apt-get takes them."""
    name = package.split('=')[0].split('/')[0]
    os.makedirs(CACHE, exist_ok=True)
    # A file with a version in its name is whole: apt-get checks its digest before it gives it that name.
    found = sorted(glob.glob(os.path.join(CACHE, name + '_*.deb')))
    if not found:
        done = subprocess.run(['apt-get', '-q', 'download', package], cwd=CACHE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        found = sorted(glob.glob(os.path.join(CACHE, name + '_*.deb')))
        if done.returncode or not found:
            raise Missing('%s cannot be downloaded: %s' % (package, done.stdout.decode(errors='replace').strip()[-200:]))
    return found[-1]


def tree(package):
    """Folder with the files of a package."""
    deb = archive(package)
    folder = os.path.join(CACHE, urllib.parse.unquote(os.path.basename(deb))[:-len('.deb')])
    if not os.path.isdir(folder):
        part = '%s.%d' % (folder, os.getpid())
        subprocess.run(['dpkg-deb', '-x', deb, part], check=True)
        try:
            os.rename(part, folder)
        except OSError:
            subprocess.run(['rm', '-rf', part], check=True)
    return folder


def data(package, path):
    """Bytes of a file of a package."""
    with open(os.path.join(tree(package), path.lstrip('/')), 'rb') as file:
        return file.read()


def entries(package):
    """Entries for mkimage of all files of a package."""
    top = tree(package)
    found = []
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(folders + names):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, top).encode()
            if os.path.islink(path):
                found.append({'type': 'l', 'path': inside, 'link': os.readlink(path).encode()})
            elif os.path.isdir(path):
                found.append({'type': 'd', 'path': inside, 'mode': os.lstat(path).st_mode & 0o7777})
            elif os.path.isfile(path):
                with open(path, 'rb') as file:
                    found.append({'type': 'f', 'path': inside, 'mode': os.lstat(path).st_mode & 0o7777, 'data': file.read()})
    return found


def database(packages):
    """Entries of the database that dpkg would have of these packages."""
    status = b''
    found = []
    for package in packages:
        control = subprocess.run(['dpkg-deb', '-f', archive(package)], stdout=subprocess.PIPE, check=True).stdout
        name, _, rest = control.partition(b'\n')
        status += name + b'\nStatus: install ok installed\n' + rest.rstrip() + b'\n\n'
        names = b''.join(b'/' + entry['path'] + b'\n' for entry in entries(package))
        found.append({'type': 'f', 'path': b'var/lib/dpkg/info/' + name.split(b': ')[1] + b'.list', 'data': names})
    return found + [{'type': 'f', 'path': b'var/lib/dpkg/status', 'data': status}]
