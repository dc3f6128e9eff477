"""True names back into an answer."""

from __future__ import annotations

import pytest

from cozydiag.report.revealing import revealed

NAMES = {
    "host1": "attic",
    "host12": "cellar",
    "domain1.example": "smith.org",
    "name1-drive.domain1.example": "anne-drive.smith.org",
    "user1": "anne",
    "<ip4-net1-host2>": "203.0.113.7",
    "mail1": "anne@mail.org",
    "maildom1.example": "mail.org",
}


@pytest.mark.parametrize(
    ("said", "true", "count"),
    [
        ("restart host1, not host12 or host123", "restart attic, not cellar or host123", 2),
        ("ask https://name1-drive.domain1.example/x", "ask https://anne-drive.smith.org/x", 1),
        ("User1 on HOST1.", "anne on attic.", 2),
        ("ping <ip4-net1-host2>!", "ping 203.0.113.7!", 1),
        ("write to mail1@maildom1.example", "write to anne@mail.org", 1),
        ("mail1%40maildom1.example. mail1, maildom1.example", "anne@mail.org. anne@mail.org, mail.org", 3),
        ("superuser1 and user1x and <secret#1>", "superuser1 and user1x and <secret#1>", 0),
        ("", "", 0),
    ],
)
def test_whole_stand_ins_are_replaced_and_nothing_else(said: str, true: str, count: int) -> None:
    assert revealed(said, NAMES) == (true, count)


def test_without_a_map_nothing_is_changed() -> None:
    assert revealed("host1", {}) == ("host1", 0)
