# SPDX-License-Identifier: Apache-2.0
# Where a layer is missing or a file cannot be read to its end, neither yes nor no is proved.
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run grep -r drop.tar staff
run grep -rq drop.tar staff
run grep -rs drop.tar 'no such text'
image app app.tar
# The tar of a layer ends within srv/big: what is there is searched.
damage app.tar cut.tar cut:layer0:1500000
run grep -c --layer 0 cut.tar root etc/passwd srv/big
run grep -cs --layer 0 cut.tar root srv/big
run grep -q --layer 0 cut.tar root etc/passwd
run grep -r cut.tar staff
