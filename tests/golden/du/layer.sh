# SPDX-License-Identifier: Apache-2.0
# A layer as stored: what the merged tree lost, and the names of whiteouts.
image app app.tar
run du -ah --layer 0 app.tar srv
run du -a --layer 1 app.tar
run du --layer 3 app.tar
