"""A Cozy v3 on Debian: cozy-stack under systemd, CouchDB, nginx and postfix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.laboratory.hosts import real_stack
from scripts.laboratory.hosts.server import DOMAIN, PYTHON, STATE, Fault, Server, listening, prepared
from scripts.laboratory.managers.scene import SceneError

PACKAGES = ("nginx-light", "postfix", "ca-certificates", "openssl")
PORTS = (8080, 6060)

UNIT = """\
[Unit]
Description=Cozy service
DefaultDependencies=no
Wants=couchdb.service
After=couchdb.service
[Service]
User=cozy-stack
Group=cozy
WorkingDirectory=/var/lib/cozy
ExecStart=/usr/bin/cozy-stack serve
Restart=always
[Install]
WantedBy=multi-user.target
"""
"""As cozy's package has it (debian-cozy)."""

SETTINGS = """\
host: 127.0.0.1
port: 8080
admin:
  host: 127.0.0.1
  port: 6060
fs:
  url: file:///var/lib/cozy
vault:
  credentials_encryptor_key: /etc/cozy/vault.enc
  credentials_decryptor_key: /etc/cozy/vault.dec
mail:
  host: localhost
  port: 25
konnectors:
  cmd: /usr/share/cozy/konnector-run.sh
log:
  level: info
  syslog: false
"""
LOCAL = "couchdb:\n  url: http://admin:adminpw@127.0.0.1:5984/\n"

SITE = f"""\
server {{
    listen 443 ssl;
    server_name *.{DOMAIN} {DOMAIN};
    ssl_certificate /etc/cozy/server.crt;
    ssl_certificate_key /etc/cozy/server.key;
    client_max_body_size 1g;
    location / {{
        proxy_pass http://127.0.0.1:8080;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout 600s;
    }}
}}
server {{
    listen 80;
    server_name *.{DOMAIN} {DOMAIN};
    location / {{ return 301 https://$host$request_uri; }}
}}
"""


@contextmanager
def server() -> Iterator[Server]:
    """Raises SceneError."""
    with prepared("v3", *PACKAGES) as made:
        _files(made)
        made.machine.write("/etc/nginx/conf.d/cozy.conf", SITE)
        made.shell(
            "rm -f /etc/nginx/sites-enabled/default; systemctl daemon-reload; systemctl -q enable cozy-stack\n"
            "systemctl start cozy-stack nginx postfix"
        )
        made.until(listening(*PORTS, 443), "cozy-stack")
        yield made


@contextmanager
def real() -> Iterator[Server]:
    """With the real cozy-stack, which does not come up by itself here. Raises SceneError."""
    program = real_stack.program()
    if isinstance(program, str):
        raise SceneError(program)
    with prepared("v3", *PACKAGES) as made:
        _files(made)
        made.machine.write("/etc/nginx/conf.d/cozy.conf", SITE)
        made.shell(
            f"cp {program} /usr/bin/cozy-stack; rm -f /etc/nginx/sites-enabled/default; systemctl daemon-reload\n"
            "systemctl -q enable cozy-stack; systemctl start nginx postfix"
        )
        yield made


def quiet(server: Server) -> None:
    """Nothing is left of the last fault."""
    server.shell(f"systemctl stop cozy-stack; systemctl reset-failed; echo healthy >{STATE}; systemctl restart couchdb")


def restore(server: Server) -> None:
    """Everything is started anew, in its order."""
    server.shell(
        f"echo healthy >{STATE}; systemctl reset-failed; systemctl restart couchdb; rm -rf /var/lib/cozydiag\n"
        "systemctl daemon-reload; systemctl restart cozy-stack nginx"
    )
    server.until(listening(*PORTS, 443, 25), "the Cozy after its repair")


def _files(server: Server) -> None:
    """The stand-in is put where the real program would be."""
    source = Path(__file__).with_name("cozy_stack.py").read_text("utf-8")
    server.machine.write("/usr/bin/cozy-stack", f"#!{PYTHON}\n{source}")
    server.machine.write("/etc/systemd/system/cozy-stack.service", UNIT)
    server.machine.write("/etc/cozy/cozy.yml", SETTINGS)
    server.machine.write("/etc/cozy/cozy.yml.local", LOCAL)
    server.machine.write("/var/lib/lab/instances", f"{DOMAIN}\n")
    server.shell(
        "chmod 755 /usr/bin/cozy-stack; groupadd -r cozy; useradd -r -g cozy -d /var/lib/cozy cozy-stack\n"
        "mkdir -p /var/lib/cozy/dyn-assets /usr/share/cozy; chown -R cozy-stack:cozy /var/lib/cozy\n"
        "cd /etc/cozy; echo 'scrypt$16384$8$1$c2FsdA$aGFzaA' >cozy-admin-passphrase\n"
        "echo lab-passphrase >.cozy-admin-passphrase; echo key >vault.enc; echo key >vault.dec\n"
        "chown cozy-stack cozy.yml cozy.yml.local cozy-admin-passphrase vault.enc vault.dec\n"
        "chmod 600 cozy.yml.local .cozy-admin-passphrase vault.enc vault.dec; chmod 640 cozy-admin-passphrase\n"
        "printf '#!/bin/sh\\n' >/usr/share/cozy/konnector-run.sh; chmod 755 /usr/share/cozy/konnector-run.sh\n"
        "mv /var/lib/lab/instances /var/lib/cozy/"
    )


NGINX = "/etc/nginx/conf.d/cozy.conf"
YML = "/etc/cozy/cozy.yml"
RELOAD = "nginx -s reload; sleep 0.5"
AGAIN = "systemctl restart cozy-stack"


def _site(change: str) -> Fault:
    """An expression of sed on nginx's file, with which it is loaded anew."""
    return Fault(f"cp {NGINX} /root/site; sed -i '{change}' {NGINX}; {RELOAD}", f"cp /root/site {NGINX}")


def _settings(change: str, settled: str = "true", path: str = YML) -> Fault:
    """An expression of sed on its settings, with which it is started anew."""
    return Fault(f"cp -p {path} /root/yml; sed -i '{change}' {path}; {AGAIN}", f"cp -p /root/yml {path}", settled)


def _said(words: str) -> str:
    """Ends well when its journal has these words."""
    return f"journalctl -u cozy-stack -o cat --since -30s | grep -q '{words}'"


def _away(path: str, settled: str) -> Fault:
    return Fault(f"mv {path} /root/away; {AGAIN}", f"mv /root/away {path}", settled)


FAULTS: dict[str, Fault] = {
    "healthy": Fault("true", "true"),
    "healthy-again": Fault("true", "true"),
    "bound-elsewhere": _settings("s/^port: 8080/port: 8081/", listening(8081)),
    "login-wrong": Fault(f"echo wrong-password >{STATE}", "true"),
    "couchdb-away": Fault(
        "cp /etc/init.d/couchdb /root/; sed -i '0,/line=\"/s//line=\"false /' /etc/init.d/couchdb\n"
        f"systemctl restart couchdb; {AGAIN}",
        "cp /root/couchdb /etc/init.d/couchdb", _said("retrying in 1s"),
    ),
    "couchdb-hangs": Fault(f"echo hang >{STATE}", "true"),
    "system-databases-missing": Fault(f"echo no-system-dbs >{STATE}", "true"),
    "passphrase-missing": _away("/etc/cozy/cozy-admin-passphrase", _said("Could not find config file")),
    "passphrase-closed": Fault(
        f"chown root:root /etc/cozy/cozy-admin-passphrase; {AGAIN}",
        "chown cozy-stack /etc/cozy/cozy-admin-passphrase",
        _said("permission denied"),
    ),
    "vault-closed": Fault(
        f"chown root /etc/cozy/vault.dec; {AGAIN}", "chown cozy-stack /etc/cozy/vault.dec", _said("setup the keyring")
    ),
    "configuration-broken": _settings("s/^host: .*/host 127.0.0.1/", _said("Unable to read the config")),
    "host-lost": _site("s/proxy_set_header Host .*;/proxy_set_header Host $proxy_host;/"),
    "instance-elsewhere": Fault(
        f"echo {DOMAIN}:8081 >>/var/lib/cozy/instances", f"echo {DOMAIN} >/var/lib/cozy/instances"
    ),
    "instance-missing": Fault("truncate -s 0 /var/lib/cozy/instances", f"echo {DOMAIN} >/var/lib/cozy/instances"),
    "subdomains-without-address": Fault(
        f"cp /etc/hosts /root/hosts; sed -i 's/home.{DOMAIN}.*//' /etc/hosts", "cat /root/hosts >/etc/hosts"
    ),
    "apps-not-served": _site(
        f"s/server_name .*/server_name {DOMAIN};/; 1i server {{ listen 443 ssl default_server; ssl_certificate "
        "/etc/cozy/server.crt; ssl_certificate_key /etc/cozy/server.key; return 404; }"
    ),
    "no-websocket": _site("/Upgrade/d; /Connection/d; /http_version/d"),
    "konnectors-missing": Fault("mv /usr/share/cozy /root/", "mv /root/cozy /usr/share/"),
    "smtps-without-tls": _settings("s/port: 25/port: 465/; s/host: localhost/host: smtp.example.org/", listening(8080)),
    "certificate-without-apps": Fault(
        "cp /etc/cozy/server.crt /etc/cozy/server.key /root/; cp /etc/cozy/alone.crt /etc/cozy/server.crt\n"
        f"cp /etc/cozy/alone.key /etc/cozy/server.key; {RELOAD}",
        "cp /root/server.crt /root/server.key /etc/cozy/",
    ),
    "plain-on-443": _site("s/listen 443 ssl;/listen 443;/; /ssl_certificate/d"),
    "redis-away": Fault("touch /var/lib/cozy/no-redis", "rm /var/lib/cozy/no-redis"),
    "port-taken": Fault(
        "systemctl stop cozy-stack; systemd-run --quiet --unit=lab-taker -p DefaultDependencies=no "
        f"{PYTHON} -m http.server 8080\nsleep 1; systemctl start cozy-stack",
        "systemctl stop lab-taker", _said("address already in use"),
    ),
    "storage-lost": Fault("mv /var/lib/cozy/dyn-assets /root/", "mv /root/dyn-assets /var/lib/cozy/"),
    "stack-stopped": Fault("systemctl stop cozy-stack", "true"),
    "no-mail": Fault("systemctl stop postfix@-", "systemctl start postfix@-"),
}  # fmt: skip
