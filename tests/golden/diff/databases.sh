# SPDX-License-Identifier: Apache-2.0
# What is whose is not known where a database cannot be read; by path nothing rests on it.
python3 "$golden/../lib/mkimage.py" a.tar <<'END'
layer FROM base
f var/lib/rpm/Packages data="no database"
f usr/bin/tool data="tool"
END
run diff a.tar a.tar
run diff --by package a.tar a.tar
run diff --by category --output csv a.tar a.tar
