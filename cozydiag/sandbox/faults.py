"""What can be broken in a sandbox, by name. Each fault is real: a stopped process, a taken port, a broken file."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cozydiag.sandbox import files, processes
from cozydiag.sandbox.error import SandboxError
from cozydiag.sandbox.layout import write
from cozydiag.text import Text, t

if TYPE_CHECKING:
    from cozydiag.sandbox.sandbox import Sandbox


class Fault(NamedTuple):
    text: Text
    inject: Callable[[Sandbox], None]


def stop(sandbox: Sandbox, program: str) -> None:
    sandbox.supervisor.stop(program)


def freeze(sandbox: Sandbox, program: str) -> None:
    """SIGSTOP: the program lives and holds its port, and never answers."""
    sandbox.supervisor.signal(program, "STOP")


def couchdb(sandbox: Sandbox, state: str) -> None:
    sandbox.couchdb(state)


def lose_command(sandbox: Sandbox) -> None:
    """The command of home is gone, as after a half-finished upgrade."""
    files.write_program(sandbox.layout, "cozy-home", sandbox.layout.path("run", "cozy-home-is-gone"))
    sandbox.supervisor.update()
    expect(sandbox, "cozy-home", "FATAL")


def crash_loop(sandbox: Sandbox) -> None:
    """The data-system dies 1.5 s after each start: supervisord reads RUNNING between. Returns after three deaths."""
    log = sandbox.layout.path("logs", "supervisord.log")
    began = os.path.getsize(log)
    files.write_program(
        sandbox.layout, "cozy-data-system", sandbox.commands()["cozy-data-system"] + " --crash-after=1.5"
    )
    sandbox.supervisor.update()
    deadline = time.monotonic() + 30
    while deaths(log, began, "cozy-data-system") < 3:
        if time.monotonic() > deadline:
            raise failed("cozy-data-system")
        time.sleep(0.1)
    expect(sandbox, "cozy-data-system", "RUNNING")


def deaths(log: str, start: int, program: str) -> int:
    with open(log, encoding="utf-8") as lines:
        lines.seek(start)
        return lines.read().count(f"exited: {program} (exit status 1; not expected)")


def take_port(sandbox: Sandbox) -> None:
    """Another program holds the port of home, which then cannot start."""
    import subprocess

    sandbox.supervisor.stop("cozy-home")
    line = [sys.executable, "-m", "cozydiag.sandbox.programs.squatter", str(sandbox.layout.port("cozy-home"))]
    if subprocess.run(line, env=files.environment(sandbox.layout), cwd=sandbox.layout.work, check=False).returncode:
        raise failed("squatter")
    sandbox.supervisor.start("cozy-home")
    expect(sandbox, "cozy-home", "FATAL")


def break_nginx_file(sandbox: Sandbox) -> None:
    """A misspelt directive in the site's file; nginx goes on with what it has read before."""
    site = files.nginx_site(sandbox.layout, sandbox.layout.port("cozy-proxy"))
    write(sandbox.layout.path("sites-enabled", "cozy.conf"), site.replace("proxy_pass ", "proxy_pas ", 1))


def break_nginx(sandbox: Sandbox) -> None:
    sandbox.supervisor.stop("nginx")
    break_nginx_file(sandbox)
    sandbox.supervisor.start("nginx")
    expect(sandbox, "nginx", "FATAL")


def wrong_upstream(sandbox: Sandbox) -> None:
    """nginx is told to ask the port after the proxy's, where nothing listens."""
    site = files.nginx_site(sandbox.layout, sandbox.layout.port("cozy-proxy") + 1)
    write(sandbox.layout.path("sites-enabled", "cozy.conf"), site)
    before = set(processes.named(sandbox.layout, "nginx"))
    sandbox.supervisor.signal("nginx", "HUP")
    deadline = time.monotonic() + 10
    while len(before & set(processes.named(sandbox.layout, "nginx"))) > 1 or sandbox.answers("nginx"):
        if time.monotonic() > deadline:  # the master stays, the old worker has to go
            raise failed("nginx")
        time.sleep(0.05)


def freeze_nginx(sandbox: Sandbox) -> None:
    """SIGSTOP to the master and the workers: with the master alone, the site would go on."""
    processes.send(processes.named(sandbox.layout, "nginx"), signal.SIGSTOP)


def kill_supervisord(sandbox: Sandbox) -> None:
    """SIGKILL: supervisord is gone, its children live on."""
    pid = processes.supervisord_pid(sandbox.layout)
    processes.send([pid], signal.SIGKILL)
    while sandbox.supervisor.answers():
        time.sleep(0.05)


def end_everything(sandbox: Sandbox) -> None:
    sandbox.down()


def expect(sandbox: Sandbox, program: str, state: str) -> None:
    if not sandbox.supervisor.wait(program, state):
        raise failed(program)


def failed(program: str) -> SandboxError:
    return SandboxError(t("The fault could not be made: {program} does not behave as it should.", program=program))


FAULTS: dict[str, Fault] = {
    "part-stopped": Fault(t("cozy-home was stopped by hand"), partial(stop, program="cozy-home")),
    "part-fatal": Fault(t("the command of cozy-home is missing"), lose_command),
    "part-hung": Fault(t("cozy-home accepts connections and never answers"), partial(freeze, program="cozy-home")),
    "front-hung": Fault(t("cozy-proxy accepts connections and never answers"), partial(freeze, program="cozy-proxy")),
    "crash-loop": Fault(t("cozy-data-system dies shortly after each start"), crash_loop),
    "port-taken": Fault(t("another program holds the port of cozy-home"), take_port),
    "data-system-stopped": Fault(t("cozy-data-system was stopped by hand"), partial(stop, program="cozy-data-system")),
    "controller-stopped": Fault(t("cozy-controller was stopped by hand"), partial(stop, program="cozy-controller")),
    "couchdb-stopped": Fault(t("CouchDB was stopped by hand"), partial(stop, program="couchdb")),
    "couchdb-hung": Fault(t("CouchDB accepts connections and never answers"), partial(freeze, program="couchdb")),
    "couchdb-401": Fault(t("CouchDB refuses the login of the Cozy"), partial(couchdb, state="wrong-password")),
    "couchdb-database-missing": Fault(
        t("the database of the Cozy is gone"), partial(couchdb, state="database-missing")
    ),
    "couchdb-maintenance": Fault(t("CouchDB is in maintenance mode"), partial(couchdb, state="maintenance")),
    "nginx-stopped": Fault(t("nginx was stopped by hand"), partial(stop, program="nginx")),
    "nginx-hung": Fault(t("nginx accepts connections and never answers"), freeze_nginx),
    "nginx-config-down": Fault(t("nginx does not start: its configuration is broken"), break_nginx),
    "nginx-config-disk": Fault(t("nginx still serves, with a broken configuration on disk"), break_nginx_file),
    "wrong-upstream": Fault(t("nginx asks a port where nothing listens"), wrong_upstream),
    "supervisor-killed": Fault(t("supervisord was killed, its programs live on"), kill_supervisord),
    "supervisor-and-parts-down": Fault(t("supervisord and all its programs are down"), end_everything),
}
