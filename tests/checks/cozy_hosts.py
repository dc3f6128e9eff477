"""Whole servers as tables: a Cozy v2, a cozy-stack, a server of other programs, a bare Debian, and nothing at all.

nginx's configuration is a true file: its parser reads no tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cozydiag.config import Config
from cozydiag.config.schema import build
from cozydiag.config.values import Proxy
from cozydiag.engine import registry
from cozydiag.engine.diagnosis import Diagnosis, verdict
from cozydiag.engine.run import Run
from cozydiag.host import Answer, Disk, Failure, Memory, Process
from cozydiag.host.commands import Completed
from cozydiag.host.smtp import Greeted
from cozydiag.model import Result, Status
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, FakeSupervisord, Machine, Request, Served, answer, process_info, recorded

RECORDINGS: Final = Path(__file__).parents[1] / "recordings"
NOW: Final = 1_795_248_737.0
HOUR_AGO: Final = NOW - 3600
GIB: Final = 1 << 30

NGINX: Final = (
    Process(700, 1, "S", "nginx", HOUR_AGO, ("nginx: master process /usr/sbin/nginx",), 0),
    Process(701, 700, "S", "nginx", HOUR_AGO, ("nginx: worker process",), 33),
)
NAMES: Final = (
    "app.example", "alice.example", *(f"{app}.alice.example" for app in ("home", "drive", "settings", "store")),
)  # fmt: skip
DEBIAN: Final = b'NAME="Debian GNU/Linux"\nVERSION_ID="12"\n'

MAIN: Final = "events {{}}\nhttp {{\n{sites}\n}}\n"
SITE: Final = """server {{ listen 80; server_name {names};
  location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Host $host; client_max_body_size 1g;
    proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
    proxy_set_header X-Forwarded-Proto $scheme; }} }}"""
DEFAULT: Final = """server { listen 80 default_server; listen [::]:80 default_server; root /var/www/html;
  index index.html; server_name _; location / { try_files $uri $uri/ =404; } }"""


def config(folder: Path, *sites: str) -> Config:
    """The defaults, with an nginx of these sites."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "nginx.conf"
    conf.write_text(MAIN.format(sites="\n".join(sites)))
    return build(None, {})._replace(proxy=Proxy(conf=str(conf)))


def machine(**parts: Any) -> Machine:
    """A Debian with nginx and nothing else; ``parts`` are laid over its tables."""
    usual: dict[str, Any] = {
        "files": {"/etc/os-release": DEBIAN, "/run/nginx.pid": b"700\n", "/etc/nginx/nginx.conf": b""},
        "web": {"127.0.0.1:80": answer(200, "<h1>Welcome to nginx!</h1>", Content_Type="text/html")},
        "listening": {80: 700},
        "processes": NGINX,
        "names": dict.fromkeys(NAMES, ("127.0.0.1",)),
        "disks": {"/": Disk("/", 40 * GIB, 10 * GIB, 30 * GIB, 10**6, 9 * 10**5, read_only=False, device=1, mount="/")},
        "memory": Memory(2 * GIB, GIB, 0, 0),
        "mail": {"localhost:25": Greeted(250, "220 vm ESMTP Postfix (Debian/GNU)", ("PIPELINING",))},
    }
    for name, value in parts.items():
        before = usual.get(name)
        if isinstance(before, dict):
            usual[name] = {**before, **value}
        else:
            usual[name] = (*before, *value) if isinstance(before, tuple) else value
    return Machine(**usual)


def node(pid: int, part: str, parent: int = 600) -> Process:
    words = ("node", f"/usr/local/cozy/apps/{part}/node_modules/cozy-{part}/build/server.js")
    return Process(pid, parent, "S", "node", HOUR_AGO + 60, words, 107)


APPS: Final = [
    {"slug": "calendar", "state": "stopped", "port": 0},
    {"slug": "files", "state": "installed", "port": 9120},
    {"slug": "import-from-google", "state": "installed", "type": "static", "port": 0},
    {"slug": "contacts", "state": "installed", "port": 9123},
]


def home_lists(*rows: Mapping[str, Any]) -> Answer:
    return answer(200, json.dumps({"rows": list(rows)}))


def couchdb(request: Request) -> Answer | Failure:
    """One that has both the database of v2 and those of v3."""
    if request.target.startswith("/global%2Finstances"):
        rows = [{"doc": {"_id": "1", "domain": "alice.example"}}]
        return answer(200, json.dumps({"db_name": "global/instances", "rows": rows}), Server="CouchDB/3.5.0")
    folder = "healthy-user" if request.header("Authorization") else "healthy-anon"
    names = {"/": "root", "/_up": "up", "/_session": "session", "/cozy": "db", "/_users": "db_users"}
    return recorded(str(RECORDINGS / f"couchdb/{folder}/{names.get(request.target, 'db_missing')}.http"))


def monitor(name: str) -> Completed:
    output = (RECORDINGS / f"cozy/monitor/{name}.txt").read_bytes()
    return Completed(0, output, b"")


def v2(**changes: Any) -> Machine:
    """A Cozy v2 on Debian: supervisord runs the controller, SysV CouchDB, four apps, cozy-monitor is installed."""
    web: dict[str, Served] = {
        "127.0.0.1:5984": couchdb,
        "127.0.0.1:9002/": answer(200, "Cozy Controller version 2.5.10"),
        "127.0.0.1:9101/": answer(200, "<strong>Cozy Data System</strong><br /> tag: 2.5.14"),
        "127.0.0.1:9103/api/applications/": home_lists(*APPS),
        "127.0.0.1:9104/status": recorded(str(RECORDINGS / "cozy/proxy-status.http")),
        "127.0.0.1:9120": answer(200, "files"),
        "127.0.0.1:9123": answer(302, Location="/login"),
        "127.0.0.1:80": recorded(str(RECORDINGS / "cozy/proxy-root.http")),
        **changes.pop("web", {}),
    }
    files = {
        "/etc/cozy/couchdb.login": b"app\napppw\n",
        "/etc/cozy/stack.token": b"x" * 32,
        "/etc/init.d/couchdb": b"#!/bin/sh\n",
        "/run/couchdb/couchdb.pid": b"500\n",
        "/usr/sbin/postfix": b"",
        "/etc/postfix/main.cf": b"myhostname = vm\n",
        "/usr/bin/cozy-monitor": b"",
        "/usr/local/bin/cozy-controller": b"",
        "/run/supervisor.sock": b"",
        "/etc/supervisor/supervisord.conf": b"",
        "/etc/passwd": b"root:x:0:0::/root:/bin/sh\ncozy-data-system:x:107:107::/nonexistent:/bin/false\n",
        "/proc/net/tcp": b"  sl  local_address rem_address   st\n",
        **changes.pop("files", {}),
    }
    modes = {"/etc/cozy/couchdb.login": (0o640, 107, 0.0), "/etc/cozy/stack.token": (0o600, 0, HOUR_AGO + 30)}
    processes = (
        Process(500, 1, "S", "beam.smp", HOUR_AGO, ("beam.smp", "couchdb"), 106),
        Process(4999, 1, "S", "supervisord", HOUR_AGO, ("python", "/usr/bin/supervisord"), 0),
        Process(600, 4999, "S", "node", HOUR_AGO, ("node", "/usr/local/bin/cozy-controller"), 0),
        node(601, "data-system"), node(602, "home"), node(603, "proxy"), node(620, "files"), node(623, "contacts"),
    )  # fmt: skip
    usual = {
        "web": web,
        "files": files,
        "modes": {**modes, **changes.pop("modes", {})},
        "sockets": {"/run/supervisor.sock": FakeSupervisord([process_info("cozy-controller", pid=600)])},
        "listening": {5984: 500, 9002: 600, 9101: 601, 9103: 602, 9104: 603, 9120: 620, 9123: 623},
        "processes": processes,
        "commands": {
            "cozy-monitor": monitor("up.status-raw"),
            "node": Completed(0, b"v4.9.1\n", b""),
            **changes.pop("commands", {}),
        },
    }
    return machine(**{**usual, **changes})


UNIT: Final = b"""[Unit]
After=couchdb.service
[Service]
User=cozy-stack
WorkingDirectory=/var/lib/cozy
ExecStart=/usr/bin/cozy-stack serve
Restart=always
"""
YML: Final = b"""host: localhost
port: 8080
admin:
  host: localhost
  port: 6060
  secret_filename: cozy-admin-passphrase
couchdb:
  url: http://localhost:5984/
fs:
  url: file:///var/lib/cozy
vault:
  credentials_encryptor_key: /etc/cozy/vault.enc
  credentials_decryptor_key: /etc/cozy/vault.dec
konnectors:
  cmd: /usr/share/cozy/konnector-run.sh
mail:
  from: "{{.Env.MAIL_FROM}}"
"""
LOCAL: Final = b"couchdb:\n  url: http://app:apppw@127.0.0.1:5984/\n"
HEALTHY: Final = (
    '{"cache":"healthy","couchdb":"healthy","fs":"healthy","latency":{"cache":"0s","couchdb":"818.666\u00b5s",'
    '"fs":"4.446\u00b5s"},"message":"OK","status":"OK"}'
)


def cozy_stack(request: Request) -> Answer:
    """By the Host header alone, as cozy-stack does (`web/routing.go`)."""
    if request.target == "/status":
        return answer(200, HEALTHY)
    if request.target == "/version":
        return answer(200, '{"build_mode":"production","runtime_version":"go1.21.3","version":"2:1.6.13"}')
    if request.header("Host").partition(":")[0] == "alice.example":
        return answer(303, Location="https://alice.example/auth/login")
    return answer(404, "Instance not found", Content_Type="text/plain")


def v3(**changes: Any) -> Machine:
    """A cozy-stack of Debian's packages with one instance."""
    web: dict[str, Served] = {
        "127.0.0.1:5984": couchdb,
        "localhost:5984": couchdb,
        "127.0.0.1:8080": cozy_stack,
        "127.0.0.1:6060": answer(401, "missing basic auth"),
        "127.0.0.1:80": answer(303, Location="https://alice.example/auth/login"),
        **changes.pop("web", {}),
    }
    files = {
        "/usr/bin/cozy-stack": b"",
        "/usr/lib/systemd/system/cozy-stack.service": UNIT,
        "/etc/cozy/cozy.yml": YML,
        "/etc/cozy/cozy.yml.local": LOCAL,
        "/etc/cozy/cozy-admin-passphrase": b"",
        "/etc/cozy/vault.enc": b"",
        "/etc/cozy/vault.dec": b"",
        "/var/lib/cozy": b"",
        "/usr/share/cozy/konnector-run.sh": b"",
        "/usr/sbin/postfix": b"",
        "/etc/postfix/main.cf": b"myhostname = vm\n",
        "/etc/passwd": b"root:x:0:0::/root:/bin/sh\ncozy-stack:x:110:110::/var/lib/cozy:/bin/false\n",
        **changes.pop("files", {}),
    }
    secret = (0o600, 110, 0.0)
    closed = ("cozy.yml.local", "cozy-admin-passphrase", "vault.enc", "vault.dec")
    usual = {
        "web": web,
        "files": {path: content for path, content in files.items() if content is not None},
        "modes": {**{f"/etc/cozy/{name}": secret for name in closed}, **changes.pop("modes", {})},
        "listening": {5984: 500, 8080: 800, 6060: 800},
        "processes": (
            Process(500, 1, "S", "beam.smp", HOUR_AGO, ("beam.smp", "couchdb"), 106),
            Process(800, 1, "S", "cozy-stack", HOUR_AGO, ("/usr/bin/cozy-stack", "serve"), 110),
        ),
    }
    return machine(**{**usual, **changes})


def container(name: str, image: str, address: str = "", **changes: Any) -> dict[str, Any]:
    """As the Engine API gives it, made by compose."""
    labels = {"com.docker.compose.project": "cozy", "com.docker.compose.service": name}
    network = {"Networks": {"cozy_default": {"IPAddress": address}}, "Ports": changes.pop("ports", {})}
    return {
        "Id": f"{name:0<64}".replace("-", "0"),
        "Name": f"/cozy-{name}-1",
        "State": {"Status": "running", "Running": True, "Pid": 1, **changes.pop("state", {})},
        "Config": {"Image": image, "Labels": labels, "ExposedPorts": changes.pop("exposed", {})},
        "HostConfig": {"RestartPolicy": {"Name": "always"}},
        "NetworkSettings": network,
        **changes,
    }


def engine(*containers: dict[str, Any]) -> dict[str, Any]:
    """The tables of a machine with dockerd."""

    def serve(request: Request) -> Answer | Failure:
        if request.target.startswith("/containers/json"):
            rows = [{"Id": one["Id"], "Names": [one["Name"]]} for one in containers]
            return answer(200, json.dumps(rows))
        one = next(one for one in containers if one["Id"] in request.target)
        return answer(200, json.dumps(one))

    daemon = Process(400, 1, "S", "dockerd", 0.0, ("/usr/sbin/dockerd",), 0)
    return {"sockets": {"/run/docker.sock": serve}, "files": {"/run/docker.sock": b""}, "processes": (daemon,)}


STACK = container("stack", "cozy/cozy-stack:1.6.44", "172.18.0.3", Args=["cozy-stack", "serve"])
COUCHDB = container("couchdb", "couchdb:3.3", "172.18.0.2", exposed={"5984/tcp": {}})
WEB: Final[Mapping[str, Served]] = {"172.18.0.3:8080": answer(200), "172.18.0.2:5984": answer(200)}


def look(machine: Machine, config: Config) -> tuple[Diagnosis, Stack, Status]:
    """As `cozydiag status` does: find out what is here, look at everything, name the causes."""
    machine.real = str(Path(config.proxy.conf or "").parent)
    host, stack = FakeHost(machine, 20.0), Stack(config)
    stack.settle(host.within(2.0, "discovery"))
    checks = registry.load().checks
    seen = Run(checks, host, stack).run()
    diagnosis = Diagnosis(checks, seen, stack.services())
    return diagnosis, stack, verdict(diagnosis.results, diagnosis.causes)


def bad(diagnosis: Diagnosis) -> dict[str, list[str]]:
    """Every instance that is not ok or not here, with its words."""
    return {r.instance: _words(r) for r in diagnosis.results if r.status not in (Status.OK, Status.SKIP)}


def _words(result: Result) -> list[str]:
    return [f"{finding.status} {finding.code} {finding.text}" for finding in result.findings]
