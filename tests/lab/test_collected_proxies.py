"""`collect-script` beside the real Apache, Caddy and HAProxy, stopped, misspelt, or with a certificate that has ended:
they are asked for what they make of their configuration, and write nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cozydiag.collected.script import script
from scripts.laboratory.proxies import packages
from tests.e2e.room import Room, why_none
from tests.e2e.test_collected_room import APP, RECORDED, SHELL, causes, made_by_actors, read, seen

NONE = why_none()
pytestmark = pytest.mark.skipif(bool(NONE), reason=f"no namespaces here: {NONE}")

MODULES = ("mpm_event", "authz_core", "info", "proxy", "proxy_http", "ssl", "socache_shmcb")
APACHE = """{modules}
PidFile ${{APACHE_PID_FILE}}
ErrorLog /var/log/apache2/error.log
Listen 80
Listen 443
<VirtualHost *:443>
ServerName app.room.example
SSLEngine on
SSLCertificateFile /etc/both.pem
{mistake}ProxyPass / http://127.0.0.1:3000/
</VirtualHost>
"""
CADDY = """app.room.example {{
tls /etc/both.pem /etc/both.pem
{mistake}reverse_proxy 127.0.0.1:3000
}}
"""
HAPROXY = """defaults
mode http
timeout connect 1s
timeout client 1s
timeout server 1s
frontend f
bind *:80
bind *:443 ssl crt /etc/both.pem
{mistake}use_backend b if {{ hdr(host) -i app.room.example }}
backend b
server s 127.0.0.1:3000
"""
FILES = {
    "apache": ("/etc/apache2/apache2.conf", APACHE),
    "caddy": ("/etc/caddy/Caddyfile", CADDY),
    "haproxy": ("/etc/haproxy/haproxy.cfg", HAPROXY),
}


def room_of(proxy: str, mistake: str, folder: Path) -> Room:
    """The proxy's program with its libraries, and its configuration at its usual place."""
    program = packages.folder() / packages.PROGRAMS[proxy]
    if not program.exists():
        pytest.skip(f"{proxy} was not fetched: scripts/lab --only proxies does so")
    room = Room(folder)
    libraries = packages.environment()["LD_LIBRARY_PATH"]
    room.program(program.name, f'LD_LIBRARY_PATH={libraries} exec {program} "$@"')
    pair = "".join((RECORDED / "certificates" / name).read_text() for name in ("expired.crt", "cozy.key"))
    room.write("/etc/both.pem", pair)
    modules = packages.folder() / "usr" / "lib" / "apache2" / "modules"
    load = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in MODULES)
    path, text = FILES[proxy]
    room.write(path, text.format(modules=load, mistake=mistake))
    if proxy == "apache":
        room.write("/etc/apache2/envvars", "export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\n")
        room.write("/var/log/apache2/error.log", "")
    room.roles.append(APP)
    return room


def named(room: Room) -> set[str]:
    """Its causes; nothing of the room was written."""
    before = seen(room.root)
    text = room.collect(SHELL, script())
    assert seen(room.root).items() - before.items() <= made_by_actors(room)
    assert b"PRIVATE KEY" not in text
    return causes(read(text))


@pytest.mark.parametrize("proxy", FILES)
def test_one_that_is_stopped(proxy: str, tmp_path: Path) -> None:
    assert named(room_of(proxy, "", tmp_path / "room")) == {"service.down"}


@pytest.mark.parametrize("proxy", FILES)
def test_one_that_cannot_read_its_file(proxy: str, tmp_path: Path) -> None:
    assert named(room_of(proxy, "misspelt word\n", tmp_path / "room")) == {"proxy.config"}


@pytest.mark.parametrize("proxy", FILES)
def test_a_certificate_that_has_ended(proxy: str, tmp_path: Path) -> None:
    room = room_of(proxy, "", tmp_path / "room")
    name = (packages.folder() / packages.PROGRAMS[proxy]).name
    role: dict[str, Any] = {"name": name, "ports": [80, 443], "tls": ["/etc/both.pem", "/etc/both.pem"], "worker": True}
    room.roles.append(role)
    assert named(room) == {"certificate.expired"}
