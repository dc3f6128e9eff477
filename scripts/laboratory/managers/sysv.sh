#!/bin/sh
# Init scripts as they are without systemd: in namespaces where /run is empty. Prints what cozydiag says after each step.
set -u
mount -t tmpfs tmpfs /run
say() {
    echo "== $1"
    "$PYTHON" -m cozydiag services --format json
}
say installed
/etc/init.d/nginx start >/dev/null 2>&1
/etc/init.d/supervisor start >/dev/null 2>&1
sleep 1
say started
/etc/init.d/nginx stop >/dev/null 2>&1
sleep 0.5
say stopped
/etc/init.d/nginx start >/dev/null 2>&1
sleep 0.5
kill -KILL "$(cat /run/nginx.pid)"
sleep 0.5
say killed
pkill -KILL nginx
sleep 0.5
echo $$ >/run/nginx.pid
say stale
rm -f /run/nginx.pid
echo "== act"
"$PYTHON" -m cozydiag services restart sysv:nginx --yes
echo "code $?"
/etc/init.d/nginx stop >/dev/null 2>&1
/etc/init.d/supervisor stop >/dev/null 2>&1
