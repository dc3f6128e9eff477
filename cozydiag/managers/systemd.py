"""systemd: state by one `systemctl show`, acts without waiting on it (observed with systemd 252).

`systemctl is-active` cannot tell failed, stopped, starting and unknown apart, and `start` of a Type=simple unit
succeeds even when its binary is missing: neither is used.
"""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers.service import Life, Service

IN_CHARGE = "/run/systemd/system"
"""This folder exists when systemd is PID 1 (sd_booted(3))."""

_PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,MainPID,Job"


def show(host: Host, *units: str) -> dict[str, dict[str, str]] | Failure:
    """The properties of units by the names that were asked for; units that do not exist have LoadState not-found."""
    done = host.run(("systemctl", "show", "--no-pager", "-p", _PROPERTIES, *units))
    if isinstance(done, Failure):
        return done
    if done.code:  # never for the units' own sake
        return Failure("error", _first(done.stderr))
    blocks = done.stdout.decode("utf-8", "replace").strip().split("\n\n")
    read = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return dict(zip(units, read, strict=False))


class Systemd:
    """The machine's systemd."""

    def life(self, host: Host, service: Service) -> Life | Failure:
        shown = show(host, service.unit)
        if isinstance(shown, Failure):
            return shown
        unit = shown.get(service.unit, {})
        load = unit.get("LoadState", "no answer")
        if load != "loaded":
            return Failure("missing", f"{service.unit}: {load}")
        active, sub = unit.get("ActiveState", ""), unit.get("SubState", "")
        pid = unit.get("MainPID", "0")
        words = f"{active}/{sub} {unit.get('Result', '')}".strip()
        running = active in ("active", "reloading") and sub != "exited"
        busy = active in ("activating", "deactivating") or bool(unit.get("Job"))
        return Life(running, int(pid) if pid.isdigit() else 0, words, busy)

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("systemctl", verb, service.unit)

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        """--no-block: some reloads never return (caddy 2.6.2). A unit that was given up for starting too often is
        forgiven first: asked to start it would not even try, and systemctl would call that a success."""
        if verb != "reload":
            host.run(("systemctl", "reset-failed", service.unit))
        done = host.run(("systemctl", "--no-block", verb, service.unit))
        if isinstance(done, Failure):
            return done
        return None if done.code == 0 else Failure("error", _first(done.stderr))

    def patience(self, host: Host, service: Service) -> float:  # noqa: ARG002  the same for all units
        return 30.0


def _first(output: bytes) -> str:
    from cozydiag.host.logs import one_line

    return one_line(output.strip().split(b"\n", 1)[0], 300)
