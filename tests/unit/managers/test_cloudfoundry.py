"""Cloud Foundry against a stand-in of its API v3 and log-cache (shapes from cloud_controller_ng docs/v3)."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from cozydiag.config import Config, load
from cozydiag.config.values import CloudFoundry as Space
from cozydiag.config.values import Timing
from cozydiag.engine import registry
from cozydiag.engine.run import Run
from cozydiag.host import Answer, Failure, Host, World
from cozydiag.managers.cloudfoundry import CloudFoundry
from cozydiag.managers.service import Condition, Service
from cozydiag.model import Status
from cozydiag.repair.act import Outcome, act
from cozydiag.stack import Stack
from cozydiag.state import open_state
from cozydiag.testing import HANGS, REFUSED, FakeClock, FakeHost, Machine, Request, answer, run_check

API = "http://api.cf.test:8080"
PLACE = "api.cf.test:8080"
NOW = 1_795_248_737.0
CRASH = "APP/PROC/WEB: Exited with status 1"
LINES = ("Traceback (most recent call last):", "cloudant.error.CloudantException: Database databasedemo already exists")


def token(expires: float = NOW + 600) -> str:
    body = urlsafe_b64encode(json.dumps({"user_name": "admin", "exp": expires}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{body}.c2lnbmF0dXJl"


def session(place: str = API, **changes: Any) -> bytes:
    """What `cf login` (7.3.0) leaves in config.json."""
    usual = {
        "AccessToken": f"bearer {token()}", "ConfigVersion": 4, "LogCacheEndPoint": place,
        "RefreshToken": "refresh-1-r", "SpaceFields": {"GUID": "space-guid", "Name": "dev"}, "Target": place,
    }  # fmt: skip
    return json.dumps({**usual, **changes}).encode()


class FakeCloud:
    """One space. ``apps`` are names, with the state that is wanted; ``stats`` their instances as (state, seconds up);
    ``crashes`` how many seconds ago each app crashed. ``then`` happens when somebody acts."""

    def __init__(self, state: str = "STARTED", *stats: tuple[str, float], crashes: tuple[float, ...] = ()) -> None:
        self.state = state
        self.stats = list(stats)
        self.crashes = list(crashes)
        self.details = ""
        self.now = NOW
        self.asked: list[str] = []
        self.then: Callable[[], object] = lambda: None
        self.token = f"bearer {token()}"

    def __call__(self, request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        self.asked.append(f"{request.method} {path}")
        if request.header("Authorization") != self.token:
            return answer(401, '{"errors": [{"code": 1000, "title": "CF-InvalidAuthToken", "detail": "Invalid"}]}')
        if path == "/v3/apps" and parse_qs(query)["space_guids"] == ["space-guid"]:
            return self._page({"guid": "app-guid", "name": "Cloudant Python", "state": self.state})
        if path == "/v3/apps/app-guid/processes/web/stats":
            return self._page(*(self._stat(number, *one) for number, one in enumerate(self.stats)))
        if path == "/v3/audit_events" and parse_qs(query)["types"] == ["app.crash"]:
            return self._page(*map(self._event, sorted(self.crashes)))
        if path == "/api/v1/read/app-guid":
            return answer(200, json.dumps({"envelopes": {"batch": list(self._log())}}))
        if path.startswith("/v3/apps/app-guid/actions/") and request.method == "POST":
            self.then()
            return answer(200, "{}")
        return answer(404, '{"errors": [{"code": 10010, "title": "CF-ResourceNotFound", "detail": "App not found"}]}')

    def _page(self, *rows: dict[str, Any]) -> Answer:
        return answer(200, json.dumps({"pagination": {"total_results": len(rows)}, "resources": rows}))

    def _stat(self, number: int, state: str, up: float) -> dict[str, Any]:
        return {
            "type": "web",
            "index": number,
            "state": state,
            "uptime": up,
            "details": self.details or None,
            "usage": {},
        }

    def _event(self, ago: float) -> dict[str, Any]:
        from datetime import datetime, timezone

        at = datetime.fromtimestamp(self.now - ago, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "type": "app.crash",
            "created_at": at,
            "data": {"index": 0, "reason": "CRASHED", "exit_description": CRASH},
        }

    def _log(self) -> Any:
        """Newest first, a visitor's request among them; the payload is base64."""
        for number, line in enumerate(reversed((*LINES, "demo.test - GET / 502"))):
            source = "APP/PROC/WEB" if number else "RTR"
            log = {"payload": b64encode(line.encode()).decode(), "type": "ERR"}
            yield {"timestamp": str(9 - number), "instance_id": "0", "tags": {"source_type": source}, "log": log}


def machine(cloud: object, content: bytes | None = None, **changes: Any) -> Machine:
    files = {"/home/ann/.cf/config.json": session() if content is None else content}
    return Machine(**{"web": {PLACE: cloud}, "files": files, "clock": FakeClock(NOW), **changes})


def seen(cloud: FakeCloud, **options: Any) -> Condition:
    found = CloudFoundry("/home/ann", **options).services(FakeHost(machine(cloud)))
    assert not isinstance(found, Failure), found
    return found[0]


@pytest.mark.parametrize(
    ("cloud", "state", "instances"),
    [
        (FakeCloud("STARTED", ("RUNNING", 9042)), "running", (1, 1)),
        (FakeCloud("STARTED", ("RUNNING", 12)), "running", (1, 1)),
        (FakeCloud("STOPPED"), "stopped", (0, 0)),
        (FakeCloud("STARTED", ("CRASHED", 0), crashes=(4, 40, 80)), "crash-looping", (0, 1)),
        (FakeCloud("STARTED", ("STARTING", 1), crashes=(4, 9)), "crash-looping", (0, 1)),
        (FakeCloud("STARTED", ("RUNNING", 3), crashes=(4, 40, 80)), "crash-looping", (1, 1)),
        (FakeCloud("STARTED", ("RUNNING", 3), crashes=(4,)), "running", (1, 1)),
        (FakeCloud("STARTED", ("RUNNING", 900), ("CRASHED", 0), crashes=(4, 40, 80)), "degraded", (1, 2)),
        (FakeCloud("STARTED", ("STARTING", 2)), "starting", (0, 1)),
        (FakeCloud("STARTED", ("DOWN", 0)), "failed", (0, 1)),
    ],
)
def test_every_state(cloud: FakeCloud, state: str, instances: tuple[int, int]) -> None:
    found = seen(cloud)
    assert (str(found.state), found.instances) == (state, instances)
    assert found.service.address == "cloudfoundry:Cloudant Python"
    assert found.wanted is (cloud.state == "STARTED")


def test_an_app_that_has_been_up_for_long_costs_two_questions() -> None:
    cloud = FakeCloud("STARTED", ("RUNNING", 9042))
    seen(cloud)
    assert cloud.asked == ["GET /v3/apps", "GET /v3/apps/app-guid/processes/web/stats"]


def test_why_it_crashed_and_how_often() -> None:
    found = seen(FakeCloud("STARTED", ("CRASHED", 0), crashes=(4, 40, 80, 90_000)))
    assert (found.why, found.restarts) == (CRASH, 3)
    full = FakeCloud("STARTED", ("DOWN", 0))
    full.details = "insufficient resources: memory"
    assert seen(full).why == full.details


def test_its_log_without_the_requests_of_visitors() -> None:
    cloud = FakeCloud("STARTED", ("CRASHED", 0))
    service = Service("cloudfoundry", "Cloudant Python", id="app-guid")
    found = CloudFoundry("/home/ann").log(FakeHost(machine(cloud)), service, 20)
    assert found == [f"[APP/PROC/WEB/0] {line}" for line in LINES]


def test_the_cause_is_told_from_log_cache() -> None:
    cloud = FakeCloud("STARTED", ("CRASHED", 0), crashes=(4, 40, 80))
    config = Config(discover=False, cloudfoundry=Space("/home/ann"))
    host, stack = FakeHost(machine(cloud), 20.0), Stack(config)
    finding = run_check(registry.load().checks["manager.service"], host, stack)[0]
    assert (finding.code, finding.restart_helps) == ("service.crash_loop", False)
    assert finding.proof is not None
    assert "Database databasedemo already exists" in finding.proof.line


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (session(AccessToken=f"bearer {token(NOW - 1)}"), "the login has expired"),
        (session(AccessToken=""), "nobody has logged in from /home/ann"),
        (session(AccessToken="bearer changed"), "the login is no longer valid"),
        (session(SpaceFields={}), "no space is chosen"),
    ],
)
def test_without_a_login_it_is_unknown_with_the_line(content: bytes, why: str) -> None:
    cloud = FakeCloud("STARTED", ("RUNNING", 9042))
    stack = Stack(Config(discover=False, cloudfoundry=Space("/home/ann")))
    host = FakeHost(machine(cloud, content))
    finding = run_check(registry.load().checks["manager.answers"], host, stack)[0]
    assert (str(finding.status), finding.code, finding.unlock) == ("unknown", "manager.login", "cf login")
    assert why in str(finding.text.params)
    assert not [one for one in cloud.asked if "oauth" in one]


def test_a_login_elsewhere_is_not_used() -> None:
    cloud = FakeCloud("STARTED", ("RUNNING", 9042))
    for options in ({"api": "https://api.other.test"}, {"space": "production"}):
        found = CloudFoundry("/home/ann", **options).services(FakeHost(machine(cloud)))  # type: ignore[arg-type]
        assert isinstance(found, Failure)
        assert found.kind == "login"
    assert not cloud.asked
    assert seen(cloud, api=API, space="dev").state == "running"


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (REFUSED, "refused"),
        (HANGS, "timeout"),
        (answer(200, "<html>"), "protocol"),
        (answer(200, '{"resources": 3}'), "protocol"),
        (answer(403, '{"errors": [{"title": "CF-NotAuthorized"}]}'), "permission"),
        (answer(302, "", Location="https://elsewhere.test/"), "error"),
        (answer(500, ""), "error"),
    ],
)
def test_instead_of_an_answer(served: object, kind: str) -> None:
    found = CloudFoundry("/home/ann").services(FakeHost(machine(served)))
    assert isinstance(found, Failure)
    assert found.kind == kind


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"AccessToken": 7, "SpaceFields": []}'])
def test_a_file_that_is_no_session(content: bytes) -> None:
    assert isinstance(CloudFoundry("/home/ann").services(FakeHost(machine(REFUSED, content))), Failure)


def test_tokens_are_shown_nowhere() -> None:
    kept: list[str] = []
    host = FakeHost(machine(FakeCloud("STARTED", ("RUNNING", 9042))))
    manager = CloudFoundry("/home/ann", keep_secret=kept.append)
    assert not isinstance(manager.services(host), Failure)
    assert kept[:2] == [token(), "refresh-1-r"]
    assert token() not in str(host.evidence) + manager.place


def test_off_unless_configured(tmp_path: Path) -> None:
    host = FakeHost(machine(FakeCloud("STARTED", ("RUNNING", 1))))
    assert not [one for one in Stack(Config()).managers(host) if one.name == "cloudfoundry"]
    file = tmp_path / "config.toml"
    file.write_text(
        '[cloudfoundry]\nhome = "/home/ann"\napi = "https://api.cf.test"\nspace = "dev"\napps = ["a", "b"]\n'
    )
    config = load(str(file), {})
    assert config.cloudfoundry == Space("/home/ann", "https://api.cf.test", "dev", ("a", "b"))
    assert [one.name for one in Stack(config).managers(host)].count("cloudfoundry") == 1


def proof(cloud: FakeCloud, tmp_path: Path) -> Outcome:
    there = machine(cloud)
    host, stack = FakeHost(there, 600.0), Stack(Config(discover=False, cloudfoundry=Space("/home/ann")))
    with closing(open_state(str(tmp_path / "state"))) as state:
        return act(host, stack, state, Service("cloudfoundry", "Cloudant Python", id="app-guid"), "restart")


def test_a_restart_is_proven(tmp_path: Path) -> None:
    cloud = FakeCloud("STARTED", ("RUNNING", 9042))
    cloud.then = lambda: cloud.stats.__setitem__(0, ("RUNNING", 0.0))
    assert proof(cloud, tmp_path).result == "verified"
    assert "POST /v3/apps/app-guid/actions/restart" in cloud.asked


@pytest.mark.parametrize(
    ("stat", "crashes"),
    [
        (("RUNNING", 9042.0), ()),  # the old instance goes on
        (("CRASHED", 0.0), ()),
        (("RUNNING", 0.0), (0,)),  # `cf start` would call this a success
    ],
)
def test_a_restart_is_refuted(stat: tuple[str, float], crashes: tuple[float, ...], tmp_path: Path) -> None:
    cloud = FakeCloud("STARTED", ("RUNNING", 9042))

    def restart() -> None:
        cloud.stats[0], cloud.crashes = stat, list(crashes)

    cloud.then = restart
    assert proof(cloud, tmp_path).result == "failed"


@contextmanager
def served(cloud: FakeCloud, folder: Path, after: float = 0.0) -> Iterator[str]:
    """Over a real connection, each answer ``after`` so many seconds; gives the home folder of who is logged in."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = cloud(Request("GET", "", self.path, tuple(self.headers.items()), b""))
            time.sleep(after)
            self.send_response(given.status)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / ".cf").mkdir()
        place = f"http://127.0.0.1:{server.server_port}"
        (folder / ".cf/config.json").write_bytes(session(place, AccessToken="bearer opaque"))
        cloud.token = "bearer opaque"
        yield str(folder)
        server.shutdown()


def test_over_a_real_connection(tmp_path: Path) -> None:
    with served(FakeCloud("STARTED", ("CRASHED", 0), crashes=(4, 40)), tmp_path) as folder:
        found = CloudFoundry(folder).services(Host(World(), 10.0))
    assert not isinstance(found, Failure)
    assert (str(found[0].state), found[0].subject) == ("crash-looping", "cloudfoundry:Cloudant Python")


def test_it_has_the_time_of_another_machine(tmp_path: Path) -> None:
    """Each of its answers takes longer than anything on this machine may."""
    timing = Timing(local=0.2, remote=20.0, deadline=60.0)
    cloud = FakeCloud("STARTED", ("CRASHED", 0), crashes=(4, 40))
    with served(cloud, tmp_path, after=0.5) as folder:
        stack = Stack(Config(discover=False, timing=timing, cloudfoundry=Space(folder)))
        checks = {name: one for name, one in registry.load().checks.items() if name.startswith("manager.")}
        results = {(one.id, one.subject): one for one in Run(checks, Host(World(), 60.0), stack).run()}
    assert results["manager.answers", "cloudfoundry"].status is Status.OK
    [finding] = results["manager.service", "cloudfoundry:Cloudant Python"].findings
    assert finding.code == "service.crash_loop"
