# SPDX-License-Identifier: Apache-2.0
image app app.tar
run cat app.tar /etc/passwd opt/app
run cat app.tar sbin/tool
run cat --layer 0 app.tar etc/group
filter=sha256sum run cat app.tar srv/holes
filter=sha256sum run cat --layer 0 app.tar srv/big
for form in oci-archive oci rootfs; do
	[ $form = rootfs ] || image app a.$form --form $form --compress gzip
	[ $form = rootfs ] || filter=sha256sum run cat --layer 0 a.$form srv/big
done
image app z.tar --form oci-archive --compress zstd --outer gzip
filter=sha256sum run cat --layer 0 z.tar srv/big
