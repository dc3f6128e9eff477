"""nginx: its configuration with the mistakes that nginx itself refuses, its processes, and what comes through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy
from cozydiag.host import Failure, Process
from cozydiag.model import Finding
from cozydiag.proxies import wording
from cozydiag.stack import Stack, sources
from cozydiag.testing import HANGS, REFUSED, FakeHost, Machine, Served, answer, results
from cozydiag.text.catalogue import fields

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

MAIN = """\
user www-data;
events { worker_connections 64; }
http {
    include sites-enabled/*;
}
"""
SITE = """\
server {
    listen 80;
    server_name cozy.test;
    location / {
        proxy_pass http://127.0.0.1:9104;
    }
}
"""

MISTAKES = {
    "unknown directive": ("prxy_pass http://127.0.0.1:9104;", 'unknown directive "prxy_pass"', 5),
    "missing semicolon": ("proxy_pass http://127.0.0.1:9104", 'directive "proxy_pass" is not terminated by ";"', 5),
    "unexpected brace": ("proxy_pass http://127.0.0.1:9104; } }", 'unexpected "}"', 6),
    "missing include": ("include nothere.conf;", "No such file or directory", 5),
    "missing brace": ("proxy_pass http://127.0.0.1:9104; if ($host) {", 'unexpected end of file, expecting "}"', 7),
    "wrong number of words": ("proxy_pass;", 'invalid number of arguments in "proxy_pass" directive', 5),
    "wrong place": ("worker_processes 2;", '"worker_processes" directive is not allowed here', 5),
}


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A folder with a good configuration."""
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "nginx.conf").write_text(MAIN)
    (tmp_path / "sites-enabled" / "cozy").write_text(SITE)
    return tmp_path


def config(cozy: Cozy, etc: Path) -> Config:
    return cozy.with_config(proxy=Proxy(conf=str(etc / "nginx.conf")))


def down(cozy: Cozy, etc: Path) -> Machine:
    return cozy.machine(real=str(etc), processes=())


def look(cozy: Cozy, check: str, machine: Machine, etc: Path) -> Finding:
    (finding,) = cozy.look(check, machine, config(cozy, etc))
    return finding


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_keeps_nginx_down_and_is_shown_with_its_place(cozy: Cozy, etc: Path, name: str) -> None:
    line, message, number = MISTAKES[name]
    site = etc / "sites-enabled" / "cozy"
    site.write_text(SITE.replace("proxy_pass http://127.0.0.1:9104;", line))
    finding = look(cozy, "proxy.config", down(cozy, etc), etc)
    assert cozy.said([finding]) == [("fail", "nginx.config")]
    assert finding.restart_helps is False
    mistake = str(dict(finding.text.params)["mistake"])
    assert message in mistake
    assert mistake.endswith(f"{site}:{number}")


def test_a_good_configuration_reads_well_while_nginx_is_down(cozy: Cozy, etc: Path) -> None:
    assert look(cozy, "proxy.config", down(cozy, etc), etc).status == "ok"


def test_a_mistake_made_after_the_start_is_a_warning(cozy: Cozy, etc: Path) -> None:
    (etc / "sites-enabled" / "cozy").write_text(SITE.replace("proxy_pass", "prxy_pass"))
    serving = cozy.machine(real=str(etc))
    started = cozy.nginx[0].started
    for path in etc.rglob("*"):
        os.utime(path, (started - 60, started - 60))
    assert look(cozy, "proxy.config", serving, etc).status == "ok"
    os.utime(etc / "sites-enabled" / "cozy", (started + 60, started + 60))
    assert look(cozy, "proxy.config", serving, etc).code == "nginx.config_on_disk"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\x80garbage", b"0123456789abcdef\n" * 65536], ids=["empty", "garbage", "1 MiB"]
)
def test_a_strange_file_is_never_well(cozy: Cozy, etc: Path, content: bytes) -> None:
    (etc / "nginx.conf").write_bytes(content)
    assert look(cozy, "proxy.config", down(cozy, etc), etc).status == "fail"


def test_no_file_at_all_is_what_is_wrong(cozy: Cozy, etc: Path) -> None:
    (etc / "nginx.conf").unlink()
    assert look(cozy, "proxy.config", down(cozy, etc), etc).code == "nginx.config"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_file_is_unknown_with_the_line_that_opens_it(cozy: Cozy, etc: Path) -> None:
    (etc / "sites-enabled" / "cozy").chmod(0)
    finding = look(cozy, "proxy.config", down(cozy, etc), etc)
    assert cozy.said([finding]) == [("unknown", "nginx.unreadable")]
    assert (finding.unlock or "").startswith("sudo ")


# --- processes


def nginx(state: str, pid: int = 700, parent: int = 1) -> Process:
    return Process(pid, parent, state, "nginx", 1_795_240_000.0, ("nginx",), 0)


@pytest.mark.parametrize(
    ("processes", "said"),
    [
        ((nginx("S"), nginx("S", 701, 700)), ("ok", "")),
        ((), ("fail", "service.down")),
        ((nginx("Z"),), ("fail", "service.down")),
        ((Process(700, 1, "S", "sshd", 0.0, ("sshd",), 0),), ("fail", "service.down")),
        ((nginx("T"), nginx("S", 701, 700)), ("fail", "service.hung")),
        ((nginx("S"), nginx("T", 701, 700)), ("fail", "service.hung")),
        ((nginx("S"),), ("warn", "nginx.no_workers")),
    ],
    ids=["runs", "gone", "zombie", "stale pid file", "master stopped", "workers stopped", "no workers"],
)
def test_its_processes(cozy: Cozy, processes: tuple[Process, ...], said: tuple[str, str]) -> None:
    assert cozy.said(cozy.look("proxy.running", cozy.machine(processes=processes))) == [said]


# --- what comes through it


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (answer(200), ("ok", "")),
        (answer(401), ("ok", "")),
        (answer(404), ("warn", "site.not_found")),
        (answer(500), ("fail", "site.error")),
        (answer(502), ("fail", "proxy.bad_gateway")),
        (answer(503), ("fail", "proxy.bad_gateway")),
        (answer(504), ("fail", "proxy.bad_gateway")),
        (REFUSED, ("fail", "proxy.not_listening")),
        (HANGS, ("fail", "site.no_answer")),
        (Failure("closed", "closed without an answer"), ("fail", "site.broken_answer")),
        (Failure("tls", "certificate has expired"), ("fail", "site.broken_answer")),
    ],
    ids=lambda value: str(getattr(value, "status", None) or getattr(value, "kind", "")),
)
def test_answers_of_a_site(cozy: Cozy, served: Served, said: tuple[str, str]) -> None:
    machine = cozy.machine(web={"127.0.0.1:80": served})
    assert cozy.said(cozy.look("proxy.gateway", machine)) == [said]


def test_a_proxy_pass_to_nobody_is_found_in_the_configuration(cozy: Cozy, etc: Path) -> None:
    (etc / "sites-enabled" / "cozy").write_text(SITE.replace("9104", "9105"))
    machine = cozy.machine(web={"127.0.0.1:80": answer(502)}, real=str(etc))
    finding = look(cozy, "proxy.gateway", machine, etc)
    assert finding.code == "proxy.wrong_upstream"
    assert dict(finding.text.params)["upstream"] == "127.0.0.1:9105"
    assert dict((finding.advice or finding.text).params)["expected"] == "127.0.0.1:9104"


def test_the_part_behind_explains_a_bad_gateway(cozy: Cozy) -> None:
    machine = cozy.machine(web={"127.0.0.1:80": answer(502), "127.0.0.1:9104/status": REFUSED})
    diagnosis = cozy.examine(machine)
    assert [(cause.code, cause.role) for cause in diagnosis.causes] == [("service.down", "cozy.proxy")]
    assert "proxy.gateway:cozy.test" in diagnosis.causes[0].explains


# --- sites that nobody configured


def sites(cozy: Cozy, etc: Path, *servers: str) -> list[tuple[str, str]]:
    """The sites that are found in nginx's configuration: address, and where to connect to."""
    (etc / "sites-enabled" / "cozy").write_text("".join(servers))
    machine = cozy.machine(real=str(etc))
    found = sources.sites(Stack(config(cozy, etc)._replace(sites=())), FakeHost(machine))
    return [(site.url, "{}:{}".format(*site.address)) for site in found.items]


def server(listen: str, names: str, passes: str) -> str:
    return f"server {{ listen {listen}; server_name {names}; location / {{ proxy_pass {passes}; }} }}\n"


@pytest.mark.parametrize(
    ("block", "found"),
    [
        (server("80", "cozy.test", "http://127.0.0.1:9104"), ("http://cozy.test/", "127.0.0.1:80")),
        (server("443 ssl", "cozy.test", "http://127.0.0.1:9104"), ("https://cozy.test/", "127.0.0.1:443")),
        (server("8080", "cozy.test", "http://localhost:9104"), ("http://cozy.test:8080/", "127.0.0.1:8080")),
        (server("[::]:80", "cozy.test", "http://[::1]:9104"), ("http://cozy.test/", "::1:80")),
        (server("10.0.0.1:80", "*.c.test cozy.test", "http://127.0.0.1:9104/"), ("http://cozy.test/", "10.0.0.1:80")),
        (server("80", "_", "http://127.0.0.1:9104"), ("http://localhost/", "127.0.0.1:80")),
        ("upstream cozy { server 127.0.0.1:9104; }\n" + server("80", "c.test", "http://cozy"),
         ("http://c.test/", "127.0.0.1:80")),
    ],
)  # fmt: skip
def test_sites_that_lead_to_a_part_are_found(cozy: Cozy, etc: Path, block: str, found: tuple[str, str]) -> None:
    others = [server("80", "blog.test", "http://127.0.0.1:8000"), server("80", "far.test", "http://10.1.1.1:9104")]
    assert sites(cozy, etc, others[0], block, others[1]) == [found]


def test_a_thousand_other_sites_are_not_looked_at(cozy: Cozy, etc: Path) -> None:
    assert sites(cozy, etc, *(server("80", f"s{n}.test", "http://127.0.0.1:8000") for n in range(1000))) == []


def test_two_sites_of_one_name_are_two_results(cozy: Cozy) -> None:
    secure = cozy.config.sites[0]._replace(url="https://cozy.test/", address=("127.0.0.1", 443), tls=True)
    two = cozy.with_config(sites=(cozy.config.sites[0], secure))
    seen = results(cozy.checks["proxy.gateway"], FakeHost(cozy.machine()), Stack(two))
    assert [(one.instance, str(one.status)) for one in seen] == [
        ("proxy.gateway:cozy.test", "ok"),
        ("proxy.gateway:cozy.test#2", "fail"),
    ]


@pytest.mark.parametrize("code", sorted(wording.WAYS))
def test_every_sentence_about_a_way_is_filled(code: str) -> None:
    said = wording.words(code, wording.Case("haproxy", "a.b", "1:2", "f:1", "", "it", "www"))
    for text in (said.text, said.advice):
        assert fields(text.template) == {name for name, _ in text.params}
