"""What the managers of services cost: a supervisord with a thousand programs, and the table of all of four managers."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from scripts.benchmark.measure import LAUNCH, Command, in_turn
from scripts.benchmark.rows import Bound
from scripts.laboratory.managers import forever, pm2, supervisord
from scripts.laboratory.managers.machine import Machine, NoMachineError, booted
from scripts.laboratory.managers.scene import SceneError
from scripts.laboratory.node import APPS, install

PROGRAMS = 1000
ROUNDS = 11

_SUPERVISORD = """\
[supervisord]
logfile=/root/s.log
pidfile=/root/s.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[unix_http_server]
file=/run/supervisor.sock
[program:cozy-home]
command=/bin/sleep 10000
startsecs=0
[program:cozy-proxy]
command=/bin/sleep 10000
startsecs=0
"""
_UNITS = ("nginx", "couchdb", "redis-server")
_AGE = 31.0
"""Seconds; what is younger and was restarted would be looked at twice."""


class Cost(NamedTuple):
    """``program`` is the CPU of one program of supervisord's thousand, ``services`` the wall of the table, both in bare
    interpreters; the latter is None where it could not be had, and ``why`` says why."""

    program: float
    services: float | None
    why: str = ""

    def bounds(self) -> list[Bound]:
        found = [Bound("program_of_1000", "CPU, bare interpreters", self.program, 0.01)]
        if self.services is not None:
            found.append(Bound("services", "wall, bare interpreters", self.services, 100.0))
        return found


def cost(bin_folder: Path) -> Cost:
    """Raises UnexpectedExitError."""
    table, program = services(bin_folder), per_program(bin_folder)
    return Cost(program, None, table) if isinstance(table, str) else Cost(program, table)


def per_program(bin_folder: Path) -> float:
    """CPU of one program of supervisord, in bare interpreters. Raises UnexpectedExitError."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    with supervisord.many(1) as one, supervisord.many(PROGRAMS) as many:

        def status(here: supervisord.Daemon) -> Command:
            main = f'[supervisord]\nsocket = "{here.socket}"\nconf = "{here.conf}"\n'
            configuration = here.configure(main, patience=20.0)  # supervisord itself needs a second and more
            words = ("status", "--quiet", "--config", configuration, "--only", "supervisor.*")
            return Command((str(bin_folder / "cozydiag"), *words))

        bare = Command((str(bin_folder / "python"), "-c", "pass"))
        costs = in_turn({"bare": bare, "one": status(one), "many": status(many)}, ROUNDS, environment)
    rounds = zip(costs["bare"], costs["one"], costs["many"], strict=True)
    return median((many.cpu - one.cpu) / bare.cpu for bare, one, many in rounds) / (PROGRAMS - 1)


def services(bin_folder: Path) -> float | str:
    """Wall of `cozydiag services` where systemd, supervisord, PM2 and forever run, in bare interpreters; why it could
    not be had."""
    try:
        with booted() as machine:
            _brought_up(machine, bin_folder)
            lines = ((str(bin_folder / "python"), "-c", "pass"), (str(bin_folder / "cozydiag"), "services"))
            rounds = [[_wall(machine, line) for line in lines] for _ in range(ROUNDS + 1)]
    except (NoMachineError, SceneError) as error:
        return str(error)
    return median(table / bare for bare, table in rounds[1:])


def _brought_up(machine: Machine, bin_folder: Path) -> None:
    wanted = {"pm2": pm2.VERSIONS[0], "forever": forever.VERSION}
    programs = {name: install(name, version) for name, version in wanted.items()}
    missing = next((why for why in programs.values() if isinstance(why, str)), None)
    if missing is not None:
        raise SceneError(missing)
    for unit in _UNITS:
        machine.write(f"/run/systemd/system/{unit}.service",
                      "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 10000\n")  # fmt: skip
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", *_UNITS)
    machine.write("/root/app.js", APPS["ok.js"])
    machine.write("/etc/supervisord.conf", _SUPERVISORD)
    for line in (
        (str(bin_folder / "supervisord"), "-c", "/etc/supervisord.conf"),
        ("env", "HOME=/root", f"{programs['pm2']}/pm2", "start", "/root/app.js", "-i", "2"),
        ("env", "HOME=/root", f"{programs['forever']}/forever", "start", "/root/app.js"),
    ):
        done = machine.run(*line)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
    time.sleep(_AGE)
    seen = machine.run(str(bin_folder / "cozydiag"), "services").stdout
    if not all(f" {name} " in seen for name in ("systemd", "supervisord", "pm2", "forever")):
        raise RuntimeError(f"not all four managers are in the table:\n{seen}")


def _wall(machine: Machine, line: tuple[str, ...]) -> float:
    done = machine.run(sys.executable, "-I", "-S", str(LAUNCH), *line)
    return float(done.stdout.split()[0])
