# SPDX-License-Identifier: Apache-2.0
image dpkg image.tar
run packages
run packages --db deb image.tar
run packages --sort age image.tar
run packages --unowned=x image.tar
run packages --unowned=65 image.tar
run packages --owner / --files x image.tar
run packages --owner x --unowned image.tar
run packages none.tar
run packages --output xml image.tar
