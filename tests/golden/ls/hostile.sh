# SPDX-License-Identifier: Apache-2.0
image hostile h.tar
run ls h.tar
run ls -l h.tar
filter='cat -v' run ls -0 h.tar
