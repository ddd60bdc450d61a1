#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh NAME IN OUT: write a text file as a C string constant, a line a line.
set -eu
{
	printf '/* Made from %s by embed.sh. */\n' "$(basename "$2")"
	printf 'static const char %s[] =' "$1"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/\n\t"&\\n"/' "$2"
	printf ';\n'
} >"$3"
