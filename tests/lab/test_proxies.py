"""The lab's proxies: a few faults in front of each real one, where their packages are here already."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.host import Failure, Host, World
from cozydiag.proxies.apache import Apache
from cozydiag.proxies.caddy import Caddy
from cozydiag.proxies.haproxy import HAProxy
from cozydiag.proxies.protocol import Configuration
from scripts.laboratory.bench import run
from scripts.laboratory.proxies import packages
from scripts.laboratory.proxies.cases import BEHIND, CASES, FAULTS, OWN, PROXIES, TLS

FEW = ("well", "refused", "closes-early", "socket-denied", "app-502", "unknown-directive-down", "master-killed",
       "other-name", "port-taken", "tls-expired", "tls-wrong-key-down", "tls-not-reloaded")  # fmt: skip


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("fault", FEW)
def test_a_fault_behind_or_in_a_proxy_is_named(proxy: str, fault: str) -> None:
    if not (packages.folder() / packages.PROGRAMS[proxy]).exists():
        pytest.skip(f"{proxy} was not fetched: scripts/lab --only proxies does so")
    [case] = [case for case in CASES if case.id == f"{proxy}-{fault}"]
    outcome = run(case, False)
    if proxy in FAULTS[fault].cannot:
        assert outcome.skipped_why
        return
    assert outcome.judgement is not None, outcome.skipped_why
    assert not outcome.judgement.problems


def test_every_proxy_meets_enough_faults() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    for proxy in PROXIES:
        assert len([fault for fault in BEHIND if proxy not in fault.cannot]) >= 16
        told = [fault for fault in (*OWN, *TLS) if fault.own not in ("", "files", "connections", "stop", "down")]
        assert len([fault for fault in told if proxy not in fault.cannot]) >= 10
    assert all(set(fault.cannot) <= set(PROXIES) for fault in FAULTS.values())


def seen(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below it, and what would tell that it was touched."""
    found = (path for path in (folder, *folder.rglob("*")))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size, path.stat().st_mode) for path in found}


def program(proxy: str, folder: Path) -> str:
    """The unpacked program, with its libraries."""
    found = packages.folder() / packages.PROGRAMS[proxy]
    if not found.exists():
        pytest.skip(f"{proxy} was not fetched: scripts/lab --only proxies does so")
    wrapper = folder / found.name
    wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={packages.environment()["LD_LIBRARY_PATH"]} exec {found} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


VHOST = """<VirtualHost *:80>
    ServerName cozy.test
    ProxyPass / http://127.0.0.1:9104/
</VirtualHost>
"""
APACHE = {
    "fedora": ("conf/httpd.conf", "Include conf.modules.d/*.conf\nListen 80\nIncludeOptional conf.d/*.conf\n",
               "conf.modules.d/00-base.conf", "conf.d/cozy.conf"),
    "alpine": ("httpd.conf", "Include modules.inc\nListen 80\nIncludeOptional {etc}/conf.d/*.conf\n",
               "modules.inc", "conf.d/cozy.conf"),
    "debian": ("apache2.conf", "IncludeOptional mods-enabled/*.load\nListen 80\nIncludeOptional sites-enabled/*.conf\n",
               "mods-enabled/all.load", "sites-enabled/cozy.conf"),
}  # fmt: skip


@pytest.mark.parametrize("layout", APACHE)
def test_apache_of_each_distribution_is_read_and_nothing_is_written(tmp_path: Path, layout: str) -> None:
    name, main, modules, site = APACHE[layout]
    (tmp_path / "bin").mkdir()
    apache, etc = program("apache", tmp_path / "bin"), tmp_path / "etc"
    load = "".join(f"LoadModule {one}_module {packages.folder()}/usr/lib/apache2/modules/mod_{one}.so\n"
                   for one in ("mpm_event", "authz_core", "info", "proxy", "proxy_http"))  # fmt: skip
    files = {name: f"ServerRoot {etc}\n{main.format(etc=etc)}", modules: load, site: VHOST}
    (etc / "logs").mkdir(parents=True)
    for path, content in files.items():
        (etc / path).parent.mkdir(parents=True, exist_ok=True)
        (etc / path).write_text(content)
    before = seen(tmp_path)
    read = Apache(str(etc / name), apache).read(Host(World(), 20.0))
    assert not isinstance(read, Failure)
    assert [str(mistake) for mistake in read.mistakes] == []
    [server] = [server for server in read.servers if server.locations]
    assert (server.names, server.path, server.line) == (("cozy.test",), str(etc / site), 1)
    assert [(one.host, one.port) for one in server.upstreams] == [("127.0.0.1", 9104)]
    assert seen(tmp_path) == before


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("proxy", ["caddy", "haproxy"])
def test_what_is_run_to_look_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, good: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    path, file = program(proxy, tmp_path / "bin"), tmp_path / "conf"
    text = {
        "caddy": "http://cozy.test {\n reverse_proxy 127.0.0.1:9104\n}\n",
        "haproxy": "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
        "frontend web\n bind 127.0.0.1:1\n use_backend cozy\nbackend cozy\n server one 127.0.0.1:9104\n",
    }[proxy]
    file.write_text(
        text if good else text.replace("reverse_", "revrse_").replace("use_backend cozy", "use_backend nothere")
    )
    before, host = seen(tmp_path), Host(World(), 20.0)
    read: Configuration | Failure
    read = Caddy(str(file), path).adapted(host) if proxy == "caddy" else HAProxy(str(file), path).mistakes(host)
    assert not isinstance(read, Failure)
    assert bool(read.mistakes) != good
    assert seen(tmp_path) == before
