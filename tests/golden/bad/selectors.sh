# SPDX-License-Identifier: Apache-2.0
image app one.tar --tag app:1
run ls docker-archive:one.tar:app:1 opt
run ls docker-archive:one.tar:app:2
run ls docker-archive:one.tar:@1
run ls docker-archive:one.tar:@0 opt
run ls oci-archive:one.tar
run ls oci:one.tar
run ls --platform linux/arm64 one.tar
run ls --platform linux/amd64 one.tar opt
run ls --platform nonsense one.tar
run ls rootfs:one.tar
