# SPDX-License-Identifier: Apache-2.0
image app app.tar
run du app.tar
run du -ah app.tar /
run du -sc app.tar usr etc bin bin/
run du -b app.tar srv/holes usr/bin/tool
run du -B1 app.tar srv/holes usr/bin/tool
run du --inodes -d1 app.tar
# A hard link counts once, over all operands; with -l every time.
run du -a app.tar usr/bin/tool usr/bin/tool2
run du -al app.tar usr/bin/tool usr/bin/tool2
filter=show_nul run du -0 app.tar etc usr
