# SPDX-License-Identifier: Apache-2.0
image app a.tar
image hostile h.tar
run report a.tar
run report h.tar
run report --output markdown a.tar h.tar
run report a.tar b.tar c.tar
run report none.tar
run report --output xml a.tar
# What is missing could hold anything.
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run report drop.tar
run report --output markdown drop.tar
