# SPDX-License-Identifier: Apache-2.0
: >empty
run ls empty
echo 'hello, world' >text
run ls text
head -c 100000 /dev/zero >zeros
run ls zeros
seq 1 100000 | gzip -n >text.gz
run ls text.gz
printf '\037\213\010\000' >stub.gz
run ls stub.gz
run ls nothing
mkdir folder
run ls folder
run ls ''
run ls oci:nothing
run ls foo:bar
ln -s loop loop
run ls loop
mkfifo fifo
run ls fifo
run ls /dev/null
