# SPDX-License-Identifier: Apache-2.0
# What a file is stays open where its bytes cannot be read, as with an index that lies of where they are.
image app app.tar
# An image younger than two seconds is indexed anew.
sleep 2.2
run find --index app.peel -q app.tar usr -kind text
sqlite3 app.peel "UPDATE entry SET data = 1 << 40 WHERE name = x'$(printf notes | od -An -tx1 | tr -d ' \n')'"
run find --index app.peel app.tar usr -kind text
run find --index app.peel app.tar usr -name notes -printf '%{kind} %s\n'
run find --index app.peel app.tar usr -name other -kind text
run find --index app.peel app.tar usr -name notes -kind text -o -name other -print
