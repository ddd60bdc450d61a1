# SPDX-License-Identifier: Apache-2.0
image app a.tar
run diff
run diff a.tar
run diff a.tar none.tar
run diff --by size a.tar a.tar
run diff --by folder --depth 0 a.tar a.tar
run diff --ignore content a.tar a.tar
run diff --ignore mtime,x a.tar a.tar
run diff --output xml a.tar a.tar
# What is missing could be a difference, or none.
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run diff gz.tar drop.tar
run diff --stat drop.tar drop.tar
