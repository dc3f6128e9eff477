"""A name that leads to several addresses, and a server on another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.config.values import CouchDB
from cozydiag.host import Failure
from cozydiag.testing import HANGS, REFUSED, Machine, Served, answer

if TYPE_CHECKING:
    from cozydiag.config import Config
    from tests.checks.conftest import Cozy

FIRST, SECOND = "192.0.2.1", "192.0.2.2"


def at(cozy: Cozy, name: str) -> Config:
    return cozy.with_config(couchdb=CouchDB(url=f"http://{name}:5984", address=(name, 5984)))


def server(cozy: Cozy, served: dict[str, Served], **more: Any) -> Machine:
    """``served`` by address; the name itself leads to the first of them that takes a connection."""
    first = next((one for one in served.values() if one is not REFUSED), REFUSED)
    web = {f"{address}:5984": one for address, one in served.items()}
    machine = cozy.machine(web={**web, "db.test:5984": first, "localhost:5984": first}, **more)
    machine.names = {"db.test": tuple(served), "localhost": tuple(served)}
    machine.listening = {}
    return machine


OTHER = answer(200, "hello", Server="nginx")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (None, ("ok", "")),
        (REFUSED, ("warn", "couchdb.address_dead")),
        (OTHER, ("warn", "couchdb.address_dead")),
        (Failure("reset", "connection reset by peer"), ("warn", "couchdb.address_dead")),
    ],
    ids=["both", "refused", "another program", "reset"],
)
def test_each_address_of_a_name_is_told_apart(cozy: Cozy, second: Served | None, expected: tuple[str, str]) -> None:
    machine = server(cozy, {FIRST: cozy.healthy_couchdb, SECOND: second or cozy.healthy_couchdb})
    (finding,) = cozy.look("couchdb.reach", machine, at(cozy, "db.test"))
    assert cozy.said([finding]) == [expected]
    if expected[1]:
        assert dict(finding.text.params)["dead"] == SECOND


def test_a_localhost_without_ipv6_is_how_couchdb_comes(cozy: Cozy) -> None:
    machine = server(cozy, {"127.0.0.1": cozy.healthy_couchdb, "::1": REFUSED})
    (finding,) = cozy.look("couchdb.reach", machine, at(cozy, "localhost"))
    assert cozy.said([finding]) == [("ok", "")]
    assert dict(finding.text.params)["dead"] == "::1"


def test_another_program_at_ipv6_is_not(cozy: Cozy) -> None:
    machine = server(cozy, {"127.0.0.1": cozy.healthy_couchdb, "::1": OTHER})
    assert cozy.said(cozy.look("couchdb.reach", machine, at(cozy, "localhost"))) == [("warn", "couchdb.address_dead")]


def test_a_name_of_which_no_address_answers_says_each(cozy: Cozy) -> None:
    lost = Failure("unreachable", "no route to host")
    machine = server(cozy, {FIRST: REFUSED, SECOND: lost})
    machine.web = {**machine.web, "db.test:5984": REFUSED}
    (finding,) = cozy.look("couchdb.reach", machine, at(cozy, "db.test"))
    assert finding.code == "service.down"
    assert dict(finding.text.params)["why"] == f"{FIRST}: connection refused; {SECOND}: no route to host"


def test_a_name_that_leads_nowhere(cozy: Cozy) -> None:
    machine = server(cozy, {FIRST: cozy.healthy_couchdb})
    machine.web = {**machine.web, "db.test:5984": Failure("name", "db.test: Name or service not known")}
    (finding,) = cozy.look("couchdb.reach", machine, at(cozy, "db.test"))
    assert (finding.code, finding.restart_helps) == ("couchdb.name_unknown", False)


@pytest.mark.parametrize(("name", "seconds"), [("db.test", 5.0), ("192.0.2.1", 5.0), ("127.0.0.1", 2.0)])
def test_a_server_elsewhere_has_the_time_of_another_machine(cozy: Cozy, name: str, seconds: float) -> None:
    machine = server(cozy, {FIRST: HANGS, "127.0.0.1": HANGS})
    diagnosis = cozy.examine(machine, at(cozy, name))
    (reach,) = [one for one in diagnosis.results if one.id == "couchdb.reach"]
    assert [finding.code for finding in reach.findings] == ["service.hung"]
    assert machine.clock.passed >= seconds
    assert machine.clock.passed < seconds + 2.0


def test_of_a_server_elsewhere_no_file_is_looked_at_and_that_is_said(cozy: Cozy) -> None:
    machine = server(cozy, {FIRST: cozy.healthy_couchdb}, files={"/opt/couchdb/etc/local.ini": b"nonsense\n"})
    for check in ("couchdb.files", "couchdb.storage", "couchdb.settings", "couchdb.log"):
        assert cozy.said(cozy.look(check, machine, at(cozy, "db.test"))) == [("skip", "")]
