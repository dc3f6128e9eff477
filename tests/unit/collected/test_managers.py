"""Managers that were not asked in their own words, and the answers that are made of what was collected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cozydiag.collected import grammar
from cozydiag.collected.host import CollectedHost
from cozydiag.collected.reading import diagnose
from cozydiag.collected.tables import tables
from cozydiag.config.schema import build
from cozydiag.host import Answer, Failure, Unasked
from cozydiag.managers import amp
from cozydiag.model import Status

HEAD = "#cozydiag-collected 1\n== host\n= time 1795248737\n= zone +0000\n= user 0\n= name far\n= ticks 100\n"
ONE, TWO = "a" * 64, "b" * 64
HOME = "/srv/ada/.pm2"
BOUND = f"== file /proc/net/unix\n= is file\n|Num Path\n|0000: 00000002 00000000 00010000 0001 01 77 {HOME}/rpc.sock\n"
DAEMON = (
    "== process 9\n|9 (PM2 v5) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0\n= uid 0\n"
    f"== arguments 9\n|PM2 v5.4.3: God Daemon ({HOME})\n"
)


def host(text: str) -> CollectedHost:
    return CollectedHost(tables(grammar.read((HEAD + text + "== end\n").encode())))


def text_file(path: str, text: str) -> str:
    return f"== file {path}\n= is file\n" + "".join(f"|{line}\n" for line in text.splitlines()) + "= state end\n"


def command(name: str, *lines: str, code: int = 0) -> str:
    return f"== command {name}\n" + "".join(f"|{line}\n" for line in lines) + f"= exit {code}\n"


def container(name: str, **more: Any) -> str:
    return json.dumps({"Id": name, "Name": "/x", "State": {"Status": "exited", "ExitCode": 1}, **more})


# --- containers


def asked(text: str, target: str) -> Answer | Failure:
    return host(text).get(f"http://docker{target}", unix="/run/docker.sock")


def test_docker_answers_of_every_container() -> None:
    text = command("docker ps", ONE, TWO) + command("docker inspect", container(ONE), container(TWO))
    listed, one = asked(text, "/containers/json?all=1"), asked(text, f"/containers/{TWO[:12]}/json")
    assert isinstance(listed, Answer)
    assert isinstance(one, Answer)
    assert [each["Id"] for each in listed.json()] == [ONE, TWO]
    assert one.json()["Id"] == TWO


@pytest.mark.parametrize(
    "inspected",
    [command("docker inspect", container(ONE)), command("docker inspect", container(ONE), container(TWO)[:-9]),
     command("docker inspect", container(ONE), container(TWO)) + "= state cut\n", ""],
)  # fmt: skip
def test_half_of_the_containers_are_none(inspected: str) -> None:
    with pytest.raises(Unasked):
        asked(command("docker ps", ONE, TWO) + inspected, "/containers/json?all=1")


def test_where_there_is_no_container() -> None:
    seen = asked(command("docker ps"), "/containers/json?all=1")
    assert isinstance(seen, Answer)
    assert seen.json() == []


def test_who_may_not_ask_docker() -> None:
    seen = asked(command("docker ps", "Got permission denied while trying to connect", code=1), "/containers/json")
    assert isinstance(seen, Failure)
    assert seen.kind == "permission"


def test_the_last_lines_of_a_container() -> None:
    text = command(f"docker logs {ONE}", *map(str, range(9)))
    seen = asked(text, f"/containers/{ONE[:12]}/logs?stdout=1&stderr=1&tail=2")
    assert isinstance(seen, Answer)
    assert seen.body == b"7\n8"


# --- PM2


def saved(*names: str) -> str:
    entries = [
        {
            "name": name,
            "status": "online",
            "pm_exec_path": f"/srv/{name}.js",
            "pm_pid_path": f"{HOME}/pids/{name}-0.pid",
        }
        for name in names
    ]
    return text_file(f"{HOME}/dump.pm2", json.dumps(entries, indent=2))


def listed(*texts: str) -> Any:
    found = f"== file {HOME}/rpc.sock\n= is socket\n== file {HOME}/pids\n= is folder\n= state whole\n"
    return amp.call(host(found + "".join(texts)), f"{HOME}/rpc.sock", "getMonitorData", {})


DIED = "PM2 log: App [web:0] exited with code [3] via signal [SIGINT]\n"


@pytest.mark.parametrize(
    ("log", "status"),
    [
        (f'{DIED}PM2 log: Script /srv/web.js had too many unstable restarts (16). Stopped. "errored"\n', "errored"),
        (f"PM2 log: Stopping app:web id:0\n{DIED}", "stopped"),
        (DIED, "gone"),
    ],
)
def test_pm2s_log_tells_of_an_app_without_a_process(log: str, status: str) -> None:
    pid = text_file(f"{HOME}/pm2.pid", "9")
    [app] = listed(BOUND, DAEMON, pid, saved("web"), text_file(f"{HOME}/pm2.log", log))
    assert (app["pm2_env"]["status"], app["pm2_env"]["exit_code"]) == (status, 3)


def test_an_app_of_which_the_log_says_nothing_is_in_no_list() -> None:
    old = f"{DIED}PM2 log: New PM2 Daemon started at : 08:20\n"
    assert (
        listed(BOUND, DAEMON, text_file(f"{HOME}/pm2.pid", "9"), saved("web"), text_file(f"{HOME}/pm2.log", old)) == []
    )


def test_a_socket_to_which_nobody_listens() -> None:
    seen = listed(BOUND.replace("/rpc.sock", "/other.sock"))
    assert isinstance(seen, Failure)
    assert seen.kind == "refused"


@pytest.mark.parametrize("without", range(4))
def test_without_one_of_its_files_nobody_can_tell(without: int) -> None:
    texts = [BOUND, text_file(f"{HOME}/pm2.pid", "9"), saved("web"), text_file(f"{HOME}/pm2.log", DIED)]
    with pytest.raises(Unasked):
        listed(DAEMON, *(text for number, text in enumerate(texts) if number != without))


# --- whatever comes

CERTIFICATES = """== certificate a.example at 127.0.0.1:443
|-----BEGIN CERTIFICATE-----
|zzzz
|-----END CERTIFICATE-----
|Verify return code: 10 (x)
== certificate /etc/x
|
== certificate x at y
"""


def test_nothing_makes_it_raise() -> None:
    docker = "== file /run/docker.sock\n= is socket\n" + DAEMON.replace("PM2 v5", "dockerd").replace(" 9", " 8")
    users = "== file /etc/passwd\n= is file\n|ada:x:1:1::/srv/ada:/bin/sh\n= state part\n"
    pm2 = BOUND + DAEMON + f"== file {HOME}\n= is folder\n= state whole\n== file {HOME}/rpc.sock\n= is socket\n"
    logs = text_file(f"{HOME}/pm2.log", DIED) + text_file(f"{HOME}/pm2.pid", "9")
    parts = [
        *(docker + command("docker ps", ONE) + command("docker inspect", inspected)
          for inspected in (container(ONE, Name=5, Config=[], HostConfig=None, NetworkSettings=7, Mounts={}),
                            container(ONE, State={"Status": [], "ExitCode": "x", "StartedAt": 3}), "{", '{"Id":1}')),
        *(users + pm2 + logs + text_file(f"{HOME}/dump.pm2", dump)
          for dump in ("5", "{}", "[", "[1]", '[{"name": 3}]', '[{"name": "a", "pm_pid_path": 7}]')),
        CERTIFICATES,
    ]  # fmt: skip
    for part in parts:
        found = diagnose((HEAD + part + "== end\n").encode(), build(None, {}))
        assert not {one.status for one in found.report.results} & {Status.ERROR, Status.TIMEOUT}, part
