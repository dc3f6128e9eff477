"""`cozydiag discover`: what it tells, the configuration that it writes, and its exit codes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cozydiag.cli import discover as command
from cozydiag.cli.common import UNWRITTEN, USAGE, Problem
from cozydiag.config.file import File
from cozydiag.config.schema import build
from cozydiag.cozy.kind import see
from cozydiag.report.discover import Found, as_data, as_text, as_toml
from cozydiag.report.plain import speaker
from cozydiag.stack import Stack
from cozydiag.stack import found as sites
from cozydiag.testing import FakeHost, Machine
from cozydiag.text.catalogue import ENGLISH, catalogue
from tests.checks.cozy_hosts import COUCHDB, DEFAULT, SITE, STACK, WEB, config, engine, machine, v2, v3

ALICE_V2 = SITE.format(names="alice.example", port=9104)
ALICE_V3 = SITE.format(names="alice.example", port=8080)
ANOTHER = SITE.format(names="app.example", port=3000)
SAY = speaker(ENGLISH)


def discovered(folder: Path, server: Machine, *conf: str) -> Found:
    """As the command finds it."""
    settings = config(folder, *conf)
    server.real = str(folder)
    host, stack = FakeHost(server, 20.0), Stack(settings)
    stack.settle(host)
    seen = see(host, stack)
    return Found(seen, stack.managers(host), stack.config, sites.others(stack, host) if seen.flavours else ())


def test_each_address_stands_with_where_it_was_read(tmp_path: Path) -> None:
    text = as_text(discovered(tmp_path, v3(), ALICE_V3, ANOTHER), SAY)
    assert text.startswith("This is a cozy-stack under systemd on Debian 12, CouchDB, MTA postfix.\n")
    assert "cozy-stack  http://127.0.0.1:8080   /etc/cozy/cozy.yml:2" in text
    assert "CouchDB     http://127.0.0.1:5984/  /etc/cozy/cozy.yml.local:2" in text
    assert f"http://alice.example/  {tmp_path}/nginx.conf:" in text
    assert text.count("alice.example") == text.count("app.example") == 1
    assert "apppw" not in text


def test_in_french(tmp_path: Path) -> None:
    text = as_text(discovered(tmp_path, v2(), ALICE_V2), speaker(catalogue("fr")))
    assert text.startswith(
        "Ce serveur est un Cozy v2 avec 4 applications sur Debian 12, CouchDB sous SysV, MTA postfix."
    )


def test_a_usual_address_is_called_so(tmp_path: Path) -> None:
    text = as_text(discovered(tmp_path, v2(), ALICE_V2), SAY)
    assert "home         http://127.0.0.1:9103  the usual one: nothing here tells another" in text


def test_nothing_is_told_kindly(tmp_path: Path) -> None:
    text = as_text(discovered(tmp_path, machine(), DEFAULT), SAY)
    assert text.startswith("There is nothing here to look after. Looked for: a Cozy v2 (")
    assert "[[sites]]" in text


def test_as_data(tmp_path: Path) -> None:
    data = as_data(discovered(tmp_path, v3(), ALICE_V3, ANOTHER))
    assert (data["schema"], data["nothing"], data["system"]) == ("cozydiag.discover/1", False, "Debian 12")
    [stack] = data["stacks"]
    assert (stack["kind"], stack["way"]) == ("v3", "systemd")
    assert {"role": "couchdb", "url": "http://127.0.0.1:5984/", "origin": "/etc/cozy/cozy.yml.local:2"} in stack[
        "addresses"
    ]
    assert [site["url"] for site in data["other_sites"]] == ["http://app.example/"]
    assert "apppw" not in json.dumps(data)


# --- the configuration


@pytest.mark.parametrize("name", ["v2", "v3", "both", "container", "generic", "nothing"])
def test_what_is_written_can_be_read_and_says_the_same(name: str, tmp_path: Path) -> None:
    make: dict[str, Callable[[], Machine]] = {
        "v2": v2, "v3": v3, "both": lambda: v2(files=dict(v3().files)),
        "container": lambda: machine(**engine(STACK, COUCHDB), web=WEB),
    }  # fmt: skip
    server = make.get(name, machine)()
    conf = {"v2": ALICE_V2, "both": ALICE_V2, "v3": ALICE_V3, "generic": ANOTHER}.get(name, DEFAULT)
    found = discovered(tmp_path, server, conf)
    written = build(File("new.toml", as_toml(found, SAY)), {})
    assert written.discover
    assert [site.url for site in written.sites] == [site.url for site in found.seen.sites]
    told = [key for key, origin in found.config.origins.items() if origin.startswith("/")]
    assert {key: written.settings[key].value.url for key in told} == {
        key: (found.config.couchdb if key == "couchdb.url" else found.config.parts[key.split(".")[1]]).url
        for key in told
    }
    assert "apppw" not in as_toml(found, SAY)


def test_addresses_of_containers_are_only_remarks(tmp_path: Path) -> None:
    text = as_toml(discovered(tmp_path, machine(**engine(STACK, COUCHDB), web=WEB), DEFAULT), SAY)
    assert '# url = "http://172.18.0.3:8080"' in text
    assert "\nurl" not in text


def test_a_written_address_wins_over_what_is_found(tmp_path: Path) -> None:

    given = build(
        File("c", '[parts.stack]\nurl = "http://127.0.0.1:7"\n[parts.admin]\nurl = "http://127.0.0.1:6"\n'), {}
    )
    server = v3()
    server.real = str(tmp_path)
    stack = Stack(given._replace(proxy=config(tmp_path, ALICE_V3).proxy))
    [flavour] = stack.flavours(FakeHost(server))
    assert {place.role: (place.url, place.origin) for place in flavour.places} == {
        "cozy.stack": ("http://127.0.0.1:7", "c:2"),
        "cozy.admin": ("http://127.0.0.1:6", "c:4"),
        "couchdb": ("http://app:apppw@127.0.0.1:5984/", "/etc/cozy/cozy.yml.local:2"),
    }


# --- the command


def look(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    monkeypatch.setattr(command, "_look", lambda config: (found, lambda words: words))


@pytest.mark.parametrize(("server", "code"), [(v2, 0), (machine, 3)])
def test_exit_codes(
    server: object, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(server)
    look(monkeypatch, discovered(tmp_path, server(), ALICE_V2 if code == 0 else DEFAULT))
    assert command.discover() == code
    assert command.discover(format_="json") == code
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["nothing"] is (code == 3)


def test_it_is_written_once_and_for_its_owner_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look(monkeypatch, discovered(tmp_path, v3(), ALICE_V3))
    path = tmp_path / "new" / "config.toml"
    assert command.discover(write_=True, config=str(path)) == 0
    assert str(path) in capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 & ~_umask()
    before = path.read_text()
    with pytest.raises(Problem) as problem:
        command.discover(write_=True, config=str(path))
    assert (problem.value.code, path.read_text()) == (UNWRITTEN, before)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(monkeypatch, discovered(tmp_path, v3(), ALICE_V3))
    target, link = tmp_path / "target", tmp_path / "link.toml"
    link.symlink_to(target)
    with pytest.raises(Problem):
        command.discover(write_=True, config=str(link))
    assert not target.exists()


def test_without_discovery_there_is_nothing_to_tell(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("discover = false\n")
    path.chmod(0o644)
    with pytest.raises(Problem) as problem:
        command.discover(config=str(path))
    assert problem.value.code == USAGE
