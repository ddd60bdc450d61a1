# SPDX-License-Identifier: Apache-2.0
# What is under warn is told, and does not fail.
image app app.tar
cat >policy.yaml <<'END'
version: 1
warn:
  - detect: setuid
  - limits: {size: 1MB, layers: 3}
  - waste: {path: 1MB}
  - require: {path: /opt/none}
END
run check -c policy.yaml app.tar
