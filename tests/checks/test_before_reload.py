"""What nginx's own test does not see, on true files, with fakes for who listens."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Proxy
from cozydiag.config.values import Site as Configured
from cozydiag.host import Process
from cozydiag.model import Finding
from cozydiag.testing import Machine

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

RECORDED = Path(__file__).parents[1] / "recordings" / "certificates"
SITE = """server {{
    listen 443 ssl;
    server_name {names};
    ssl_certificate {etc}/{certificate}.crt;
    ssl_certificate_key {etc}/{key}.key;
    location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
}}
"""
HAPROXY = Process(900, 1, "S", "haproxy", 1_795_240_000.0, ("haproxy",), 0)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    shutil.copytree(RECORDED, tmp_path, dirs_exist_ok=True)
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "nginx.conf").write_text("events {}\nhttp {\n include sites-enabled/*;\n}\n")
    put(tmp_path)
    return tmp_path


def put(
    etc: Path,
    file: str = "cozy",
    names: str = "cozy.test",
    certificate: str = "valid",
    key: str = "cozy",
    upstream: int = 9104,
) -> None:
    text = SITE.format(etc=etc, names=names, certificate=certificate, key=key, upstream=upstream)
    (etc / "sites-enabled" / file).write_text(text)


def look(cozy: Cozy, etc: Path, *, changed: bool = False, **changes: object) -> list[Finding]:
    """What is said while nginx runs, with files that are older than its workers, or (``changed``) newer."""
    moment = cozy.nginx[0].started + (60 if changed else -60)
    for path in (etc, *etc.rglob("*")):
        os.utime(path, (moment, moment))
    settings = Config(
        sites=(Configured("https://cozy.test/", "cozy.test", ("127.0.0.1", 443), tls=True),),
        proxy=Proxy(conf=str(etc / "nginx.conf")),
    )
    usual = {"listening": {443: 700, 9104: 603}, "real": str(etc)}
    machine: Machine = cozy.machine(**{**usual, **changes})  # type: ignore[arg-type]
    return cozy.look("proxy.before_reload", machine, settings)


@pytest.mark.parametrize("changed", [False, True])
def test_all_is_well(cozy: Cozy, etc: Path, changed: bool) -> None:
    assert cozy.said(look(cozy, etc, changed=changed)) == [("ok", "")]


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize(("certificate", "key"), [("valid", "other"), ("cozy", "cozy"), ("missing", "cozy"),
                                                  ("valid", "missing")])  # fmt: skip
def test_a_certificate_without_its_key(cozy: Cozy, etc: Path, certificate: str, key: str, changed: bool) -> None:
    put(etc, certificate=certificate, key=key)
    (etc / "cozy.crt").write_text("no certificate")
    (finding,) = look(cozy, etc, changed=changed)
    assert cozy.said([finding]) == [("warn", "certificate.key")]


def test_a_certificate_without_its_key_keeps_nginx_down(cozy: Cozy, etc: Path) -> None:
    put(etc, key="other")
    assert cozy.said(look(cozy, etc, processes=(), listening={})) == [("fail", "certificate.key")]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_key_is_unknown(cozy: Cozy, etc: Path) -> None:
    (etc / "cozy.key").chmod(0)
    findings = look(cozy, etc)
    assert cozy.said(findings)[0] == ("unknown", "certificate.file_unreadable")
    assert (findings[0].unlock or "").startswith("sudo ")


def test_of_what_it_runs_with_only_our_own_certificates_are_looked_at(cozy: Cozy, etc: Path) -> None:
    put(etc, "other", "other.test", key="other")
    assert cozy.said(look(cozy, etc)) == [("ok", "")]
    assert cozy.said(look(cozy, etc, changed=True)) == [("warn", "certificate.key")]


def test_another_program_has_the_port(cozy: Cozy, etc: Path) -> None:
    (finding,) = look(cozy, etc, changed=True, listening={443: 900}, processes=(*cozy.nginx, HAPROXY))
    assert cozy.said([finding]) == [("warn", "proxy.port_taken")]
    assert dict(finding.text.params) == {"port": "443", "holder": "haproxy (PID 900)"}
    (finding,) = look(cozy, etc, listening={443: 900}, processes=(HAPROXY,))
    assert cozy.said([finding]) == [("fail", "proxy.port_taken")]


def test_who_has_the_port_cannot_always_be_seen(cozy: Cozy, etc: Path) -> None:
    findings = look(cozy, etc, changed=True, uid=1000, listening={443: 0})
    assert cozy.said(findings) == [("unknown", "proxy.port_unseen"), ("ok", "")]
    assert cozy.said(look(cozy, etc, processes=(), listening={443: 0})) == [("fail", "proxy.port_taken")]


def test_an_expired_certificate_is_about_to_be_loaded(cozy: Cozy, etc: Path) -> None:
    put(etc, certificate="expired")
    assert cozy.said(look(cozy, etc)) == [("ok", "")]  # what is shown is told by site.certificate
    assert cozy.said(look(cozy, etc, changed=True)) == [("warn", "certificate.expired_on_disk")]


def test_two_sites_of_one_name(cozy: Cozy, etc: Path) -> None:
    put(etc, "zz-older", "www.cozy.test cozy.test")
    (finding,) = look(cozy, etc)
    assert cozy.said([finding]) == [("warn", "proxy.duplicate_name")]
    assert dict(finding.text.params)["first"] == f"{etc}/sites-enabled/cozy:1"


def test_another_site_answers_in_place_of_ours(cozy: Cozy, etc: Path) -> None:
    put(etc, names="other.test", upstream=8000)
    assert cozy.said(look(cozy, etc)) == [("warn", "proxy.default_answers")]
    put(etc, names="_")  # one site for every name, and it leads to the Cozy
    assert cozy.said(look(cozy, etc)) == [("ok", "")]


def test_a_site_without_tls_that_is_loaded_is_not_parsed_again(cozy: Cozy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cozydiag.site.before_reload", None)
    assert cozy.said(cozy.look("proxy.before_reload", cozy.machine())) == [("ok", "")]
