# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls -l app.tar
run ls -la app.tar srv dev usr/bin
run ls -lh app.tar srv
run ls -n app.tar opt etc
run ls --full-time app.tar usr/bin
run ls -ldi app.tar / /usr/bin/tool /usr/bin/tool2
