"""systemd, booted in namespaces, with a unit broken in each way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from scripts.laboratory.command import Run
from scripts.laboratory.managers import units
from scripts.laboratory.managers.machine import Machine, NoMachineError, booted
from scripts.laboratory.managers.scene import Scene, SceneError, Tool, as_run

STATES = {
    "cozy-ok": "", "cozy-inactive": "", "cozy-failed": "service.failed", "cozy-oom": "service.failed",
    "cozy-sigkill": "service.failed", "cozy-200": "service.failed", "cozy-203": "service.failed",
    "cozy-217": "service.failed", "cozy-autorestart": "service.failed", "cozy-crashloop": "service.crash_loop",
    "cozy-startlimit": "service.failed", "cozy-notify": "service.starting", "cozy-notify-timeout": "service.failed",
    "cozy-stopping": "", "cozy-oneshot": "", "cozy-failed-oneshot": "service.failed", "cozy-condition": "",
    "cozy-dep": "service.failed", "cozy-masked": "", "cozy-badsetting": "service.failed",
    "cozy-ghost": "service.unknown",
}  # fmt: skip


@contextmanager
def scene() -> Iterator[Scene]:
    try:
        with booted() as machine:
            units.brought_about(machine)
            addresses = {name: f"systemd:{name}.service" for name in STATES}
            tools = {"cozy-203": Tool(partial(_restart, machine, "cozy-203"), "restart", addresses["cozy-203"])}
            yield Scene(partial(inside, machine), addresses, tools)
            units.let_go(machine)
    except NoMachineError as error:
        raise SceneError(str(error)) from None


def inside(machine: Machine, *words: str, configuration: str = units.CONFIGURATION) -> Run:
    """cozydiag as it runs on that machine."""
    done = machine.cozydiag(*words, "--config", configuration)
    return as_run(done.returncode, done.stdout, done.stderr)


def _restart(machine: Machine, name: str) -> int:
    machine.run("systemctl", "reset-failed", name)
    return machine.run("systemctl", "restart", name).returncode
