# SPDX-License-Identifier: Apache-2.0
# Exceptions have a reason and an end; one that is over is none. A file is allowed by all of its names or not at all.
image app app.tar
cat >policy.yaml <<'END'
version: 1
forbid:
  - detect: setuid
  - {name: no tools, path: '**/tool*'}
  - path: /etc/passwd
  - detect: {setuid: {allow: [/bin/tool, /bin/tool2]}}
allow:
  - {rule: 'forbid[0]', paths: [/usr/bin/tool], reason: 'one of its names only'}
  - {rule: no tools, paths: ['/bin/*'], reason: 'they are meant to be there', until: 2399-02-28}
  - {rule: PEEL1001, paths: /etc/passwd, reason: 'a system has users'}
END
export SOURCE_DATE_EPOCH=13542681599 # the last second of that day
run check -c policy.yaml app.tar
export SOURCE_DATE_EPOCH=13542681600
run check -c policy.yaml app.tar
export SOURCE_DATE_EPOCH=0 # builds set it to the day of their sources: what is over stays over
sed -i s/2399/2001/ policy.yaml
run check -c policy.yaml app.tar
