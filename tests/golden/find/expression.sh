# SPDX-License-Identifier: Apache-2.0
# The language itself is compared with GNU find in tests/same; here are what is peel's, and the options before IMAGE.
image app app.tar
run find app.tar
run find app.tar -maxdepth 1 -type d
run find app.tar usr -name 'tool*' -printf '%p %i %n %s %y %l\n'
filter=show_nul run find app.tar opt -print0
run find --layer 1 app.tar
run find --layer=0 app.tar -H bin -name 'tool*'
run find --no-cache -q app.tar srv -ls
# A write that fails is find's own failure.
"$PEEL" find app.tar >/dev/full 2>/dev/null
echo "= $?"
