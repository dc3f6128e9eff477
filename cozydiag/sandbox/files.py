"""The configuration files of a sandbox: supervisord, its programs, nginx, and cozydiag itself."""

from __future__ import annotations

import importlib.util
import os
import sys

import cozydiag
from cozydiag.sandbox.error import SandboxError
from cozydiag.sandbox.layout import REAL_PORTS, Layout, write
from cozydiag.sandbox.processes import MARK
from cozydiag.text import t

ROLES = {
    "proxy": "nginx",
    "couchdb": "couchdb",
    "cozy.controller": "cozy-controller",
    "cozy.data-system": "cozy-data-system",
    "cozy.home": "cozy-home",
    "cozy.proxy": "cozy-proxy",
}
PARTS = {role.partition(".")[2]: unit for role, unit in ROLES.items() if role.startswith("cozy.")}
LOGIN = ("admin", "adminpw")
"""The login of the recorded CouchDB."""


def write_all(layout: Layout, nginx: str) -> None:
    """Writes the folders and files of a healthy sandbox; those of the programs come with `write_program`."""
    for name in ("run", "programs", "logs", "state", "nginx", "sites-enabled"):
        os.makedirs(layout.path(name), mode=0o700, exist_ok=True)
    write_login(layout)
    write(layout.path("couchdb.state"), "healthy\n")
    write(layout.path("supervisord.conf"), supervisord(layout))
    write(layout.path("nginx.conf"), nginx_main(layout))
    write(layout.path("sites-enabled", "cozy.conf"), nginx_site(layout, layout.port("cozy-proxy")))
    write(layout.path("cozydiag.toml"), configuration(layout, nginx))


def write_login(layout: Layout) -> None:
    write(layout.path("couchdb.login"), "\n".join(LOGIN) + "\n")


def environment(layout: Layout) -> dict[str, str]:
    """What the programs of the sandbox find in their environment, its mark among it. Raises SandboxError."""
    found = importlib.util.find_spec("supervisor")
    if found is None or found.origin is None:
        line = "pip install 'cozydiag[sandbox]'"
        raise SandboxError(t("The sandbox needs the Python package supervisor: install it with `{line}`.", line=line))
    places = (os.path.abspath(cozydiag.__file__), found.origin)
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(os.path.dirname(os.path.dirname(place)) for place in places)),
        "PYTHONUNBUFFERED": "1",
        MARK: layout.folder,
    }


def supervisord(layout: Layout) -> str:
    user = "user=root\n" if os.geteuid() == 0 else ""
    return f"""[supervisord]
logfile={layout.path("logs", "supervisord.log")}
pidfile={layout.path("supervisord.pid")}
childlogdir={layout.path("logs")}
directory={layout.work}
minfds=256
minprocs=50
{user}
[unix_http_server]
file={layout.socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{layout.socket}

[include]
files={layout.path("programs")}/*.conf
"""


def commands(layout: Layout, nginx: tuple[str, ...]) -> dict[str, str]:
    """The command line of each program, in the order of their start."""

    def stand_in(module: str, program: str, **options: object) -> str:
        words = [sys.executable, "-m", f"cozydiag.sandbox.programs.{module}", f"--port={layout.port(program)}"]
        return " ".join(words + [f"--{key.replace('_', '-')}={value}" for key, value in options.items()])

    couchdb, data_system = layout.port("couchdb"), layout.port("cozy-data-system")
    controller, home = layout.port("cozy-controller"), layout.port("cozy-home")
    login, state, logins = layout.path("couchdb.login"), layout.path("couchdb.state"), layout.path("logins.jsonl")
    return {
        "couchdb": stand_in("couchdb", "couchdb", state=state, logins=logins),
        "cozy-controller": stand_in("controller", "cozy-controller", couchdb=couchdb, interval=0.5),
        "cozy-data-system": stand_in("data_system", "cozy-data-system", couchdb=couchdb, credentials=login),
        "cozy-home": stand_in("home", "cozy-home", data_system=data_system),
        "cozy-proxy": stand_in(
            "proxy", "cozy-proxy", couchdb=couchdb, data_system=data_system, controller=controller, home=home
        ),
        "nginx": " ".join(nginx),
    }


def write_program(layout: Layout, program: str, command: str) -> None:
    """The supervisord section of one program."""
    log = layout.path("logs", program.removeprefix("cozy-"))
    content = f"""[program:{program}]
command={command}
directory={layout.work}
priority={10 * (list(REAL_PORTS).index(program) + 1)}
startsecs=1
startretries=2
autostart=true
autorestart=true
stopwaitsecs=3
stdout_logfile={log}.log
stderr_logfile={log}-err.log
"""
    write(layout.path("programs", f"{program}.conf"), content)


def nginx_main(layout: Layout) -> str:
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"    {kind}_temp_path {layout.path('nginx', kind)};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""{user}daemon off;
worker_processes 1;
pid {layout.path("nginx.pid")};
error_log {layout.path("logs", "nginx-error.log")};
events {{
    worker_connections 64;
}}
http {{
    access_log {layout.path("logs", "nginx-access.log")};
{temporary}
    include {layout.path("sites-enabled")}/*.conf;
}}
"""


def nginx_site(layout: Layout, upstream: int) -> str:
    """The settings of Cozy's own template (cozy-debian), without TLS."""
    return f"""server {{
    listen 127.0.0.1:{layout.port("nginx")};
    server_name cozy.localhost;
    client_max_body_size 1024M;

    location / {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_http_version 1.1;
        proxy_redirect http:// https://;
    }}
}}
"""


def configuration(layout: Layout, nginx: str) -> str:
    """The configuration with which cozydiag sees the sandbox and nothing else."""
    site = f"127.0.0.1:{layout.port('nginx')}"
    lines = [
        "# The sandbox only: nothing else of this machine is looked at.",
        "discover = false",
        "",
        "[programs]",
        f'nginx = "{nginx}"',
        f'supervisorctl = "{os.path.join(os.path.dirname(sys.executable), "supervisorctl")}"',
        "",
        "[paths]",
        f'state = "{layout.path("state")}"',
        f'logs = "{layout.path("logs")}"',
        "",
        "[supervisord]",
        f'socket = "{layout.socket}"',
        f'conf = "{layout.path("supervisord.conf")}"',
        "",
        "[proxy.nginx]",
        f'conf = "{layout.path("nginx.conf")}"',
        f'pid = "{layout.path("nginx.pid")}"',
        "",
        "[[sites]]",
        f'url = "http://cozy.localhost:{layout.port("nginx")}/"',
        f'address = "{site}"',
        "",
        "[couchdb]",
        f'url = "http://127.0.0.1:{layout.port("couchdb")}"',
        f'credentials_file = "{layout.path("couchdb.login")}"',
        'database = "cozy"',
    ]
    for part, unit in PARTS.items():
        lines += ["", f"[parts.{part}]", f'url = "http://127.0.0.1:{layout.port(unit)}"']
    for role, unit in ROLES.items():
        key = f'"{role}"' if "." in role else role
        lines += ["", f"[services.{key}]", 'manager = "supervisord"', f'unit = "{unit}"']
    lines += ["", "# Nothing here is slow.", "[repair]", "confirm = 0.5", "stable = 1"]
    return "\n".join(lines) + "\n"
