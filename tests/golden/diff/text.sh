# SPDX-License-Identifier: Apache-2.0
image app a.tar
sed -e 's/alice/bob/' -e '/srv\/holes/d' -e 's/h usr\/bin\/tool2.*/f usr\/bin\/tool2 data="another tool"/' "$golden/images/app.txt" >b.txt
printf 'layer RUN make\nd new\nd new/deep\nf new/deep/one size=5000 seed=1\nf new/two size=100 seed=2\nl new/link -> two\n' >>b.txt
python3 "$golden/../lib/mkimage.py" --form oci-archive --compress gzip b.tar <b.txt
run diff a.tar b.tar
run diff --all --ignore mtime,mode b.tar a.tar
run diff --stat a.tar b.tar
run diff --min-size 1000 a.tar b.tar
run diff --top 2 a.tar b.tar
run diff --by layer a.tar b.tar
run diff --by folder --depth 1 a.tar b.tar
run diff --output markdown a.tar b.tar
run diff --output csv a.tar b.tar
run diff a.tar a.tar
