# SPDX-License-Identifier: Apache-2.0
image app app.tar
run which app.tar tool
run which -a app.tar tool
run which app.tar tool tool3 other
run which app.tar notes
run which app.tar nope tool
run which app.tar /sbin/tool usr/bin/tool ./rooted ../usr/bin/other /etc
run which -a app.tar odd rooted
run which app.tar
