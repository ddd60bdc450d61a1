# SPDX-License-Identifier: Apache-2.0
image app app.tar
run
run --version
run --help
run lss app.tar
run qwertyuiop app.tar
run --no-cach ls app.tar
run ls --no-cach app.tar
run ls --no-cache=1 app.tar
run ls --platform
run ls --spool-limit ten app.tar
run ls --spool-limit 99999999999999999999G app.tar
run --output json ls app.tar
run --no-cache --output json why app.tar /nope
run help nothing
run ls -- app.tar etc
run ls app.tar -- -rf
