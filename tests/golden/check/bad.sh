# SPDX-License-Identifier: Apache-2.0
# What a policy must not have is an error with its file and line, and says what there is.
image app app.tar
bad() {
	cat >bad.yaml
	run check -c bad.yaml app.tar
}
bad <<<$'version: 1\nforbids: []'
bad <<<$'version: 2'
bad <<<$'version: 1'
bad <<<$'versions: 1'
bad <<<$'version: 1\nforbid:\n  - detect: pyhton'
bad <<<$'version: 1\nforbid:\n  - detect: {python: {tiers: [all]}}'
bad <<<$'version: 1\nforbid:\n  - detect: {python: {scope: all}}'
bad <<<$'version: 1\nforbid:\n  - path: {glob: tmp/x}'
bad <<<$'version: 1\nforbid:\n  - path: {glob: /x, type: regular}'
bad <<<$'version: 1\nforbid:\n  - path: {glob: /x, mode: 755}'
bad <<<$'version: 1\nforbid:\n  - path: {glob: /x, owner: root}'
bad <<<$'version: 1\nforbid:\n  - path: {glob: /x, globs: /y}'
bad <<<$'version: 1\nforbid:\n  - {path: /x, package: y}'
bad <<<$'version: 1\nforbid:\n  - {name: nothing}'
bad <<<$'version: 1\nforbid:\n  - package: {name: x, db: pacman}'
bad <<<$'version: 1\nforbid:\n  - content: {glob: /x, regex: "(a"}'
bad <<<$'version: 1\nforbid:\n  - content: {glob: /x, regex: "\\\\p{Greek}"}'
bad <<<$'version: 1\nforbid:\n  - config: {users: root}'
bad <<<$'version: 1\nforbid:\n  - sql: [a]'
bad <<<$'version: 1\nforbid:\n  - sql: SELECT nothing FROM nowhere'
bad <<<$'version: 1\nlimits: {size: much}'
bad <<<$'version: 1\nlimits: {layers: 1.5}'
bad <<<$'version: 1\nlimits: {waste: {percent: -1}}'
bad <<<$'version: 1\nlimits: {waste: {percent: 1, fail: all}}'
bad <<<$'version: 1\nlimits: {waste: {}}'
bad <<<$'version: 1\nlimits: {category: {cuda: 1}}'
bad <<<$'version: 1\nimage: {require_complete: 1}'
bad <<<$'version: 1\nforbid: [{path: /x}]\nallow: [{rule: \'forbid[1]\', reason: x}]'
bad <<<$'version: 1\nforbid: [{path: /x}]\nallow: [{rule: \'forbid[0]\'}]'
bad <<<$'version: 1\nforbid: [{path: /x}]\nallow: [{rule: \'forbid[0]\', reason: " "}]'
bad <<<$'version: 1\nforbid: [{path: /x}]\nallow:\n  - {rule: \'forbid[0]\', reason: x, until: 2026-02-29}'
bad <<<$'version: 1\nforbid: [{path: /x}]\nallow:\n  - {rule: \'forbid[0]\', reason: x, until: soon}'
bad <<<$'version: 1\nbudgets_vs: {file: none.json, grow: {bytes: 1}}'
bad <<<$'version: 1\nbudgets_vs: {file: bad.yaml, grow: {bytes: 1}}'
bad <<<$'version: 1\nforbid: {path: /x}'
bad <<<$'version: 1\nversion: 1'
bad <<<$'- x'
bad </dev/null
bad <<<$'schemaVersion: 3.0.0'
bad <<<$'schemaVersion: 2.0.0\nfileExistanceTests: []'
bad <<<$'schemaVersion: 2.0.0\nfileExistenceTests:\n- name: x\n  path: /x\n  shouldExists: true'
bad <<<$'schemaVersion: 2.0.0\nfileExistenceTests:\n- name: x'
bad <<<$'schemaVersion: 2.0.0'
bad <<<$'rules: {lowestEfficiency: 1.5}'
bad <<<$'rules: {highestWastedBytes: 20 cows}'
run check -c none.yaml app.tar
run check app.tar
run check --deny python,ruby9 app.tar
run check --deny python:all app.tar
run check --deny python@build app.tar
run check --deny python --all-platforms --platform linux/amd64 app.tar
run check --deny python --dockerfile none app.tar
echo 'RUN x' >Dockerfile
run check --deny python --dockerfile Dockerfile app.tar
run check --deny python none.tar
