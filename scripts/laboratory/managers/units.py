"""Twenty units, each broken in its own way, and one that does not exist; each as far gone as it goes."""

from __future__ import annotations

import json
import time

from scripts.laboratory.managers.machine import LIMIT, UNITS, Machine

NAMES = sorted(path.stem for path in UNITS.iterdir())
UNSTARTED = ("cozy-inactive", "cozy-masked", "cozy-badsetting")
CONFIGURATION = "/run/cozydiag.toml"


def brought_about(machine: Machine) -> None:
    folder = "/run/systemd/system"
    files = {f"{folder}/{name}.service": (UNITS / f"{name}.service").read_text() for name in NAMES}
    files[f"{folder}/service.d/lab.conf"] = "[Unit]\nDefaultDependencies=no\n"
    units = json.dumps([*NAMES, "cozy-ghost"])
    files[CONFIGURATION] = f"discover = false\n[timing]\nproof = 0.6\n[managers]\nsystemd = {units}\n"
    # wanted by somebody: else systemd forgets a unit that it did not start, with the reason
    machine.run("mkdir", "-p", f"{folder}/service.d", f"{folder}/lab.target.wants")
    for path, content in files.items():
        machine.write(path, content)
    machine.run("ln", "-sf", "/dev/null", f"{folder}/cozy-masked.service")
    machine.run("ln", "-s", "../cozy-condition.service", f"{folder}/lab.target.wants/")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "systemd-journald.service")
    machine.run("systemctl", "--no-block", "start", *(name for name in NAMES if name not in UNSTARTED))
    machine.until("cozy-notify-timeout", "failed failed timeout")
    deadline = time.monotonic() + LIMIT
    while int(machine.show("cozy-crashloop", "NRestarts")) < 4:
        if time.monotonic() > deadline:
            raise RuntimeError("cozy-crashloop does not loop")
        time.sleep(0.1)
    machine.run("systemctl", "--no-block", "stop", "cozy-stopping")
    machine.until("cozy-stopping", "deactivating stop success")


def let_go(machine: Machine) -> None:
    """What does not end by itself."""
    machine.run("systemctl", "kill", "-s", "KILL", "cozy-stopping")
