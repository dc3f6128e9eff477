"""What the lab does to a sandbox beyond the faults that `cozydiag demo` knows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from cozydiag.host.logs import SETTLED
from cozydiag.sandbox import Sandbox, files, processes
from cozydiag.sandbox.layout import write
from scripts.laboratory import tls
from scripts.laboratory.waiting import until


def restart_parts(sandbox: Sandbox) -> None:
    """Ended and started a moment ago, and well."""
    for program in ("cozy-data-system", "cozy-home", "cozy-proxy"):
        sandbox.supervisor.stop(program)
        sandbox.supervisor.start(program)
        until(partial(runs, sandbox, program), program)


def runs(sandbox: Sandbox, program: str) -> bool:
    return sandbox.supervisor.states().get(program) == "RUNNING" and sandbox.answers(program)


def resume(sandbox: Sandbox) -> None:
    sandbox.supervisor.signal("cozy-home", "CONT")
    until(partial(runs, sandbox, "cozy-home"), "cozy-home")


def mend_loop(sandbox: Sandbox) -> None:
    """What made the data-system crash is mended, and it has lived much longer than it ever did in between."""
    times = deaths(sandbox, "cozy-data-system")
    longest = max(later - earlier for earlier, later in pairwise(times))
    files.write_program(sandbox.layout, "cozy-data-system", sandbox.commands()["cozy-data-system"])
    sandbox.supervisor.update()
    until(partial(runs, sandbox, "cozy-data-system"), "cozy-data-system")
    time.sleep((2 * (longest + timedelta(seconds=1)) + timedelta(seconds=1)).total_seconds())


def lose_command(sandbox: Sandbox) -> None:
    files.write_program(sandbox.layout, "cozy-data-system", sandbox.layout.path("run", "data-system-is-gone"))
    sandbox.supervisor.update()
    until(lambda: sandbox.supervisor.states()["cozy-data-system"] == "FATAL", "FATAL")


def newer_directive(sandbox: Sandbox) -> None:
    """The site has a directive that nginx knows since 1.19.3 and cozydiag's parser does not; nginx is not told."""
    site = files.nginx_site(sandbox.layout, sandbox.layout.port("cozy-proxy"))
    line = "proxy_cookie_flags ~ secure;\n        proxy_pass "
    write(sandbox.layout.path("sites-enabled", "cozy.conf"), site.replace("proxy_pass ", line, 1))


def take_couchdb_port(sandbox: Sandbox) -> None:
    """Another program has CouchDB's port; CouchDB itself gives up."""
    sandbox.supervisor.stop("couchdb")
    line = [sys.executable, "-m", "cozydiag.sandbox.programs.squatter", str(sandbox.layout.port("couchdb"))]
    subprocess.run(line, env=files.environment(sandbox.layout), cwd=sandbox.layout.work, check=True)
    sandbox.supervisor.start("couchdb")
    until(lambda: sandbox.supervisor.states()["couchdb"] == "FATAL", "FATAL")


def spoil_login(sandbox: Sandbox) -> None:
    """Only half of CouchDB's login file has been written."""
    write(sandbox.layout.path("couchdb.login"), "admin\n")


def restart_in_vain(sandbox: Sandbox) -> None:
    """The data-system ends at once, again and again, until supervisord gives up."""
    sandbox.supervisor.stop("cozy-data-system")
    sandbox.supervisor.start("cozy-data-system")
    until(lambda: sandbox.supervisor.states()["cozy-data-system"] == "FATAL", "FATAL")


def loop(sandbox: Sandbox) -> None:
    """As `restart_in_vain`, where supervisord never gives up: with startsecs=0 each start counts as a good one."""
    program = sandbox.layout.path("programs", "cozy-data-system.conf")
    with open(program, encoding="utf-8") as file:
        write(program, file.read().replace("startsecs=1", "startsecs=0"))
    sandbox.supervisor.update()
    until(lambda: len(deaths(sandbox, "cozy-data-system")) >= 3, "three exits")


def deaths(sandbox: Sandbox, program: str) -> list[datetime]:
    """When the program has ended by itself, from supervisord's log (local time, as it stands there)."""
    with open(sandbox.layout.path("logs", "supervisord.log"), encoding="utf-8") as log:
        lines = [line for line in log if f"exited: {program} (" in line]
    return [datetime.fromisoformat(line[:19]) for line in lines]


def freeze_supervisord(sandbox: Sandbox) -> None:
    os.kill(processes.supervisord_pid(sandbox.layout), signal.SIGSTOP)


def complain(sandbox: Sandbox) -> None:
    """Home writes four times that it finds no mail server, and answers as before."""
    line = "{:%Y-%m-%d %H:%M:%S} error - mailer | getaddrinfo EAI_AGAIN smtp.example.org\n"
    with open(sandbox.layout.path("logs", "home-err.log"), "a", encoding="utf-8") as log:
        log.writelines(line.format(datetime.now()) for _ in range(4))  # noqa: DTZ005  as programs write it


def settle(sandbox: Sandbox) -> None:  # noqa: ARG001
    """So that nothing is on its way up any more."""
    time.sleep(SETTLED + 1)


MORE: dict[str, Callable[[Sandbox], None]] = {
    "parts-restarted": restart_parts,
    "part-resumed": resume,
    "crash-loop-mended": mend_loop,
    "part-complains": complain,
    "parts-settled": settle,
    "front-stopped": lambda sandbox: sandbox.supervisor.stop("cozy-proxy"),
    "data-system-fatal": lose_command,
    "data-system-hung": lambda sandbox: sandbox.supervisor.signal("cozy-data-system", "STOP"),
    "controller-hung": lambda sandbox: sandbox.supervisor.signal("cozy-controller", "STOP"),
    "nginx-newer-directive": newer_directive,
    "couchdb-port-taken": take_couchdb_port,
    "couchdb-locked-out": lambda sandbox: sandbox.couchdb("locked-out"),
    "couchdb-login-malformed": spoil_login,
    "data-system-restarted-in-vain": restart_in_vain,
    "data-system-loops": loop,
    "supervisor-hung": freeze_supervisord,
    **tls.FAULTS,
}
