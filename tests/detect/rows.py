# SPDX-License-Identifier: Apache-2.0
"""
Where Python hides, row by row: an image for each hiding place, and all that the detector must say of it. What a row wants is
complete: a finding that is missing is a miss, one that is too many is a false alarm. Numbers are those of the list of
hiding places that the project keeps; each row says how it was built.
"""
import glob
import os

import debs
import made
from made import f, folder, hard, link, opaque, program, white

INTERPRETER, EMBEDDER, PAYLOAD, DEPENDENT, DECLARED = 'interpreter', 'embedder', 'payload', 'dependent', 'declared'
LIBPYTHON = 'usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0'
# Rows for which there is nothing to build, and why.
NOT_BUILT = {
    39: 'volumes, downloads at run time and mounted secrets are in no image; the manual says so',
}

ROWS = []


class Image:
    """Layers, configuration, and what is to be found: (tier, name, "visible" or "shipped")."""

    def __init__(self, *layers, want=(), settings=None, env=(), status=None, evidence=(), title=None, form=None):
        self.layers = [{'instruction': 'RUN step %d' % i, 'entries': list(entries)} for i, entries in enumerate(layers)]
        self.want = sorted((tier, '/' + path if not path.startswith('config:') else path, verdict) for tier, path, verdict in want)
        self.settings, self.env, self.status = settings, env, status
        # Evidence (name, type, text) and words in titles (name, word) that must be there.
        self.evidence, self.title = evidence, title or {}
        self.form = form


def row(number, what, full=False):
    """A row of the table; full: its software is large, so that only the full test has it."""
    def add(build):
        ROWS.append((number, what, full, build))
        return build
    return add


def seen(tier, *paths):
    return [(tier, path, 'visible') for path in paths]


def hidden(tier, *paths):
    return [(tier, path, 'shipped') for path in paths]


@row(1, 'renamed and copied CPython')
def renamed():
    return Image([program('opt/app/runner', made.python()), program('usr/bin/python3.11', made.python())],
                 want=seen(INTERPRETER, 'opt/app/runner', 'usr/bin/python3.11'), title={'/opt/app/runner': 'renamed'})


@row(1, 'renamed, without section headers')
def renamed_stripped():
    return Image([program('srv/a', made.without_sections(made.python()))], want=seen(INTERPRETER, 'srv/a'))


@row(2, 'hard link under another name')
def hard_linked():
    return Image([program('opt/data.bin', made.python()), hard('usr/local/bin/tool', 'opt/data.bin')],
                 want=seen(INTERPRETER, 'opt/data.bin = /usr/local/bin/tool'))


@row(2, 'the first of two names deleted above')
def hard_linked_above():
    return Image([program('opt/python3', made.python()), hard('usr/tool', 'opt/python3')], [white('opt/python3')],
                 want=seen(INTERPRETER, 'usr/tool'), title={'/usr/tool': 'renamed'})


@row(3, 'thin launcher and libpython')
def thin():
    return Image([program('usr/local/bin/serve', made.launcher('libpython3.11.so.1.0')), program(LIBPYTHON, made.libpython())],
                 want=seen(INTERPRETER, 'usr/local/bin/serve', LIBPYTHON))


@row(3, 'thin launcher whose need is a path')
def thin_patched():
    return Image([program('opt/x/bin/run', made.launcher('$ORIGIN/../lib/libpython3.12.so.1.0'))],
                 want=seen(INTERPRETER, 'opt/x/bin/run'),
                 evidence=[('/opt/x/bin/run', 'need', '$ORIGIN/../lib/libpython3.12.so.1.0')])


@row(4, 'libpython alone, and renamed')
def library():
    return Image([f(LIBPYTHON, made.libpython()), f('opt/libengine.so.2', made.libpython())],
                 want=seen(INTERPRETER, LIBPYTHON, 'opt/libengine.so.2'))


@row(4, 'static library, named and renamed')
def static_library():
    archive = made.ar({'python.o': made.libpython()})
    return Image([f('usr/lib/libpython3.11.a', archive), f('opt/lib/libx.a', archive)],
                 want=seen(INTERPRETER, 'usr/lib/libpython3.11.a', 'opt/lib/libx.a'))


@row(4, "Debian's own static library", full=True)
def static_library_real():
    path = 'usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11-pic.a'
    return Image([f('opt/x.a', debs.data('libpython3.11-dev', path))], want=seen(INTERPRETER, 'opt/x.a'))


@row(5, 'CPython as the regular file python3')
def static_named():
    return Image([program('usr/bin/python3', made.python())], want=seen(INTERPRETER, 'usr/bin/python3'))


@row(6, 'no dynamic section, no symbols, no section headers')
def fully_static():
    return Image([program('bin/init', made.without_dynamic(made.python()))], want=seen(INTERPRETER, 'bin/init'))


@row(7, 'embedders: unbound, mod_wsgi')
def embedders():
    paths = ['usr/sbin/unbound', 'usr/sbin/unbound-checkconf', 'usr/sbin/unbound-control']
    wsgi = 'usr/lib/apache2/modules/mod_wsgi.so-3.11'
    return Image([program(path, debs.data('unbound', path)) for path in paths] +
                 [program('opt/m/mod_other.so', debs.data('libapache2-mod-wsgi-py3', wsgi))],
                 want=seen(EMBEDDER, 'opt/m/mod_other.so', *paths))


@row(7, 'embedders: gdb, vim-nox, perf, collectd, weechat, uwsgi, plpython3, lldb', full=True)
def embedders_large():
    places = [('gdb', 'usr/bin/gdb'), ('vim-nox', 'usr/bin/vim.nox'), ('linux-perf', 'usr/bin/perf'),
              ('collectd-core', 'usr/lib/collectd/python.so'), ('weechat-python', 'usr/lib/x86_64-linux-gnu/weechat/plugins/python.so'),
              ('uwsgi-plugin-python3', 'usr/lib/uwsgi/plugins/python311_plugin.so'),
              ('postgresql-plpython3-15', 'usr/lib/postgresql/15/lib/plpython3.so'),
              ('liblldb-14', 'usr/lib/x86_64-linux-gnu/liblldb-14.so.1')]
    return Image([program('opt/tool%d' % i, debs.data(*place)) for i, place in enumerate(places)],
                 want=seen(EMBEDDER, *('opt/tool%d' % i for i in range(len(places)))))


@row(8, 'loads libpython with dlopen')
def dlopens():
    return Image([program('opt/plugin-host', made.compiled(
        '#include <dlfcn.h>\nint main(void) { return dlopen("libpython3.11.so.1.0", RTLD_NOW) == 0; }\n'))],
                 want=seen(EMBEDDER, 'opt/plugin-host'))


@row(9, 'PyInstaller, one file: at the end, and in the section pydata (by its format)')
def pyinstaller():
    return Image([program('app/server', made.plain() + made.pyinstaller_archive()),
                  program('app/worker', made.pyinstaller_section(made.plain()))],
                 want=seen(EMBEDDER, 'app/server', 'app/worker'))


@row(9, 'PyInstaller, one folder')
def pyinstaller_folder():
    return Image([program('app/run/run', made.plain() + made.pyinstaller_archive()),
                  f('app/run/_internal/libpython3.11.so.1.0', made.libpython()),
                  f('app/run/_internal/base_library.zip', made.zipped({'encodings/__init__.pyc': made.pyc(), 'io.pyc': made.pyc()}))],
                 want=seen(EMBEDDER, 'app/run/run') + seen(INTERPRETER, 'app/run/_internal/libpython3.11.so.1.0') +
                 seen(PAYLOAD, 'app/run/_internal/base_library.zip'))


@row(10, 'Nuitka, one file and standalone (by its format)')
def nuitka():
    return Image([program('app/cli', made.nuitka(made.plain())), program('app/cli.dist/cli', made.launcher('libpython3.11.so.1.0')),
                  f('app/cli.dist/libpython3.11.so.1.0', made.libpython())],
                 want=seen(EMBEDDER, 'app/cli') + seen(INTERPRETER, 'app/cli.dist/cli', 'app/cli.dist/libpython3.11.so.1.0'))


@row(11, 'PyOxidizer (by its format), Cython --embed, cx_Freeze')
def frozen():
    embed = made.caller('Py_InitializeEx', 'libapp.so.1')
    return Image([program('app/oxidized', made.plain() + b'pyembed\x03' + bytes(16)), program('app/cython', embed),
                  f('app/lib/library.zip', made.zipped({'encodings/__init__.pyc': made.pyc()}))],
                 want=seen(EMBEDDER, 'app/oxidized', 'app/cython') + seen(PAYLOAD, 'app/lib/library.zip'))


@row(12, 'zipapp, pex, shiv, egg, wheel')
def bundles():
    line = b'#!/usr/bin/env python3\n'
    main = {'__main__.py': b'print(1)\n'}
    return Image([program('bin/app', made.zipped(main, line)), program('bin/pexed', made.zipped(dict(main, **{'PEX-INFO': b'{}'}), line)),
                  program('bin/shived', made.zipped(dict(main, **{'environment.json': b'{}', 'site-packages/x.py': b''}), line)),
                  f('opt/x.egg', made.zipped({'EGG-INFO/PKG-INFO': b'Name: x\n', 'x.py': b''})),
                  f('opt/wheel.bin', made.zipped({'x.py': b'', 'x-1.dist-info/METADATA': b'Name: x\n', 'x-1.dist-info/WHEEL': b''}))],
                 want=seen(PAYLOAD, 'bin/app', 'bin/pexed', 'bin/shived', 'opt/x.egg', 'opt/wheel.bin'))


@row(12, "Debian's own wheel of pip", full=True)
def wheel_real():
    top = debs.tree('python3-pip-whl')
    path = os.path.relpath(glob.glob(top + '/usr/share/python-wheels/*.whl')[0], top)
    return Image([f('opt/archive', debs.data('python3-pip-whl', path))], want=seen(PAYLOAD, 'opt/archive'))


@row(13, 'bytecode alone, of each version, renamed')
def bytecode():
    return Image([f('srv/%s.dat' % version, made.pyc(version)) for version in sorted(made.PYC_MAGICS)],
                 want=seen(PAYLOAD, *('srv/%s.dat' % version for version in sorted(made.PYC_MAGICS))))


@row(14, 'standard library in a ZIP file')
def zipped_library():
    members = {'encodings/__init__.pyc': made.pyc(), 'os.pyc': made.pyc()}
    return Image([f('usr/lib/python311.zip', made.zipped(members)), f('opt/blob', made.zipped(members))],
                 want=seen(PAYLOAD, 'usr/lib/python311.zip', 'opt/blob'))


@row(15, 'conda root with its cache hard-linked; micromamba is none')
def conda():
    cache = 'opt/conda/pkgs/python-3.11.5-h_0'
    return Image([program(cache + '/bin/python3.11', made.python()), hard('opt/conda/bin/python3.11', cache + '/bin/python3.11'),
                  link('opt/conda/bin/python', 'python3.11'), f(cache + '/info/index.json', b'{"name": "python"}'),
                  f('opt/conda/conda-meta/python-3.11.5-h_0.json', b'{"name": "python", "version": "3.11.5", "files": []}'),
                  program('usr/bin/micromamba', made.plain())],
                 want=seen(INTERPRETER, 'opt/conda/bin/python3.11 = /%s/bin/python3.11' % cache) +
                 seen(DECLARED, cache + '/info/index.json', 'opt/conda/conda-meta/python-3.11.5-h_0.json'),
                 evidence=[('/opt/conda/bin/python3.11', 'link', '/opt/conda/bin/python')])


@row(16, 'uv, pyenv, asdf, Homebrew, Nix, Bazel: not in PATH, in no database')
def managed():
    paths = ['root/.local/share/uv/python/cpython-3.12.3-linux-x86_64-gnu/bin/python3.12', 'root/.pyenv/versions/3.11.4/bin/python3.11',
             'root/.asdf/installs/python/3.11/bin/python3', 'home/linuxbrew/.linuxbrew/Cellar/python@3.11/3.11.4/bin/python3.11',
             'nix/store/0c5d-python3-3.11.4/bin/python3.11', 'app/run.runfiles/python_3_11_host/python']
    return Image([program(path, made.python()) for path in paths], want=seen(INTERPRETER, *paths))


@row(17, 'virtual environment with dangling links')
def venv():
    return Image([f('venv/pyvenv.cfg', b'home = /usr/local/bin\n'), link('venv/bin/python', '/usr/local/bin/python3'),
                  link('venv/bin/python3', 'python'), link('venv/bin/run', 'python3')],
                 want=seen(DEPENDENT, 'venv/pyvenv.cfg', 'venv/bin/python', 'venv/bin/python3', 'venv/bin/run'))


@row(18, "a link that leads to the auditor's own Python")
def host_link():
    return Image([link('usr/local/bin/python', '/usr/bin/python3'), link('opt/sh', '/bin/sh')],
                 want=seen(DEPENDENT, 'usr/local/bin/python'))


@row(19, 'alternatives chain')
def alternatives():
    return Image([program('usr/bin/python3.11', made.python()), link('etc/alternatives/python', '/usr/bin/python3.11'),
                  link('usr/bin/python', '/etc/alternatives/python'), link('usr/bin/loop', 'loop')],
                 want=seen(INTERPRETER, 'usr/bin/python3.11'),
                 evidence=[('/usr/bin/python3.11', 'link', '/etc/alternatives/python'), ('/usr/bin/python3.11', 'link', '/usr/bin/python')])


@row(20, 'usrmerge')
def usrmerge():
    return Image([folder('usr/bin'), link('bin', 'usr/bin'), program('bin/python3', made.python())],
                 want=seen(INTERPRETER, 'usr/bin/python3'))


@row(21, 'platform-python, unversioned-python, system-python')
def platform():
    paths = ['usr/libexec/platform-python3.6', 'usr/bin/unversioned-python', 'usr/bin/system-python']
    return Image([program(path, made.python()) for path in paths], want=seen(INTERPRETER, *paths))


@row(22, 'an applet called python of BusyBox')
def applet():
    return Image([program('bin/busybox', debs.data('busybox-static', '/bin/busybox')), link('bin/python', 'busybox')])


@row(23, 'MicroPython and CircuitPython (by their banners), .mpy')
def micropython():
    return Image([program('bin/a', made.with_text('MicroPython v1.22.0 on 2023-12-27; linux')),
                  program('bin/b', made.with_text('Adafruit CircuitPython 8.2.9')), f('lib/x.mpy', b'M\x06\x00\x1f' + bytes(20))],
                 want=seen(INTERPRETER, 'bin/a', 'bin/b') + seen(PAYLOAD, 'lib/x.mpy'))


@row(24, 'PyPy, renamed', full=True)
def pypy():
    return Image([program('opt/fast', debs.data('pypy3', '/usr/bin/pypy3.9')),
                  f('opt/lib/engine.so', debs.data('pypy3', '/usr/lib/x86_64-linux-gnu/libpypy3.9-c.so'))],
                 want=seen(INTERPRETER, 'opt/fast', 'opt/lib/engine.so'))


@row(24, 'GraalPy, RustPython (by the variables that they read), PyPy (by its banner)')
def other_makes():
    return Image([program('opt/a', made.with_text('GRAAL_PYTHON_ARGS')), program('opt/b', made.with_text('RUSTPYTHONPATH')),
                  program('opt/c', made.with_text('3.9.16 [PyPy 7.3.11 with GCC]')), f('opt/libpythonvm.so', made.plain())],
                 want=seen(INTERPRETER, 'opt/a', 'opt/b', 'opt/c', 'opt/libpythonvm.so'))


@row(25, 'Jython, IronPython, Pyodide, Brython, gpython (by their formats)')
def other_machines():
    markers = [b'Fatal Python error: ', b'PYTHONHOME', b'<frozen importlib._bootstrap>']
    return Image([f('opt/app.jar', made.zipped({'META-INF/MANIFEST.MF': b'', 'org/python/core/PySystemState.class': b''})),
                  f('opt/IronPython.dll', made.pe(b'IronPython.Runtime')), f('opt/host.exe', made.pe(b'IronPython.Runtime')),
                  f('srv/pyodide.asm.wasm', made.wasm(*markers)), f('srv/a.wasm', made.wasm(*markers)), f('srv/b.wasm', made.wasm()),
                  f('srv/brython.js', b'var __BRYTHON__ = {};\n')],
                 want=seen(INTERPRETER, 'opt/app.jar', 'opt/IronPython.dll', 'srv/pyodide.asm.wasm', 'srv/a.wasm', 'srv/brython.js') +
                 seen(EMBEDDER, 'opt/host.exe'))


@row(25, "Debian's own Jython", full=True)
def jython():
    return Image([f('opt/x', debs.data('jython', '/usr/share/java/jython-2.7.3.jar'))], want=seen(INTERPRETER, 'opt/x'))


@row(26, 'SDKs that bundle one')
def sdks():
    paths = ['usr/lib/google-cloud-sdk/platform/bundledpythonunix/bin/python3', 'opt/az/bin/python3', 'opt/datadog-agent/embedded/bin/python3']
    return Image([program(path, made.python()) for path in paths] +
                 [f('usr/lib/node_modules/npm/node_modules/node-gyp/gyp/pylib/gyp/common.py', b'import os\n')],
                 want=seen(INTERPRETER, *paths))


@row(27, 'an interpreter in an archive in the image: listed, not looked into')
def nested():
    with open(debs.archive('python3.11-minimal'), 'rb') as file:
        deb = file.read()
    return Image([f('var/cache/apt/archives/p.deb', deb)])


@row(28, 'deleted and overwritten above')
def deleted():
    return Image([program('usr/bin/python3', made.python()), program('opt/a', made.python())], [white('usr/bin/python3'), program('opt/a', made.plain())],
                 want=hidden(INTERPRETER, 'usr/bin/python3', 'opt/a'))


@row(29, 'in an opaque folder; under a folder that became a file; under a deleted one')
def covered():
    return Image([program('a/python3', made.python()), program('b/c/tool', made.python()), program('d/x/y', made.python())],
                 [opaque('a'), f('b', b'text'), white('d')],
                 want=hidden(INTERPRETER, 'a/python3', 'b/c/tool', 'd/x/y'))


@row(30, 'first lines: plain, env, env -S, env with variables, the long form of pip and uv')
def scripts():
    return Image([program('b/plain', b'#!/usr/bin/python3\n'), program('b/env', b'#!/usr/bin/env python3\n'), program('b/blank', b'#! /usr/bin/python3 -u\n'),
                  program('b/split', b'#!/usr/bin/env -S python3 -u\n'), program('b/joined', b'#!/usr/bin/env -Spython3 -u\n'),
                  program('b/set', b'#!/usr/bin/env -S A=1 python3\n'),
                  program('b/pip', b"#!/bin/sh\n'''exec' \"/opt/long path/bin/python3\" \"$0\" \"$@\"\n' '''\nimport sys\n"),
                  program('b/sh', b'#!/bin/sh\necho python3\n'), program('b/env-sh', b'#!/usr/bin/env sh\n')],
                 want=seen(DEPENDENT, 'b/plain', 'b/env', 'b/blank', 'b/split', 'b/joined', 'b/set', 'b/pip'),
                 title={'/b/env': 'it is not there'})


@row(30, 'what a first line comes to in the image')
def scripts_resolved():
    return Image([program('usr/local/bin/python3', made.python()), program('b/env', b'#!/usr/bin/env python3\n')],
                 want=seen(DEPENDENT, 'b/env') + seen(INTERPRETER, 'usr/local/bin/python3'),
                 evidence=[('/b/env', 'link', '/usr/local/bin/python3')])


@row(31, 'entrypoint, command, health check, shell, environment')
def configured():
    return Image([f('etc/x', b'x')], env=['PATH=/usr/bin', 'PYTHON_VERSION=3.11', 'VIRTUAL_ENV=/venv', 'LANG=C'],
                 settings={'Entrypoint': ['/usr/bin/tini', '--', '/venv/bin/python'], 'Cmd': ['/bin/sh', '-c', 'exec python3 -m app'],
                           'Healthcheck': {'Test': ['CMD-SHELL', 'python3 /check.py||exit 1']}, 'Shell': ['/usr/bin/python3', '-c']},
                 want=seen(DEPENDENT, 'config:Entrypoint', 'config:Cmd', 'config:Healthcheck', 'config:Shell', 'config:Env'))


@row(31, 'an entrypoint that is an interpreter, or a script for one, under another name')
def configured_hidden():
    return Image([program('app/run', made.python()), program('app/main', b'#!/app/run\n'), program('app/go', b'#!/usr/bin/env python3\n')],
                 settings={'Entrypoint': ['/app/run'], 'Cmd': ['/app/go']},
                 want=seen(INTERPRETER, 'app/run') + seen(DEPENDENT, 'app/go', 'config:Entrypoint', 'config:Cmd'))


@row(32, 'PATH with folders that are not there, relative ones, links')
def paths():
    return Image([program('opt/real/python3', made.python()), link('opt/p', 'real'), program('x', b'#!/usr/bin/env python3\n')],
                 env=['PATH=/nothing:bin:/opt/p'], settings={'Cmd': ['python3']},
                 want=seen(INTERPRETER, 'opt/real/python3') + seen(DEPENDENT, 'x', 'config:Cmd'),
                 evidence=[('/x', 'link', '/opt/real/python3'), ('config:Cmd', 'link', '/opt/real/python3')])


@row(33, 'mode 0644, and in a folder of root alone')
def permissions():
    return Image([folder('root/x', 0o700), program('root/x/data', made.python(), 0o644), program('srv/y', made.python(), 0o000)],
                 want=seen(INTERPRETER, 'root/x/data', 'srv/y'), title={'/srv/y': 'not executable'})


@row(34, 'capabilities, devices and pipes called python')
def devices():
    return Image([program('opt/t', made.python(), xattrs={b'security.capability': bytes.fromhex('0100000200200000000000000000000000000000')}),
                  {'type': 'c', 'path': b'dev/python3', 'major': 1, 'minor': 3}, {'type': 'p', 'path': b'run/python3'}],
                 want=seen(INTERPRETER, 'opt/t'))


@row(35, 'names with newlines, blanks at the end, no UTF-8, zero-width letters; 200 folders deep')
def names():
    weird = [b'opt/a\nb', b'opt/python ', b'opt/\xff\xfe', 'opt/python\u200b'.encode(), b'd/' * 200 + b'x']
    return Image([program(name, made.without_sections(made.python())) for name in weird],
                 want=[(INTERPRETER, name.decode('utf-8', 'surrogateescape'), 'visible') for name in weird])


@row(36, 'stored as a sparse file')
def sparse():
    return Image([made.sparse('opt/s', made.python())], want=seen(INTERPRETER, 'opt/s'))


@row(37, 'a layer that is not in the file')
def missing():
    return Image([program('opt/a', made.plain())], [program('usr/bin/python3', made.python())], status=3, form='missing')


@row(38, 'entries of estargz')
def estargz():
    return Image([f('stargz.index.json', b'{"version": 1, "entries": []}'), f('.no.prefetch.landmark', b'\x0f')])


@row(40, 'another platform of an index')
def platforms():
    return Image([program('usr/bin/python3', made.python())], want=seen(INTERPRETER, 'usr/bin/python3'), form='platforms')


STATUS = (b'Package: python3.11-minimal\nStatus: install ok installed\nVersion: 3.11.2-6\nArchitecture: amd64\nInstalled-Size: 5000\n'
          b'Maintainer: x\nDescription: x\n\n')


@row(41, 'the database has it, its files are gone')
def gone():
    return Image([f('var/lib/dpkg/status', STATUS), f('var/lib/dpkg/info/python3.11-minimal.list', b'/.\n/usr/bin/python3.11\n')],
                 want=seen(DECLARED, 'var/lib/dpkg/status'), title={'/var/lib/dpkg/status': 'none is there'})


@row(41, 'the files are there, the database has been emptied')
def undeclared():
    return Image([program('usr/bin/python3.11', made.python()), f('var/lib/dpkg/status', b'')],
                 want=seen(INTERPRETER, 'usr/bin/python3.11'), title={'/usr/bin/python3.11': 'of no package'})


@row(42, 'look-alikes: printers of gdb, documents, syntax files, completions, node-gyp')
def look_alikes():
    return Image([f('usr/share/gdb/auto-load/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30-gdb.py', b'import gdb\n'),
                  f('usr/share/gcc/python/libstdcxx/v6/printers.py', b'import gdb\n'), f('usr/share/doc/python3/README', b'Python 3\n'),
                  f('usr/share/vim/vim90/syntax/python.vim', b'" python\n'), f('usr/share/bash-completion/completions/python3', b'# python3\n'),
                  f('usr/share/nano/python.nanorc', b'syntax python\n'), f('usr/lib/x86_64-linux-gnu/libpython.txt', b'libpython3.11.so.1.0\n'),
                  f('usr/share/mime/python.xml', b'<x/>\n'), f('opt/text', b'a\xa7\r\nb\n'), f('opt/t.bin', b'\xa7\x0d'),
                  program('opt/scanner', made.with_text('PYTHONHOME'))])


@row(42, 'peel itself, which knows all the marks')
def own():
    build, source = os.environ['PEEL_BUILD'], os.environ['PEEL_SOURCE']
    return Image([program('usr/bin/peel', made.read(os.environ['PEEL'])), f('usr/lib/libpeel.so.0', made.read(build + '/index/libpeel.so')),
                  f('usr/src/detectors.yaml', made.read(source + '/index/detectors.yaml'))])


@row(42, "Debian's libstdc++6, libboost-python, bash-completion", full=True)
def look_alikes_real():
    return Image(debs.entries('libstdc++6') + debs.entries('libboost-python1.74.0') + debs.entries('bash-completion'))
