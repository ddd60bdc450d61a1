# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls -R --layer 1 app.tar
run ls -l --layer=1 app.tar srv etc
run ls --layer 2 app.tar
run ls --layer 0 app.tar srv
