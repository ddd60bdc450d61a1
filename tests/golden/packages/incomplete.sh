# SPDX-License-Identifier: Apache-2.0
# A layer that cannot be read may have had any package.
image dpkg image.tar --form oci-archive --compress gzip
damage image.tar broken.tar drop:layer1
run packages broken.tar
run packages --output json broken.tar
