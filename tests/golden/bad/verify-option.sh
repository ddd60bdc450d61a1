# SPDX-License-Identifier: Apache-2.0
# A plain layer is not hashed unless --verify asks.
image app app.tar
damage app.tar flip.tar flip:layer1:1024
run ls flip.tar etc
run ls --verify flip.tar etc
run cat --verify flip.tar etc/passwd
