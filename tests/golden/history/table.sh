# SPDX-License-Identifier: Apache-2.0
image app app.tar
run history app.tar
run history --no-trunc app.tar
image app gz.tar --form oci-archive --compress gzip
run history gz.tar
run history --verify app.tar
image hostile h.tar
run history h.tar
