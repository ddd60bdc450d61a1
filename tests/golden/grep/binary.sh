# SPDX-License-Identifier: Apache-2.0
# NUL makes a file binary: its lines are not shown, and end at each NUL.
image app app.tar
run grep -c app.tar '' srv/holes
run grep app.tar '' srv/holes
run grep -I app.tar '' srv/holes
run grep -c app.tar . srv/holes
filter='wc -c' run grep -a app.tar '' srv/holes
run grep -zc app.tar '' srv/holes
run grep -c --layer 0 app.tar a srv/big
run grep -aobF --layer 0 app.tar 'Ab1' srv/big
