"""Owners that are command lines and keep no state worth believing: SysV scripts and cozy-monitor.

Whether such a service runs is read off who listens where it should answer, and where that is not known, off which
processes have its name: an init script calls any process a running nginx whose number stands in the pid file, and
cozy-monitor calls a 500 "up".
"""

from __future__ import annotations

from collections.abc import Callable

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Life, Service


class Script:
    """An owner that is a program; ``line`` makes its argv from a unit and a verb."""

    def __init__(self, line: Callable[[str, str], tuple[str, ...]]) -> None:
        self._line = line

    def life(self, host: Host, service: Service) -> Life | Failure:
        """Never the last word: nobody tells when such a service has given up."""
        if service.place is None:
            names = (service.unit, f"{service.unit}d")
            alive = sorted(host.find(names), key=lambda one: (one.state == "Z", one.started))
            if alive and alive[0].state != "Z":
                return Life(True, alive[0].pid, f"runs as {alive[0].name}", busy=True)
            return Life(False, 0, f"no process is called {service.unit}", busy=True)
        port = service.place[1]
        for listener in host.listeners(port):
            return Life(True, host.owner(listener.inode) or 0, f"listens on port {port}", busy=True)
        return Life(False, 0, f"nothing listens on port {port}", busy=True)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return self._line(service.unit, verb)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """Only that the program could be run is looked at: its exit code proves nothing."""
        done = host.run(self.command(service, verb))
        return done if isinstance(done, Failure) else None

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002  the same for all of them
        return 30.0
