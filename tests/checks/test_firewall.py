"""The firewall of a machine whose sites are meant for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cozydiag.config import Config
from cozydiag.config.values import Site
from cozydiag.host import Failure
from cozydiag.host.commands import Completed
from cozydiag.model import Finding
from cozydiag.stack import Stack
from cozydiag.testing import FakeHost, Machine, run_check

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

RECORDED = Path(__file__).parents[1] / "recordings" / "nftables"
SITES = (Site("https://cozy.test/", "cozy.test", ("192.0.2.1", 443), tls=True),)
ROUTE = (
    b"Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    b"eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n"
)
KERNEL = {"/sys/module/nf_tables": b"", "/proc/net/route": ROUTE}


def listed(name: str) -> Completed:
    return Completed(0, (RECORDED / f"{name}.json").read_bytes(), b"")


def look(cozy: Cozy, machine: Machine, config: Config | None = None) -> list[Finding]:
    return run_check(cozy.checks["host.firewall"], FakeHost(machine), Stack(config or Config(sites=SITES)))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("open", ("ok", "")),
        ("server", ("ok", "")),
        ("workstation", ("fail", "firewall.closed")),
        ("zones", ("fail", "firewall.closed")),
    ],
)
def test_its_rules(cozy: Cozy, rules: str, said: tuple[str, str]) -> None:
    machine = Machine(files=KERNEL, commands={"nft": listed(rules)})
    assert cozy.said(look(cozy, machine)) == [said]


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({}, "nft add rule inet filter input tcp dport 80 accept"),
        ({"/etc/ufw/ufw.conf": b"ENABLED=yes\n"}, "ufw allow 80/tcp"),
    ],
)
def test_the_line_that_opens_it(cozy: Cozy, files: dict[str, bytes], command: str) -> None:
    (finding,) = look(cozy, Machine(files=KERNEL | files, commands={"nft": listed("workstation")}))
    assert finding.commands[0] == command


def test_without_root_it_is_unknown_with_the_line_that_shows_it(cozy: Cozy) -> None:
    (finding,) = look(cozy, Machine(files=KERNEL, uid=1000))
    assert cozy.said([finding]) == [("unknown", "firewall.unseen")]
    assert (finding.unlock or "").startswith("sudo ")


@pytest.mark.parametrize("answer", [Failure("missing", "no nft"), Completed(1, b"", b"no"), Completed(0, b"{}", b"")])
def test_what_cannot_be_listed_is_unknown(cozy: Cozy, answer: Completed | Failure) -> None:
    found = look(cozy, Machine(files=KERNEL, commands={"nft": answer}))
    assert cozy.said(found) == [("unknown", "firewall.unseen")]


def test_no_firewall_and_no_forwarding(cozy: Cozy) -> None:
    assert cozy.said(look(cozy, Machine())) == [("skip", "")]
    bridge = {"/sys/class/net/docker0": b"", "/proc/sys/net/ipv4/ip_forward": b"0\n"}
    assert cozy.said(look(cozy, Machine(files=bridge))) == [("warn", "firewall.forwarding"), ("skip", "")]


def test_a_site_for_this_machine_alone_needs_none(cozy: Cozy) -> None:
    config = Config(discover=False, sites=(Site("http://cozy.localhost/", "cozy.localhost", ("127.0.0.1", 80), False),))
    machine = Machine(files=KERNEL, commands={"nft": listed("workstation")})
    assert cozy.said(look(cozy, machine, config)) == [("skip", "")]
