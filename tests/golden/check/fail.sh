# SPDX-License-Identifier: Apache-2.0
# Rules that are violated, of each kind. A folder that is a link in the image is looked through.
image app app.tar
cat >policy.yaml <<'END'
version: 1
image: {platform: linux/arm64}
limits:
  size: 1MB
  visible: 1
  compressed: 1
  layers: 2
  waste: {bytes: 1MB, percent: 2, path: 1MB}
  category: {unowned: 1k}
forbid:
  - detect: {setuid: {}}
  - path: /bin/tool*
  - path: {glob: '**/*', any_mode: '4000'}
  - path: {glob: /srv/big, scope: shipped}
  - content: {glob: /etc/*, regex: 'alice:x:\d+'}
  - config: {user: root}
  - sql: SELECT path, layer, size FROM tree WHERE size > 1000000
  - {name: no devices, path: {glob: '/dev/*', type: char}}
require:
  - detect: python
  - path: {glob: [/opt/app, /opt/none], mode: '0700', owner: '0'}
  - path: /gone
  - package: bash
  - content: {glob: '**/*.conf', regex: x}
  - config: {user: '!root', entrypoint: [/app], env: {HOME: /x}, labels: [maintainer], workdir: /srv}
  - sql: SELECT 1 WHERE 0
END
run check -c policy.yaml app.tar
run check --deny setuid app.tar
