"""Servers without a Cozy: one with nginx's own start page alone, and one whose site leads to a program of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.laboratory.hosts.server import DOMAIN, PYTHON, Fault, Server, bare, certificates, listening

PACKAGES = ("nginx-light", "ca-certificates", "openssl")

SITE = f"""\
server {{
    listen 443 ssl;
    server_name {DOMAIN};
    ssl_certificate /etc/cozy-lab/server.crt;
    ssl_certificate_key /etc/cozy-lab/server.key;
    location / {{
        proxy_pass http://127.0.0.1:3000;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
server {{
    listen 80;
    server_name {DOMAIN};
    return 301 https://$host$request_uri;
}}
"""
APP = f"""\
[Unit]
DefaultDependencies=no
[Service]
ExecStart={PYTHON} -m http.server --bind 127.0.0.1 --directory /srv 3000
[Install]
WantedBy=multi-user.target
"""


@contextmanager
def debian() -> Iterator[Server]:
    """A Debian after `apt install nginx`. Raises SceneError."""
    with bare("bare", *PACKAGES) as made:
        made.shell("systemctl -q enable nginx; systemctl start nginx")
        made.until(listening(80), "nginx")
        yield made


@contextmanager
def generic() -> Iterator[Server]:
    """A site of another program. Raises SceneError."""
    with bare("generic", *PACKAGES) as made:
        certificates(made, "/etc/cozy-lab")
        made.machine.write("/etc/nginx/conf.d/app.conf", SITE)
        made.machine.write("/etc/systemd/system/app.service", APP)
        made.shell(
            "rm -f /etc/nginx/sites-enabled/default; systemctl daemon-reload\n"
            "systemctl -q enable nginx app; systemctl start nginx app"
        )
        made.until(listening(443, 3000), "the program")
        yield made


def restore(server: Server) -> None:
    """Everything is started anew."""
    server.shell(
        "systemctl restart nginx; systemctl cat -- app.service >/dev/null 2>&1 && systemctl restart app || true"
    )
    server.until(listening(80), "nginx after its repair")


FAULTS: dict[str, Fault] = {"nothing-here": Fault("true", "true")}
GENERIC: dict[str, Fault] = {"healthy": Fault("true", "true"), "program-away": Fault("systemctl stop app", "true")}
