# SPDX-License-Identifier: Apache-2.0
# What can be read is searched; the status says that it is not all.
image app app.tar
damage app.tar cut.tar cut:layer1:600
run find cut.tar -name '*tool*'
run find cut.tar /nowhere -name '*tool*'
