# SPDX-License-Identifier: Apache-2.0
# Detectors of one's own: added to the built-in ones, or in the place of one; what they ask for is looked for anew.
image app app.tar
cat >own.yaml <<'END'
version: 1
detectors:
  tool:
    title: the tool of the tests
    names: [tool]
    markers:
      line: {text: ['tool ', 'one'], in: [text, data]}
    rules:
      - {id: seen, tier: embedder, title: a tool, when: {name: 'tool*', not: {kind: empty}}}
      - {id: folder, tier: payload, title: a folder, on: folder, when: {path: '/usr/**'}}
      - {id: user, tier: declared, title: the user, on: config, when: {user: root}}
  shell:
    title: no shells but this
    rules:
      - {id: only, tier: interpreter, title: script, when: {script: sh}}
END
run detect --detectors own.yaml app.tar tool
run detect --detectors own.yaml app.tar shell
run detect app.tar tool
run detect --detectors own.yaml --list
