"""One case: a proxy in front of a stand-in, the fault, `cozydiag status`, and everything gone again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.laboratory import command
from scripts.laboratory.proxies import certificates, packages
from scripts.laboratory.proxies.cases import Fault
from scripts.laboratory.proxies.configurations import SITE, Plan, write
from scripts.laboratory.proxies.standins import Standin

NOBODY = 65534
_FILES = 40
"""How many files a proxy may open that runs out of them; enough to start with."""


_SQUATTER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"
"""Another program on a port."""


class Bench:
    """A folder, a proxy, stand-ins: from `with` to its end."""

    def __init__(self, proxy: str, program: Path, fault: Fault) -> None:
        self.proxy, self.fault = proxy, fault
        self.folder = Path(tempfile.mkdtemp(prefix=f"cozydiag-{proxy}-"))
        self.program = self._wrapped(program)
        self.ports = _free(4)
        self.standins: list[Standin] = []
        self.held: list[socket.socket] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.squatter: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Bench:
        for name in ("logs", "temporary", "state", "data"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            for path in (self.folder / "logs", self.folder / "temporary", self.folder / "data"):
                os.chown(path, NOBODY, NOBODY)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self.squatter is not None:
            self.squatter.kill()
            self.squatter.wait(10)
        for connection in self.held:
            connection.close()
        for standin in self.standins:
            standin.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self) -> command.Run:
        """The whole case."""
        plan, path = self.up()
        self._spoil(path, plan)
        self._ours(path, plan)
        only = ("--only", "proxy.*", *(("--only", "site.*") if plan.secure else ()))
        return command.cozydiag("status", "--config", str(self.folder / "cozydiag.toml"), "--format", "json", *only)

    def up(self) -> tuple[Plan, Path]:
        """The proxy runs, in front of what is behind it: how, and its main file."""
        plan = self._plan(self._behind())
        if plan.secure:
            certificates.make(plan.folder, self.fault.own)
        path, words = write(self.proxy, plan)
        if self.fault.own in ("tls-reload", "orphans", "left") and self.proxy == "haproxy":
            words = ["-W", *words]  # only a master can load a file anew, and be killed
        self._start(words, plan.port)
        return plan, path

    # -- what is behind --------------------------------------------------------------------------------

    def _behind(self) -> tuple[str, ...]:
        fault, port, place = self.fault, self.ports[1], str(self.folder / "app.sock")
        if fault.at == "empty":
            return ()
        if fault.at == "name":
            return ("nosuch.cozy.invalid:9104",)
        if fault.at in ("missing", "stale", "denied"):
            if fault.at != "missing":
                self.standins.append(Standin(fault.behind or "well", place))
            if fault.at == "stale":
                self.standins.pop().close()
                os.chmod(place, 0o666)  # noqa: S103  as such a file is usually left
            if fault.at == "denied":
                os.chmod(place, 0)
            return (place,)
        if fault.at == "moved":
            self.standins.append(Standin("well", ("127.0.0.1", self.ports[2])))
        elif fault.at != "two" and fault.behind:
            certificate = self._certificate() if fault.tls else None
            self.standins.append(Standin(fault.behind, ("127.0.0.1", port), certificate))
        if fault.at == "v6":
            return (f"[::1]:{port}",)
        return (f"127.0.0.1:{port}", f"127.0.0.1:{self.ports[3]}") if fault.at == "two" else (f"127.0.0.1:{port}",)

    def _certificate(self) -> Path:
        path = self.folder / "app.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={SITE}",
             "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
        return path

    # -- the proxy -------------------------------------------------------------------------------------

    def _plan(self, targets: tuple[str, ...]) -> Plan:
        few = {"nginx": 8, "apache": 2, "haproxy": 4}.get(self.proxy, 0) if self.fault.own == "connections" else 0
        own = self.fault.own
        names = {"tls-apps": (SITE, f"*.{SITE}"), "other-name": ("other.localhost",)}.get(own, (SITE,))
        return Plan(
            self.folder, self.ports[0], _free(1)[0], targets, self.fault.scheme, few, own != "module",
            secure=own.startswith("tls"), names=names, plain=_free(1)[0] if own == "tls-plain" else 0,
            twice=own == "tls-twice" and self.proxy != "caddy", static=own in ("start-page", "other-name"),
            lacks=own.removeprefix("tls-lacks-") if own.startswith("tls-lacks-") else "",
        )  # fmt: skip

    def _wrapped(self, program: Path) -> Path:
        """The program under a name of its own, with the libraries that were unpacked beside it."""
        wrapper = self.folder / program.name
        libraries = packages.environment()["LD_LIBRARY_PATH"]
        wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n', "utf-8")
        wrapper.chmod(0o755)
        return wrapper

    def _start(self, words: list[str], port: int) -> None:
        argv = [str(self.program), *words]
        if self.fault.own == "files":
            argv = ["/bin/sh", "-c", f'ulimit -n {_FILES}; exec "$0" "$@"', *argv]
        user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        with (self.folder / "logs" / "haproxy.log").open("ab") as output:
            self.process = subprocess.Popen(
                argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={"PATH": os.defpath, "HOME": str(self.folder / "data"), "XDG_DATA_HOME": str(self.folder / "data"),
                     "NOTIFY_SOCKET": str(self.folder / "notify")},
                start_new_session=True, **user,
            )  # fmt: skip
        end = time.monotonic() + 15
        while not _listens(port):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError((self.folder / "logs" / "haproxy.log").read_text("utf-8", "replace")[-400:])
            time.sleep(0.03)

    def end(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    # -- what is done to it ----------------------------------------------------------------------------

    def _spoil(self, path: Path, plan: Plan) -> None:
        time.sleep(0.1)  # what is changed now is newer than what was loaded, by more than a tick
        own = self.fault.own
        if self.fault.at == "two":
            self._come_back(plan)
        elif own in ("files", "connections"):
            self._hold(plan, _FILES + 20 if own == "files" else 12)
        elif own == "stop" and self.process:
            os.killpg(self.process.pid, signal.SIGSTOP)
        elif own in ("orphans", "left") and self.process:
            self._kill_the_master(self.process, plan.port)
        elif own == "down" or own.endswith("-down"):
            self.end()
        self._change(path, plan)

    def _kill_the_master(self, process: subprocess.Popen[bytes], port: int) -> None:
        """HAProxy's workers see it, and end, after a reload the older ones, too; one that is stopped sees nothing."""
        below = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if self.proxy == "haproxy" and self.fault.own == "orphans":
            held = socket.create_connection(("127.0.0.1", port), 5)
            held.send(f"GET /held HTTP/1.1\r\nHost: {SITE}\r\nX-Wait".encode())  # for this the worker of now stays
            self.held.append(held)
            before = set(below.read_text().split())
            os.kill(process.pid, signal.SIGUSR2)
            _until(lambda: bool(set(below.read_text().split()) - before), "no second worker comes")
        for worker in map(int, below.read_text().split() if self.fault.own == "left" else ()):
            os.kill(worker, signal.SIGSTOP)
        process.kill()
        process.wait(10)
        if self.proxy == "haproxy" and self.fault.own == "orphans":
            _until(lambda: not _listens(port), "its workers go on")

    def _come_back(self, plan: Plan) -> None:
        """The members of a group that were dead when they were asked are well now."""
        for _ in range(4):
            _visit(plan.port)
        self.standins.append(Standin(self.fault.behind, ("127.0.0.1", self.ports[1])))
        self.standins.append(Standin(self.fault.behind, ("127.0.0.1", self.ports[3])))

    def _hold(self, plan: Plan, count: int) -> None:
        """So many connections that say no more."""
        for _ in range(count):
            with contextlib.suppress(OSError):
                one = socket.create_connection(("127.0.0.1", plan.port), 1)
                one.send(f"GET /held HTTP/1.1\r\nHost: {SITE}\r\nX-Wait".encode())
                self.held.append(one)
        time.sleep(0.5)

    def _change(self, path: Path, plan: Plan) -> None:
        """What is on disk, which the proxy has not been told of."""
        own = self.fault.own
        if own.startswith("port-taken"):
            self._take(plan)
        if own.startswith("tls"):
            certificates.spoil(plan.folder, own)
        if own == "tls-twice" and self.proxy == "caddy":  # which does not start with it
            write(self.proxy, plan._replace(twice=True))
        if own.startswith(("unknown", "cut", "include", "backend")):
            path.write_text(_broken(self.proxy, own.partition("-")[0], path.read_text("utf-8")), "utf-8")

    def _take(self, plan: Plan) -> None:
        """A port that the site shall listen on, of another program: the proxy's own where that is down."""
        port = plan.port
        if self.process is not None and self.process.poll() is None:
            port = _free(1)[0]
            write(self.proxy, plan._replace(more=port))
        self.squatter = subprocess.Popen(
            [sys.executable, "-c", _SQUATTER, str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        _until(lambda: _listens(port), "the other program does not listen")

    def _ours(self, path: Path, plan: Plan) -> None:
        """What cozydiag is told."""
        port = self.ports[2] if self.fault.own == "listen" else plan.port
        keys = {
            "nginx": f'pid = "{self.folder}/temporary/nginx.pid"',
            "apache": "",
            "caddy": f'admin = "127.0.0.1:{plan.admin}"',
            "haproxy": f'socket = "{self.folder}/temporary/admin.sock"',
        }[self.proxy]
        (self.folder / "cozydiag.toml").write_text(
            f'discover = false\n[paths]\nstate = "{self.folder}/state"\nlogs = "{self.folder}/logs"\n'
            f'[programs]\n{self.program.name} = "{self.program}"\n'
            f'[proxy.{self.proxy}]\nconf = "{path}"\n{keys}\n'
            f'[parts.proxy]\nurl = "http://127.0.0.1:{self.ports[2]}"\n'
            f'[[sites]]\nurl = "http{"s" if plan.secure else ""}://{SITE}:{port}/"\naddress = "127.0.0.1:{port}"\n',
            "utf-8",
        )


def _broken(proxy: str, how: str, text: str) -> str:
    if how == "cut" and proxy == "caddy":
        return text.replace("}\nhttp://", "\nhttp://")
    if how == "cut":
        return text.rstrip().rpartition("</VirtualHost>" if proxy == "apache" else "}")[0]
    if how == "backend":
        return text.replace("use_backend cozy", "use_backend nothere")
    if how == "include":
        words = {"nginx": "include /nonexistent/cozy.conf;", "apache": "Include /nonexistent/cozy.conf",
                 "caddy": "import nothere\n"}[proxy]  # fmt: skip
        return text.replace("http {", f"http {{ {words}") if proxy == "nginx" else f"{text}\n{words}\n"
    return {
        "nginx": lambda: text.replace("proxy_read_timeout", "prxy_read_timeout"),
        "apache": lambda: text.replace("ProxyTimeout", "ProxyTimeOutt"),
        "caddy": lambda: text.replace("reverse_proxy", "revrse_proxy"),
        "haproxy": lambda: text.replace("option httplog", "optoin httplog"),
    }[proxy]()


def _visit(port: int) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": SITE})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
        answer.read()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _until(done: Callable[[], bool], otherwise: str) -> None:
    """Raises RuntimeError."""
    end = time.monotonic() + 10
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.03)


def _free(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
