# SPDX-License-Identifier: Apache-2.0
image app app.tar
run verify app.tar
image app gz.tar --form oci-archive --compress gzip
run verify gz.tar
image app dir --form oci --compress zstd
run verify dir
run verify --output json gz.tar
