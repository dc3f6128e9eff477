"""Reloads of the four real proxies: what is proven, what is refused, and what each says when it goes wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.config import load
from cozydiag.host import Failure, Host, World
from cozydiag.managers.service import VERBS, Condition, Life, Service, Verb
from cozydiag.repair import owners, proxies
from cozydiag.repair.act import act
from cozydiag.repair.proof import prove
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.text.catalogue import ENGLISH, render
from scripts.laboratory.proxies import certificates, packages
from scripts.laboratory.proxies.bench import Bench
from scripts.laboratory.proxies.cases import PROXIES, Fault

RELOAD = Fault("reload", "", "well", own="tls-reload")
SIGNALS = {"nginx": signal.SIGHUP, "apache": signal.SIGUSR1, "haproxy": signal.SIGUSR2}


class Manager:
    """As systemd is: it asks without waiting for the end, and knows of a reload what the proxy tells it
    (`RELOADING=1`, `READY=1`, sd_notify(3))."""

    name, user, place = "lab", None, ""
    verbs: tuple[Verb, ...] = VERBS

    def __init__(self, bench: Bench, admin: int) -> None:
        self.bench, self.admin = bench, admin
        self.asked: list[str] = []
        self.state = ""
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(bench.folder / "notify"))
        (bench.folder / "notify").chmod(0o666)
        self.notices.setblocking(False)

    def services(self, host: Host) -> tuple[Condition, ...]:
        return ()

    def log(self, host: Host, service: Service, lines: int) -> list[str]:
        return []

    def allowed(self, host: Host) -> bool:
        return True

    def exposed(self, host: Host) -> None:
        return None

    def command(self, service: Service, verb: str) -> tuple[str, ...]:
        return ("labctl", verb)

    def patience(self, host: Host, service: Service) -> float:
        return 5.0

    def life(self, host: Host, service: Service) -> Life:
        with contextlib.suppress(BlockingIOError):
            while notice := self.notices.recv(4096):
                for line in notice.decode().splitlines():
                    self.state = {"RELOADING=1": "reloading", "READY=1": "running"}.get(line, self.state)
        assert self.bench.process is not None
        if self.bench.process.poll() is not None:
            return Life(False, 0, f"exited with {self.bench.process.returncode}")
        return Life(True, self.bench.process.pid, self.state or "running", busy=self.state == "reloading")

    def ask(self, host: Host, service: Service, verb: str) -> Failure | None:
        self.asked.append(verb)
        assert self.bench.process is not None
        if self.bench.proxy == "caddy":
            line = [str(self.bench.program), "reload", "--config", str(self.bench.folder / "Caddyfile"),
                    "--adapter", "caddyfile", "--force", "--address", f"127.0.0.1:{self.admin}"]  # fmt: skip
            subprocess.run(line, capture_output=True, timeout=30, check=False)
        else:
            os.kill(self.bench.process.pid, SIGNALS[self.bench.proxy])
        return None


class Scene:
    """A running proxy, and cozydiag told of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.plan, self.path = bench.up()
        bench._ours(self.path, self.plan)
        self.manager = Manager(bench, self.plan.admin)
        self.host = Host(World(), 60.0, "lab")
        self.stack = Stack(load(str(bench.folder / "cozydiag.toml"), {}))
        self.service = Service("lab", bench.proxy, "proxy")
        self.host.clock.sleep(0.5)  # HAProxy's master listens a moment before it takes signals
        self.began = self.host.clock.now()

    def reload(self) -> tuple[str, str]:
        proof = prove(self.host, self.manager, self.service, "reload", 3.0)
        text = proof.text
        if proof.result != "verified":
            text = proxies.in_its_words(self.host, self.stack, self.service, text, self.began)
        return proof.result, render(text, ENGLISH)

    def workers(self) -> set[int]:
        assert self.bench.process is not None
        return set(self.host.children(self.bench.process.pid))


@pytest.fixture(params=PROXIES)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    proxy = str(request.param)
    if not (packages.folder() / packages.PROGRAMS[proxy]).exists():
        pytest.skip(f"{proxy} was not fetched: scripts/lab --only proxies does so")
    program = packages.program(proxy)
    if isinstance(program, str):
        pytest.skip(program)
    with Bench(proxy, program, RELOAD) as bench:
        made = Scene(bench)
        with made.manager.notices:
            yield made


def test_a_good_reload_is_proven(scene: Scene) -> None:
    before = scene.workers()
    assert scene.reload() == ("verified", "it runs and stays")
    assert scene.manager.asked == ["reload"]
    if scene.bench.proxy != "caddy":
        assert scene.workers() - before


def test_a_reload_that_loads_nothing_is_never_called_well(scene: Scene) -> None:
    """The certificate is not that of its key any more: nginx and HAProxy go on with what they had, Apache ends, and
    Caddy's unit stays in its reload. The test of three of them would have said so; Apache's does not."""
    certificates.spoil(scene.plan.folder, "tls-wrong-key")
    result, text = scene.reload()
    assert result == "failed"
    if scene.bench.proxy == "apache":
        assert "; its log says: AH00020: Configuration Failed, exiting" in text
        assert "key" in text
    elif scene.bench.proxy == "caddy":
        assert text.startswith("it is stuck in its reload")
    else:
        assert text.startswith("it has no new workers")
    if scene.bench.proxy == "nginx":
        assert "[emerg]" in text
        assert "key values mismatch" in text


@pytest.mark.parametrize("flaw", ["key", "port", "directive"])
def test_what_would_not_come_back_is_never_touched(
    scene: Scene, flaw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the three flaws Apache's own test sees the last alone, and no test sees the second."""
    monkeypatch.setattr(owners, "manager_of", lambda *_: scene.manager)
    if flaw == "key":
        certificates.spoil(scene.plan.folder, "tls-wrong-key")
    elif flaw == "port":
        scene.bench._take(scene.plan)
    else:
        scene.path.write_text(scene.path.read_text("utf-8").replace("127.0.0.1", "127.0.0.1 nonsense", 1), "utf-8")
    before = scene.workers()
    with closing(open_state(str(tmp_path / "state"))) as state:
        outcome = act(scene.host, scene.stack, state, scene.service, "restart")
    assert outcome.result == "refused"
    assert scene.manager.asked == []
    assert scene.workers() == before
    text = render(outcome.text, ENGLISH)
    assert {"key": "key", "port": "is taken by python", "directive": str(scene.path)}[flaw] in text
