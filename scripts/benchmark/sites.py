"""A reverse proxy with a thousand sites: what reading its configuration adds to a status, at first and ever after."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cozydiag.sandbox import Sandbox
from scripts.benchmark.measure import Command, in_turn
from scripts.benchmark.rows import Bound
from scripts.laboratory import tls

SITES = 1000
ROUNDS = 15

_SITE = """server {{
    listen 127.0.0.1:{port} ssl;
    server_name s{number}.example www.s{number}.example;
    ssl_certificate {folder}/site.crt;
    ssl_certificate_key {folder}/site.key;
    location / {{
        proxy_set_header Host $host;
        proxy_pass http://127.0.0.1:3000;
    }}
    location /static {{
        root /var/www;
    }}
}}
"""


class Sites(NamedTuple):
    """CPU in bare interpreters, beside that of the same status with the one site of the Cozy: when it is read for the
    first time, and when nothing has changed since."""

    first: float
    cached: float

    def bounds(self) -> list[Bound]:
        return [
            Bound("sites_1000", "CPU at first, bare interpreters", self.first, 50.0),
            Bound("sites_1000", "CPU ever after, bare interpreters", self.cached, 1.0),
        ]


def cost(bin_folder: Path) -> Sites:
    """Raises SandboxError, UnexpectedExitError."""
    sandbox = Sandbox.create()
    try:
        sandbox.up()
        tls.certificate(sandbox)
        tls.serve(sandbox)
        return _measured(sandbox, bin_folder)
    finally:
        sandbox.remove()


def _measured(sandbox: Sandbox, bin_folder: Path) -> Sites:
    """nginx itself runs with the one site: its process is the same, whatever the file."""
    few = _told(sandbox, "few", 0)
    many, first = _told(sandbox, "many", SITES), _told(sandbox, "first", SITES)
    words = ("status", "--only", "proxy.*", "--only", "site.*", "--config")
    program = str(bin_folder / "cozydiag")
    forget = 'rm -rf "$0"; mkdir -m 700 "$0"; exec "$@"'
    code = 1  # its certificate is self-signed
    costs = in_turn(
        {
            "bare": Command((str(bin_folder / "python"), "-c", "pass")),
            "few": Command((program, *words, few), code),
            "many": Command((program, *words, many), code),
            "first": Command(("/bin/sh", "-c", forget, f"{sandbox.folder}/state-first", program, *words, first), code),
        },
        ROUNDS,
        {"PATH": "/usr/bin:/bin", "HOME": sandbox.folder},
    )
    rounds = list(zip(costs["bare"], costs["few"], costs["many"], costs["first"], strict=True))
    return Sites(
        median((first.cpu - few.cpu) / bare.cpu for bare, few, _, first in rounds),
        median((many.cpu - few.cpu) / bare.cpu for bare, few, many, _ in rounds),
    )


def _told(sandbox: Sandbox, name: str, sites: int) -> str:
    """The configuration of a cozydiag whose nginx has so many sites more; it remembers in a folder of its own."""
    folder = Path(sandbox.folder, f"etc-{name}", "sites")
    folder.mkdir(parents=True)
    for number in range(sites):
        text = _SITE.format(number=number, port=sandbox.layout.port("nginx"), folder=sandbox.layout.path("tls"))
        (folder / f"s{number}.conf").write_text(text, "utf-8")
    main = Path(sandbox.layout.path("nginx.conf")).read_text("utf-8")
    own = folder.parent / "nginx.conf"
    own.write_text(main.replace("include ", f"include {folder}/*.conf;\n    include ", 1), "utf-8")
    for path in (own, *folder.iterdir()):  # older than nginx: it is what it runs with
        os.utime(path, (1e9, 1e9))
    state = Path(sandbox.folder, f"state-{name}")
    state.mkdir(mode=0o700)
    told = Path(sandbox.config).read_text("utf-8")
    told = told.replace(f'"{sandbox.layout.path("state")}"', f'"{state}"')
    told = told.replace(f'"{sandbox.layout.path("nginx.conf")}"', f'"{own}"')
    path = Path(sandbox.folder, f"{name}.toml")
    path.write_text(told, "utf-8")
    return str(path)
