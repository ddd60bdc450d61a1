# SPDX-License-Identifier: Apache-2.0
# What is no interpreter: modes, capabilities, keys, credentials, archives; and what only looks like them.
python3 "$golden/../lib/mkimage.py" image.tar <<'END'
env DB_PASSWORD=hunter2
layer COPY . /
d tmp mode=1777
d srv/drop mode=777
f srv/open mode=666 data="x"
f usr/bin/su mode=4755 data="\x7fELF su"
f usr/bin/wall mode=2755 data="\x7fELF wall"
f usr/bin/ping mode=755 data="\x7fELF ping" xattr.security.capability=hex:0100000200200000000000000000000000000000
f root/.ssh/key mode=600 data="-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n-----END OPENSSH PRIVATE KEY-----\n"
f etc/ssl/private/x.pem mode=600 data="-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
f usr/share/doc/tls/key.pem data="-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n"
f usr/share/man/ssh.txt data="The file begins with -----BEGIN OPENSSH PRIVATE KEY----- and then\n"
f root/.aws/credentials data="[default]\naws_secret_access_key = x\n"
f root/.aws/config data="[default]\nregion = x\n"
f srv/packed mode=755 data="\x7fELF Info: This file is packed with the UPX executable packer http://upx.sf.net\0"
f srv/setup.run mode=755 data="#!/bin/sh\n# This script was generated using Makeself 2.4.0\n"
f srv/app mode=755 data="\x7fELF \0APPIMAGE_EXTRACT_AND_RUN\0"
f usr/share/mime/magic data="MIME-Magic\0\n[50:application/pgp-keys]\n>0=\0%-----BEGIN PGP PRIVATE KEY BLOCK-----\n"
f srv/backup.tar.gz data="\x1f\x8b\x08\0\0\0\0\0"
f var/cache/apt/archives/x.deb data="!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"
f usr/share/doc/x/changelog.gz data="\x1f\x8b\x08\0\0\0\0\0"
f etc/ssl/certs/ca.pem data="-----BEGIN CERTIFICATE-----\nMIIEvQ\n-----END CERTIFICATE-----\n"
layer RUN rm /root/.ssh/key
w root/.ssh/key
END
run detect image.tar setuid capabilities world-writable secret archive
run detect --runtime --output json=doc.json image.tar secret
grep -c hunter2 doc.json
