# SPDX-License-Identifier: Apache-2.0
# Every fact of a configuration, and what must not pass raw.
image app app.tar
damage app.tar full.tar 'sub:config:"config":{=>"author":"A \u001b[31m","config":{"User":"1000:50","WorkingDir":"/srv","Entrypoint":["/bin/tool","a b"],"Cmd":["-x"],"StopSignal":"SIGINT","ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{}},"Labels":{"b":"2","a":"1\n"},"Healthcheck":{"Test":["CMD","true"]},'
run inspect full.tar
run inspect --output json full.tar
