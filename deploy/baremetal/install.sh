#!/bin/bash
# Install arkserver on this machine, or upgrade it, and start it. deploy.sh runs this on every machine.
#
#     install.sh server
#     install.sh worker SERVER      # with the server's certificates in /etc/arkserver/tls
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
role=${1:?server or worker}
bin=/opt/arkserver/bin
etc=/etc/arkserver

id arkserver > /dev/null 2>&1 || useradd --system --home-dir /var/lib/arkserver --shell /usr/sbin/nologin arkserver
[ -x $bin/python ] || python3 -m venv /opt/arkserver
$bin/python -m pip install --quiet --upgrade "${PACKAGE:-arkserver-eda[server,tls]}"

mkdir -p $etc
case $role in
server)
    unit=arkserver.service
    [ -d $etc/tls ] || $bin/arkserver certs $etc/tls
    [ -f $etc/server.toml ] || cp "$here/server.toml" $etc/
    ;;
worker)
    unit=arkserver-worker.service
    [ -f $etc/worker.env ] || cat > $etc/worker.env << END
SERVER=tls://${2:?name the server}:8786
NAME=$(hostname -s)
THREADS=$(nproc)
MEMORY=80%
END
    ;;
*)
    echo "install.sh: $role is neither server nor worker" >&2
    exit 2
    ;;
esac
chown -R root:arkserver $etc
chmod -R u=rwX,g=rX,o= $etc

install -D -m 644 "$here/$unit" /etc/systemd/system/$unit
systemctl daemon-reload
systemctl enable $unit
systemctl restart $unit
