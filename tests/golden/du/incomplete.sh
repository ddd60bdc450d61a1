# SPDX-License-Identifier: Apache-2.0
# What is missing could add to any sum: no sum proves anything.
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run du -s drop.tar
run du -s drop.tar /nope
image app app.tar
damage app.tar cut.tar cut:layer0:4500
run du -a cut.tar
