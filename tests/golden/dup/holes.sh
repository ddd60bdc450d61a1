# SPDX-License-Identifier: Apache-2.0
# Holes of petabytes cost an image nothing: they are not read, and no verb that rests on contents gives a clean answer.
python3 "$golden/../lib/mkimage.py" a.tar <<'END'
layer FROM base
f holes size=9000000000000000 extent=4096:100 seed=1
f more size=9000000000000000 extent=4096:100 seed=1
f one data="hello"
f two data="hello"
END
python3 "$golden/../lib/mkimage.py" b.tar <<'END'
layer FROM another
f holes size=9000000000000000 extent=4096:100 seed=2
END
ulimit -t 60
run dup a.tar
run dup --output json a.tar
run waste --by cause a.tar
run bloat --by group a.tar
run report --output json=report.json a.tar
grep -o '"complete":[a-z]*' report.json
run packages --owner /one a.tar
run why a.tar /one
run detect a.tar python
run diff --stat a.tar b.tar
