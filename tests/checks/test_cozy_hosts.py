"""Whole servers without a line of configuration: what they are called, and that nothing is wrong with a healthy one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cozydiag.host import Process
from cozydiag.model import Status
from cozydiag.testing import FakeHost, Machine, Served, answer
from cozydiag.text.catalogue import ENGLISH, render
from tests.checks.cozy_hosts import (
    COUCHDB,
    DEFAULT,
    HOUR_AGO,
    SITE,
    STACK,
    WEB,
    bad,
    config,
    couchdb,
    engine,
    look,
    machine,
    v2,
    v3,
)

ALICE_V2 = SITE.format(names="alice.example", port=9104)
ALICE_V3 = SITE.format(names="alice.example *.alice.example", port=8080)
BARE_PROXY = "server { listen 80; server_name app.example; location / { proxy_pass http://127.0.0.1:3000; } }"
ANOTHER: dict[str, Served] = {
    "127.0.0.1:80": answer(200, "<h1>An app</h1>", Content_Type="text/html"),
    "127.0.0.1:3000": answer(200, "<h1>An app</h1>", Content_Type="text/html"),
}


def kind(machine: Machine, folder: Path, *sites: str) -> list[str]:
    diagnosis, _, _ = look(machine, config(folder, *sites))
    [result] = [one for one in diagnosis.results if one.id == "stack.kind"]
    return [render(finding.text, ENGLISH) for finding in result.findings]


# --- no false finding


@pytest.mark.parametrize(
    ("name", "site"),
    [("v2", ALICE_V2), ("v3", ALICE_V3), ("generic", BARE_PROXY)],
)
def test_a_healthy_server_has_no_finding(name: str, site: str, tmp_path: Path) -> None:
    server = {"v2": v2, "v3": v3, "generic": lambda: machine(web=ANOTHER)}[name]()
    diagnosis, _, verdict = look(server, config(tmp_path, site))
    assert bad(diagnosis) == {}
    assert (diagnosis.causes, verdict) == ([], Status.OK)
    assert any(result.subject and result.id == "proxy.gateway" for result in diagnosis.results)


def test_a_bare_debian_has_no_finding_and_is_not_called_healthy(tmp_path: Path) -> None:
    diagnosis, _, verdict = look(machine(), config(tmp_path, DEFAULT))
    assert list(bad(diagnosis)) == ["stack.kind"]
    assert (diagnosis.causes, verdict) == ([], Status.UNKNOWN)


def test_both_on_one_host(tmp_path: Path) -> None:
    modern = v3()
    server = v2()
    server.web = {**modern.web, **server.web, "127.0.0.1:5984": server.web["127.0.0.1:5984"]}
    server.files = {**modern.files, **server.files, "/etc/passwd": modern.files["/etc/passwd"]}
    server.modes = {**modern.modes, **server.modes}
    server.listening = {**modern.listening, **server.listening}
    diagnosis, stack, _ = look(server, config(tmp_path, ALICE_V2))
    assert bad(diagnosis) == {}
    assert [one.kind for one in stack.flavours(FakeHost(server))] == ["v2", "v3"]


# --- one sentence


@pytest.mark.parametrize(
    ("name", "site", "sentence"),
    [
        ("v2", ALICE_V2, "this is a Cozy v2 with 4 apps on Debian 12, CouchDB under SysV, MTA postfix"),
        ("v3", ALICE_V3, "this is a cozy-stack under systemd on Debian 12, CouchDB, MTA postfix"),
        ("generic", BARE_PROXY, "this is a server with 1 site of another program on Debian 12"),
    ],
)
def test_what_this_server_is(name: str, site: str, sentence: str, tmp_path: Path) -> None:
    server = {"v2": v2, "v3": v3, "generic": lambda: machine(web=ANOTHER)}[name]()
    assert kind(server, tmp_path, site) == [sentence]


def test_yunohost_by_its_name(tmp_path: Path) -> None:
    server = v3(files={"/etc/yunohost": b""})
    assert "YunoHost (Debian 12)" in kind(server, tmp_path, ALICE_V3)[0]


def test_a_container_by_its_engine(tmp_path: Path) -> None:
    tables = engine(STACK, COUCHDB)
    web: dict[str, Served] = {**WEB, "172.18.0.3:8080": answer(200, '{"couchdb":"healthy","message":"OK"}')}
    said = kind(machine(**tables, web=web), tmp_path)
    assert said == ["this is a cozy-stack in a container (docker:cozy/stack) on Debian 12, CouchDB under Docker"]


def test_the_kind_answer_says_what_was_looked_for_what_is_here_and_what_to_do(tmp_path: Path) -> None:
    looked, here, todo = kind(machine(), tmp_path, DEFAULT)
    assert looked.startswith("looked for: a Cozy v2 (/etc/cozy")
    assert here == "what is here: nginx with 1 site, Debian 12"
    assert "[[sites]]" in todo


def test_a_server_without_discovery_is_not_named(tmp_path: Path) -> None:

    settings = config(tmp_path, DEFAULT)._replace(discover=False)
    host = machine()
    diagnosis, _, _ = look(host, settings)
    [result] = [one for one in diagnosis.results if one.id == "stack.kind"]
    assert result.status is Status.SKIP


# --- sites of other programs


def test_a_site_of_another_program_that_is_dead_is_found(tmp_path: Path) -> None:
    web: dict[str, Served] = {"127.0.0.1:80": answer(502, "<center>nginx</center>", Content_Type="text/html")}
    diagnosis, _, verdict = look(machine(web=web), config(tmp_path, BARE_PROXY))
    assert [(cause.code, cause.subject) for cause in diagnosis.causes] == [("proxy.upstream_refused", "app.example")]
    assert verdict is Status.FAIL


def test_beside_a_cozy_they_are_left_alone(tmp_path: Path) -> None:
    diagnosis, _, _ = look(v2(), config(tmp_path, ALICE_V2, BARE_PROXY))
    assert [result.subject for result in diagnosis.results if result.id == "proxy.gateway"] == ["alice.example"]


def test_too_many_of_them_are_a_gap(tmp_path: Path) -> None:
    sites = [BARE_PROXY.replace("app.example", f"a{number}.example") for number in range(25)]
    diagnosis, _, verdict = look(machine(web=ANOTHER), config(tmp_path, *sites))
    gaps = [one.code for result in diagnosis.results for one in result.findings if one.status is Status.UNKNOWN]
    assert "site.others" in gaps
    assert sum(result.id == "proxy.gateway" and result.subject is not None for result in diagnosis.results) == 20
    assert verdict in (Status.UNKNOWN, Status.FAIL)


def test_the_sign_on_of_yunohost_is_a_healthy_answer(tmp_path: Path) -> None:
    sign_on = answer(302, Location="https://alice.example/yunohost/sso/?r=aHR0cHM6Ly9hbGljZS5leGFtcGxlLw==")
    diagnosis, _, verdict = look(v3(web={"127.0.0.1:80": sign_on}), config(tmp_path, ALICE_V3))
    assert (bad(diagnosis), verdict) == ({}, Status.OK)


# --- containers


def composed(health: str = "", running: bool = True) -> dict[str, object]:
    """A compose project of which nothing but the proxy's ports is published, on an engine whose network is closed."""
    state: dict[str, object] = {"Status": "running" if running else "exited", "Running": running, "Pid": int(running)}
    if health:
        state["Health"] = {"Status": health, "Log": [{"Output": "curl: (7)"}]}
    tables = engine({**STACK, "State": state}, COUCHDB)
    dockerd = Process(400, 1, "S", "dockerd", HOUR_AGO, ("/usr/sbin/dockerd",), 0)
    return {**tables, "processes": (dockerd,)}


@pytest.mark.parametrize(
    ("health", "status"), [("healthy", Status.OK), ("unhealthy", Status.FAIL), ("", Status.UNKNOWN)]
)
def test_a_container_that_cannot_be_reached_is_known_by_its_health(health: str, status: Status, tmp_path: Path) -> None:
    from cozydiag.host import Failure

    host = machine(**composed(health))
    host.elsewhere = Failure("unreachable", "no route to host")
    diagnosis, _, _ = look(host, config(tmp_path))
    [result] = [one for one in diagnosis.results if one.id == "cozystack.answers"]
    assert result.status is status


def test_what_is_not_published_is_not_missed_on_this_machine(tmp_path: Path) -> None:
    """127.0.0.1:8080 and :5984 refuse, and the containers answer at their own addresses."""
    web: dict[str, Served] = {
        "172.18.0.3:8080": answer(200, json.dumps({"couchdb": "healthy", "message": "OK", "status": "OK"})),
        "172.18.0.2:5984": couchdb,
    }
    named = {"Type": "volume", "Name": "cozy_data", "Destination": "/opt/couchdb/data"}
    tables = engine({**STACK, "Mounts": [{"Type": "bind", "Source": "/srv", "Destination": "/var/lib/cozy"}]},
                    {**COUCHDB, "Mounts": [named]})  # fmt: skip
    diagnosis, _, verdict = look(machine(**tables, web=web), config(tmp_path))
    assert (bad(diagnosis), verdict) == ({}, Status.OK)


@pytest.mark.parametrize(
    ("mounts", "code"),
    [
        ([], "container.no_volume"),
        ([{"Type": "volume", "Name": "0" * 64, "Destination": "/opt/couchdb/data"}], "container.no_volume"),
        ([{"Type": "volume", "Name": "data", "Destination": "/opt/couchdb/data"}], None),
        ([{"Type": "bind", "Source": "/srv/couchdb", "Destination": "/opt/couchdb"}], None),
        ([{"Type": "volume", "Name": "logs", "Destination": "/var/log"}], "container.no_volume"),
    ],
)
def test_data_inside_of_a_container_are_a_warning(mounts: list[object], code: str | None, tmp_path: Path) -> None:
    tables = engine({**COUCHDB, "Mounts": mounts})
    diagnosis, _, _ = look(machine(**tables, web=WEB), config(tmp_path))
    [result] = [one for one in diagnosis.results if one.id == "container.volumes"]
    assert [one.code for one in result.findings if one.status is Status.WARN] == ([code] if code else [])
    advice = [render(one.advice, ENGLISH) for one in result.findings if one.advice is not None]
    assert not any("docker rm" in words or "recreate" in words or "up -d" in words for words in advice)
