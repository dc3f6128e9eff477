"""supervisord (of the package index) with a program in each of its states."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from cozydiag.host import Failure, Host, World
from cozydiag.managers import supervisord
from scripts.laboratory.managers.pm2 import daemon
from scripts.laboratory.managers.scene import Scene, SceneError, Tool, outside
from scripts.laboratory.node import Folder, until

SLEEP = "/bin/sleep 1000"
STUBBORN = """/bin/sh -c "trap '' TERM; while :; do sleep 1; done\""""

PROGRAMS: Mapping[str, str] = {
    "works": f"command={SLEEP}",
    "members": f"command={SLEEP}\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)02d",
    "off": f"command={SLEEP}\nautostart=false",
    "stopped": f"command={SLEEP}",
    "starting": f"command={SLEEP}\nstartsecs=3000",
    "back-off": "command=/bin/sh -c 'echo no database >&2; exit 3'\nstartretries=1000000",
    "gives-up": "command=/bin/sh -c 'exit 2'\nstartretries=0",
    "no-program": "command=/nonexistent/program\nstartretries=0",
    "not-executable": "command=/etc/hostname\nstartretries=0",
    "no-folder": f"command={SLEEP}\ndirectory=/nonexistent\nstartretries=0",
    "done": "command=/bin/sh -c 'exit 0'\nstartsecs=0\nautorestart=false",
    "done-with-7": "command=/bin/sh -c 'exit 7'\nstartsecs=0\nautorestart=unexpected\nexitcodes=7",
    "failed": "command=/bin/sh -c 'exit 7'\nstartsecs=0\nautorestart=false",
    "shot": "command=/bin/sh -c 'kill -9 $$'\nstartsecs=0\nautorestart=false",
    "loops": "command=/bin/sh -c 'sleep 1.3; exit 3'\nautorestart=true",
    "stopping": f"command={STUBBORN}\nstopwaitsecs=1000",
}

STATES = {
    "works": "", "members:members_00": "", "members:members_01": "", "off": "", "stopped": "",
    "starting": "service.starting", "back-off": "service.crash_loop", "gives-up": "service.failed",
    "no-program": "service.failed", "not-executable": "service.failed", "no-folder": "service.failed", "done": "",
    "done-with-7": "", "failed": "service.failed", "shot": "service.failed", "loops": "service.crash_loop",
    "stopping": "service.stopping",
}  # fmt: skip

DAEMON = {"stopped-by-signal": "service.hung", "killed": "supervisor.down"}

SECOND = {**STATES, "stopping": ""}
"""As another one than the main supervisord: nobody waits for what plays no role, and is being stopped."""

SECOND_DAEMON = {"stopped-by-signal": "manager.hung", "killed": "manager.down"}


class Daemon(Folder):
    """A supervisord in the foreground, with a socket in its folder. ``server`` and ``client`` are more lines of their
    sections, ``files`` more files beside its own, all of which it includes."""

    def __init__(
        self, programs: Mapping[str, str], server: str = "", client: str = "", files: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.socket = str(self.folder / "s")
        self.conf = str(self.folder / "s.conf")
        (self.folder / "more").mkdir()
        for name, content in (files or {}).items():
            (self.folder / "more" / name).write_text(content)
        sections = "".join(
            f"[program:{name}]\n{lines}\nstdout_logfile=NONE\nstderr_logfile=%(here)s/{name}.err\n"
            for name, lines in programs.items()
        )
        (self.folder / "s.conf").write_text(
            f"[supervisord]\nlogfile=%(here)s/log\npidfile=%(here)s/pid\nchildlogdir=%(here)s\nminfds=4096\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[unix_http_server]\nfile=%(here)s/s\n{server}\n"
            f"[supervisorctl]\nserverurl=unix://%(here)s/s\n{client}\n"
            f"[include]\nfiles = more/*.conf\n{sections}"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", self.conf], cwd=self.folder,
            env={"PATH": os.defpath, "HOME": str(self.folder), "TZ": os.environ.get("TZ", "")}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def states(self) -> dict[str, str]:
        """{} while it does not answer."""
        seen = supervisord.look(Host(World(), 5.0, "lab"), self.socket)
        return {} if isinstance(seen, Failure) else {one.name: one.statename for one in seen.programs}

    def ctl(self, *words: str) -> int:
        line = [sys.executable, "-m", "supervisor.supervisorctl", "-c", self.conf, *words]
        return subprocess.run(line, cwd="/", capture_output=True, timeout=60, check=False).returncode

    def remove(self) -> None:
        self.process.kill()
        self.process.wait(10)
        super().remove()


@contextmanager
def started() -> Iterator[Daemon]:
    """All programs, each as far gone as it goes. Raises SceneError."""
    if find_spec("supervisor") is None:
        raise SceneError("supervisor is not installed beside this project")
    here = Daemon(PROGRAMS)
    try:
        if not until(lambda: here.states().get("no-folder") == here.states().get("gives-up") == "FATAL"):
            raise RuntimeError(f"its programs do not come to rest: {here.states()}")
        here.ctl("stop", "stopped")
        line = [sys.executable, "-m", "supervisor.supervisorctl", "-c", here.conf, "stop", "stopping"]
        waiting = subprocess.Popen(line, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            log = here.folder / "log"
            if not until(lambda: log.read_text().count("exited: loops (") >= 4):
                raise RuntimeError("nothing loops")
            if not until(lambda: here.states().get("stopping") == "STOPPING"):
                raise RuntimeError(f"nothing is stopping: {here.states()}")
            yield here
        finally:
            waiting.kill()
            waiting.wait(10)
    finally:
        here.remove()


@contextmanager
def scene(second: bool) -> Iterator[Scene]:
    """As the main supervisord, or as a ``second`` one beside it."""
    with started() as here:
        if second:
            configuration = here.configure(f'[managers]\nsupervisord = ["{here.socket}"]\n')
        else:
            configuration = here.configure(f'[supervisord]\nsocket = "{here.socket}"\nconf = "{here.conf}"\n')
        addresses = {name: f"supervisord:{name}" for name in STATES}
        tools = {"loops": Tool(lambda: here.ctl("restart", "loops"), "restart", addresses["loops"])}
        yield Scene(outside(configuration), addresses, tools, daemon(lambda: here.process.pid))


@contextmanager
def many(count: int) -> Iterator[Daemon]:
    """One with so many programs, which have all run for a while. Raises RuntimeError."""
    here = Daemon({f"program-{number:04}": f"command={SLEEP}\nstartsecs=0" for number in range(count)})
    try:
        end = time.monotonic() + 120
        while sum(state == "RUNNING" for state in here.states().values()) < count:
            if time.monotonic() > end:
                raise RuntimeError("supervisord does not answer")
            time.sleep(0.2)
        time.sleep(30.0)  # until nothing is young
        yield here
    finally:
        here.remove()
