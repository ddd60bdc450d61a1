# SPDX-License-Identifier: Apache-2.0
# What is missing could hide anything: no sum proves anything.
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run waste --by cause drop.tar
run waste --dive-compat drop.tar
image app app.tar
damage app.tar cut.tar cut:layer0:4500
run waste --by layer cut.tar
