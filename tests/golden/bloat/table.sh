# SPDX-License-Identifier: Apache-2.0
image app a.tar
image hostile h.tar
run bloat a.tar
run bloat --by category --output csv a.tar
run bloat --category unowned h.tar
run bloat --output markdown a.tar
run bloat --output json a.tar
run bloat --by advice --top 1 a.tar
run bloat --by size a.tar
run bloat --by advice --output csv a.tar
run bloat --category nothing a.tar
run bloat
image app gz.tar --form oci-archive --compress gzip
damage gz.tar drop.tar drop:layer1
run bloat --by group drop.tar
