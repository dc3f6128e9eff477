"""Which stacks are here, and where each address was read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cozydiag.config import Config
from cozydiag.config.file import File
from cozydiag.config.listing import explain
from cozydiag.config.schema import build
from cozydiag.cozy import discovery
from cozydiag.cozy.find_v3 import options_of
from cozydiag.cozy.flavour import USUAL, Flavour, Place
from cozydiag.host import Failure, Process
from cozydiag.stack import Stack
from cozydiag.testing import STRANGE, FakeHost, Machine
from tests.checks.cozy_hosts import COUCHDB, STACK, WEB, container, engine

UNITS = "/usr/lib/systemd/system/cozy-stack.service"


def found(config: Config | None = None, **tables: Any) -> tuple[Flavour, ...]:
    host, stack = FakeHost(Machine(**tables), 5.0), Stack(config or build(None, {}))
    return stack.flavours(host)


def settled(config: Config | None = None, **tables: Any) -> Config:
    host, stack = FakeHost(Machine(**tables), 5.0), Stack(config or build(None, {}))
    stack.settle(host)
    return stack.config


def places(flavour: Flavour) -> dict[str, tuple[str, str]]:
    return {place.role: (place.url, place.origin) for place in flavour.places}


def test_an_empty_machine_has_nothing() -> None:
    assert found() == ()


def test_without_discovery_nothing_is_looked_for() -> None:
    machine = Machine(files={"/etc/cozy/couchdb.login": b"", UNITS: b""})
    host, stack = FakeHost(machine), Stack(Config(discover=False))
    assert stack.flavours(host) == ()
    assert [one.source for one in host.evidence] == ["stacks"]


@pytest.mark.parametrize("world", STRANGE)
def test_a_strange_machine_does_not_break_it(world: str) -> None:
    stack = Stack(build(None, {}))
    stack.settle(FakeHost(STRANGE[world]()))
    assert stack.config.parts["home"].address[0]


# --- v2


@pytest.mark.parametrize("trace", ["/etc/cozy/couchdb.login", "/etc/cozy/stack.token", "/usr/local/cozy/apps"])
def test_a_cozy_v2_by_what_it_leaves(trace: str) -> None:
    [flavour] = found(files={trace: b""})
    assert (flavour.kind, flavour.evidence[0].source) == ("v2", trace)
    assert places(flavour)["cozy.home"] == ("http://127.0.0.1:9103", USUAL)


def test_the_controller_is_told_where_couchdb_is() -> None:
    told = {"env": {"data-system": {"COUCH_HOST": "10.0.0.3", "COUCH_PORT": "5985"}, "home": {"PORT": 9203}}}
    files = {"/etc/cozy/controller.json": json.dumps(told).encode()}
    config = settled(files=files)
    assert (config.couchdb.address, config.origins["couchdb.url"]) == (("10.0.0.3", 5985), "/etc/cozy/controller.json")
    assert (config.parts["home"].address, config.parts["proxy"].address) == (("127.0.0.1", 9203), ("127.0.0.1", 9104))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"env": 3}', b'{"env": {"data-system": []}}', b"[" * 9999])
def test_a_broken_controller_json_is_ignored_as_the_controller_ignores_it(content: bytes) -> None:
    assert settled(files={"/etc/cozy/controller.json": content}).couchdb == build(None, {}).couchdb


def test_a_part_that_listens_elsewhere_is_found_by_its_process() -> None:
    home = Process(602, 1, "S", "node", 0.0, ("node", "/usr/local/cozy/apps/home/server.js"), 107)
    [flavour] = found(files={"/etc/cozy/stack.token": b""}, processes=(home,), listening={9203: 602})
    assert places(flavour)["cozy.home"][1] == "process 602"
    assert places(flavour)["cozy.home"][0].endswith(":9203")


def test_one_that_left_nothing_behind_by_its_processes() -> None:
    proxy = Process(603, 1, "S", "node", 0.0, ("node", "/home/dev/cozy-proxy/server.js"), 1000)
    [flavour] = found(processes=(proxy,))
    assert (flavour.kind, flavour.evidence[0].source) == ("v2", "process 603")


def test_or_by_where_it_listens() -> None:
    assert found(listening={9101: 0, 9104: 0}) == ()
    [flavour] = found(listening={9101: 0, 9103: 0, 9104: 0})
    assert flavour.evidence[0].line == "listen on 9101, 9103, 9104"


def test_the_indexer_of_old_versions() -> None:
    [flavour] = found(files={"/etc/cozy/stack.token": b"", "/var/lib/cozy-indexer": b""})
    assert places(flavour)["cozy.indexer"] == ("http://127.0.0.1:9102", USUAL)


# --- v3


def test_options_of_the_command_line() -> None:
    assert options_of(["serve", "--port=8081", "--host", "0.0.0.0", "--verbose"]) == {"port": "8081", "host": "0.0.0.0"}
    assert options_of(["serve", "--port"]) == {"port": ""}


@pytest.mark.parametrize(
    ("unit", "yml", "local", "url", "origin"),
    [
        ("", "", "", "http://127.0.0.1:8080", USUAL),
        ("", "port: 8081\n", "", "http://127.0.0.1:8081", "/etc/cozy/cozy.yml:1"),
        ("", "port: 8081\n", "port: 8082\n", "http://127.0.0.1:8082", "/etc/cozy/cozy.yml.local:1"),
        ("", "host: 10.0.0.2\n", "", "http://10.0.0.2:8080", "/etc/cozy/cozy.yml:1"),
        ("", "host: '::'\nport: 8081\n", "", "http://[::1]:8081", "/etc/cozy/cozy.yml:2"),
        ("", "port: {{.Env.PORT}}\n", "", "http://127.0.0.1:8080", USUAL),
        ("ExecStart=/usr/bin/cozy-stack serve --port 8083\n", "port: 8081\n", "", "http://127.0.0.1:8083", UNITS),
        ("ExecStart=/usr/bin/cozy-stack serve \\\n --port=8083\n", "", "", "http://127.0.0.1:8083", UNITS),
        ("Environment=COZY_PORT=8084 A=b\n", "port: 8081\n", "", "http://127.0.0.1:8084", UNITS),
        ("ExecStart=/bin/sh -c 'unclosed\n", "", "", "http://127.0.0.1:8080", USUAL),
    ],
)
def test_where_a_cozy_stack_answers(unit: str, yml: str, local: str, url: str, origin: str) -> None:
    files = {UNITS: b"[Service]\n" + unit.encode(), "/etc/cozy/cozy.yml": yml.encode(),
             "/etc/cozy/cozy.yml.local": local.encode()}  # fmt: skip
    [flavour] = found(files=files)
    assert (flavour.kind, flavour.way, places(flavour)["cozy.stack"]) == ("v3", "systemd", (url, origin))


def test_a_configuration_of_its_own() -> None:
    files = {UNITS: b"ExecStart=/usr/bin/cozy-stack serve -c /srv/cozy.yml\n", "/srv/cozy.yml": b"port: 9000\n",
             "/etc/cozy/cozy.yml": b"port: 8081\n"}  # fmt: skip
    [flavour] = found(files=files)
    assert places(flavour)["cozy.stack"] == ("http://127.0.0.1:9000", "/srv/cozy.yml:1")


def test_one_from_source_by_its_process() -> None:
    serving = Process(800, 1, "S", "cozy-stack", 0.0, ("./cozy-stack", "serve", "--port", "8090"), 1000)
    asking = Process(801, 1, "S", "cozy-stack", 0.0, ("./cozy-stack", "instances", "ls"), 1000)
    boxed = Process(802, 1, "S", "cozy-stack", 0.0, ("cozy-stack", "serve"), 1000)
    files = {"/proc/802/cgroup": b"0::/system.slice/docker-0123.scope\n"}
    own, hidden = found(processes=(serving, asking, boxed), files=files)
    assert (own.way, places(own)["cozy.stack"]) == ("process", ("http://127.0.0.1:8090", "process 800"))
    assert (hidden.way, places(hidden)) == ("container", {"cozy.stack": ("", "process 802")})


def test_what_an_administrator_has_put_beside_the_unit() -> None:
    drop_in = "/etc/systemd/system/cozy-stack.service.d/override.conf"
    files = {UNITS: b"ExecStart=x serve\n", drop_in: b"[Service]\nEnvironment=COZY_PORT=8085\n"}
    [flavour] = found(files=files)
    assert places(flavour)["cozy.stack"][0] == "http://127.0.0.1:8085"


ENVIRONMENT = b"""# cozy
COZY_PORT="8086"
COZY_ADMIN_PORT = 6061
; COZY_HOST=10.0.0.9
COZY_COUCHDB_URL=http://app:s3cretword@10.0.0.3:5985/
PORT=1
"""


def test_what_stands_in_the_files_of_a_units_environment() -> None:
    unit = (
        b"Environment=COZY_PORT=8085 COZY_HOST=10.0.0.2\nEnvironmentFile=-/etc/default/cozy-stack\nExecStart=x serve\n"
    )
    files = {UNITS: unit, "/etc/default/cozy-stack": ENVIRONMENT, "/etc/cozy/cozy.yml": b"port: 1\nhost: 10.0.0.1\n"}
    [flavour] = found(files=files)
    assert places(flavour) == {
        "cozy.stack": ("http://10.0.0.2:8086", "/etc/default/cozy-stack"),
        "cozy.admin": ("http://127.0.0.1:6061", "/etc/default/cozy-stack"),
        "couchdb": ("http://app:s3cretword@10.0.0.3:5985/", "/etc/default/cozy-stack"),
    }
    assert [one.source for one in flavour.evidence] == [UNITS, "/etc/default/cozy-stack", "/etc/cozy/cozy.yml"]
    config = settled(files=files)
    assert (config.couchdb.url, config.origins["couchdb.url"]) == ("http://10.0.0.3:5985/", "/etc/default/cozy-stack")
    assert "s3cretword" not in str(explain(config))


@pytest.mark.parametrize(
    ("unit", "url", "origin"),
    [
        ("EnvironmentFile=/a\nEnvironmentFile=/b\n", "http://127.0.0.1:8087", "/b"),
        ("EnvironmentFile=/a\nEnvironmentFile=\n", "http://127.0.0.1:8080", USUAL),
        ("EnvironmentFile=/missing\n", "http://127.0.0.1:8080", USUAL),
        ("EnvironmentFile=/a\nExecStart=/usr/bin/cozy-stack serve --port 8083\n", "http://127.0.0.1:8083", UNITS),
        ("EnvironmentFile=/a\nEnvironment=COZY_PORT=8085\n", "http://127.0.0.1:8086", "/a"),
        ("Environment=COZY_PORT=8085\nEnvironment=COZY_PORT=8084\n", "http://127.0.0.1:8084", UNITS),
    ],
)
def test_which_of_several_wins(unit: str, url: str, origin: str) -> None:
    [flavour] = found(files={UNITS: unit.encode(), "/a": b"COZY_PORT=8086\n", "/b": b"COZY_PORT='8087'\n"})
    assert places(flavour)["cozy.stack"] == (url, origin)


def test_what_was_found_is_shown_with_where_it_was_read() -> None:
    files = {UNITS: b"", "/etc/cozy/cozy.yml": b"couchdb:\n  url: http://app:s3cretword@10.0.0.3:5985/\nport: 8081\n"}
    rows = {key: (value, origin) for key, value, origin in explain(settled(files=files))}
    assert rows["couchdb.url"] == ('"http://10.0.0.3:5985/"', "/etc/cozy/cozy.yml:2")
    assert rows["couchdb.password"] == ("***", "/etc/cozy/cozy.yml:2")
    assert rows["parts.stack.url"] == ('"http://127.0.0.1:8081"', "/etc/cozy/cozy.yml:3")


def test_two_of_them_and_a_cozy_v2() -> None:
    files = {"/etc/cozy/stack.token": b"", UNITS: b"ExecStart=x --port 8081\n",
             "/etc/systemd/system/cozy-stack@b.service": b"ExecStart=x --port 8082\n"}  # fmt: skip
    every = found(files=files)
    assert [one.kind for one in every] == ["v2", "v3", "v3"]
    assert {places(one)["cozy.stack"][0][-4:] for one in every[1:]} == {"8081", "8082"}


def test_couchdb_and_its_login_come_from_the_stacks_own_file() -> None:
    files = {UNITS: b"", "/etc/cozy/cozy.yml.local": b"couchdb:\n  url: http://app:s%40cret@localhost:5985/\n"}
    config = settled(files=files)
    assert (config.couchdb.url, config.couchdb.address) == ("http://localhost:5985/", ("localhost", 5985))
    assert config.couchdb.password is not None
    assert config.couchdb.password.reveal() == "s@cret"
    assert config.origins["couchdb.url"] == "/etc/cozy/cozy.yml.local:2"


def test_the_password_that_was_found_is_masked() -> None:
    files = {UNITS: b"", "/etc/cozy/cozy.yml.local": b"couchdb:\n  url: http://app:s3cretword@localhost:5985/\n"}
    host, stack = FakeHost(Machine(files=files)), Stack(build(None, {}))
    stack.settle(host)
    assert "s3cretword" not in stack.masks().mask("the word is s3cretword")


def test_beside_a_cozy_v2_it_is_v2s_couchdb_that_is_asked() -> None:
    files = {
        UNITS: b"",
        "/etc/cozy/cozy.yml": b"couchdb:\n  url: http://b:b@localhost:5985/\n",
        "/etc/cozy/stack.token": b"",
    }
    assert settled(files=files).couchdb == build(None, {}).couchdb
    configured = build(File("c", '[couchdb]\nurl = "http://10.1.1.1:1"\n'), {})
    assert [places(one).get("couchdb", ("",))[0] for one in found(configured, files=files)] == [
        "", "http://b:b@localhost:5985/",
    ]  # fmt: skip


def test_the_password_of_a_stack_beside_a_v2_is_masked_too() -> None:
    files = {UNITS: b"", "/etc/cozy/stack.token": b"",
             "/etc/cozy/cozy.yml": b"couchdb:\n  url: http://own:s3cret%2Fword@localhost:5985/\n"}  # fmt: skip
    host, stack = FakeHost(Machine(files=files)), Stack(build(None, {}))
    stack.settle(host)
    assert stack.masks().mask("s3cret%2Fword, s3cret/word") == "***, ***"


# --- what is configured stays


def test_what_is_configured_wins() -> None:
    config = build(File("c", '[couchdb]\nurl = "http://10.1.1.1:1"\n[parts.stack]\nurl = "http://127.0.0.1:7"\n'), {})
    files = {UNITS: b"ExecStart=x --port 8081\n", "/etc/cozy/cozy.yml": b"couchdb:\n  url: http://10.2.2.2:2/\n"}
    kept = settled(config, files=files)
    assert (kept.couchdb.address, kept.parts["stack"].address) == (("10.1.1.1", 1), ("127.0.0.1", 7))


def test_a_stack_that_is_only_configured_is_there_without_discovery() -> None:
    config = build(File("c", 'discover = false\n[parts.stack]\nurl = "http://127.0.0.1:7"\n'), {})
    [flavour] = found(config)
    assert places(flavour) == {"cozy.stack": ("http://127.0.0.1:7", "c:3")}


def test_the_usual_address_of_v2_stays_a_default() -> None:
    flavour = Flavour("v2", "Cozy v2", "", (Place("cozy.home", "http://127.0.0.1:9103", USUAL),), ())
    config = build(None, {})
    assert discovery.applied(config, (flavour,)).origins == config.origins


# --- containers


def test_compose_is_asked_at_the_containers_own_addresses() -> None:
    config = settled(**engine(STACK, COUCHDB), web=WEB)
    assert (config.parts["stack"].address, config.origins["parts.stack.url"]) == (
        ("172.18.0.3", 8080), "docker:cozy/stack",
    )  # fmt: skip
    assert (config.couchdb.address, config.origins["couchdb.url"]) == (("172.18.0.2", 5984), "docker:cozy/couchdb")


def test_a_published_port_goes_before_the_containers_own() -> None:
    published = {"8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}]}
    one = container("stack", "cozy/cozy-stack", "172.18.0.3", ports=published)
    [flavour] = found(**engine(one))
    assert places(flavour)["cozy.stack"] == ("http://127.0.0.1:18080", "docker:cozy/stack")


def test_where_the_network_of_containers_is_closed_there_is_no_address() -> None:
    [flavour] = found(**engine(STACK), elsewhere=Failure("unreachable", "no route"))
    assert places(flavour)["cozy.stack"] == places(flavour)["cozy.admin"] == ("", "docker:cozy/stack")
    assert flavour.container is not None
    assert flavour.container.running


def test_another_programs_container_is_none_of_ours() -> None:
    assert found(**engine(container("db", "postgres:16", "172.18.0.9", exposed={"5432/tcp": {}}))) == ()


def test_the_old_image_with_all_in_it() -> None:
    published = {"9104/tcp": [{"HostIp": "", "HostPort": "9104"}], "443/tcp": [{"HostIp": "", "HostPort": "443"}]}
    [flavour] = found(**engine(container("all", "cozy/full", "172.18.0.4", ports=published)))
    assert (flavour.kind, places(flavour)) == ("v2", {"cozy.proxy": ("http://127.0.0.1:9104", "docker:cozy/all")})
