"""Every format in states of the lab, as `scripts/lab --states` has written them down: of each kind of state one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cozydiag.model import Status
from cozydiag.report.as_json import as_data
from scripts.laboratory.formats import as_report, taken

RECORDED = Path(__file__).parents[1] / "recordings" / "states.jsonl"
STATES = {one.pop("case"): one for one in map(json.loads, RECORDED.read_text("utf-8").splitlines())}


@pytest.mark.parametrize("case", STATES)
def test_every_format_of_every_state_is_taken(case: str) -> None:
    outputs, refused = taken(STATES[case])
    assert outputs == 8
    assert refused == ()


def test_there_are_states_of_every_kind() -> None:
    assert {one["verdict"] for one in STATES.values()} == {"ok", "warning", "critical", "unknown"}
    kinds = {result["status"] for one in STATES.values() for result in one["results"]}
    assert kinds == {str(one) for one in Status} - {"error"}  # no check of ours breaks


@pytest.mark.parametrize("case", STATES)
def test_it_is_rendered_from_what_was_found(case: str) -> None:
    """All that JSON has of it; texts by their English words, as those that count lose their template."""
    state = STATES[case]
    assert _worded(as_data(as_report(state))) == _worded({**state, "not_looked": _without_unlock(state)})


def _worded(data: Any) -> Any:
    if isinstance(data, list):
        return [_worded(one) for one in data]
    if isinstance(data, dict):
        return {name: _worded(one) for name, one in data.items() if name not in ("id", "params") or "text" not in data}
    return data


def _without_unlock(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**one, "unlock": None} for one in state["not_looked"]]
