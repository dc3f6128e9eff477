"""systemd: state by one `systemctl show`, acts without waiting on it (observed with systemd 252).

`systemctl is-active` cannot tell failed, stopped, starting and unknown apart, and `start` of a Type=simple unit
succeeds even when its binary is missing: neither is used.
"""

from __future__ import annotations

from cozydiag.host import Host
from cozydiag.host.failure import Failure
from cozydiag.managers import journal
from cozydiag.managers.service import VERBS, Condition, Life, Service, State, Surroundings, Verb
from cozydiag.managers.systemd_units import DUMMIES, KNOWN, PROPERTIES, condition, needed, without

IN_CHARGE = "/run/systemd/system"
"""This folder exists when systemd is PID 1 (sd_booted(3))."""


def show(host: Host, *units: str) -> dict[str, dict[str, str]] | Failure:
    """The properties of units by the names that were asked for; units that do not exist have LoadState not-found."""
    blocks = _blocks(host, units)
    return blocks if isinstance(blocks, Failure) else dict(zip(units, blocks, strict=False))


def _blocks(host: Host, units: tuple[str, ...]) -> list[dict[str, str]] | Failure:
    done = host.run(("systemctl", "show", "--no-pager", "-p", ",".join(PROPERTIES), "--", *units))
    if isinstance(done, Failure):
        return done
    if done.code:  # never for the units' own sake
        return Failure("error", _first(done.stderr))
    blocks = done.stdout.decode("utf-8", "replace").strip().split("\n\n")
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def find(host: Host, around: Surroundings) -> tuple[Systemd, ...]:
    """The machine's systemd, where it is in charge."""
    return () if isinstance(host.stat(IN_CHARGE), Failure) else (Systemd(around.named, known=around.discover),)


class Systemd:
    """The machine's systemd. ``units`` are of interest beside the ``known`` ones."""

    name = "systemd"
    user = None
    place = ""
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, units: tuple[str, ...] = (), *, known: bool = True) -> None:
        self.named = tuple(unit if "." in unit else f"{unit}.service" for unit in units)
        self.units = tuple(dict.fromkeys((*self.named, *(KNOWN if known else ()))))

    def services(self, host: Host) -> tuple[Condition, ...] | Failure:
        """The units of interest that there are; of the named ones also those that do not exist."""
        blocks = _blocks(host, self.units) if self.units else []
        if isinstance(blocks, Failure):
            return blocks
        units = _real({unit["Id"]: unit for unit in blocks if "Id" in unit}, self.named)
        now, monotonic = host.clock.now(), host.clock.monotonic()
        found = {name: condition(unit, now, monotonic) for name, unit in units.items()}
        failed = _failed(host, units)
        for name, unit in units.items():
            culprit = next((other for other in needed(unit) if other in failed), None)
            if culprit is not None:
                found[name] = without(found[name], culprit)
        return tuple(found.values())

    def log(self, host: Host, service: Service, lines: int) -> list[str] | Failure:
        return journal.tail(host, service.unit, lines)

    def allowed(self, host: Host) -> bool:
        return host.euid() == 0

    def exposed(self, host: Host) -> None:  # noqa: ARG002  its bus asks who it is
        return None

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
        return Life(running, int(pid) if pid.isdigit() else 0, words, busy, unit.get("InvocationID", ""))

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


def _real(units: dict[str, dict[str, str]], named: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Without what does not exist, unless it is named, and without dummies, whose instances come back with them."""
    for dummy, real in DUMMIES.items():
        if real in units and units.get(dummy, {}).get("SubState") == "exited":
            units[real]["UnitFileState"] = units[dummy].get("UnitFileState", "")
            units = {name: unit for name, unit in units.items() if name != dummy or name in named}
    return {name: unit for name, unit in units.items() if name in named or unit.get("LoadState") != "not-found"}


def _failed(host: Host, units: dict[str, dict[str, str]]) -> set[str]:
    """The units that have failed, among ``units`` and those that one of them needs: asked about only where one is
    down that needs some."""
    beside = tuple({name for unit in units.values() for name in needed(unit) if name not in units})
    more = _blocks(host, beside) if beside else []
    seen = [*units.values(), *(more if not isinstance(more, Failure) else [])]
    return {unit.get("Id", "") for unit in seen if unit.get("ActiveState") == State.FAILED}


def _first(output: bytes) -> str:
    from cozydiag.host.logs import one_line

    return one_line(output.strip().split(b"\n", 1)[0], 300)
