# SPDX-License-Identifier: Apache-2.0
image app app.tar
run du app.tar /nope etc
run du -a -s app.tar
run du -s -d1 app.tar
run du -s -d0 app.tar
run du --inodes -b -s app.tar
run du -d -1 app.tar
run du -d 1x app.tar
run du -t -0 app.tar
run du -t 1X app.tar
run du -t 9999999999G app.tar
run du -B 1Q app.tar
run du -B 99999999999999999999 app.tar
run du -B 0 app.tar
run du -D app.tar gone
run du -L app.tar
run du --time=soon app.tar
run du --time --time-style=long app.tar
run du --time --time-style=i app.tar etc
run du --time --time-style= app.tar
run du -X /nope app.tar
run du --files0-from=/nope app.tar
run du --files0-from=/dev/null app.tar etc
run du --sum app.tar
run du
