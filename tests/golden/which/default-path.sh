# SPDX-License-Identifier: Apache-2.0
# An image that sets no PATH gets docker's.
sed '/^env/d' "$golden/images/app.txt" | python3 "$golden/../lib/mkimage.py" app.tar
damage app.tar nopath.tar 'sub:config:PATH==>NOPATH='
run which -a nopath.tar tool
