"""cozy-monitor and the controller behind it: the parts of a Cozy v2 and its apps.

`cozy-monitor status` is not asked: it calls a 500 and a reset connection "up", an app that redirects "down", and waits
for ever for a part that hangs (cozy-monitor 1.4.5, src/helpers.coffee, src/application.coffee). The same is read off
who listens where, and off home's own list of apps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.scripts import Script
from cozydiag.managers.service import Condition, Service, State, Surroundings, Verb

HOME: Final = "http://127.0.0.1:9103"

PARTS: Final[Mapping[str, int]] = {"data-system": 9101, "home": 9103, "proxy": 9104}
"""What the controller starts by itself (cozy-monitor STACK), and where it listens."""

LOGS: Final = "/usr/local/var/log/cozy"
"""cozy-controller's `dir_app_log`."""

_STATES: Final = {"stopped": State.STOPPED, "installing": State.STARTING, "broken": State.FAILED}
"""`stopped` is normal: home stops apps that nobody has used for five minutes (cozy-home autostop.coffee)."""


def find(host: Host, around: Surroundings) -> tuple[CozyMonitor, ...]:  # noqa: ARG001  its file has been seen
    return (CozyMonitor(*around.named[:1]),)


class CozyMonitor(Script):
    """``place`` is the address of home."""

    name = "cozy-monitor"
    user = None
    verbs: tuple[Verb, ...] = ("start", "stop", "restart")

    def __init__(self, place: str = HOME) -> None:
        super().__init__(lambda unit, verb: ("cozy-monitor", "restart" if verb == "reload" else verb, unit))
        self.place = place

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """The parts, and the apps as far as home can list them: where it cannot, that is a check of its own."""
        parts = [self._part(host, name, port) for name, port in PARTS.items()]
        answer = host.get(self.place.rstrip("/") + "/api/applications/")
        data = None if isinstance(answer, Failure) else answer.json()
        rows = data.get("rows") if isinstance(data, dict) else None
        apps = [self._app(host, row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return (*parts, *apps)

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        return host.tail(f"{LOGS}/{service.unit}.log", lines)

    def allowed(self, host: Host) -> bool:
        """The controller's token is root's."""
        return host.euid() == 0

    def exposed(self, host: Host) -> None:  # noqa: ARG002
        return None

    def _part(self, host: Host, name: str, port: int) -> Condition:
        pid = _listens(host, port)
        state = State.STOPPED if pid is None else State.RUNNING
        service = Service("cozy-monitor", name, f"cozy.{name}", ("127.0.0.1", port))
        return Condition(
            service, state, wanted=True, instances=(int(pid is not None), 1), pids=(pid,) if pid else (), boot=True,
            words=f"nothing listens on port {port}" if pid is None else f"listens on port {port}",
        )  # fmt: skip

    def _app(self, host: Host, row: Mapping[str, Any]) -> Condition:
        said = str(row.get("state", ""))
        name, port = str(row.get("slug") or row.get("name") or ""), row.get("port")
        known = isinstance(port, int) and 0 < port < 65536
        pid = _listens(host, port) if known and isinstance(port, int) else None
        static = row.get("type") == "static"
        state = _STATES.get(said, State.UNKNOWN)
        if said == "installed":
            state = State.RUNNING if static or pid is not None else State.FAILED
        why = str(row.get("errormsg") or "")
        if state is State.FAILED and said == "installed":
            why = f"nothing listens on its port {port}"
        place = ("127.0.0.1", port) if known and isinstance(port, int) else None
        return Condition(
            Service("cozy-monitor", name, f"cozy.app.{name}", place),
            state,
            mode="static" if static else "",
            wanted=said == "installed",
            instances=(int(state is State.RUNNING), 1),
            pids=(pid,) if pid else (),
            why=why,
            words=said,
            boot=said == "installed",
        )


def _listens(host: Host, port: int) -> int | None:
    """The process that listens on ``port``: 0 where it cannot be seen, None where nobody does."""
    for listener in host.listeners(port):
        return host.owner(listener.inode) or 0
    return None
