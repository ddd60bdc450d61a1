# SPDX-License-Identifier: Apache-2.0
image app app.tar --tag app:1 --tag app:latest
run inspect app.tar
image app oci.tar --form oci-archive --compress zstd --tag v1
run inspect oci.tar
image hostile h.tar
run inspect h.tar
"$PEEL" inspect - <oci.tar
