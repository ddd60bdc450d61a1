# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What fails before there is a mount: 125, as for every wrapper of a command.
image app app.tar
run run
run run app.tar
run run app.tar --
run run --nonsense app.tar -- true
run run -o nonsense app.tar -- true
run run -o view=sideways app.tar true
run run ./nothing.tar -- true
run run $'no\e[31mthing.tar' -- true
damage app.tar drop.tar drop:layer1
run run drop.tar -- true
PEEL_CACHE_LIMIT=much run run app.tar -- true
run run --help | head -n 4
