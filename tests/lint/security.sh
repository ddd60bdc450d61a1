#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail where the figures in SECURITY.md are not those that the campaigns wrote.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../security/table" --check
