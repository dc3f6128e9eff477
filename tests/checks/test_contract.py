"""The contract that every check meets, over all that the registry finds."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cozydiag.engine import registry
from cozydiag.stack import Mount
from cozydiag.testing import contract

if TYPE_CHECKING:
    from tests.checks.conftest import Cozy

ROOT = Path(__file__).parents[2]
CHECKS = registry.load().checks

CREDULOUS = {
    # A site may show anything: what is behind it is looked at by other checks.
    "stack.kind": ("empty", "garbage", "not UTF-8", "other JSON", "deep JSON", "1 MiB"),  # it goes by which files exist
    "cozy.indexer": ("empty", "garbage", "not UTF-8", "other JSON", "deep JSON", "1 MiB"),  # any answer is its own
    "proxy.gateway": ("empty", "garbage", "not UTF-8", "other JSON", "deep JSON", "1 MiB"),
    # That a file is there is the sign itself.
    "host.clock": ("empty", "garbage", "not UTF-8", "other JSON", "deep JSON", "1 MiB"),
}
ITEMS: dict[str, Any] = {"host.disk": Mount("/", "/")}


def documented() -> list[str]:
    return re.findall(r"^\| `([a-z0-9_.-]+)` \|", (ROOT / "docs/codes.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("check_id", CHECKS)
def test_every_check_meets_the_contract(check_id: str, cozy: Cozy) -> None:
    contract(
        CHECKS[check_id],
        cozy.machine,
        cozy.config,
        item=ITEMS.get(check_id),
        documented=documented(),
        credulous=CREDULOUS.get(check_id, ()),
    )


# --- the list of codes

MAKERS = {"fail", "warn", "unknown", "Finding", "broken", "dead", "Ill", "Words", "Reason"}
"""The functions that take a code."""


@cache
def trees() -> list[ast.AST]:
    sources = [*(ROOT / "checks").glob("*.py"), *(ROOT / "cozydiag").rglob("*.py")]
    return [node for path in sources for node in ast.walk(ast.parse(path.read_text()))]


def literal_codes() -> set[str]:
    calls = [node for node in trees() if isinstance(node, ast.Call)]
    arguments = [a for call in calls if isinstance(call.func, ast.Name) and call.func.id in MAKERS for a in call.args]
    either = [branch for one in arguments if isinstance(one, ast.IfExp) for branch in (one.body, one.orelse)]
    words = [one.value for one in (*arguments, *either) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return {word for word in words if re.fullmatch(r"[a-z0-9_-]+\.[a-z0-9_.-]+", word)}


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    """Some are keys of tables of words."""
    known = documented()
    anywhere = {node.value for node in trees() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert known == sorted(set(known))
    assert literal_codes() - set(known) == set()
    assert set(known) - anywhere == set()
