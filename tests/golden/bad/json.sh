# SPDX-License-Identifier: Apache-2.0
image app docker.tar
image app oci.tar --form oci-archive
for what in 'docker text:manifest.json:{' 'docker text:manifest.json:{}' 'docker text:manifest.json:[]' \
	'docker text:manifest.json:[1]' 'docker text:manifest.json:[{"Config":"../x","Layers":[]}]' 'docker cut:config:100' \
	'docker drop:config' 'docker text:config:[]' 'oci text:index.json:[]' 'oci text:index.json:{"schemaVersion":2,"manifests":[]}' \
	'oci flip:manifest:10' 'oci drop:manifest' 'oci flip:config:10' 'oci drop:config' 'oci drop:oci-layout' \
	'docker sub:manifest.json:"Layers"=>"layers":[],"Layers"' 'docker sub:config:"diff_ids":[=>"diff_ids":["x",'; do
	echo "-- $what"
	damage "${what%% *}.tar" t "${what#* }"
	run ls t
done
