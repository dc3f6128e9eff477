"""Sites that nobody configured: found once, remembered until a file changes, and only our own of many."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Paths, Proxy
from cozydiag.cozy.flavour import Flavour
from cozydiag.host import Host, World
from cozydiag.proxies import nginx
from cozydiag.stack import Stack, found, fronts, kept

SITE = "server {{ listen 443 ssl; server_name s{n}.example; location / {{ proxy_pass http://127.0.0.1:{port}; }} }}\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "sites").mkdir()
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "nginx.conf").write_text(f"events {{}}\nhttp {{ include {tmp_path}/sites/*; }}\n")
    for n in range(kept.MANY):
        (tmp_path / "sites" / f"{n}.conf").write_text(SITE.format(n=n, port=9104 if n == 7 else 3000))
    conf = str(tmp_path / "nginx.conf")
    return Config(discover=False, proxy=Proxy(conf=conf), paths=Paths(state=str(tmp_path / "state")))


def names(config: Config) -> list[str]:
    return [site.host for site in found.sites(Stack(config), Host(World())).items]


def test_only_our_own_are_found(config: Config) -> None:
    [site] = found.sites(Stack(config), Host(World())).items
    assert (site.url, site.address, site.tls) == ("https://s7.example/", ("127.0.0.1", 443), True)
    assert site.origin.endswith("/sites/7.conf:1")


def test_they_are_not_parsed_again_while_nothing_changes(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    first = names(config)

    def parse(path: str, **_: object) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(nginx, "parse", parse)
    assert names(config) == first == ["s7.example"]


def test_the_names_of_all_sites_are_remembered(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_names() -> object:
        stack, host = Stack(config), Host(World())
        [proxy] = fronts.proxies(stack, host)
        return fronts.names(stack, host, proxy)

    first = all_names()
    assert first == [[f"s{n}.example"] for n in sorted(range(kept.MANY), key=str)]
    with monkeypatch.context() as patched:
        patched.setattr(fronts, "configuration", lambda *_: pytest.fail("it was read again"))
        assert all_names() == first
    (tmp_path / "sites" / "0.conf").write_text("server { listen 443 ssl; server_name a.example b.example; }\n")
    assert ["a.example", "b.example"] in all_names()  # type: ignore[operator]


@pytest.mark.parametrize("change", ["a file", "a new file", "a file that is gone"])
def test_a_change_is_seen(config: Config, tmp_path: Path, change: str) -> None:
    names(config)
    if change == "a file that is gone":
        (tmp_path / "sites" / "7.conf").unlink()
        assert names(config) == []
    else:
        name = "3.conf" if change == "a file" else "99.conf"
        (tmp_path / "sites" / name).write_text(SITE.format(n=99, port=9103))
        assert sorted(names(config)) == ["s7.example", "s99.example"]


def test_a_site_that_leads_where_the_cozy_no_longer_is_is_its_site(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = {name: part._replace(address=("127.0.0.1", 9999)) for name, part in config.parts.items()}
    config = config._replace(discover=True, parts=moved)
    v2 = Flavour("v2", "Cozy v2", "", (), ())
    monkeypatch.setattr(Stack, "flavours", lambda *_: (v2,))
    assert "s7.example" in names(config)
    assert len(names(config)) < kept.MANY
