# SPDX-License-Identifier: Apache-2.0
# Who owns what is part of a report, and not known where a database cannot be read.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
layer FROM base
f var/lib/rpm/rpmdb.sqlite data="SQLite format 3\0 and no more"
END
image app a.tar
run report --output json=doc.json --output text=doc.txt a.tar image.tar
grep -c 'Not all of this image' doc.txt
grep -o '"complete":[a-z]*' doc.json
