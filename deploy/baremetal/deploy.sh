#!/bin/bash
# arkserver on a few machines: the server on the first, a worker on each of the others.
#
#     ./deploy.sh server.lab worker1.lab worker2.lab
#
# Needs ssh as root to all of them, and Python 3.11 there. Run it again to upgrade; settings that are there are kept.
# SSH is the command to reach a machine with, PACKAGE what pip installs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
server=${1:?name the machine of the server, then those of the workers}
shift
ssh=${SSH:-ssh}
setup=/opt/arkserver-setup

send() {
    tar -c -C "$here" install.sh arkserver.service arkserver-worker.service server.toml |
        $ssh "$1" "mkdir -p $setup && tar -x -C $setup"
}

send "$server"
$ssh "$server" "PACKAGE='${PACKAGE:-}' $setup/install.sh server"
for worker in "$@"; do
    send "$worker"
    # All members of the cluster hold the same certificate and key.
    $ssh "$server" "tar -c -C /etc/arkserver tls" | $ssh "$worker" "mkdir -p /etc/arkserver && tar -x -C /etc/arkserver"
    $ssh "$worker" "PACKAGE='${PACKAGE:-}' $setup/install.sh worker $server"
done
