#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# memcheck.sh PROGRAM...: a unit test under valgrind, for `meson test --wrapper`. ISA-L's assembler reads bytes that it
# does not use, which valgrind takes for reading undefined ones from there on; programs that run it are not asked that.
set -eu
undefined=yes
case $(basename "$1") in
test_codec_gzip | test_codec_source | test_image* | test_index_build | test_index_facts | test_index_reuse*) undefined=no ;;
esac
exec valgrind -q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite \
	--undef-value-errors="$undefined" -- "$@"
