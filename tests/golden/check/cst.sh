# SPDX-License-Identifier: Apache-2.0
# container-structure-test's files as they are: each kind of test, passed and failed. Commands are not run.
python3 - <<'END'
import os, sys
sys.path.insert(0, os.environ["golden"] + "/../lib")
import mkimage
entry = lambda path, data=b"", mode=0o644, **more: dict({"type": "f", "path": path, "data": data, "mode": mode}, **more)
mkimage.build("app.tar", [{"instruction": "COPY . /", "entries": [
    entry(b"app/run", b"#!/bin/sh\n", 0o754, uid=1000, gid=1001), entry(b"etc/conf", b"Key: VALUE\nother\n"),
    entry(b"usr/share/doc/good/copyright", b"MIT\n"), entry(b"usr/share/doc/libgnutls30/copyright", b"agpl\n"),
    {"type": "l", "path": b"link", "link": b"/etc/conf"}, {"type": "d", "path": b"tmp", "mode": 0o1777},
    entry(b"bin/su", b"x", 0o4755)]}],
    env=["PATH=/bin", "APP=/app", "EMPTY="],
    settings={"User": "1000", "WorkingDir": "/app", "Entrypoint": ["/app/run", "-x"], "Cmd": [], "Labels": {"a.b": "one two"},
              "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}}})
END
cat >good.yaml <<'END'
schemaVersion: '2.0.0'
globalEnvVars:
- {key: NAME, value: run}
fileExistenceTests:
- {name: plain, path: /etc/conf}
- {name: attributes, path: '$APP/${NAME}', shouldExist: yes, permissions: '-rwxr-xr--', uid: 1000, gid: 1001, isExecutableBy: group}
- {name: link is looked at itself, path: /link, permissions: 'Lrwxrwxrwx'}
- {name: sticky, path: /tmp, permissions: 'dtrwxrwxrwx'}
- {name: set-user-ID, path: /bin/su, permissions: 'urwxr-xr-x', isExecutableBy: any}
- {name: absent, path: /etc/none, shouldExist: false}
fileContentTests:
- {name: content, path: /link, expectedContents: ['(?m)^other$', '(?i)key:\s+value'], excludedContents: ['^other', '\bOTHER\b']}
metadataTest:
  envVars: [{key: APP, value: /app}, {key: EMPTY, value: ''}, {key: PATH, value: '^/b.n$', isRegex: true}]
  unboundEnvVars: [{key: HOME}]
  labels: [{key: a.b, value: 'one \w+', isRegex: true}]
  entrypoint: [/app/run, -x]
  cmd: []
  exposedPorts: ['80', '53']
  unexposedPorts: ['22']
  volumes: [/data]
  unmountedVolumes: [/app]
  workdir: /app
  user: '1000'
licenseTests:
- {debian: true, files: [/usr/share/doc/good/copyright]}
END
run check -c good.yaml app.tar
cat >bad.yaml <<'END'
schemaVersion: '2.0.0'
commandTests:
- {name: not run, command: app, args: [--version], expectedOutput: ['1.0']}
fileExistenceTests:
- {name: absent, path: /etc/none}
- {name: there, path: /etc/conf, shouldExist: false}
- {name: attributes, path: /etc/conf, permissions: '-rw-------', uid: 1, gid: 2, isExecutableBy: owner}
- {name: whom, path: /app/run, isExecutableBy: nobody}
fileContentTests:
- {name: content, path: /etc/conf, expectedContents: [absent, '^other$'], excludedContents: [Key]}
- {name: absent, path: /etc/none, expectedContents: [x]}
- {name: no pattern, path: /etc/conf, excludedContents: ['a**']}
- {name: another world, path: /etc/conf, excludedContents: ['\p{Greek}']}
metadataTest:
  envVars: [{key: APP, value: /opt}, {key: HOME, value: x}, {key: PATH, value: '^$', isRegex: true}]
  unboundEnvVars: [{key: APP}]
  labels: [{key: a.b, value: one}, {key: c, value: x}]
  entrypoint: [/app/run]
  cmd: [x]
  exposedPorts: ['81']
  unexposedPorts: ['80']
  volumes: [/app]
  unmountedVolumes: [/data]
  workdir: /
  user: root
licenseTests:
- {debian: false, files: [/usr/share/doc/libgnutls30/copyright, /etc/none]}
END
run check -c bad.yaml app.tar
cat >commands.json <<'END'
{"schemaVersion": "2.0.0", "commandTests": [{"name": "version", "command": "app", "args": ["--version"]}],
 "fileExistenceTests": [{"name": "there", "path": "/etc/conf"}]}
END
run check -c commands.json app.tar
run check -c commands.json --skip-command-tests app.tar
