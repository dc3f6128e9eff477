"""What PM2 and forever have lost, by what was seen before; homes of PM2 in which nothing runs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Paths
from cozydiag.host import Failure, Process
from cozydiag.managers import pm2
from cozydiag.managers.node import Place
from cozydiag.managers.pm2 import PM2
from cozydiag.managers.service import Condition, Home, Manager, State, Surroundings
from cozydiag.stack import Stack, ownership
from cozydiag.state import open_state
from cozydiag.testing import MISSING, REFUSED, FakeClock, FakeHost, Machine
from tests.unit.managers import test_forever
from tests.unit.managers.test_pm2 import FOLDER, MOMENT, SOCKET, TITLE, Daemon, entry

GOD = Process(28200, 1, "S", "PM2", MOMENT - 600, (TITLE,), 0)
LINE = f"env PM2_HOME={FOLDER} pm2 start /srv/lab/pm2/apps/ok.js --name my-app --cwd /srv/lab/pm2/apps"


class Rebooted(FakeClock):
    def boot_id(self) -> str:
        return "11111111-1111-1111-1111-111111111111"


def look(folder: Path, manager: Manager, machine: Machine) -> tuple[Condition, ...] | Failure:
    """One run of cozydiag."""
    stack = Stack(Config(paths=Paths(state=str(folder))))
    [owned] = ownership.owned(stack, FakeHost(replace(machine, real=str(folder)), 2.0), [manager])
    return owned.services


def god(served: Any, began: float = GOD.started, clock: FakeClock | None = None, **files: Any) -> Machine:
    number = GOD.pid if began == GOD.started else GOD.pid + 1  # another daemon is another process
    pid = {f"{FOLDER}/pm2.pid": b"%d" % number}
    processes = (GOD._replace(pid=number, started=began),)
    return Machine(
        sockets={SOCKET: served}, files={**pid, **files}, clock=clock or FakeClock(MOMENT), processes=processes
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A state in which `my-app` of PM2 was seen."""
    open_state(str(tmp_path / "s")).close()
    seen = look(tmp_path / "s", home(), god(Daemon(entry("my-app"), entry("stopped-app"))))
    assert not isinstance(seen, Failure)
    assert seen[0].command == LINE
    return tmp_path / "s"


def home() -> PM2:
    return PM2(Place(FOLDER, 0, None, ("env", f"PM2_HOME={FOLDER}")))


def lost(found: tuple[Condition, ...] | Failure) -> dict[str, str]:
    return {} if isinstance(found, Failure) else {one.service.unit: one.start_line for one in found if one.start_line}


def test_a_daemon_that_has_begun_anew_has_lost_what_ran(kept: Path) -> None:
    again = god(Daemon(), MOMENT - 5)
    found = look(kept, home(), again)
    assert lost(found) == {"my-app": LINE}  # stopped-app was stopped on purpose
    assert not isinstance(found, Failure)
    assert (found[0].state, found[0].wanted) == (State.STOPPED, True)
    assert lost(look(kept, home(), again)) == {"my-app": LINE}  # and for as long as it is so


def test_what_was_taken_out_of_a_list_that_lives_is_not_lost(kept: Path) -> None:
    assert lost(look(kept, home(), god(Daemon()))) == {}


def test_what_is_there_again_or_was_saved_since_is_not_lost(kept: Path) -> None:
    assert lost(look(kept, home(), god(Daemon(entry("my-app")), MOMENT - 5))) == {}
    dump: dict[str, Any] = {f"{FOLDER}/dump.pm2": b"[]"}
    saved = god(Daemon(), MOMENT - 3, **dump)
    saved.modes = {f"{FOLDER}/dump.pm2": (0o644, 0, MOMENT + 1)}
    assert lost(look(kept, home(), saved)) == {}


@pytest.mark.parametrize("served", [MISSING, REFUSED])
def test_after_a_reboot_without_a_daemon_all_is_lost(kept: Path, served: Failure) -> None:
    there = replace(god(served, clock=Rebooted(MOMENT)), processes=())
    assert lost(look(kept, home(), there)) == {"my-app": LINE}


def test_a_daemon_that_somebody_ended_has_lost_nothing(kept: Path) -> None:
    found = look(kept, home(), replace(god(MISSING), processes=()))
    assert isinstance(found, Failure)
    assert found.kind == "missing"


def test_a_script_of_forever_gets_its_whole_command_back(tmp_path: Path) -> None:
    """Its monitor and its process are gone: its pid file names nothing but its number."""
    open_state(str(tmp_path / "s")).close()
    data = test_forever.recorded()["home"]
    monitor = test_forever.Monitor(data)
    before = test_forever.host(monitor, processes=(test_forever.alive(data["pid"]),)).machine
    look(tmp_path / "s", test_forever.manager(), before)
    after = test_forever.host(REFUSED, files=test_forever.hung(data)).machine
    found = look(tmp_path / "s", test_forever.manager(), after)
    assert lost(found)["home"].startswith("forever start -a --uid home --sourceDir ")


def test_without_a_state_nothing_is_made(tmp_path: Path) -> None:
    look(tmp_path / "none", home(), god(Daemon(entry("my-app"))))
    assert not (tmp_path / "none").exists()


def test_no_environment_is_kept(kept: Path) -> None:
    with closing(open_state(str(kept))) as state:
        assert "scrubbed" not in str(state.query("SELECT * FROM pairs"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("/etc/systemd/system/pm2-ann.service", "[Service]\nEnvironment=PM2_HOME=/srv/pm2\n"),
        ("/etc/profile.d/pm2.sh", "export PM2_HOME='/srv/pm2/'\n"),
        ("/etc/environment", 'PM2_HOME="/srv/pm2"\n'),
        ("/home/ann/.bashrc", "PS1=x\nexport PM2_HOME=/srv/pm2 # moved\n"),
    ],
)
def test_a_home_elsewhere_is_found_without_its_daemon(file: str, text: str) -> None:
    files = {file: text.encode(), "/srv/pm2": b"", "/srv/pm2/rpc.sock": b"", "/usr/bin/pm2": b""}
    found = pm2.find(FakeHost(Machine(files=files)), Surroundings(homes=(Home("ann", 1000, "/home/ann"),)))
    assert [one.place for one in found] == ["/srv/pm2/rpc.sock"]


def test_a_home_below_the_users_own_and_one_in_a_comment() -> None:
    text = b"# export PM2_HOME=/srv/old\nexport PM2_HOME=$HOME/apps/pm2\n"
    files = {"/home/ann/.profile": text, "/home/ann/apps/pm2": b"", "/home/ann/apps/pm2/dump.pm2": b"[]"}
    found = pm2.find(FakeHost(Machine(files=files)), Surroundings(homes=(Home("ann", 1000, "/home/ann"),)))
    assert [one.place for one in found] == ["/home/ann/apps/pm2/rpc.sock"]


def test_a_home_that_was_seen_before_is_found_again(kept: Path) -> None:
    files = {
        FOLDER: b"",
        f"{FOLDER}/dump.pm2": b"[]",
        "/usr/local/bin/pm2": b"",
        "/etc/passwd": b"root:x:0:0::/root:\n",
    }
    stack = Stack(Config(paths=Paths(state=str(kept))))
    assert [one.place for one in stack.managers(FakeHost(Machine(files=files, real=str(kept))))] == [SOCKET]
