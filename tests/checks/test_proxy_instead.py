"""Another site that answers in place of the Cozy, and a machine without any reverse proxy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy
from cozydiag.config.values import Site as Configured
from cozydiag.host import Answer, Process
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import REFUSED, FakeHost, Machine, answer, run_check
from cozydiag.text.catalogue import ENGLISH, render

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

START = answer(200, "<title>Welcome to nginx!</title>", Content_Type="text/html")
BLOG = answer(200, "<title>My blog</title>", Content_Type="text/html")
LOGIN = answer(302, Location="/login", Content_Length="0")
SITE = "server {{ listen 80; server_name {name}; location / {{ {what} }} }}\n"
COZY, STATIC, OTHER = "proxy_pass http://127.0.0.1:9104;", "root /var/www;", "proxy_pass http://127.0.0.1:8000;"


def look(cozy: Cozy, tmp_path: Path, came: Answer, *sites: str) -> Finding:
    """What is said of an answer, where nginx was told of ``sites``."""
    (tmp_path / "nginx.conf").write_text("events {}\nhttp {\n" + "".join(sites) + "}\n")
    machine = cozy.machine(web={"127.0.0.1:80": came}, real=str(tmp_path))
    (finding,) = cozy.look("proxy.gateway", machine, cozy.with_config(proxy=Proxy(conf=str(tmp_path / "nginx.conf"))))
    return finding


def site(name: str, what: str) -> str:
    return SITE.format(name=name, what=what)


@pytest.mark.parametrize(
    ("came", "sites", "said"),
    [
        (LOGIN, [site("other.test", STATIC)], ("ok", "")),
        (answer(401), [site("other.test", STATIC)], ("ok", "")),
        (answer(302, Location="http://cozy.test/login"), [site("other.test", STATIC)], ("ok", "")),
        (answer(301, Location="https://other.test/"), [site("other.test", STATIC)], ("fail", "proxy.default_answers")),
        (START, [site("other.test", STATIC)], ("fail", "proxy.default_answers")),
        (START, [site("cozy.test", STATIC)], ("fail", "proxy.default_answers")),
        (BLOG, [site("other.test", OTHER)], ("fail", "proxy.default_answers")),
        (answer(404), [site("other.test", STATIC)], ("fail", "proxy.default_answers")),
        (answer(502, "<center>nginx</center>"), [site("other.test", OTHER)], ("fail", "proxy.default_answers")),
        (BLOG, [site("_", STATIC)], ("fail", "proxy.default_answers")),
        (BLOG, [site("_", OTHER)], ("ok", "")),
        (BLOG, [site("other.test", COZY)], ("ok", "")),
        (BLOG, [site("*.test", OTHER)], ("ok", "")),
        (BLOG, [site("cozy.test", COZY), site("other.test", OTHER)], ("ok", "")),
        (answer(404), [site("cozy.test", COZY)], ("warn", "site.not_found")),
    ],
)
def test_who_answers(cozy: Cozy, tmp_path: Path, came: Answer, sites: list[str], said: tuple[str, str]) -> None:
    assert cozy.said([look(cozy, tmp_path, came, *sites)]) == [said]


def test_the_site_that_answers_is_named_with_its_line(cozy: Cozy, tmp_path: Path) -> None:
    finding = look(cozy, tmp_path, BLOG, site("other.test", OTHER))
    said = f"no site of nginx has the name cozy.test: the one in {tmp_path}/nginx.conf:3 answers in its place"
    assert render(finding.text, ENGLISH) == said
    finding = look(cozy, tmp_path, START, site("cozy.test", STATIC))
    assert render(finding.text, ENGLISH) == (
        "cozy.test shows the start page of a web server and no Cozy: "
        f"the site in {tmp_path}/nginx.conf:3 does not lead to one"
    )


def test_a_start_page_is_known_without_any_configuration(cozy: Cozy) -> None:
    for body in ("Apache2 Debian Default Page", "<h1>It works!</h1>", "Caddy works!", "HTTP Server Test Page"):
        (finding,) = cozy.look("proxy.gateway", cozy.machine(web={"127.0.0.1:80": answer(200, body, Content_Type="x")}))
        assert cozy.said([finding]) == [("fail", "proxy.default_answers")]


# --- no reverse proxy

BARE = Config(sites=(Configured("http://cozy.test/", "cozy.test", ("127.0.0.1", 80), tls=False),))


@pytest.mark.parametrize(
    ("served", "code", "text"),
    [
        (REFUSED, "proxy.missing",
         "nothing listens at 127.0.0.1:80, where cozy.test should be, and no reverse proxy is installed here"),
        (BLOG, "", "cozy.test answers (HTTP 200)"),
    ],
)  # fmt: skip
def test_a_machine_without_a_reverse_proxy(cozy: Cozy, served: object, code: str, text: str) -> None:
    machine = Machine(web={"127.0.0.1:80": served})  # type: ignore[dict-item]
    (finding,) = run_check(cozy.checks["proxy.gateway"], FakeHost(machine), Stack(BARE))
    assert (finding.code, render(finding.text, ENGLISH)) == (code, text)
    assert "the reverse proxy" not in render(finding.text, ENGLISH)


# --- workers without a master


def worker(pid: int, name: str = "nginx", title: str = "nginx: worker process") -> Process:
    return Process(pid, 1, "S", name, 1_795_240_000.0, (title,), 33)


def stat(pid: int, group: int) -> bytes:
    return f"{pid} (a) b) S 1 {group} {group} 0 -1".encode()


@pytest.mark.parametrize("title", ["nginx: worker process", "nginx"])
@pytest.mark.parametrize(("group", "code"), [(700, "proxy.orphans"), (44, "service.down")])
def test_workers_are_known_by_the_group_of_their_dead_master(cozy: Cozy, title: str, group: int, code: str) -> None:
    """Wherever nginx was started by: without discovery only its pid file tells."""
    files = {"/x/nginx.pid": b"700\n", "/proc/701/stat": stat(701, group), "/proc/702/stat": stat(702, group)}
    machine = Machine(files=files, processes=(worker(701, title=title), worker(702, title=title)))
    config = Config(discover=False, proxy=Proxy(conf="/x/nginx.conf", pid="/x/nginx.pid"))
    (finding,) = run_check(cozy.checks["proxy.running"], FakeHost(machine), Stack(config))
    assert finding.code == code
    if code == "proxy.orphans":
        assert finding.commands == ("kill -QUIT 701 702",)


def test_the_last_words_of_apache_are_shown(cozy: Cozy, tmp_path: Path) -> None:
    """As they were logged when a key was not that of its certificate."""
    import time

    from cozydiag.testing import FakeClock

    began = 1_795_251_048.0
    moment = time.strftime("%a %b %d %H:%M:%S.787739 %Y", time.localtime(began - 60))
    log = (
        f"[{moment}] [ssl:emerg] [pid 9:tid 9] AH02565: Certificate and private key x:443:0 do not match\n"
        f"[{moment}] [:emerg] [pid 9:tid 9] AH00020: Configuration Failed, exiting\n"
    )
    machine = Machine(files={"/var/log/apache2/error.log": log.encode()}, clock=FakeClock(began))
    config = Config(discover=False, proxy=Proxy(apache="/x/apache2.conf"))
    (finding,) = run_check(cozy.checks["proxy.running"], FakeHost(machine), Stack(config))
    assert finding.code == "service.down"
    assert finding.proof is not None
    assert finding.proof.line.startswith("AH00020: Configuration Failed, exiting (AH02565: Certificate and private key")
