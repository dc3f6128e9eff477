"""The ways of our own sites are remembered with a thousand others beside them, and forgotten with the first change."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Paths, Proxy
from cozydiag.config.values import Site as Configured
from cozydiag.host import Failure, Host, World
from cozydiag.proxies import nginx
from cozydiag.proxies.protocol import Configuration
from cozydiag.stack import Stack, fronts, kept

SITE = "server {{ listen {place}; server_name {name}; location / {{ proxy_pass http://127.0.0.1:{port}; }} }}\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    etc = tmp_path / "etc"
    (etc / "sites").mkdir(parents=True)
    (tmp_path / "state").mkdir(mode=0o700)
    (etc / "nginx.conf").write_text(f"events {{}}\nhttp {{ include {etc}/sites/*; }}\n")
    for n in range(kept.MANY):
        put(etc, f"s{n}", f"s{n}.example", "127.0.0.1:443 ssl", 3000)
    put(etc, "cozy", "cozy.test", "127.0.0.1:443 ssl", 9104)
    put(etc, "plain", "cozy.test", "127.0.0.1:80", 9104)
    site = Configured("https://cozy.test/", "cozy.test", ("127.0.0.1", 443), tls=True)
    proxy = Proxy(conf=str(etc / "nginx.conf"))
    return Config(discover=False, proxy=proxy, sites=(site,), paths=Paths(state=str(tmp_path / "state")))


def put(etc: Path, file: str, name: str, place: str, port: int) -> None:
    (etc / "sites" / file).write_text(SITE.format(place=place, name=name, port=port))


def read(config: Config) -> Configuration:
    stack, host = Stack(config), Host(World(), 20.0)
    [proxy] = fronts.proxies(stack, host)
    found = fronts.ours(stack, host, proxy)
    assert not isinstance(found, Failure)
    return found


def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fills with the files that are parsed from now on."""
    paths: list[str] = []
    parse = nginx.parse

    def noted(path: str, **options: Any) -> Configuration:
        paths.append(path)
        return parse(path, **options)

    monkeypatch.setattr(nginx, "parse", noted)
    return paths


def test_what_is_remembered_is_what_was_read(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    first, paths = read(config), parsed(monkeypatch)
    again = read(config)
    assert paths == []
    assert again == first._replace(files=())
    assert [server.names for server in again.servers] == [("cozy.test",), ("cozy.test",)]


def test_a_way_leads_where_it_did(config: Config) -> None:
    ways = []
    for _ in range(2):
        stack, host = Stack(config), Host(World(), 20.0)
        [site] = stack.source("sites")(host).items
        way = fronts.way(stack, host, site)
        assert way is not None
        ways.append((way.server, way.location))
    assert ways[0] == ways[1]
    assert ways[0][0].upstreams[0].port == 9104


@pytest.mark.parametrize("change", ["a file", "a new file", "a file that is gone", "another site is asked for"])
def test_a_change_is_seen(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    read(config)
    sites = tmp_path / "etc" / "sites"
    if change == "a file":
        put(tmp_path / "etc", "s3", "other.example cozy.test", "127.0.0.1:8443 ssl", 3000)
    elif change == "a new file":
        put(tmp_path / "etc", "zz", "cozy.test", "127.0.0.1:8443 ssl", 3000)
    elif change == "a file that is gone":
        (sites / "cozy").unlink()
    else:
        other = Configured("https://s9.example/", "s9.example", ("127.0.0.1", 443), tls=True)
        config = Config(discover=False, proxy=config.proxy, sites=(other,), paths=config.paths)
    paths = parsed(monkeypatch)
    names = [name for server in read(config).servers for name in server.names]
    assert paths != []
    assert (
        names
        == {
            "a file": ["cozy.test", "cozy.test", "other.example", "cozy.test"],
            "a new file": ["cozy.test", "cozy.test", "cozy.test"],
            "a file that is gone": ["cozy.test", "s0.example"],
            "another site is asked for": ["cozy.test", "cozy.test", "s9.example"],  # who is first there, and it
        }[change]
    )


@pytest.mark.parametrize(
    "value", ["[]", "null", "7", '{"files": 1}', "no JSON", '{"files": "same", "value": [[[1]], 2]}']
)
def test_what_another_version_remembered_is_not_believed(config: Config, tmp_path: Path, value: str) -> None:
    first = read(config)
    with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as database, database:
        [[files]] = database.execute("SELECT value FROM pairs WHERE key LIKE 'sites %'").fetchall()
        value = value.replace('"same"', json.dumps(json.loads(files)["files"]))
        database.execute("UPDATE pairs SET value = ? WHERE key LIKE 'sites %'", (value,))
    assert read(config).servers == first.servers
