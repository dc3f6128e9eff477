"""Every recorded state of CouchDB gives exactly its cause, and none makes cozydiag log in twice or write."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config.values import CouchDB, Secret
from cozydiag.host import Answer, Failure, Process
from cozydiag.sandbox.programs.replay import Recorded, States
from cozydiag.testing import HANGS, REFUSED, Machine, Request
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


@pytest.mark.parametrize("seed", range(60))
def test_no_sequence_of_states_makes_it_log_in_again_after_a_refusal_or_write(
    cozy: Cozy, tmp_path: Path, seed: int
) -> None:
    """The server's state changes from one request to the next, as it likes."""
    chance = random.Random(seed)  # noqa: S311
    names = [name for name in STATES if (RECORDINGS / name / "index.jsonl").exists()]
    few = chance.sample(names, chance.randint(1, 6)) + chance.sample(["auth-locked-out", "auth-wrong-password"], 1)
    serve = server(lambda: chance.choice(few))
    refused: list[str] = []
    after: list[str] = []

    def watched(request: Request) -> Answer | Failure:
        if request.header("Authorization") and refused:
            after.append(request.target)
        answer = serve(request)
        if request.header("Authorization") and is_refusal(answer):
            refused.append(request.target)
        return answer

    login = chance.choice([ADMIN, "app:apppw", "admin:WRONG", "nobody:x"])
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=login))
    machine.web = {**machine.web, PLACE: watched}
    cozy.examine(machine, config)
    asked = [request for request in machine.requests if request.place == PLACE]
    assert asked
    assert {request.method for request in asked} == {"GET"}
    assert after == []
    assert len([r for r in asked if r.target == "/_session"]) <= 1
    assert [r.target for r in asked if r.target in ("/", "/_up") and r.header("Authorization")] == []


# --- what it costs the server


@pytest.mark.parametrize("login", [ADMIN, "app:apppw", "other:otherpw", ""])
def test_a_healthy_server_is_asked_at_most_twelve_times_and_once_for_each_database(
    cozy: Cozy, tmp_path: Path, login: str
) -> None:
    machine, config = world(cozy, tmp_path, "healthy-admin", State(None, login=login))
    cozy.examine(machine, config)
    assert len([request for request in machine.requests if request.place == PLACE]) <= 13
