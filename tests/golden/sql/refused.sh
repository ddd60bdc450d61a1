# SPDX-License-Identifier: Apache-2.0
image app app.tar
run sql app.tar 'DELETE FROM entry'
run sql app.tar 'CREATE TABLE x (a)'
run sql app.tar "ATTACH 'x.db' AS x"
run sql app.tar 'PRAGMA journal_mode = wal'
run sql app.tar "SELECT load_extension('x')"
run sql app.tar "SELECT readfile('/etc/passwd')"
run sql app.tar 'SELECT colour FROM tree'
run sql app.tar 'SELEC 1'
run sql app.tar ''
ls
