"""What rests on what: derived from the checks, and told in two ways."""

from __future__ import annotations

import subprocess
import sys

from cozydiag.engine import registry
from cozydiag.model import Check
from cozydiag.report import graph
from cozydiag.text import t
from cozydiag.text.catalogue import ENGLISH, render
from scripts.graph import PAGE, page

CHECKS = registry.load().checks


def say(text: object) -> str:
    return render(text, ENGLISH)  # type: ignore[arg-type]


def check(id: str, role: str | None = None, because: tuple[str, ...] = (), each: str | None = None) -> Check:
    return Check(id, t("x"), print, because=because, role=role, each=each)


def drawn(*checks: Check) -> list[graph.Node]:
    return graph.nodes({one.id: one for one in checks})


def test_the_page_is_what_the_checks_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m scripts.graph"


def test_the_order_of_a_cozy() -> None:
    """Each stands after what it rests on, near or far."""
    order = [node.id for node in graph.nodes(CHECKS)]
    for chain in (
        ("host", "couchdb", "cozy.data-system", "cozy.home", "cozy.proxy", "proxy", "site"),
        ("supervisor", "couchdb", "cozy.controller", "cozy.proxy"),
        ("name", "proxy"),
    ):
        assert sorted(chain, key=order.index) == list(chain)


def test_nothing_rests_on_itself_and_every_check_stands_once() -> None:
    seen: set[str] = set()
    for node in graph.nodes(CHECKS):
        assert set(node.rests_on) <= seen
        seen.add(node.id)
    assert sorted(one.id for node in graph.nodes(CHECKS) for one in node.checks) == sorted(CHECKS)


def test_what_is_there_by_way_of_another_is_left_out() -> None:
    found = drawn(check("a.x", "a"), check("b.x", "b", ("a.x",)), check("c.x", "c", ("a.x", "b.x")))
    assert [(node.id, node.rests_on) for node in found] == [("a", ()), ("b", ("a",)), ("c", ("b",))]


def test_a_circle_is_opened() -> None:
    found = drawn(check("a.x", "a"), check("b.x", "b", ("a.x",)), check("a.y", "a", ("b.x",)))
    assert [(node.id, node.rests_on) for node in found] == [("a", ()), ("b", ("a",))]


def test_a_check_without_a_role_stands_under_its_own_word() -> None:
    assert [node.id for node in drawn(check("backup.recent"), check("disk.x", each="mounts"))] == ["backup", "host"]


def test_both_ways_of_telling() -> None:
    found = drawn(check("host.x", "host"), check("couchdb.x", "couchdb", ("host.x",)))
    assert graph.mermaid(found, say) == (
        'flowchart BT\n    host["host"]\n    couchdb["CouchDB"]\n    host --> couchdb\n'
    )
    assert graph.plain(found, say) == "host\n    host.x\nCouchDB ← host\n    couchdb.x\n"


def test_the_command_tells_it_in_80_columns_and_in_french() -> None:
    for words in (["--graph"], ["--graph", "--lang", "fr"], ["--graph", "--mermaid"]):
        line = [sys.executable, "-m", "cozydiag", "checks", *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "couchdb" in done.stdout
        assert all(len(one) <= 80 for one in done.stdout.splitlines()) or "--mermaid" in words
