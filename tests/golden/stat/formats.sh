# SPDX-License-Identifier: Apache-2.0
image app app.tar
run stat -c '%n %a %A %f %F' app.tar /usr/bin/tool /tmp /dev/null /sbin
run stat -c '%u %U %g %G' app.tar opt/app etc/group dev/sda
run stat -c '%s %b %B %o %h %i' app.tar srv/holes usr/bin/tool
run stat -c '%N' app.tar sbin etc
run stat -c '%t %T %r %Hr %Lr %d %D %m %C' app.tar dev/sda
run stat -c '%x|%y|%z|%w|%X|%Y|%Z|%W' app.tar usr/bin/tool
run stat -c '%.Y %.3Y %020Y %.12X' app.tar usr/bin/tool
run stat -c '[%10s] [%-10s] [%010s] [%+s] [% s] [%.12s] [%#a] [%#f] [%5n] [%-12n] [%.3n]' app.tar opt/app
run stat -c '%% %q %' app.tar opt/app
run stat -c '%99999999999s' --printf '%s\n' app.tar opt/app
run stat --printf '%n\t%s\n\x41\101\q\\' app.tar opt/app
