# SPDX-License-Identifier: Apache-2.0
"""Images without Python, of real software: what the detector says of them is a false alarm."""
import debs
import made
from rows import Image

IMAGES = []


def image(what, full=False):
    """Large software only in the full test."""
    def add(build):
        IMAGES.append((what, full, build))
        return build
    return add


def of_packages(*packages, more=()):
    return Image([entry for package in packages for entry in debs.entries(package)] + debs.database(packages) + list(more))


# What a minimal Debian is made of (mmdebstrap --variant=essential), but for locales' data.
ESSENTIAL = ['base-files', 'base-passwd', 'bash', 'bsdutils', 'coreutils', 'dash', 'debianutils', 'diffutils', 'dpkg', 'findutils', 'gcc-12-base',
             'grep', 'gzip', 'hostname', 'init-system-helpers', 'libacl1', 'libattr1', 'libaudit-common', 'libaudit1', 'libblkid1', 'libbz2-1.0',
             'libc-bin', 'libc6', 'libcap-ng0', 'libcap2', 'libcrypt1', 'libdb5.3', 'libdebconfclient0', 'libgcc-s1', 'libgcrypt20', 'libgmp10',
             'libgpg-error0', 'liblz4-1', 'liblzma5', 'libmd0', 'libmount1', 'libpam-modules', 'libpam-modules-bin', 'libpam-runtime', 'libpam0g',
             'libpcre2-8-0', 'libselinux1', 'libsmartcols1', 'libsystemd0', 'libtinfo6', 'libudev1', 'libuuid1', 'libzstd1', 'login', 'mawk',
             'ncurses-base', 'ncurses-bin', 'passwd', 'perl-base', 'sed', 'sysvinit-utils', 'tar', 'util-linux', 'util-linux-extra', 'zlib1g',
             'libstdc++6', 'apt', 'libapt-pkg6.0']


@image('shell, core utilities and the C++ library')
def small():
    return of_packages('dash', 'coreutils', 'libstdc++6')


@image('minimal Debian', full=True)
def minimal():
    return of_packages(*ESSENTIAL)


@image('nginx', full=True)
def nginx():
    return of_packages('nginx', 'nginx-common', 'libpcre2-8-0', 'libssl3', 'zlib1g', 'libcrypt1', 'libc6')


@image('Node.js, with npm\'s node-gyp', full=True)
def node():
    return of_packages('nodejs/bookworm-security', 'libnode108', 'libc6', 'libstdc++6', 'node-gyp')


@image('Java runtime with models', full=True)
def java():
    return of_packages('openjdk-17-jre-headless', 'libc6', 'zlib1g', more=models())


@image('Mono runtime with models', full=True)
def mono():
    return of_packages('mono-runtime-sgen', 'mono-runtime-common', 'libmono-corlib4.5-dll', 'libc6', more=models())


def models():
    """Model files of the usual formats: long names and no programs."""
    head = b'{"w": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}}'
    return [made.f('srv/model.safetensors', len(head).to_bytes(8, 'little') + head + bytes(256)),
            made.f('srv/model.onnx', b'\x08\x08\x12\x07pytorch\x1a\x052.1.0' + bytes(4096)),
            made.f('srv/model.gguf', b'GGUF\3\0\0\0' + bytes(64)),
            made.f('srv/model.pt', made.zipped({'archive/data.pkl': b'\x80\2}q\0.', 'archive/data/0': bytes(256), 'archive/version': b'3\n'})),
            made.f('srv/tokenizer.json', b'{"model": {"vocab": {"python": 1}}}')]
