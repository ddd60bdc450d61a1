# SPDX-License-Identifier: Apache-2.0
# What is whose decides categories and advice, and is not known where a database cannot be read.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f var/lib/rpm/Packages data="no database"
f usr/bin/tool data="tool"
END
run bloat image.tar
run bloat --output json image.tar
