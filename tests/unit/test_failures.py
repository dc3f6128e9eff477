"""The list of failures of the field: each has cases of the lab, or says why it cannot be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.laboratory.cases import CASES
from scripts.laboratory.hosts.cases import CASES as HOST_CASES
from scripts.laboratory.hosts.run import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
EXPECTED = {case.id: case.expected for case in (*CASES, *HOST_CASES)}


def test_all_are_there_in_their_order() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 44))


@pytest.mark.parametrize(("number", "told"), [(number, told) for number, _, told in ROWS])
def test_each_has_cases_or_a_reason(number: str, told: str) -> None:
    if told.startswith("Not to be seen"):
        assert len(told) > 40
    else:
        names = told.split(", ")
        assert all(re.fullmatch(r"`[\w-]+`", name) for name in names), told
        assert all(EXPECTED[name.strip("`")] for name in names)


def test_most_of_them_are_cases() -> None:
    assert sum(told.startswith("`") for _, _, told in ROWS) >= 34


def test_every_case_of_a_server_can_be_made() -> None:
    assert len(EXPECTED) == len(CASES) + len(HOST_CASES)
    for case in HOST_CASES:
        server, fault = case.faults
        assert fault in KINDS[server].faults
    for server in ("v2", "v3"):
        assert set(KINDS[server].faults) == {case.faults[1] for case in HOST_CASES if case.faults[0] == server}
