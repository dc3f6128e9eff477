"""The real supervisord with a password: in its own file, as a hash, changed since, included, closed to this user."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cozydiag.config import load
from cozydiag.host import Failure, Host, World
from cozydiag.managers.service import Service
from cozydiag.repair.act import act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from scripts.laboratory.managers.supervisord import SLEEP, Daemon
from scripts.laboratory.node import until

pytest.importorskip("supervisor")
ROOT = Path(__file__).parents[2]
PASSWORD = "s3same-%-öpen"
LOGIN = "username=cozy\npassword=s3same-%%-öpen  ; a comment"
HASHED = "username=cozy\npassword={SHA}" + hashlib.sha1(PASSWORD.encode()).hexdigest()  # noqa: S324
INCLUDED = {"door.conf": f"[unix_http_server]\n{LOGIN}\n"}
ONLY_A_HASH = "login: CONF has its password as a hash only, and gives supervisorctl none"


def seen(here: Daemon, conf: bool = True) -> str:
    """The states of its programs, or why they are not told."""
    own = f'conf = "{here.conf}"\n' if conf else ""
    stack = Stack(load(here.configure(f'[supervisord]\nsocket = "{here.socket}"\n{own}'), {}))
    found = stack.supervisor(host())
    if isinstance(found, Failure):
        return f"{found.kind}: {found.detail.replace(here.conf, 'CONF')}"
    return " ".join(one.statename for one in found.programs)


def host(seconds: float = 2.0) -> Host:
    return Host(World(), seconds, "test")


@pytest.fixture
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """Up, and asking for what the test says."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    files = {name: text.replace("PORT", port) for name, text in request.param.get("files", {}).items()}
    here = Daemon({"web": f"command={SLEEP}\nstartsecs=0"}, **{**request.param, "files": files})
    try:
        assert until(lambda: os.path.exists(here.socket) and (here.folder / "pid").exists())
        assert until(lambda: "STARTING" not in seen(here) and "refused" not in seen(here)), seen(here)
        yield here
    finally:
        here.remove()


@pytest.mark.parametrize(
    ("daemon", "told"),
    [
        ({"server": LOGIN}, "RUNNING"),
        ({"files": INCLUDED}, "RUNNING"),
        ({"server": HASHED, "client": LOGIN}, "RUNNING"),
        ({"server": HASHED}, ONLY_A_HASH),
        ({"server": HASHED, "client": "password=other"}, ONLY_A_HASH),
    ],
    indirect=["daemon"],
    ids=["plain", "included", "a hash and supervisorctl's", "a hash", "a hash and another"],
)  # fmt: skip
@pytest.mark.parametrize("conf", [True, False], ids=["configured", "of the process"])
def test_the_password_of_its_file_opens_it(daemon: Daemon, told: str, conf: bool) -> None:
    assert seen(daemon, conf) == told


@pytest.mark.parametrize("daemon", [{"server": LOGIN}], indirect=True)
def test_a_password_that_was_changed_since_is_refused(daemon: Daemon) -> None:
    file = Path(daemon.conf)
    file.write_text(file.read_text().replace("s3same", "other"))
    assert seen(daemon) == "login: it refuses the password of CONF"
    file.write_text(file.read_text().replace("username=cozy", "").replace("password=", ";"))
    assert seen(daemon) == "login: CONF does not say its password"


@pytest.mark.parametrize("daemon", [{"server": LOGIN}, {"files": INCLUDED}], indirect=True, ids=["own", "included"])
def test_whoever_may_not_read_the_file_is_told_how_to_look(daemon: Daemon) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    daemon.folder.chmod(0o755)
    included = daemon.folder / "more" / "door.conf"
    closed = included if included.exists() else Path(daemon.conf)
    for file, mode in ((Path(daemon.conf), 0o644), (closed, 0o600), (Path(daemon.socket), 0o777)):
        file.chmod(mode)
    configuration = daemon.configure(f'[supervisord]\nsocket = "{daemon.socket}"\nconf = "{daemon.conf}"\n')
    stack = Stack(load(configuration, {}))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            found = stack.supervisor(host())
            os.write(write, f"{found.kind}: {found.detail}".encode() if isinstance(found, Failure) else b"let in")
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as told:
        assert told.read().decode() == f"locked: its password is in {closed}, closed to this user"
    os.waitpid(child, 0)


@pytest.mark.parametrize("daemon", [{"server": LOGIN}], indirect=True)
def test_a_socket_that_somebody_else_may_have_made_is_told_nothing(daemon: Daemon) -> None:
    """In a folder where everybody may make one, as /tmp, supervisord's own default."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    daemon.folder.chmod(0o1777)
    assert seen(daemon) == "RUNNING"
    os.chown(daemon.socket, 65534, -1)
    assert seen(daemon) == f"login: {daemon.socket} belongs to somebody else than CONF"


@pytest.mark.parametrize(
    "daemon", [{"files": {"web.conf": f"[inet_http_server]\nport=127.0.0.1:PORT\n{LOGIN}\n"}}], indirect=True
)
def test_it_is_asked_over_tcp_where_that_is_wanted(daemon: Daemon) -> None:
    conf = (daemon.folder / "more" / "web.conf").read_text()
    place = f"http://127.0.0.1:{conf.partition('127.0.0.1:')[2].partition(chr(10))[0]}"
    stack = Stack(load(daemon.configure(f'[managers]\nsupervisord = ["{place}"]\n'), {}))
    [told] = [one.services for one in stack.owned(host(5.0)) if one.manager.place == place]
    assert not isinstance(told, Failure), told
    assert [(one.service.unit, str(one.state)) for one in told] == [("web", "running")]


@pytest.mark.parametrize("daemon", [{"server": LOGIN}], indirect=True)
def test_it_acts_and_no_word_of_the_password_leaves(daemon: Daemon) -> None:
    configuration = daemon.configure(
        f'proof = 0.5\n[supervisord]\nsocket = "{daemon.socket}"\nconf = "{daemon.conf}"\n'
    )
    stack = Stack(load(configuration, {}))
    with closing(open_state(str(daemon.folder / "state"))) as state:
        outcome = act(host(30.0), stack, state, Service("supervisord", "web"), "restart")
    assert outcome.result == "verified", outcome.text
    line = [sys.executable, "-m", "cozydiag", "status", "--verbose", "--format", "json", "--config", configuration]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    written = done.stdout + done.stderr + "".join(one.read_text("utf-8", "replace") for one in kept(daemon.folder))
    assert "supervisord looks after 1 program" in done.stdout
    assert "s3same" not in written
    assert "Y296eTpzM3" not in written  # the beginning of the header


def kept(folder: Path) -> Iterator[Path]:
    """All that cozydiag wrote."""
    return (one for one in (folder / "state").rglob("*") if one.is_file())
