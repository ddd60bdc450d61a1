# SPDX-License-Identifier: Apache-2.0
image app app.tar
run ls -R app.tar
run ls -lR app.tar usr
filter=show_nul run ls -R0 app.tar
filter=show_nul run ls -R0 app.tar usr/bin/
