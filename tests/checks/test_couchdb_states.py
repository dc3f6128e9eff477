"""Every recorded state of CouchDB gives exactly its cause, and none makes cozydiag log in twice or write."""

from __future__ import annotations

import random
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB, Paths, Secret
from cozydiag.couchdb import access, memory, picture, probe
from cozydiag.engine import examine
from cozydiag.host import Answer, Failure, Process, World
from cozydiag.sandbox.programs.replay import Recorded, States
from cozydiag.stack import Stack
from cozydiag.testing import HANGS, REFUSED, FakeHost, Machine, Request, answer, run_check
from tests.checks.couchdb_states import ADMIN, DOWN, RECORDINGS, STATES, State, healthy_data, supervised

if TYPE_CHECKING:
    from cozydiag.config import Config
    from tests.checks.conftest import Cozy

REPLAY = States(str(RECORDINGS))
PLACE = "127.0.0.1:5984"


def served(recorded: Recorded) -> Answer | Failure:
    if recorded.fault:
        return {"refuse": REFUSED, "hang": HANGS}.get(
            recorded.fault, Failure("closed", "closed within a chunk, after 9 bytes")
        )
    number, _, reason = recorded.status.partition(" ")
    return Answer(int(number), reason, recorded.headers, recorded.body, False)


def login_of(request: Request) -> str:
    from base64 import b64decode

    words = request.header("Authorization").partition(" ")[2]
    return b64decode(words).decode() if words else ""


def server(state: Callable[[], str]) -> Callable[[Request], Answer | Failure]:
    def serve(request: Request) -> Answer | Failure:
        now = state() if (RECORDINGS / state() / "index.jsonl").exists() else "healthy-admin"
        return served(REPLAY.answer(now, request.method, request.target, login_of(request)))

    return serve


def world(cozy: Cozy, folder: Path, name: str, state: State) -> tuple[Machine, Config]:
    """The healthy Cozy with CouchDB in this state, its log, its files and what it said on stderr."""
    data = folder / "data"
    healthy_data(data)
    if state.damage:
        state.damage(data)
    log = RECORDINGS / name / "couch.log"
    errors = RECORDINGS / name / "stdout.log"
    infos = supervised(name)
    machine = cozy.machine(
        web={PLACE: REFUSED if name in DOWN else server(lambda: name)},
        supervisord=cozy.supervisord(infos, errors={"couchdb": errors.read_text() if errors.exists() else ""}),
        processes=(*cozy.nginx, Process(500, 1, state.process, "beam.smp", 0.0, ("beam.smp",), 0)),
        disks={"/": cozy.disk} | ({str(data): state.disk} if state.disk else {}),
        real=str(folder),
    )
    if name in DOWN:
        machine.listening = {port: pid for port, pid in machine.listening.items() if port != 5984}
    user, _, password = state.login.partition(":")
    couchdb = CouchDB(
        database=state.database, data=str(data), credentials_file="/nowhere", log=str(folder / "couch.log")
    )
    (folder / "couch.log").write_bytes(log.read_bytes() if log.exists() else b"")
    if user:
        couchdb = couchdb._replace(user=Secret(user), password=Secret(password))
    return machine, cozy.with_config(couchdb=couchdb)


def causes(cozy: Cozy, folder: Path, name: str) -> list[tuple[str, str]]:
    machine, config = world(cozy, folder, name, STATES[name])
    diagnosis = cozy.examine(machine, config)
    broken = [one for one in diagnosis.results if str(one.status) == "error" and one.id.startswith("couchdb.")]
    assert broken == []
    return [(cause.code, cause.role or "") for cause in diagnosis.causes]


@pytest.mark.parametrize("name", STATES)
def test_a_recorded_state_is_exactly_its_cause(cozy: Cozy, tmp_path: Path, name: str) -> None:
    cause = STATES[name].cause
    assert causes(cozy, tmp_path, name) == ([cause] if cause else [])


def test_right_of_all(cozy: Cozy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for name, state in STATES.items():
        (tmp_path / name).mkdir()
        if causes(cozy, tmp_path / name, name) != ([state.cause] if state.cause else []):
            wrong.append(name)
    with capsys.disabled():
        print(f"\nstates of CouchDB: {len(STATES) - len(wrong)} of {len(STATES)} right")
    assert wrong == []


def test_every_recording_is_a_state() -> None:
    assert sorted(STATES) == sorted(path.name for path in RECORDINGS.iterdir())


# --- never a second login after a refusal, never a write


def is_refusal(answer: Answer | Failure) -> bool:
    if isinstance(answer, Failure):
        return False
    return (answer.status == 401 and b"Name or password" in answer.body) or (
        answer.status == 403 and b"locked" in answer.body
    )


class Watched:
    """A server whose state changes from one request to the next, as it likes, and who keeps count."""

    def __init__(self, chance: random.Random) -> None:
        names = [name for name in STATES if (RECORDINGS / name / "index.jsonl").exists()]
        few = chance.sample(names, chance.randint(1, 6)) + chance.sample(["auth-locked-out", "auth-wrong-password"], 1)
        self._serve = server(lambda: chance.choice(few))
        self.refused = False
        self.requests: list[Request] = []
        self.after: list[str] = []

    def __call__(self, request: Request) -> Answer | Failure:
        self.requests.append(request)
        login = bool(request.header("Authorization") or request.header("Cookie"))
        if login and self.refused:
            self.after.append(request.target)
        answer = self._serve(request)
        self.refused |= login and is_refusal(answer)
        return answer

    def is_harmless(self, runs: int) -> bool:
        logins = [one for one in self.requests if one.target == "/_session"]
        open_ones = [one for one in self.requests if one.target in ("/", "/_up") and one.header("Authorization")]
        only_reads = {one.method for one in self.requests} <= {"GET"}
        return only_reads and not self.after and not open_ones and len(logins) <= runs


@pytest.mark.parametrize("seed", range(80))
def test_no_sequence_of_states_and_runs_logs_in_again_after_a_refusal_or_writes(
    cozy: Cozy, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several runs after one another, as cron has them, each with the memory of the last; and what a person asks for
    in between."""
    chance = random.Random(seed)  # noqa: S311
    watched, runs = Watched(chance), chance.randint(1, 4)
    login = chance.choice([ADMIN, "app:apppw", "admin:WRONG", "nobody:x"])
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=login))
    config = config._replace(paths=Paths(str(tmp_path / "state"), None))
    machine.web = {**machine.web, PLACE: watched}
    monkeypatch.setattr(examine, "Host", lambda _, seconds: FakeHost(machine, seconds))
    for _ in range(runs):
        _, stack = examine.look(config, examine.Wish(only=("couchdb.*",)))
        machine.world = World(machine.clock)
        if chance.random() < 0.7:  # as `cozydiag couchdb`
            list(picture.lines(FakeHost(machine, 20.0), stack))
            memory.keep(config, stack.refusal)
    assert watched.requests
    assert watched.is_harmless(runs), [(one.method, one.target) for one in watched.requests]


@pytest.mark.parametrize("seed", range(20))
def test_a_write_probe_writes_one_local_document_and_only_that(cozy: Cozy, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    watched = Watched(chance)
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=ADMIN))
    machine.web = {**machine.web, PLACE: watched}
    host, stack = FakeHost(machine, 20.0), Stack(config)
    account = access.known(stack, host)
    if account is not None:
        probe.write(host, account, "appdb")
    written = [one.target for one in watched.requests if one.method != "GET"]
    assert written in ([], ["/appdb/_local/cozydiag"])
    assert watched.after == []


# --- what it costs the server


def with_many(cozy: Cozy, databases: int) -> Callable[[Request], Answer | Failure]:
    """The healthy server with so many databases, of a cozy-stack with instances."""
    kinds = ("io-cozy-files", "io-cozy-apps", "io-cozy-settings", "io-cozy-permissions", "io-cozy-jobs")
    names = [f"cozy{number // 5:032x}/{kinds[number % 5]}" for number in range(databases - 3)]
    every = dumps(["_replicator", "_users", "appdb", *names])
    serve = server(lambda: "healthy-admin")

    def one(request: Request) -> Answer | Failure:
        admin = login_of(request) == ADMIN
        return answer(200, every, Server="CouchDB/3.5.0") if admin and request.target == "/_all_dbs" else serve(request)

    return one


@pytest.mark.parametrize("login", [ADMIN, "app:apppw", "other:otherpw", ""])
def test_a_healthy_server_is_asked_at_most_twelve_times_and_once_for_each_database(
    cozy: Cozy, tmp_path: Path, login: str
) -> None:
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=login))
    machine.web = {**machine.web, PLACE: with_many(cozy, 500)}
    cozy.examine(machine, config)
    asked = [request for request in machine.requests if request.place == PLACE]
    own = [request for request in asked if request.target == "/appdb"]
    assert (len(asked) - len(own) <= 12, len(own)) == (True, 1)
    assert len({(request.target, request.header("Authorization")) for request in asked}) == len(asked)


# --- the instances of a cozy-stack


@pytest.mark.parametrize(("lost", "code"), [("", []), ("io-cozy-files", ["couchdb.instance_incomplete"])])
def test_an_instance_that_lacks_a_database(cozy: Cozy, tmp_path: Path, lost: str, code: list[str]) -> None:
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=ADMIN))
    serve = with_many(cozy, 23)

    def one(request: Request) -> Answer | Failure:
        found = serve(request)
        gone = f', "cozy{1:032x}/{lost}"'.encode()
        return found._replace(body=found.body.replace(gone, b"")) if isinstance(found, Answer) and lost else found

    machine.web = {**machine.web, PLACE: one}
    machine.files = {**machine.files, "/etc/cozy/cozy.yml": b"couchdb:\n  url: http://admin:adminpw@127.0.0.1:5984/\n"}
    findings = run_check(cozy.checks["couchdb.list"], FakeHost(machine, 20.0), Stack(config))
    assert [finding.code for finding in findings if finding.code] == code
