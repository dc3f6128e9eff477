"""`cozydiag status URL`: one address followed, on this machine and as if it were on another."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cozydiag.cli import app
from cozydiag.host import sockets
from cozydiag.host.clock import Deadline
from cozydiag.host.failure import Failure
from cozydiag.host.sockets import Address
from cozydiag.sandbox import Sandbox

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}

Report = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox.create()
    try:
        made.up()
        yield made
    finally:
        made.remove()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "cozydiag", "status", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def place(sandbox: Sandbox, name: str = "cozy.localhost", path: str = "/") -> str:
    return f"http://{name}:{sandbox.layout.port('nginx')}{path}"


def statuses(report: Report) -> dict[str, str]:
    return {
        f"{one['id']}:{one['subject']}" if one["subject"] else one["id"]: one["status"] for one in report["results"]
    }


def test_a_site_of_this_machine_is_followed_to_the_end(sandbox: Sandbox) -> None:
    done = run(place(sandbox, path="/status?token=hidden"), "--config", sandbox.config, "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (0, "ok")
    seen = statuses(report)
    for check in ("site.name:cozy.localhost", "proxy.gateway:cozy.localhost", "stack.home", "couchdb.reach"):
        assert seen[check] == "ok"
    assert not [name for name in seen if name.startswith(("manager.", "host.", "supervisor."))]


def test_a_query_is_neither_sent_nor_shown(sandbox: Sandbox) -> None:
    done = run(place(sandbox, path="/status?token=hidden"), "--config", sandbox.config, "--format", "text", "-v")
    assert "/status via" in done.stdout
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize("layout", ["terminal", "text", "json"])
def test_every_format_has_it(sandbox: Sandbox, layout: str) -> None:
    done = run(place(sandbox), "--config", sandbox.config, "--format", layout)
    assert done.returncode == 0
    assert "proxy.gateway" in done.stdout or layout == "terminal"
    assert "Traceback" not in done.stdout + done.stderr


def test_what_lies_behind_is_named(sandbox: Sandbox) -> None:
    sandbox.break_("part-stopped")
    try:
        done = run(place(sandbox), "--config", sandbox.config, "--format", "json")
    finally:
        sandbox.heal()
    report = json.loads(done.stdout)
    assert done.returncode == 2
    assert [(cause["code"], cause["role"]) for cause in report["causes"]] == [("service.stopped", "cozy.home")]


def test_an_address_that_nobody_configured_is_looked_at_where_it_leads(sandbox: Sandbox) -> None:
    done = run(place(sandbox, "127.0.0.1"), "--config", sandbox.config, "--format", "json")
    assert statuses(json.loads(done.stdout))["proxy.gateway:127.0.0.1"] == "ok"


def test_an_unknown_name_is_the_cause(inside: Inside) -> None:
    code, report = inside("http://cozy.example/", Failure("name", "cozy.example: Name or service not known"))
    assert code == 2
    assert [cause["code"] for cause in report["causes"]] == ["name.unknown"]
    assert statuses(report)["site.certificate:cozy.example"] == "blocked"


@pytest.mark.parametrize("word", ["cozy example", "ftp://cozy.example/", "http://", "http://a b/", "https://x:99999/"])
def test_what_is_no_address_is_told_in_one_sentence(sandbox: Sandbox, word: str) -> None:
    done = run(word, "--config", sandbox.config)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == f"cozydiag: {word} is not an address that begins with http:// or https://\n"


def test_a_name_alone_is_given_its_scheme(sandbox: Sandbox) -> None:
    done = run("cozy.example", "--config", sandbox.config)
    assert done.stderr.endswith("; did you mean https://cozy.example/?\n")


# --- from another machine

Inside = Callable[..., "tuple[int, Report]"]


@pytest.fixture
def inside(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """The command in this process, where names lead where they are told, and no address is this machine's own."""

    def look(url: str, found: Failure | list[str]) -> tuple[int, Report]:
        def resolve(name: str, port: int, deadline: Deadline) -> list[Address] | Failure:
            named = name in url and not name.replace(".", "").isdigit()
            if not named:
                return original(name, port, deadline)
            family = socket.AF_INET
            return found if isinstance(found, Failure) else [Address(family, one, port) for one in found]

        monkeypatch.setattr(sockets, "resolve", resolve)
        monkeypatch.setattr(sockets, "is_ours", lambda _address: False)
        code = app.run(["status", url, "--config", sandbox.config, "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    original = sockets.resolve
    return look


def test_the_view_from_outside_says_what_it_cannot_know(sandbox: Sandbox, inside: Inside) -> None:
    code, report = inside(place(sandbox, "cozy.example"), ["127.0.0.1"])
    seen = statuses(report)
    assert code == 0
    assert {name: seen[f"site.{name}:cozy.example"] for name in ("name", "reach", "answer", "behind")} == {
        "name": "ok", "reach": "ok", "answer": "ok", "behind": "unknown",
    }  # fmt: skip
    assert not [name for name in seen if not name.startswith("site.")]
    assert [one["id"] for one in report["not_looked"]] == ["site.behind"]


def test_from_outside_an_error_of_what_is_behind_is_no_more_than_that(sandbox: Sandbox, inside: Inside) -> None:
    sandbox.supervisor.stop("cozy-proxy")
    try:
        code, report = inside(place(sandbox, "cozy.example"), ["127.0.0.1"])
    finally:
        sandbox.supervisor.start("cozy-proxy")
        while not sandbox.answers("cozy-proxy"):
            time.sleep(0.05)
    assert code == 2
    assert [(cause["code"], cause["certainty"]) for cause in report["causes"]] == [("site.error", "likely")]


def test_from_outside_a_closed_port_is_told(inside: Inside) -> None:
    code, report = inside("http://cozy.example:1/", ["127.0.0.1"])
    assert code == 2
    assert [cause["code"] for cause in report["causes"]] == ["site.unreachable"]
    assert "port 1" in report["causes"][0]["message"]["text"]


def test_from_outside_one_closed_address_of_two_is_a_warning(sandbox: Sandbox, inside: Inside) -> None:
    code, report = inside(place(sandbox, "cozy.example"), ["127.0.0.1", "127.0.0.9"])
    assert code == 1
    assert [cause["code"] for cause in report["causes"]] == ["name.closed_address"]
