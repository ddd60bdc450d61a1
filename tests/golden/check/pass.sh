# SPDX-License-Identifier: Apache-2.0
# Rules that hold, of each kind; YAML and JSON are one.
image app app.tar
cat >policy.yaml <<'END'
version: 1
image: {platform: linux/amd64, require_complete: true, require_expanded: true}
limits: {size: 5MB, visible: 2MB, compressed: 4MiB, layers: 3, waste: {bytes: 1MB, percent: 100, fail: both}, category: {bytecode: 0}}
forbid:
  - detect: [python, compiler]
  - path: {glob: ['**/*.pem', /root/.ssh/**], type: file}
  - path: {glob: /srv/big}
  - package: {name: [gcc, 'python3*'], db: [dpkg, pip]}
  - content: {glob: '**/*', regex: 'AKIA[0-9A-Z]{16}'}
  - sql: SELECT path FROM tree WHERE type = 's'
require:
  - path: {glob: /opt/app, type: file, mode: '0755', owner: '1000:50'}
  - path: [/bin/tool, '/sbin/tool?', /usr/bin/tool]
  - content: {glob: /etc/passwd, regex: '(?m)^root:x:0:'}
  - config: {env: {PATH: {regex: '^/usr/local/bin:'}}, env_absent: [SECRET], ports_absent: ['22'], cmd: []}
  - sql: SELECT 1 FROM tree WHERE path = '/srv/holes'
END
run check -c policy.yaml app.tar
python3 -c 'import json
print(json.dumps({"version": 1, "forbid": [{"name": "no \"git\"", "path": "**/.git"}]}))' >policy.json
run check --config policy.json app.tar
run check --deny python,compiler app.tar
run check --deny python@runtime --deny setuid:payload -q --output json=out.json app.tar
cat out.json
