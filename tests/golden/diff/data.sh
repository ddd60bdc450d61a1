# SPDX-License-Identifier: Apache-2.0
image app a.tar
image hostile h.tar
run diff --output json a.tar h.tar
run diff --output json --by layer a.tar h.tar
run diff --output csv --by folder h.tar a.tar
run diff h.tar a.tar
run diff --output markdown h.tar a.tar
run diff --output csv --by layer a.tar h.tar
