"""What an ordinary user may not see is unknown, with the line that would show it; never well, never broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cozydiag.engine.diagnosis import verdict
from cozydiag.host import Failure
from cozydiag.model import Status
from cozydiag.testing import Machine, answer

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

DENIED = Failure("permission", "permission denied")


def ordinary(cozy: Cozy) -> Machine:
    """The healthy server as somebody sees it who is neither root nor in any group."""
    files: dict[str, bytes | Failure] = {"/etc/cozy/couchdb.login": DENIED, "/run/supervisor.sock": b""}
    listening = dict.fromkeys((80, 5984, 9002, 9101, 9103, 9104), 0)
    return cozy.machine(supervisord=DENIED, files=files, listening=listening, uid=1000)


def test_what_is_closed_is_unknown_and_says_how_to_look(cozy: Cozy) -> None:
    diagnosis = cozy.examine(ordinary(cozy))
    blind = {one.instance: one.findings[0] for one in diagnosis.results if one.status is Status.UNKNOWN}
    assert {name: finding.code for name, finding in blind.items()} == {
        "supervisor.running": "supervisor.permission",
        "couchdb.login": "couchdb.credentials_unreadable",
        "cozy.secrets": "cozy.secret_unseen",
    }
    assert all((finding.unlock or "").startswith("sudo ") for finding in blind.values())


def test_a_password_in_a_closed_file_is_unknown_and_says_how_to_look(cozy: Cozy) -> None:
    machine = ordinary(cozy)
    machine.sockets = {**machine.sockets, "/run/supervisor.sock": answer(401)}
    machine.files = {**machine.files, "/etc/supervisor/supervisord.conf": DENIED}
    (finding,) = cozy.look("supervisor.running", machine)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "supervisor.permission")
    assert (finding.unlock or "").startswith("sudo ")


def test_nothing_broken_was_seen_but_the_verdict_is_not_ok(cozy: Cozy) -> None:
    diagnosis = cozy.examine(ordinary(cozy))
    assert diagnosis.causes == []
    assert verdict(diagnosis.results, diagnosis.causes) is Status.UNKNOWN


def test_commands_for_others_begin_with_sudo(cozy: Cozy) -> None:
    machine = ordinary(cozy)
    machine.processes = ()
    (finding,) = cozy.look("proxy.running", machine)
    assert finding.commands == ("sudo service nginx start",)
