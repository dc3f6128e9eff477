"""A healthy Cozy v2 of recorded answers, for tests to take pieces out of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Site
from cozydiag.engine import registry
from cozydiag.engine.diagnosis import Diagnosis
from cozydiag.engine.run import Run
from cozydiag.host import Answer, Disk, Failure, Memory, Process
from cozydiag.host.smtp import Greeted
from cozydiag.model import Check, Finding
from cozydiag.stack import Stack
from cozydiag.testing import (
    FakeHost,
    FakeSupervisord,
    Machine,
    Request,
    Served,
    answer,
    process_info,
    recorded,
    run_check,
)

RECORDINGS: Final = Path(__file__).parents[1] / "recordings"
GIB: Final = 1 << 30

SOCKET: Final = "/run/supervisor.sock"
PROGRAMS: Final = ("couchdb", "cozy-controller", "cozy-data-system", "cozy-home", "cozy-proxy")
SITE: Final = Site("http://cozy.test/", "cozy.test", ("127.0.0.1", 80), tls=False)
NGINX: Final = (
    Process(700, 1, "S", "nginx", 1_795_240_000.0, ("nginx: master process /usr/sbin/nginx",), 0),
    Process(701, 700, "S", "nginx", 1_795_240_000.0, ("nginx: worker process",), 33),
)
ROOT_DISK: Final = Disk("/", 40 * GIB, 10 * GIB, 30 * GIB, 1_000_000, 900_000, read_only=False, device=1, mount="/")


@cache
def builtin() -> dict[str, Check]:
    return registry.load().checks


class Cozy:
    """Makes machines and looks at them."""

    config = Config(sites=(SITE,))
    socket = SOCKET
    nginx = NGINX
    disk = ROOT_DISK

    @property
    def checks(self) -> dict[str, Check]:
        return builtin()

    def recorded(self, name: str) -> Answer | Failure:
        return recorded(str(RECORDINGS / name))

    def log(self, name: str) -> str:
        return (RECORDINGS / "cozy" / f"{name}.log").read_text()

    def couchdb(self, state: str, names: Mapping[str, str]) -> Callable[[Request], Answer | Failure]:
        """A recorded state: ``names`` are keyed by path, `login` before it where a login is given. Else healthy."""

        def serve(request: Request) -> Answer | Failure:
            key = f"login {request.target}" if request.header("Authorization") else request.target
            return (
                self.recorded(f"couchdb/{state}/{names[key]}.http") if key in names else self.healthy_couchdb(request)
            )

        return serve

    def healthy_couchdb(self, request: Request) -> Answer | Failure:
        state = "healthy-user" if request.header("Authorization") else "healthy-anon"
        names = {"/": "root", "/_up": "up", "/_session": "session", "/cozy": "db", "/_users": "db_users"}
        return self.recorded(f"couchdb/{state}/{names.get(request.target, 'db_missing')}.http")

    def web(self) -> dict[str, Served]:
        return {
            "127.0.0.1:5984": self.healthy_couchdb,
            "127.0.0.1:9002/": answer(200, "Cozy Controller version 2.5.10"),
            "127.0.0.1:9101/": answer(200, "<strong>Cozy Data System</strong><br /> tag: 2.5.14"),
            "127.0.0.1:9103/api/applications/": answer(200, '{"rows":[{"name":"files","state":"installed"}]}'),
            "127.0.0.1:9104/status": self.recorded("cozy/proxy-status.http"),
            "127.0.0.1:80": self.recorded("cozy/proxy-root.http"),
        }

    def supervisord(self, *changed: dict[str, Any], **more: Any) -> FakeSupervisord:
        """All programs running, but for the ``changed`` ones."""
        infos = {name: process_info(name) for name in PROGRAMS} | {info["name"]: info for info in changed}
        return FakeSupervisord(list(infos.values()), **more)

    def machine(
        self,
        web: Mapping[str, Served] | None = None,
        files: Mapping[str, bytes | Failure] | None = None,
        supervisord: Served | None = None,
        **changes: Any,
    ) -> Machine:
        """The healthy machine with ``web`` and ``files`` laid over its own."""
        usual: dict[str, Any] = {
            "web": {**self.web(), **(web or {})},
            "files": {
                SOCKET: b"",
                "/run/nginx.pid": b"700\n",
                "/etc/nginx/nginx.conf": b"",
                "/etc/cozy/couchdb.login": b"app\napppw\n",
                **(files or {}),
            },
            "modes": {"/etc/cozy/couchdb.login": (0o640, 107, 0.0)},
            "sockets": {SOCKET: supervisord or self.supervisord()},
            "listening": {80: 700, 5984: 500, 9002: 600, 9101: 601, 9103: 602, 9104: 603},
            "processes": NGINX,
            "names": {"cozy.test": ("127.0.0.1",)},
            "disks": {"/": ROOT_DISK},
            "memory": Memory(2 * GIB, GIB, 0, 0),
            "mail": {"localhost:25": Greeted(250, "220 cozy.test ESMTP Postfix (Debian/GNU)")},
        }
        return Machine(**{**usual, **changes})

    def look(self, check_id: str, machine: Machine, config: Config | None = None) -> list[Finding]:
        return run_check(self.checks[check_id], FakeHost(machine), Stack(config or self.config))

    def examine(self, machine: Machine, config: Config | None = None) -> Diagnosis:
        """All checks with all that binds them together."""
        host, stack = FakeHost(machine, 20.0), Stack(config or self.config)
        seen = Run(self.checks, host, stack).run()
        return Diagnosis(self.checks, seen, stack.services())

    def recorded_infos(self) -> list[dict[str, Any]]:
        return list(json.loads((RECORDINGS / "supervisord/process-info.json").read_text()))

    def recorded_configs(self) -> list[dict[str, Any]]:
        return list(json.loads((RECORDINGS / "supervisord/config-info.json").read_text()))

    def said(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        """What matters of findings: status and code."""
        return [(str(finding.status), finding.code) for finding in findings]

    def with_config(self, **changes: Any) -> Config:
        return self.config._replace(**changes)


@pytest.fixture(scope="session")
def cozy() -> Cozy:
    return Cozy()
