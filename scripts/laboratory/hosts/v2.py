"""A Cozy v2 on Debian with three apps, CouchDB under its init script, supervisord, nginx and postfix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.laboratory.hosts.server import DOMAIN, PYTHON, STATE, Fault, Server, listening, prepared
from scripts.laboratory.managers.machine import ROOT

PACKAGES = ("nginx-light", "postfix", "supervisor", "ca-certificates", "openssl")
APPS = "/usr/local/cozy/apps"
ROWS = [
    {"name": "calendar", "slug": "calendar", "state": "installed", "port": 9120, "version": "2.0.1"},
    {"name": "files", "slug": "files", "state": "stopped", "port": 0, "version": "1.2.12"},
    {"name": "import-from-google", "slug": "import-from-google", "state": "installed", "port": 0, "type": "static"},
]
PORTS = (9002, 9101, 9103, 9104, 9120)

PROGRAM = f"""\
[program:cozy-controller]
autorestart=true
autostart=true
command=/usr/local/bin/cozy-controller
environment=NODE_ENV=production,PYTHONPATH={ROOT}
redirect_stderr=true
user=root
priority=11
"""
"""As cozy-debian writes it."""

SITE = f"""\
server {{
    listen 443 ssl;
    server_name {DOMAIN};
    ssl_certificate /etc/cozy/server.crt;
    ssl_certificate_key /etc/cozy/server.key;
    client_max_body_size 1024M;
    location / {{
        proxy_pass http://127.0.0.1:UPSTREAM;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_read_timeout 600s;
        proxy_redirect http:// https://;
    }}
}}
server {{
    listen 80;
    server_name {DOMAIN};
    location / {{ return 301 https://$host$request_uri; }}
}}
"""


@contextmanager
def server() -> Iterator[Server]:
    """Raises SceneError."""
    with prepared("v2", *PACKAGES) as made:
        _files(made)
        _programs(made)
        made.machine.write("/etc/nginx/conf.d/cozy.conf", SITE.replace("UPSTREAM", "9104"))
        made.shell(
            "rm -f /etc/nginx/sites-enabled/default; systemctl -q enable nginx supervisor\n"
            "systemctl start supervisor nginx postfix"
        )
        made.until(listening(*PORTS, 443), "the parts of the Cozy")
        yield made


def restore(server: Server) -> None:
    """Everything is started anew, in its order."""
    server.shell(
        f"echo healthy >{STATE}; systemctl reset-failed; systemctl restart couchdb; rm -rf /var/lib/cozydiag\n"
        "truncate -s 0 /var/log/supervisor/supervisord.log\n"
        "supervisorctl stop all; supervisorctl update; supervisorctl start all; systemctl restart nginx"
    )
    server.until(listening(*PORTS, 443, 25), "the Cozy after its repair")


def _files(server: Server) -> None:
    server.shell(
        "for name in cozy cozy-data-system cozy-home; do useradd -r $name; done\n"
        f"mkdir -p {APPS} /usr/local/var/log/cozy /usr/local/var/cozy\n"
        "printf 'admin\\nadminpw\\n' >/etc/cozy/couchdb.login; echo '{}' >/etc/cozy/controller.json\n"
        "chown cozy-data-system /etc/cozy/couchdb.login; chmod 640 /etc/cozy/couchdb.login"
    )
    server.machine.write(f"{APPS}/lab.json", json.dumps(ROWS))
    server.machine.write("/etc/supervisor/conf.d/cozy-controller.conf", PROGRAM)


def _programs(server: Server) -> None:
    """node is Python; only what it says of its version is node's."""
    server.shell(
        f"mkdir -p /usr/local/lib/node; ln -s {PYTHON} /usr/local/lib/node/node\n"
        'printf \'#!/bin/sh\\n[ "$1" = --version ] && echo v4.9.1 && exit\\n'
        'exec /usr/local/lib/node/node "$@"\\n\' >/usr/local/bin/node; chmod 755 /usr/local/bin/node'
    )
    for part, module in (("data-system", "data_system"), ("home", "home"), ("proxy", "proxy")):
        folder = f"{APPS}/{part}/node_modules/cozy-{part}"
        own = f"module.ROWS['/request/application/all/'] = json.load(open('{APPS}/lab.json'))" if part[0] == "d" else ""
        line = f"import json\nfrom cozydiag.sandbox.programs import {module} as module\n{own}\nmodule.main()"
        server.python(f"{folder}/build/server.js", line)
        package = {"name": f"cozy-{part}", "engines": {"node": ">=0.10.0 <5.0.0"}}
        server.machine.write(f"{folder}/package.json", json.dumps(package))
    answer = "wire.serve('app', int(sys.argv[1]), lambda request: wire.Reply(200, '<title>app</title>', 'text/html'))"
    server.python(f"{APPS}/calendar/server.js", f"from cozydiag.sandbox.programs import wire\n{answer}")
    line = "from scripts.laboratory.hosts import controller\ncontroller.main()"
    server.python("/usr/local/lib/node/cozy-controller.js", line)
    server.machine.write(
        "/usr/local/bin/cozy-controller", "#!/bin/sh\nexec node /usr/local/lib/node/cozy-controller.js\n"
    )
    server.shell("chmod 755 /usr/local/bin/cozy-controller")
    server.machine.write("/root/pile.py", PILE)


RESTART = "supervisorctl restart cozy-controller >/dev/null"
LOGS = "/usr/local/var/log/cozy"
NGINX = "/etc/nginx/conf.d/cozy.conf"
RELOAD = "nginx -s reload; sleep 0.5"


def _site(change: str) -> Fault:
    """An expression of sed on nginx's file, with which it is loaded anew."""
    return Fault(f"cp {NGINX} /root/site; sed -i '{change}' {NGINX}; {RELOAD}", f"cp /root/site {NGINX}")


def _app(state: str, port: int, log: str, **more: str) -> Fault:
    """What home says of the calendar, and the last line of its log."""
    rows = json.dumps([{**ROWS[0], "state": state, "port": port, **more}, *ROWS[1:]])
    return Fault(
        f"cp {APPS}/lab.json /root/apps; printf %s '{rows}' >{APPS}/lab.json; {RESTART}\n"
        f"echo '{log}' >>{LOGS}/calendar.log",
        f"cp /root/apps {APPS}/lab.json; rm {LOGS}/calendar.log",
        listening(9002, 9103),
    )


def _dead(part: str, folder: str, log: str = "") -> Fault:
    """A part or an app that does not come back: its file is gone, and its log says what it said last."""
    return Fault(
        f"mv {folder} {folder}.away; pkill -KILL -f {folder[:-1]}[{folder[-1]}]/; sleep 2\n"
        f"echo '{log}' >>{LOGS}/{part}.log",
        f"mv {folder}.away {folder}; rm {LOGS}/{part}.log",
    )


DUPLICATE = "systemd-run --quiet --unit=lab-second -p DefaultDependencies=no /usr/local/lib/node/node"
PILE = """\
import socket, time
server = socket.create_server(("127.0.0.1", 9121), backlog=64)
for _ in range(20):
    client = socket.create_connection(("127.0.0.1", 9121)); server.accept()[0].close()
    globals().setdefault("pile", []).append(client)
time.sleep(1000)
"""
"""Twenty connections to an app that their other side has closed."""

FAULTS: dict[str, Fault] = {
    "healthy": Fault("true", "true"),
    "healthy-again": Fault("true", "true"),
    "nginx-stopped": Fault("systemctl stop nginx", "true"),
    "controller-stopped": Fault("supervisorctl stop cozy-controller", "true"),
    "disk-full": Fault(
        f"mount -t tmpfs -o size=8m tmpfs /var/lib/couchdb; head -c 8m /dev/zero >/var/lib/couchdb/cozy.couch || true\n"
        f"echo hang >{STATE}",
        "umount /var/lib/couchdb",
    ),
    "password-mismatch": Fault(
        f"echo wrong-password >{STATE}; {RESTART}",
        "true",
        f"grep -q 'is incorrect' {LOGS}/data-system.log && {listening(9002)}",
    ),
    "login-unreadable": Fault(
        f"chown root:root /etc/cozy/couchdb.login; {RESTART}",
        "chown cozy-data-system /etc/cozy/couchdb.login",
        f"grep -q 'No CouchDB credentials' {LOGS}/data-system.log && {listening(9002)}",
    ),
    "database-missing": Fault(f"echo database-missing >{STATE}; {RESTART}", "true", listening(9002)),
    "data-closed": Fault(
        "cp /etc/init.d/couchdb /root/; sed -i '0,/line=\"/s//line=\"false /' /etc/init.d/couchdb\n"
        "systemctl restart couchdb\n"
        "echo '[error] [<0.129.0>] Could not open file /var/lib/couchdb/_users.couch: "
        "permission denied' >>/var/log/couchdb/couch.log; chmod 0 /var/lib/couchdb",
        "cp /root/couchdb /etc/init.d/couchdb; rm /var/log/couchdb/couch.log; chmod 755 /var/lib/couchdb",
    ),
    "certificate-missing": Fault(
        "mv /etc/cozy/server.crt /root/; systemctl restart nginx || true", "mv /root/server.crt /etc/cozy/"
    ),
    "program-fatal": Fault(
        "cp /usr/local/bin/cozy-controller /root/; echo 'exit 127' >/usr/local/bin/cozy-controller\n"
        "supervisorctl restart cozy-controller || true",
        "cat /root/cozy-controller >/usr/local/bin/cozy-controller",
        "supervisorctl status cozy-controller | grep -q FATAL",
    ),
    "node-version": Fault(
        "sed -i s/v4.9.1/v12.22.9/ /usr/local/bin/node",
        "sed -i s/v12.22.9/v4.9.1/ /usr/local/bin/node",
    ),
    "app-without-modules": _app("broken", 0, "Error: Cannot find module americano"),
    "app-without-memory": _app("broken", 0, "", errormsg="Not enough Memory"),
    "app-dead": _dead("calendar", f"{APPS}/calendar"),
    "connections-pile-up": Fault(
        "systemd-run --quiet --unit=lab-pile -p DefaultDependencies=no /usr/local/lib/node/node /root/pile.py",
        "systemctl stop lab-pile",
        listening(9121),
    ),
    "part-twice": Fault(
        f"{DUPLICATE} {APPS}/home/node_modules/cozy-home/build/server.js --port=9199 --data-system=9101",
        "systemctl stop lab-second",
        listening(9199),
    ),
    "token-stale": Fault("sleep 3; touch /etc/cozy/stack.token", "true"),
    "no-websocket": _site("/Upgrade/d; /Connection/d; /http_version/d"),
    "small-uploads": _site("/client_max_body_size/d"),
    "challenge-redirected": Fault(
        "mkdir -p /etc/letsencrypt/renewal; echo 'authenticator = webroot' >/etc/letsencrypt/renewal/cozy.test.conf",
        "rm -r /etc/letsencrypt",
    ),
    "no-mail": Fault("systemctl stop postfix@-", "systemctl start postfix@-"),
    "self-signed": Fault(
        "cd /etc/cozy; cp server.crt server.key /root/; openssl req -x509 -newkey rsa:2048 -nodes -days 99 "
        f"-subj /CN={DOMAIN} -addext subjectAltName=DNS:{DOMAIN} -keyout server.key -out server.crt 2>/dev/null\n"
        f"{RELOAD}",
        "cp /root/server.crt /root/server.key /etc/cozy/",
    ),
    "data-system-down": _dead("data-system", f"{APPS}/data-system"),
    "packages-half": Fault(
        "cd /var/lib/dpkg; cp status /root/\n"
        "sed -i '/^Package: nginx-light$/,/^Status/s/ok installed/ok half-configured/' status",
        "cp /root/status /var/lib/dpkg/status",
    ),
}
