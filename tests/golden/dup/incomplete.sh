# SPDX-License-Identifier: Apache-2.0
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run dup drop.tar
