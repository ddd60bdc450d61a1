# SPDX-License-Identifier: Apache-2.0
# An index of standard input is whole, and is never taken for one of a file later.
image app app.tar
export XDG_CACHE_HOME=$PWD/cache
python3 "$golden/../lib/mkimage.py" --tag other:1 other.tar <<'END'
layer COPY . /
d opt
f opt/app data="other"
END
cat app.tar | "$PEEL" index --index app.index - && echo "index: $?"
python3 - <<'END'
import sqlite3
index = sqlite3.connect("file:app.index?immutable=1", uri=True)
print(index.execute("SELECT count(*), sum(size) FROM entry").fetchone())
print(index.execute("SELECT cast(value AS TEXT) FROM image WHERE key IN ('identity', 'complete') ORDER BY key").fetchall())
END
run cat --index app.index app.tar /opt/app
cat app.tar | "$PEEL" index --index app.index - && echo "index: $?"
run cat --index app.index other.tar /opt/app
cat other.tar | "$PEEL" ls --index app.index - /opt
cat app.tar | "$PEEL" ls --index app.index - /opt
cat other.tar | "$PEEL" cat --index app.index - /opt/app && echo
